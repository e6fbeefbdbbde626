# Everything a developer runs here. `make` alone lists it.

PY = .venv/bin/python
PORT ?= 8000
JOBS ?= 2
ARGS ?=
export JOBS

.DEFAULT_GOAL := help
.PHONY: help venv demo admin docs test test-postgres test-mariadb test-browser test-scale test-all torture bench coverage mutation lint format types clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make test ARGS='-k replace'  hands arguments to pytest; JOBS=0 runs it in one process; PYTHON=... picks the venv's Python."

venv:  ## .venv with everything installed; made again when pyproject.toml changes
	@PYTHON="$(PYTHON)" .ci/venv .venv dev

demo: venv  ## the main job, step by step on the terminal, on SQLite
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py demo

admin: venv  ## the example project's admin at http://127.0.0.1:8000/admin/ (PORT=...), with a demo login
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py demo --data-only
	@echo "http://127.0.0.1:$(PORT)/admin/   user: admin   password: admin"
	@$(PY) manage.py runserver 127.0.0.1:$(PORT)

docs: venv  ## write the SQL and the tables in README.md anew, from what runs
	@REWRITE_DOCS=1 $(PY) -m pytest -q tests/test_docs.py $(ARGS)

test: venv  ## the tests on SQLite
	@.ci/tests .venv sqlite $(ARGS)

test-postgres: venv  ## the tests on PostgreSQL: the server at PGHOST:PGPORT (127.0.0.1:5432), or one started here
	@.ci/venv .venv postgres
	@.ci/server postgres
	@.ci/tests .venv postgres $(ARGS)

test-mariadb: venv  ## the tests on MariaDB: the server at MYSQL_HOST:MYSQL_TCP_PORT (127.0.0.1:3306), or one started here
	@.ci/venv .venv mysql
	@.ci/server mariadb
	@.ci/tests .venv mariadb $(ARGS)

test-browser: venv  ## the admin in a real browser, Debian's chromium (SCREENSHOTS=docs/images takes the docs' pictures anew)
	@{ command -v chromium && command -v chromedriver; } >/dev/null || .ci/apt chromium chromium-driver
	@.ci/venv .venv browser
	@$(PY) -m pytest -m browser $(ARGS)

test-scale: venv  ## the verbs on a million links, on SQLite (TEST_DATABASE=postgres or mariadb: on that server)
	@$(PY) -m pytest -m scale $(ARGS)

test-all:  ## both servers, then Python 3.11 x Django 5.2, 3.12 x 6.0, 3.13 x 6.1 (REQUIRE_ALL=1: all must run)
	@RAN=$$(mktemp); export RAN; trap 'rm -f "$$RAN"' EXIT; \
	$(MAKE) --no-print-directory test-postgres && $(MAKE) --no-print-directory test-mariadb && .ci/matrix

torture: venv  ## every verb under every fault, and 8 processes at once, on PostgreSQL and MariaDB servers started for it
	@.ci/venv .venv postgres
	@.ci/venv .venv mysql
	@.ci/torture .venv postgres $(ARGS)
	@.ci/torture .venv mariadb $(ARGS)

bench: venv  ## each verb beside Django, SQLAlchemy and the bare driver, on the databases that answer (ARGS=--quick)
	@.ci/venv .venv bench
	@$(PY) -m benchmarks $(ARGS)

coverage: venv  ## the tests on SQLite, and what they left uncovered, in the processes that they start too
	@$(PY) -m coverage erase
	@$(PY) -m coverage run -m pytest -n $(JOBS) --dist worksteal $(ARGS)
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage report

mutation: venv  ## mutants of the modules that make SQL, which the fast tests must kill; hours (ARGS='gorm_assoc.soft_delete*')
	@.ci/venv .venv mutation
	@.venv/bin/mutmut run --max-children $(JOBS) $(ARGS)
	@.venv/bin/mutmut results

lint: venv  ## ruff: rules and formatting
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

format: venv  ## let ruff fix and format what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: venv  ## mypy, strict
	@$(PY) -m mypy

clean:  ## remove the venvs, the demo's database and the tools' caches
	rm -rf .venv .venvs db.sqlite3 .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage mutants
