"""
Text keys that a database calls equal and Python does not: "EN" and "en", "a" and "a ".

Which are equal is the affair of the columns' collation. So the database is asked: the values go in as
a table, and their numbers come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db import models

from gorm_assoc.kinds import given
from gorm_assoc.kinds.base import Values
from gorm_assoc.kinds.conditions import Columns, Sql

What = TypeVar("What")
ANY = Sql("")


def may_differ(columns: Columns) -> bool:
    """Whether the database may call two different texts in these columns equal."""
    return any(_may_differ(field, columns) for field in columns.fields)


def _may_differ(field: models.Field[Any, Any], columns: Columns) -> bool:
    parameters = field.db_parameters(columns.connection)
    kind = str(parameters["type"]).lower()
    if columns.connection.vendor == "mysql":
        # Whatever the collation: those that tell case apart ignore spaces at the end.
        return "char" in kind or "text" in kind
    return bool(parameters.get("collation")) or kind == "citext"


def stored(
    columns: Columns, rows: Sequence[Values], told: str = "NULL", *, only: Sql = ANY, lock: bool = False
) -> list[tuple[int, bool, Any]]:
    """
    For each row of values, each once as the database compares them: its number, whether a row of the
    columns' table holds it, and what the expression `told` says of that.

    only -- a condition on the table's rows, which are called `held`
    """
    same = " AND ".join(f"held.{column} = given{number}" for number, column in enumerate(columns.quoted))
    values, table = _numbered(columns, rows), given.table_of(columns)
    on = Sql(same) & only
    # As the outer side of a join PostgreSQL could not lock it; owners are locked there before.
    locking = " FOR UPDATE" if lock and columns.connection.vendor == "mysql" else ""
    text = (
        f"SELECT given_number, held.{columns.quoted[0]} IS NOT NULL, {told} "
        f"FROM ({values.text}) AS given LEFT JOIN {table} AS held ON {on.text} "
        f"WHERE given_number = given_first{locking}"
    )
    params = (*values.params, *on.params)
    return [(number, bool(is_held), what) for number, is_held, what in _fetch(columns, Sql(text, params))]


def under_all(columns: Columns, known: dict[Values, What], wanted: Iterable[Values]) -> dict[Values, What]:
    """What is known, also under those of the wanted values that the database calls equal to a known one."""
    missing = [values for values in dict.fromkeys(wanted) if values not in known]
    if not (missing and known and may_differ(columns)):
        return known
    rows = [*known, *missing]
    values, found = _numbered(columns, rows), dict(known)
    numbers = Sql(f"SELECT given_number, given_first FROM ({values.text}) AS given", values.params)
    for number, first in _fetch(columns, numbers):
        if rows[first] in known:
            found.setdefault(rows[number], known[rows[first]])
    return found


def _numbered(columns: Columns, rows: Sequence[Values]) -> Sql:
    """The rows with their numbers: given_number, given_first (of the rows that are equal), given0, given1, ..."""
    names = [f"given{number}" for number in range(len(columns.fields))]
    listed = given.numbered(columns, columns.prepared_columns(rows))
    return Sql(
        f"SELECT given_number, MIN(given_number) OVER (PARTITION BY {', '.join(names)}) AS given_first, "
        f"{', '.join(names)} FROM ({listed.text}) AS listed",
        listed.params,
    )


def _fetch(columns: Columns, sql: Sql) -> list[tuple[Any, ...]]:
    with columns.connection.cursor() as cursor:
        cursor.execute(sql.text, sql.params)
        return list(cursor.fetchall())
