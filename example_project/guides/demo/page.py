"""How a step is shown: Python text that is printed and then run, what it gave, the SQL, the rows after it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

from django.core.management.base import OutputWrapper
from django.core.management.color import Style
from django.db import IntegrityError
from django.db import models as django_models

from example_project.guides.demo import reading
from gorm_assoc.models import ALL, Association

WIDTH = 110
DECLARED = "Declared in models.py"
WRITTEN = "Written by makemigrations"
MADE = "Made by migrate, as the database's catalogue has it"

Rows = Callable[[], list[dict[str, str]]]


class Page:
    """names -- what the steps' Python can use, the models above all"""

    def __init__(self, stdout: OutputWrapper, style: Style, names: dict[str, Any]) -> None:
        self.stdout, self.style = stdout, style
        self.names: dict[str, Any] = {**names, "Association": Association, "ALL": ALL}

    def chapter(self, title: str) -> None:
        self.stdout.write("\n\n" + self.style.MIGRATE_HEADING(title))

    def show(self, title: str, text: str) -> None:
        self.stdout.write("\n" + self.style.MIGRATE_LABEL(f"  {title}:") if title else "")
        self.stdout.write(textwrap.indent(text, "    "))

    def describe(self, model: type[django_models.Model]) -> None:
        self.show(WRITTEN, "\n".join(operation.describe() for operation, _ in reading.operations(model)))

    def do(self, code: str) -> None:
        """Show a statement and run it."""
        self.stdout.write("\n" + self.style.MIGRATE_LABEL(f"  >>> {code}"))
        exec(compile(code, "demo", "exec"), self.names)

    def ask(self, comment: str, code: str, rows: Rows | None = None) -> None:
        """Show an expression, run it, show its value, the SQL that ran and the rows after it."""
        self.stdout.write(f"\n  # {comment}" if comment else "")
        self.stdout.write(self.style.MIGRATE_LABEL(f"  >>> {code}"))
        with reading.statements() as ran:
            try:
                shown = repr(eval(compile(code, "demo", "eval"), self.names))
            except (django_models.ProtectedError, IntegrityError) as error:
                shown = f"{type(error).__name__}: {error.args[0]}"
        self.stdout.write("\n".join(textwrap.wrap(shown, WIDTH, initial_indent="  ", subsequent_indent="  ")))
        for sql in ran:
            for line in reading.pretty(sql, WIDTH):
                self.stdout.write(self.style.SQL_KEYWORD(f"    {line}"))
        if rows is not None:
            for line in reading.as_table(rows()):
                self.stdout.write(f"    | {line}")
