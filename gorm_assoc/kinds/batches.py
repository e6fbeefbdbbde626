"""How much one statement takes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections, models

CHUNK = 10_000  # rows, where values stand in the statement


def most_values(using: str) -> int:
    """How many values a statement takes, on SQLite."""
    connection: Any = connections[using]
    connection.ensure_connection()
    return int(connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))


@contextmanager
def as_large_as_can_be(using: str) -> Iterator[None]:
    """
    As many as the database takes, which Django 6 asks SQLite.

    Django 5.2 believes in 999 values a statement; SQLite takes 32,766 unless it is built for others.
    """
    connection: Any = connections[using]
    if connection.vendor != "sqlite":
        yield
        return
    values = most_values(using)

    def bulk_batch_size(fields: Sequence[models.Field[Any, Any]], objs: Sequence[models.Model]) -> int:
        columns = sum(len(getattr(field, "fields", (field,))) for field in fields)
        return int(values // columns) if columns else len(objs)

    connection.ops.bulk_batch_size = bulk_batch_size
    try:
        yield
    finally:
        del connection.ops.bulk_batch_size
