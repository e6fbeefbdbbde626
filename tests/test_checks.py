"""The system checks as a whole: the documentation, the order of work, and that nothing right is reported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import django
import pytest
from django.core import checks
from django.core.management import call_command
from django.test import SimpleTestCase, TestCase, override_settings

import gorm_assoc
from gorm_assoc.checks import check_gorm_assoc
from tests.checking import CheckTestCase

PACKAGE = Path(gorm_assoc.__file__).parent
ROOT = PACKAGE.parent
PAGE = (ROOT / "docs/checks.md").read_text()


class Block(NamedTuple):
    id: str
    words: list[str]
    source: str


def blocks() -> Iterator[Block]:
    """The Python of the page: under which heading, marked how, and the code."""
    id = ""
    for heading, words, source in re.findall(
        r"^### gorm_assoc\.(\w+)|^```python ?([^\n]*)\n(.*?)^```", PAGE, re.M | re.S
    ):
        id = heading or id
        if not heading:
            yield Block(id, words.split(), source)


SHARED = next(block.source for block in blocks() if block.words == ["shared"])
EXAMPLES = [block for block in blocks() if block.words != ["shared"]]


class DocumentationTests(SimpleTestCase):
    def test_every_id_has_one_heading_and_every_heading_an_id(self):
        in_code = set()
        for path in (PACKAGE / "checks").glob("*.py"):
            in_code |= set(re.findall(r'id="gorm_assoc\.([EW]\d{3})"|"gorm_assoc\.([EW]\d{3})"', path.read_text()))
        headings = re.findall(r"^### gorm_assoc\.([EW]\d{3}): ", PAGE, re.M)

        assert len(headings) == len(set(headings))
        assert sorted(headings) == sorted({first or second for first, second in in_code})

    def test_ids_are_numbered_without_a_gap(self):
        for letter in "EW":
            numbers = sorted(map(int, re.findall(rf"^### gorm_assoc\.{letter}(\d{{3}}): ", PAGE, re.M)))

            assert numbers == list(range(1, len(numbers) + 1))

    def test_every_rule_names_its_id_first(self):
        for path in (PACKAGE / "checks").glob("*.py"):
            for docstring, body in re.findall(
                r'^def check_\w+\(.*?"""(.*?)"""(.*?)(?=^def |\Z)', path.read_text(), re.M | re.S
            ):
                if path.name != "__init__.py":
                    ids = set(re.findall(r'gorm_assoc\.[EW]\d{3}(?=")', body)) or {docstring}
                    assert ids == {docstring}

    def test_every_id_has_a_wrong_and_a_right_example(self):
        shown = {(block.id, block.words[0]) for block in EXAMPLES}

        assert shown == {(block.id, word) for block in EXAMPLES for word in ("wrong", "right")}


class ExamplesTests(CheckTestCase):
    def ids(self, block: Block) -> set[str]:
        for vendor in {"mariadb", "oracle"} & set(block.words):
            self.use_vendor({"mariadb": "mysql"}.get(vendor, vendor))
        names = self.declare(block.source, SHARED)
        for model in self.apps.get_models():
            model.check()  # Django's own checks do not fail on it either
        with override_settings(**({"GORM_ASSOC": names.GORM_ASSOC} if "settings" in block.words else {})):
            return {message.id.removeprefix("gorm_assoc.") for message in self.messages()}


def _example(block: Block):
    def test(self: ExamplesTests) -> None:
        assert self.ids(block) == ({block.id} if block.words[0] == "wrong" else set())

    return test


for _block in EXAMPLES:
    setattr(ExamplesTests, f"test_{_block.id}_{_block.words[0]}_example", _example(_block))


class RunTests(CheckTestCase):
    def test_django_runs_the_checks_with_those_of_models(self):
        assert check_gorm_assoc in checks.registry.registry.get_checks()
        assert checks.Tags.models in check_gorm_assoc.tags

    def test_the_example_project_and_the_models_of_the_tests_are_right(self):
        for vendor in ("sqlite", "postgresql", "mysql"):
            self.use_vendor(vendor)

            found = [message for message in check_gorm_assoc() if message.level >= checks.ERROR]

            assert found == []

    def test_what_two_relations_say_of_one_join_model_is_said_once(self):
        found = self.check("""
            class User(Model):
                languages = Many2Many("Language", through="Link", related_name="+")
                spoken = Many2Many("Language", through="Link", related_name="+")

            class Link(models.Model):
                pk = models.CompositePrimaryKey("user_id", "language_id")
                user_id = models.BigIntegerField()
                language_id = models.BigIntegerField()
                deleted_at = models.DateTimeField(null=True)
        """)

        assert [message.id for message in found] == ["gorm_assoc.W007"]

    def test_only_the_models_of_the_apps_asked_for_are_checked(self):
        self.declare("""
            class User(Model):
                languages = Many2Many("Language", "reference:Code")
        """)

        assert check_gorm_assoc(app_configs=[]) == []

    def test_a_swapped_model_is_not_checked(self):
        with override_settings(TESTAPP_USER="testapp.Other"):
            found = self.check("""
                class User(Model):
                    languages = Many2Many("Language", "many2many:user_languages;reference:Code")

                    class Meta:
                        swappable = "TESTAPP_USER"
            """)

        assert found == []

    def test_rules_of_a_database_ask_for_the_databases_given(self):
        self.declare("""
            class User(Model):
                languages = Many2Many("Language", "many2many:user_languages;constraint:OnDelete:SET NULL")
        """)
        self.use_vendor("mysql")

        assert {message.id for message in self.messages()} == {"gorm_assoc.E023"}
        assert {message.id for message in self.messages(databases=["default"])} == {"gorm_assoc.E023"}

    def test_rules_of_a_database_leave_out_a_model_that_a_router_keeps_from_it(self):
        self.declare("""
            class User(Model):
                languages = Many2Many("Language", "many2many:user_languages;constraint:OnDelete:SET NULL")
        """)
        self.use_vendor("mysql")

        with override_settings(DATABASE_ROUTERS=[Nowhere()]):
            found = self.messages()

        assert {message.id for message in found} == {"gorm_assoc.W002"}

    def test_rules_of_a_database_leave_out_a_model_that_is_not_managed(self):
        self.use_vendor("mysql")

        found = self.check("""
            class Country(models.Model):
                code = models.TextField(primary_key=True)

                class Meta:
                    managed = False

            class User(Model):
                countries = Many2Many("Country", "many2many:user_countries")

                class Meta:
                    managed = False
        """)

        assert found == []


class CommandTests(TestCase):  # Django itself asks databases for their versions, from 6.1 on all of them
    databases = {"default", "other"}

    def test_manage_py_check_finds_no_error(self):
        call_command("check", verbosity=0, fail_level="ERROR")


class Nowhere:
    def allow_migrate(self, *args: object, **hints: object) -> bool:
        return False


class RealProjectTests(SimpleTestCase):
    """Wrong declarations in modules that Django imports, each in an app of its own, in a process of its own."""

    @pytest.mark.filterwarnings("default")
    def test_check_reports_every_wrong_example_and_no_import_fails(self):
        wrong = [block for block in EXAMPLES if block.words == ["wrong"]]
        with tempfile.TemporaryDirectory() as folder:
            for block in wrong:
                app = Path(folder) / f"app_{block.id.lower()}"
                app.mkdir()
                (app / "__init__.py").touch()
                (app / "models.py").write_text(SHARED + block.source)
            (Path(folder) / "wrong_settings.py").write_text(
                "INSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth', 'gorm_assoc', "
                f"*{[f'app_{block.id.lower()}' for block in wrong]}]\n"
                "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\n"
                "DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n"
                "GORM_ASSOC = {'TABLE_PREFX': 'shop_'}\n"
            )
            done = subprocess.run(
                [sys.executable, "-W", "error", "-m", "django", "check"],
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "wrong_settings",
                    "PYTHONPATH": os.pathsep.join([folder, str(ROOT), str(Path(django.__file__).parent.parent)]),
                },
                capture_output=True,
                text=True,
                check=False,
            )

        reported = set(re.findall(r"gorm_assoc\.([EW]\d{3})", done.stderr))
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        assert {block.id for block in wrong} | {"E001"} <= reported
