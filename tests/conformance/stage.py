"""
A set's tables in a place of their own, put into any recorded state.

    SQLite       a database in memory for each set
    PostgreSQL   a schema for each set in one database
    MariaDB      a database for each set

Everything runs in autocommit, as in a project. While a Stage is entered it is Django's default
connection, so that models and library need no alias.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from tests.conformance import recordings, sets
from tests.conformance.recordings import Row, Tables

# What stands for a recorded `true`.
SOME_TIME = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


class Stages:
    """One Stage a set, made when it is first asked for, dropped at the end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.default = connections[DEFAULT_DB_ALIAS]
        self.made: dict[str, Stage] = {}
        self.databases: list[str] = []

    def __getitem__(self, set_name: str) -> Stage:
        if set_name not in self.made:
            self.made[set_name] = Stage(set_name, self._connect(set_name))
        return self.made[set_name]

    def _connect(self, set_name: str) -> BaseDatabaseWrapper:
        vendor = self.default.vendor
        if vendor == "sqlite":
            return self._wrapper(NAME=":memory:")
        if vendor == "mysql":
            name = f"{self.name}_{set_name}"
            self.databases.append(name)
            self._run(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            return self._wrapper(NAME=name)
        if not self.databases:
            self.databases.append(self.name)
            self._run(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)", f"CREATE DATABASE {self.name}")
        options = {**self.default.settings_dict["OPTIONS"], "options": f"-c search_path=set_{set_name}"}
        wrapper = self._wrapper(NAME=self.name, OPTIONS=options)
        with wrapper.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA set_{set_name}")
        return wrapper

    def _wrapper(self, **settings: Any) -> BaseDatabaseWrapper:
        return type(self.default)({**self.default.settings_dict, **settings}, DEFAULT_DB_ALIAS)

    def _run(self, *statements: str) -> None:
        server = self._wrapper(NAME="postgres" if self.default.vendor == "postgresql" else None)
        with server.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        server.close()

    def drop(self) -> None:
        """Leave nothing behind."""
        for stage in self.made.values():
            stage.connection.close()
        force = " WITH (FORCE)" if self.default.vendor == "postgresql" else ""
        if self.databases:
            self._run(*(f"DROP DATABASE {name}{force}" for name in self.databases))


class Stage:
    """The tables of one set."""

    def __init__(self, name: str, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.set = recordings.sets()[name]
        self.models = sets.load(name)
        self.by_table = {model._meta.db_table: model for model in self.models.values()}
        with self.entered(), connection.schema_editor() as editor:
            for model in self.models.values():
                editor.create_model(model)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let the set's tables be Django's default database for the time of the block."""
        before = connections[DEFAULT_DB_ALIAS]
        connections[DEFAULT_DB_ALIAS] = self.connection
        try:
            yield
        finally:
            connections[DEFAULT_DB_ALIAS] = before

    def read(self) -> Tables:
        """All tables, as recordings give them."""
        return {table: self._rows(table, model) for table, model in sorted(self.by_table.items())}

    def _rows(self, table: str, model: type[models.Model]) -> list[Row]:
        columns = [str(field.column) for field in model._meta.local_concrete_fields]
        quote = self.connection.ops.quote_name
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(map(quote, columns))} FROM {quote(table)}")
            found = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        for row in found:
            for column in columns:
                if column.endswith("_at"):
                    row[column] = row[column] is not None
        return found

    def restore(self, tables: Tables, highest: dict[str, int]) -> None:
        """
        Put the recorded rows in the tables' place.

        highest -- table -> the last number its sequence has given
        """
        with self._unchecked() as cursor, atomic():
            for table in self.by_table:
                cursor.execute(f"DELETE FROM {self.connection.ops.quote_name(table)}")
            for table, rows in tables.items():
                self._insert(cursor, table, rows)
            self._set_sequences(cursor, highest)

    def _insert(self, cursor: Any, table: str, rows: list[Row]) -> None:
        if not rows:
            return
        quote = self.connection.ops.quote_name
        columns = list(rows[0])
        one = f"({', '.join(['%s'] * len(columns))})"
        moment = self.connection.ops.adapt_datetimefield_value(SOME_TIME)
        values = [
            (moment if row[column] else None) if column.endswith("_at") else row[column]
            for row in rows
            for column in columns
        ]
        cursor.execute(
            f"INSERT INTO {quote(table)} ({', '.join(map(quote, columns))}) VALUES {', '.join([one] * len(rows))}",
            values,
        )

    @contextmanager
    def _unchecked(self) -> Iterator[Any]:
        """A cursor that foreign keys do not look at: recorded rows may break them, as some sets have none."""
        off, on = {
            "sqlite": ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
            "postgresql": ("SET session_replication_role = replica", "SET session_replication_role = origin"),
            "mysql": ("SET foreign_key_checks = 0", "SET foreign_key_checks = 1"),
        }[self.connection.vendor]
        with self.connection.cursor() as cursor:
            cursor.execute(off)
            try:
                yield cursor
            finally:
                cursor.execute(on)

    def _set_sequences(self, cursor: Any, highest: dict[str, int]) -> None:
        for table in {numbered for numbered in self.set.key_tables.values() if numbered in self.by_table}:
            last, key = highest.get(table, 0), self.by_table[table]._meta.pk
            assert key is not None
            if self.connection.vendor == "sqlite":
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, last])
            elif self.connection.vendor == "postgresql":
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)",
                    [table, key.column, max(last, 1), last > 0],
                )
            # MariaDB's counter has passed every key that was inserted, and setting it is DDL: it stays ahead.
