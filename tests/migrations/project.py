"""
A throw-away Django project in a folder of its own, on a database of its own.

Its commands run in fresh processes, one a call of run(); the catalogue is read from here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db.utils import ConnectionHandler

from example_project.databases import database
from tests import catalogue

ROOT = Path(__file__).resolve().parent.parent.parent
KIND = os.environ.get("TEST_DATABASE") or "sqlite"
HEAD = """\
from __future__ import annotations
from django.conf import settings
from django.db import models
from gorm_assoc.models import *
"""
_OPERATION = re.compile(r"^        \w+(?:\.\w+)*\.(\w+)\($", re.MULTILINE)


class Project:
    """
    folder -- an empty folder
    database_name -- of the database that create() makes and drop() removes
    """

    def __init__(self, folder: Path, database_name: str) -> None:
        self.folder = folder
        self.apps: list[str] = []
        self.settings: dict[str, Any] = {}
        self.database = {**database(KIND), "NAME": database_name}
        if KIND == "sqlite":
            self.database["NAME"] = str(folder / "db.sqlite3")
        self.connection = ConnectionHandler({"default": self.database})["default"]

    # The database

    def create(self) -> None:
        if KIND != "sqlite":
            options = "CHARACTER SET utf8mb4" if KIND == "mariadb" else ""
            self._on_server("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {} " + options)

    def drop(self) -> None:
        self.connection.close()
        if KIND != "sqlite":
            self._on_server("DROP DATABASE IF EXISTS {}")

    def _on_server(self, *statements: str) -> None:
        with self.connection._nodb_cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.format(self.connection.ops.quote_name(self.database["NAME"])))

    def table(self, name: str) -> catalogue.Table:
        return catalogue.read(self.connection, name)

    def schema(self) -> dict[str, catalogue.Table]:
        """Every table but Django's own."""
        names = [name for name in catalogue.tables(self.connection) if not name.startswith(("django_", "auth_"))]
        return {name: self.table(name) for name in names}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    # The code

    def write(self, installed: Sequence[str] = (), /, **models: str) -> None:
        """
        Write (or write anew) the models of some apps.

        installed -- the order of INSTALLED_APPS; by default that of the arguments, all calls
        models -- app label -> text of models.py, after some imports
        """
        for app, text in models.items():
            package = self.folder / app
            (package / "migrations").mkdir(parents=True, exist_ok=True)
            for init in (package, package / "migrations"):
                (init / "__init__.py").touch()
            (package / "models.py").write_text(HEAD + textwrap.dedent(text))
            if app not in self.apps:
                self.apps.append(app)
        self._write_settings(installed or self.apps)

    def configure(self, **settings: Any) -> None:
        self.settings |= settings
        self._write_settings(self.apps)

    def _write_settings(self, installed: Sequence[str]) -> None:
        written: Mapping[str, Any] = {
            "SECRET_KEY": "throw-away",
            "USE_TZ": True,
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            "DATABASES": {"default": self.database},
            "INSTALLED_APPS": [*self.settings.get("EXTRA_APPS", ()), "gorm_assoc", *installed],
            **self.settings,
        }
        (self.folder / "project_settings.py").write_text(
            "\n".join(f"{name} = {value!r}" for name, value in written.items())
        )

    def migration(self, app: str, name: str, text: str) -> None:
        """Write a migration by hand."""
        (self.folder / app / "migrations" / f"{name}.py").write_text(textwrap.dedent(text))

    def migrations(self, app: str) -> list[Path]:
        return sorted((self.folder / app / "migrations").glob("0*.py"))

    def operations(self, app: str) -> list[str]:
        """The operations of the app's newest migration, by class name."""
        return _OPERATION.findall(self.migrations(app)[-1].read_text())

    # Running

    def run(self, *steps: str) -> list[Any]:
        """
        Run steps in one fresh process; a step with a line break is Python, any other a manage.py command.

        Returns the output of each command and the `result` of each source. Raises AssertionError with the
        traceback if one fails.
        """
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        python_path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-W", "error", str(Path(__file__).with_name("driver.py")), str(answer)],
            input=json.dumps([_step(step) for step in steps]),
            cwd=self.folder,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "project_settings",
                "PYTHONPATH": python_path,
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.exists(), done.stderr
        report = json.loads(answer.read_text())
        assert not report["error"], report["error"]
        assert not done.stderr, done.stderr
        return list(report["results"])

    def deploy(self, *more: str) -> list[Any]:
        """makemigrations, a second one that must find nothing, migrate; then more steps, in the same process."""
        steps = ("makemigrations --noinput", "makemigrations --check --dry-run", "migrate --noinput")
        return self.run(*steps, *more)[len(steps) :]

    def back_and_forth(self, app: str, to: str = "zero") -> None:
        """Migrate backwards and forwards again; the schema must be the same as before."""
        before = self.schema()
        self.run(f"migrate {app} {to} --noinput", "migrate --noinput")
        assert self.schema() == before


def _step(step: str) -> tuple[str, str]:
    return ("python", textwrap.dedent(step)) if "\n" in step else ("manage", step)
