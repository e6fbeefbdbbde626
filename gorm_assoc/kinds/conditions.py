"""
WHERE clauses over many values, that stay one statement.

A few values stand in the statement as a list. Many go in as one parameter, which each
database unfolds in its own way:

    SQLite       json_each(...)
    PostgreSQL   unnest(...)
    others       the list again; their drivers put values into the text, without a limit on their number
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from operator import itemgetter, or_
from typing import Any

from django.db import connections, models

from gorm_assoc.kinds import as_json, plain
from gorm_assoc.kinds.base import Values

# What these say without a length is a length of one.
_WITHOUT_LENGTH = {"char": "bpchar", "character": "bpchar", "bit": "bit varying"}
FEW = 100  # up to here a list is as fast, and reads better in a log


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and its parameters."""

    text: str
    params: tuple[Any, ...] = ()

    def __and__(self, other: Sql) -> Sql:
        if not self.text or not other.text:
            return other if other.text else self
        return Sql(f"{self.text} AND {other.text}", (*self.params, *other.params))


class Columns:
    """
    Columns of one table on one database: quoted, and able to compare themselves with values.

    alias -- of the table, in a statement that has others
    """

    def __init__(self, fields: Sequence[models.Field[Any, Any]], using: str, alias: str = "") -> None:
        self.fields = tuple(fields)
        self.using = using
        connection = connections[using]
        prefix = f"{quoted(connection, alias)}." if alias else ""
        self.quoted = tuple([prefix + quoted(connection, str(field.column)) for field in self.fields])

    @property
    def connection(self) -> Any:
        return connections[self.using]  # of this thread: columns are kept

    def prepared(self, values: Values) -> Values:
        """The values as the driver takes them."""
        connection = self.connection
        return tuple(
            [field.get_db_prep_save(value, connection) for field, value in zip(self.fields, values, strict=True)]
        )

    def prepared_columns(self, rows: Sequence[Values]) -> list[list[Any]]:
        """The rows of values as the driver takes them, column by column; nothing of no rows."""
        columns = by_column(rows)
        if all(map(plain.are, self.fields, columns)):
            return columns
        return by_column([self.prepared(row) for row in rows])

    def among(self, rows: Iterable[Values]) -> Sql:
        """Whether the columns hold one of these rows of values."""
        found = self.prepared_columns(list(rows))
        if not found:
            return Sql("1 = 0")
        if len(found[0]) == 1:
            return Sql(" AND ".join(f"{column} = %s" for column in self.quoted), tuple(value for (value,) in found))
        listed = self.listed(found)
        return Sql(f"{self._tuple()} IN ({listed.text})", listed.params)

    def not_among(self, rows: Iterable[Values]) -> Sql:
        """Whether the columns hold none of these rows of values."""
        found = self.prepared_columns(list(rows))
        if not found:
            return Sql("1 = 1")
        if len(found[0]) > FEW and self.connection.vendor == "postgresql" and self.can_unfold(found):
            # NOT IN of many would compare each row with each value; this becomes an anti-join.
            unfolded = self.unfolded(found)
            return self._without(unfolded.text.removeprefix("SELECT * FROM "), unfolded.params)
        listed = self.listed(found)
        return Sql(f"{self._tuple()} NOT IN ({listed.text})", listed.params)

    def among_subquery(self, found: Sql) -> Sql:
        """Whether the columns hold one of a subquery's rows."""
        # In a derived table MySQL takes a LIMIT, and the table that is being written.
        return Sql(f"{self._tuple()} IN (SELECT * FROM ({found.text}) AS found)", found.params)

    def not_among_subquery(self, found: Sql) -> Sql:
        """Whether the columns hold none of a subquery's rows."""
        if self.connection.vendor == "postgresql":
            return self._without(f"({found.text})", found.params)
        return Sql(f"{self._tuple()} NOT IN (SELECT * FROM ({found.text}) AS found)", found.params)

    def _without(self, source: str, params: Values) -> Sql:
        names = [f"found{number}" for number in range(len(self.fields))]
        same = " AND ".join(f"found.{name} = {column}" for name, column in zip(names, self.quoted, strict=True))
        return Sql(f"NOT EXISTS (SELECT 1 FROM {source} AS found ({', '.join(names)}) WHERE {same})", params)

    def listed(self, columns: Sequence[Sequence[Any]]) -> Sql:
        """What stands in IN (...). `columns` are prepared."""
        count, width = len(columns[0]), len(columns)
        if count > FEW and self.can_unfold(columns):
            return self.unfolded(columns)
        params = tuple(chain.from_iterable(zip(*columns, strict=True)))
        if width == 1:
            return Sql(", ".join(["%s"] * count), params)
        row_sql = f"({', '.join(['%s'] * width)})"
        values = "VALUES " if self.connection.vendor == "sqlite" else ""
        return Sql(values + ", ".join([row_sql] * count), params)

    def can_unfold(self, columns: Iterable[Sequence[Any]]) -> bool:
        """Whether unfolded() takes them."""
        if self.connection.vendor == "postgresql":
            # unnest() takes arrays apart to the last element.
            return not any(hasattr(field, "base_field") for field in self.fields)
        return self.connection.vendor == "sqlite" and all(map(as_json.can_hold, columns))

    def unfolded(self, columns: Sequence[Sequence[Any]]) -> Sql:
        """A SELECT of the rows, from one parameter (PostgreSQL: one a column). `columns` are prepared."""
        if self.connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{unbounded_type(field, self.connection)}[]" for field in self.fields)
            return Sql(f"SELECT * FROM unnest({arrays})", tuple(map(list, columns)))
        if len(self.fields) == 1:
            return Sql("SELECT value FROM json_each(%s)", (as_json.text(columns[0]),))
        each = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(len(self.fields)))
        return Sql(f"SELECT {each} FROM json_each(%s)", (as_json.text(list(zip(*columns, strict=True))),))

    def _tuple(self) -> str:
        return self.quoted[0] if len(self.quoted) == 1 else f"({', '.join(self.quoted)})"


