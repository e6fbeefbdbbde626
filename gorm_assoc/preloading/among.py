"""A condition over many keys, for Django's queries: one parameter, where the database can."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import F
from django.db.models.expressions import Func

from gorm_assoc.kinds import given
from gorm_assoc.kinds.base import Values
from gorm_assoc.kinds.conditions import FEW, Columns, Sql

if TYPE_CHECKING:
    _Func = Any
else:
    _Func = Func


class Among(_Func):  # type: ignore[misc]
    """
    Whether columns hold one of many rows of values: Among(fields, rows).

    fields -- their names are looked up in the query's model
    rows -- tuples, or SQL that gives them
    """

    conditional = True

    def __init__(self, fields: Sequence[models.Field[Any, Any]], rows: Collection[Values] | Sql) -> None:
        super().__init__(*(F(field.attname) for field in fields), output_field=models.BooleanField())
        self.fields, self.rows = tuple(fields), rows

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:
        columns, params = [], []
        for each in self.get_source_expressions():
            text, given = compiler.compile(each)
            columns.append(text)
            params += given
        listed = self._listed(Columns(self.fields, compiler.using))
        left = columns[0] if len(columns) == 1 else f"({', '.join(columns)})"
        return f"{left} IN ({listed.text})", [*params, *listed.params]

    def _listed(self, columns: Columns) -> Sql:
        if isinstance(self.rows, Sql):
            return self.rows
        if not self.rows:
            raise EmptyResultSet
        rows = list(self.rows)
        if columns.connection.vendor == "mysql" and len(self.fields) > 1 and len(rows) > FEW:
            # A list of tuples is compared with row by row; a table is looked up.
            table = given.numbered(columns, columns.prepared_columns(rows))
            names = ", ".join(f"given{number}" for number in range(len(self.fields)))
            return Sql(f"SELECT {names} FROM ({table.text}) AS listed", table.params)
        return columns.listed(columns.prepared_columns(rows))

    # Django compares expressions by all they were made of, which here may be a hundred thousand rows.

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)
