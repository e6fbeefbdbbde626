"""What stands between INSERT INTO table and the end: columns and rows, from values column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, TypeAlias

from django.db import connections

from gorm_assoc.kinds import batches
from gorm_assoc.kinds.base import Field
from gorm_assoc.kinds.conditions import FEW, Columns, Sql, quoted, typed

LISTED = 100_000  # so many values, on SQLite: a statement's text has a limit of its own

ByField: TypeAlias = Mapping[Field, Sequence[Any]]


def pieces(columns: ByField, same: Mapping[Field, Any], using: str) -> Iterator[Sql]:
    """
    "(a, b) VALUES ..." or "(a, b) SELECT ...", whichever the database reads faster: one, if it takes all rows at once.

    columns -- at least one, all with as many values, prepared for the driver
    same -- what all rows have in other columns
    """
    count = len(next(iter(columns.values())))
    if count > FEW and (unfolded := _unfolded(columns, same, using)):
        yield unfolded
        return
    # A single row, the most frequent case, fits into every statement: SQLite need not be asked.
    size = _most_rows(len(columns) + len(same), using) if count > 1 else 1
    for start in range(0, count, size):
        yield _listed({field: values[start : start + size] for field, values in columns.items()}, same, using)


def _listed(columns: ByField, same: Mapping[Field, Any], using: str) -> Sql:
    count = len(next(iter(columns.values())))
    row = f"({', '.join(['%s'] * (len(columns) + len(same)))})"
    rows = zip(*columns.values(), *(repeat(value, count) for value in same.values()), strict=True)
    params = tuple(chain.from_iterable(rows))
    return _with_names([*columns, *same], Sql(f"VALUES {', '.join([row] * count)}", params), using)


def _unfolded(columns: ByField, same: Mapping[Field, Any], using: str) -> Sql | None:
    """The same with all values in few parameters, where the database can and it is faster."""
    # What is the same in all rows, as one owner's key, is sent once.
    also = {field: values[0] for field, values in columns.items() if values.count(values[0]) == len(values)}
    varying = {field: values for field, values in columns.items() if field not in also} or columns
    constants = {**same, **{field: value for field, value in also.items() if field not in varying}}
    unfolding = Columns([*varying], using)
    # SQLite would have to parse each row; a list is quicker, if it is no longer than a statement can be.
    count = len(next(iter(varying.values())))
    is_better_listed = unfolding.connection.vendor == "sqlite" and len(varying) > 1
    if is_better_listed and count <= _most_rows(len(varying) + len(constants), using):
        return None
    if not unfolding.can_unfold(varying.values()):
        return None
    unfolded = unfolding.unfolded([*varying.values()])
    selected = ", ".join(["*", *(typed(field, unfolding.connection) for field in constants)])
    # WHERE, as SQLite takes ON CONFLICT for a join's else.
    text = f"SELECT {selected} FROM ({unfolded.text}) AS found WHERE 1 = 1"
    return _with_names([*varying, *constants], Sql(text, (*constants.values(), *unfolded.params)), using)


def _most_rows(width: int, using: str) -> int:
    """How many rows stand in a statement."""
    if connections[using].vendor == "sqlite":
        return max(min(batches.most_values(using), LISTED) // width, 1)
    return batches.CHUNK


def _with_names(fields: Sequence[Field], found: Sql, using: str) -> Sql:
    connection = connections[using]
    names = ", ".join([quoted(connection, str(field.column)) for field in fields])
    return Sql(f"({names}) {found.text}", found.params)
