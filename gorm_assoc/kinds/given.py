"""Values as a table of their own, that a statement can join."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gorm_assoc.kinds import as_json
from gorm_assoc.kinds.conditions import Columns, Sql, quoted, typed


def table_of(columns: Columns) -> str:
    return quoted(columns.connection, columns.fields[0].model._meta.db_table)


def numbered(columns: Columns, values: Sequence[Sequence[Any]]) -> Sql:
    """
    A SELECT of rows: given_number, from 0, and given0, given1, ... for the columns.

    values -- of each column, prepared for the driver
    """
    names = [f"given{number}" for number in range(len(columns.fields))]
    # Of no rows, but it gives the values the columns' types and collations.
    of_columns = ", ".join(f"{column} AS {name}" for column, name in zip(columns.quoted, names, strict=True))
    listed = _listed(columns, values)
    text = f"SELECT 0 AS given_number, {of_columns} FROM {table_of(columns)} WHERE 1 = 0 UNION ALL {listed.text}"
    return Sql(text, listed.params)


def _listed(columns: Columns, values: Sequence[Sequence[Any]]) -> Sql:
    """The rows with their numbers, from 0."""
    connection: Any = columns.connection
    width = len(columns.fields)
    if connection.vendor == "postgresql" and columns.can_unfold(values):
        names = ", ".join(f"found{number}" for number in range(width))
        unfolded = columns.unfolded(values)
        source = unfolded.text.removeprefix("SELECT * FROM ")
        text = f"SELECT number - 1, {names} FROM {source} WITH ORDINALITY AS found ({names}, number)"
        return Sql(text, unfolded.params)
    rows = list(zip(*values, strict=True))
    if connection.vendor == "sqlite" and columns.can_unfold(values):
        each = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(width))
        return Sql(f"SELECT key, {each} FROM json_each(%s)", (as_json.text(rows),))
    start = "ROW(" if connection.vendor == "mysql" and not connection.mysql_is_mariadb else "("
    marks = ["%s", *(typed(field, connection) for field in columns.fields)]
    row_sql = f"{start}{', '.join(marks)})"
    params = tuple(value for number, row in enumerate(rows) for value in (number, *row))
    return Sql(f"VALUES {', '.join([row_sql] * len(rows))}", params)
