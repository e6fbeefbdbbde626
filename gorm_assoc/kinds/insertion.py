"""What stands between INSERT INTO table and the end: columns and rows, from values column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from django.db import models

from gorm_assoc.kinds import batches
from gorm_assoc.kinds.conditions import FEW, Columns, Sql, unbounded_type

LISTED = 100_000  # so many values, on SQLite: a statement's text has a limit of its own

Field: TypeAlias = "models.Field[Any, Any]"


def rows(columns: Mapping[Field, Sequence[Any]], same: Mapping[Field, Any], using: str) -> Sql:
    """
    "(a, b) VALUES ..." or "(a, b) SELECT ...", whichever the database reads faster.

    columns -- at least one, all with as many values, prepared for the driver
    same -- what all rows have in other columns
    """
    count = len(next(iter(columns.values())))
    if count > FEW and (unfolded := _unfolded(columns, same, count, using)):
        return unfolded
    row = f"({', '.join(['%s'] * (len(columns) + len(same)))})"
    fixed = tuple(same.values())
    params = tuple(value for values in zip(*columns.values(), strict=True) for value in (*values, *fixed))
    return _with_names([*columns, *same], Sql(f"VALUES {', '.join([row] * count)}", params), using)


def _unfolded(columns: Mapping[Field, Sequence[Any]], same: Mapping[Field, Any], count: int, using: str) -> Sql | None:
    """The same with all values in few parameters, where the database can and it is faster."""
    # What is the same in all rows, as one owner's key, is sent once.
    also = {field: values[0] for field, values in columns.items() if values.count(values[0]) == count}
    varying = {field: values for field, values in columns.items() if field not in also} or columns
    constants = {**same, **{field: value for field, value in also.items() if field not in varying}}
    unfolding = Columns([*varying], using)
    if not unfolding.can_unfold_columns(varying.values()):
        return None
    # SQLite would have to parse each row; a list is quicker, if it is no longer than a statement can be.
    is_better_listed = unfolding.connection.vendor == "sqlite" and len(varying) > 1
    if is_better_listed and count * (len(varying) + len(constants)) <= min(batches.most_values(using), LISTED):
        return None
    unfolded = unfolding.unfolded_columns([*varying.values()])
    selected = ", ".join(["*", *(typed(field, unfolding.connection) for field in constants)])
    # WHERE, as SQLite takes ON CONFLICT for a join's else.
    text = f"SELECT {selected} FROM ({unfolded.text}) AS found WHERE 1 = 1"
    return _with_names([*varying, *constants], Sql(text, (*constants.values(), *unfolded.params)), using)


def _with_names(fields: Sequence[Field], found: Sql, using: str) -> Sql:
    return Sql(f"({', '.join(Columns(fields, using).quoted)}) {found.text}", found.params)


def typed(field: Field, connection: Any) -> str:
    """A placeholder in a SELECT, where PostgreSQL needs to be told its type."""
    return f"%s::{unbounded_type(field, connection)}" if connection.vendor == "postgresql" else "%s"
