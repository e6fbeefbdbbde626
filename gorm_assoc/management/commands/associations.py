"""manage.py associations: the declared relations, and whether a database has what they need."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from gorm_assoc.catalogue import comparing, formats, live, mending, relations
from gorm_assoc.checks.declared import Declaration, Model


class Command(BaseCommand):
    help = "List the relations of the project, or where a database differs from them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--model", metavar="app.Model", help="Only relations with this model at an end.")
        parser.add_argument(
            "--format", default="text", choices=tuple(formats.FORMATS), help="How they are written; text is a table."
        )
        parser.add_argument(
            "--check-db",
            action="store_true",
            help="List where the tables differ from the declarations; exit with 1 if they do.",
        )
        parser.add_argument("--sql", action="store_true", help="With --check-db: print SQL that adds what is missing.")
        parser.add_argument(
            "--strict",
            action="store_true",
            help="With --check-db: also list columns that can be NULL, or are there, without being declared so.",
        )
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections), help="The database to look at."
        )

    def handle(
        self,
        *args: Any,
        model: str | None = None,
        format: str = "text",
        check_db: bool = False,
        sql: bool = False,
        strict: bool = False,
        database: str = DEFAULT_DB_ALIAS,
        **options: Any,
    ) -> None:
        if (sql or strict) and not check_db:
            raise CommandError("--sql and --strict go with --check-db.")
        if check_db and format != "text":
            raise CommandError("--format goes without --check-db.")
        declared = relations.usable_declarations()
        if model is not None:
            named = _model(model)
            declared = [each for each in declared if named in _ends(each)]
        if not check_db:
            rows = sorted(map(relations.describe, declared), key=lambda row: row.relation)
            self.stdout.write(formats.FORMATS[format](rows) if rows or format != "text" else "No relations.")
        elif self._check(database, declared, sql, strict):
            sys.exit(1)

    def _check(self, database: str, declared: Sequence[Declaration], sql: bool, strict: bool) -> bool:
        """Print the differences and say whether there are any; with SQL they are its comments."""
        connection = connections[database]
        if not live.can_read(connection.vendor):
            raise CommandError(f"--check-db cannot read {connection.display_name}.")
        found = comparing.differences(connection, declared, strict=strict)
        comment = "-- " if sql else ""
        for difference in found:
            by_hand = f" ({': '.join(filter(None, ('by hand', difference.way)))})"
            self.stdout.write(f"{comment}{difference}{by_hand if sql and difference.missing is None else ''}")
        if not found:
            self.stdout.write(f"{comment}The database {database!r} has what the relations need.")
        elif sql:
            for statement in mending.statements(connection, found):
                self.stdout.write(statement)
        return bool(found)


def _model(label: str) -> Model:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise CommandError(f"There is no model {label!r}; write app.Model.") from error


def _ends(declaration: Declaration) -> set[Model]:
    keys = relations.keys_of(declaration)
    return {declaration.model, *(key.model for key in keys), *(key.remote_field.model for key in keys)}
