"""Many composite keys in one lookup: SQLite gives up on Django's chain of ORs at some 500 of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db.models.fields.related_lookups import RelatedIn, get_normalized_value

if TYPE_CHECKING:
    from django.db.models.sql.compiler import SQLCompiler

FEW = 100  # up to here Django's own is as fast


class ManyKeysIn(RelatedIn):
    """Django's "in" of a relation, for which SQLite gets many composite keys as one parameter."""

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> tuple[str, Any]:
        lhs: Any = self.lhs
        if not hasattr(lhs, "targets") or not self.rhs_is_direct_value() or len(self.rhs) <= FEW:  # ColPairs has them
            return self.as_sql(compiler, connection)
        columns = lhs.get_cols()
        keys = [
            [
                column.output_field.get_db_prep_value(part, connection)
                for column, part in zip(columns, key, strict=True)
            ]
            for key in (get_normalized_value(value, lhs) for value in self.rhs)
            if None not in key
        ]
        if not keys:
            raise EmptyResultSet
        named: list[str] = []
        params: list[Any] = []
        for column in columns:
            text, own = compiler.compile(column)
            named.append(text)
            params += own
        if all(isinstance(part, (int, str, float)) for key in keys for part in key):
            each = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(len(columns)))
            return f"({', '.join(named)}) IN (SELECT {each} FROM json_each(%s))", [*params, json.dumps(keys)]
        row = f"({', '.join(['%s'] * len(columns))})"
        values = ", ".join([row] * len(keys))
        return f"({', '.join(named)}) IN (VALUES {values})", [*params, *(part for key in keys for part in key)]
