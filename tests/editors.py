"""Schema editors of servers that need not be there: what they would run is only written down."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.db.utils import ConnectionHandler

ENGINES = {
    "sqlite": ("sqlite3", "sqlite3", ""),
    "postgresql": ("postgresql", "psycopg", ""),
    "mariadb": ("mysql", "MySQLdb", "11.4.2-MariaDB"),
    "mysql": ("mysql", "MySQLdb", "8.4.0"),
}
QUOTES = {"mariadb": "`", "mysql": "`"}


def editor_for(kind, *, collect_sql=True):
    """A schema editor that has no connection."""
    engine, driver, version = ENGINES[kind]
    pytest.importorskip(driver)
    connection = ConnectionHandler({"default": {"ENGINE": f"django.db.backends.{engine}", "NAME": "none"}})["default"]
    if version:
        connection.__dict__["mysql_server_data"] = {"version": version, "default_storage_engine": "InnoDB"}
    editor = connection.schema_editor(collect_sql=collect_sql)
    editor.deferred_sql = []
    return editor


def with_catalogue(kind, monkeypatch, **found):
    """One that executes, and finds these constraints in the catalogue of a server; and the tables it asks for."""
    editor, asked = editor_for(kind, collect_sql=False), []

    @contextmanager
    def cursor():
        yield SimpleNamespace()

    def get_constraints(cursor, table):
        assert cursor is not None
        asked.append(table)
        nothing = {"columns": [], "index": False, "unique": False, "primary_key": False, "foreign_key": None}
        return {name: {**nothing, **each} for name, each in found.items()}

    monkeypatch.setattr(editor.connection, "cursor", cursor)
    monkeypatch.setattr(editor.connection.introspection, "get_constraints", get_constraints)
    return editor, asked


def sql(kind, statement):
    """The text, with the usual quotes."""
    return str(statement).replace(QUOTES.get(kind, '"'), '"')