def by_column(rows: Sequence[Values]) -> list[list[Any]]:
    """The values of each column; zip() would make an iterator a row, which takes ten times as long."""
    return [list(map(itemgetter(number), rows)) for number in range(len(rows[0]))] if rows else []


def unbounded_type(field: models.Field[Any, Any], connection: Any) -> str:
    """The column's type without a length or precision: PostgreSQL's casts would cut values to it in silence."""
    name = re.sub(r"\s*\(.*?\)", "", str(field.db_type(connection)))
    return _WITHOUT_LENGTH.get(name.lower(), name)


def typed(field: models.Field[Any, Any], connection: Any) -> str:
    """A placeholder in a SELECT, where PostgreSQL needs to be told its type."""
    return f"%s::{unbounded_type(field, connection)}" if connection.vendor == "postgresql" else "%s"


def limited(rows: models.QuerySet[Any], fields: Sequence[models.Field[Any, Any]], values: Sequence[Values]) -> Any:
    """The rows of a queryset that has no joins yet, whose fields hold one of these rows of values."""
    names = [field.attname for field in fields]
    if not values:
        return rows.none()
    if len(values) == 1:
        return rows.filter(**dict(zip(names, values[0], strict=True)))
    if len(values) <= FEW:
        if len(names) == 1:
            return rows.filter(**{f"{names[0]}__in": sorted({value for (value,) in values})})
        conditions = (models.Q(**dict(zip(names, row, strict=True))) for row in dict.fromkeys(values))
        return rows.filter(reduce(or_, conditions))
    columns = Columns(fields, rows.db, alias=str(rows.query.get_initial_alias()))
    condition = columns.among(dict.fromkeys(values))
    return rows.extra(where=[condition.text], params=condition.params)


def quoted(connection: Any, name: str) -> str:
    """A quoted identifier in a statement that has parameters."""
    return str(connection.ops.quote_name(name)).replace("%", "%%")


def subquery(queryset: models.QuerySet[Any], attnames: Sequence[str], using: str) -> Sql:
    """A queryset's values as SQL; the columns are called found0, found1, ..."""
    names = [f"found{number}" for number in range(len(attnames))]
    found = queryset.using(using)
    if not found.query.is_sliced and not found.query.distinct_fields:
        found = found.order_by()
    found = found.annotate(**{name: models.F(attname) for name, attname in zip(names, attnames, strict=True)})
    text, params = found.values_list(*names).query.get_compiler(using).as_sql()
    return Sql(text, tuple(params))
