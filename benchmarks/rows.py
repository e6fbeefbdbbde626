"""Rows to work on, made without anybody's help."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

NOW = "2024-01-01 00:00:00"
LINKS = {"user_languages": "user_id, language_id", "own_links": "plainuser_id, plainlanguage_id"}
TABLES = ("own_links", "user_languages", "users", "languages", "person_addresses", "people", "addresses")


def empty() -> None:
    """Nothing is in the tables, nor are traces of what earlier rounds deleted."""
    if connection.vendor == "postgresql":
        execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        return
    with transaction.atomic():
        for table in TABLES:
            execute(f"DELETE FROM {table}")


def make(owners: int, targets: int) -> None:
    """Users 1 to `owners`, languages 1 to `targets`; nothing is linked."""
    empty()
    with transaction.atomic():
        insert("users", "id, created_at, updated_at, name", ((n, NOW, NOW, f"user {n}") for n in range(1, owners + 1)))
        insert(
            "languages",
            "id, created_at, updated_at, name",
            ((n, NOW, NOW, f"language {n}") for n in range(1, targets + 1)),
        )


def link(pairs: Iterable[tuple[int, int]]) -> None:
    """Exactly these links, in our table and in Django's own."""
    pairs = list(pairs)
    with transaction.atomic():
        for table, columns in LINKS.items():
            # Of what earlier rounds have deleted nothing is to be felt.
            execute(f"TRUNCATE {table}" if connection.vendor == "postgresql" else f"DELETE FROM {table}")
            insert(table, columns, pairs)


def insert(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    marks = ", ".join(["%s"] * len(columns.split(",")))
    with connection.cursor() as cursor:
        if rows := list(rows):
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def linked() -> tuple[Any, ...]:
    """The links of both tables, as sums. A way of doing the work has changed one of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*), SUM(user_id), SUM(language_id), SUM(user_id * language_id) FROM ({both()}) AS links"
        )
        return tuple(None if value is None else int(value) for value in cursor.fetchone())


def both() -> str:
    return " UNION ALL ".join(f"SELECT {columns} FROM {table}" for table, columns in LINKS.items())
