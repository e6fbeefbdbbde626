"""
Links that a row holds in its own columns: the statements that read and write them.

    has one, has many    the target's row names its owner
    belongs to           the owner's row names its target

`by` are the columns that tell the row, `held` those that name the other end. One statement
each, however many rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import models

from gorm_assoc.kinds import given, spelling
from gorm_assoc.kinds.base import Values
from gorm_assoc.kinds.batches import CHUNK
from gorm_assoc.kinds.conditions import Columns, Sql
from gorm_assoc.kinds.link_rows import LinkRows
from gorm_assoc.relationship import Relationship

# Whether a column holds another value, NULL among them.
_DIFFER = {"sqlite": "{} IS NOT {}", "postgresql": "{} IS DISTINCT FROM {}", "mysql": "NOT ({} <=> {})"}


def required_column(relationship: Relationship) -> models.Field[Any, Any] | None:
    """A column of the key that may not be NULL."""
    key = relationship.owner_columns if relationship.target_holds_key else relationship.target_columns
    return next((column for column in key if not column.null), None)


class KeyRows(LinkRows):
    """The rows that hold the links of a relationship, on one database."""

    def __init__(self, relationship: Relationship, using: str) -> None:
        super().__init__(relationship, using)
        if relationship.target_holds_key:
            self.by, self.held = self.target, self.owner
        else:
            # A dead owner still belongs to its target.
            self.by, self.held, self.deleted_at = self.owner, self.target, ""
        self.is_linked = Sql(" AND ".join(f"{column} IS NOT NULL" for column in self.held.quoted))

    # Reading

    def linked(self, condition: Sql, owners: Collection[Values], *, dead_too: bool = False) -> list[Values]:
        return super().linked(condition & self.is_linked, owners, dead_too=dead_too)

    def current(self, keys: Collection[Values]) -> dict[Values, Values | None]:
        """
        The rows that exist, by their key -> what they hold, None if they are not linked. Locked, where possible.
        """
        found: dict[Values, Values | None] = {}
        ordered = sorted(keys)
        names = [field.attname for field in (*self.by.fields, *self.held.fields)]
        names += [field.attname for field, _ in self.relationship.fixed]
        width, last = len(self.by.fields), len(self.by.fields) + len(self.held.fields)
        fixed = tuple(value for _, value in self.relationship.fixed)
        for start in range(0, len(ordered), CHUNK):
            chunk = self.by.among(ordered[start : start + CHUNK])
            for row in self.locked(chunk).values_list(*names):
                held = tuple(row[width:last])
                found[tuple(row[:width])] = held if None not in held and tuple(row[last:]) == fixed else None
        return spelling.under_all(self.by, found, keys)

    # Writing

    def assign(self, rows: Mapping[Values, Values]) -> int:
        """Let rows, by their key, hold these values; how many held others before."""
        different = set(rows.values())
        if len(different) == 1:
            return self._assign_same(sorted(rows), different.pop())
        ordered = [(*key, *held) for key, held in sorted(rows.items())]
        size = self._chunk(ordered)
        return sum(
            self._execute(self._assign_each(ordered[start : start + size])) for start in range(0, len(ordered), size)
        )

    def assign_selected(self, found: Sql, held: Values) -> int:
        """The same for the rows of a subquery, which stays in the database."""
        return self._set(self.by.among_subquery(found), held)

    def _assign_same(self, keys: Sequence[Values], held: Values) -> int:
        return sum(self._set(self.by.among(keys[start : start + CHUNK]), held) for start in range(0, len(keys), CHUNK))

    def _set(self, condition: Sql, held: Values) -> int:
        values = self.held.prepared(held)
        fixed = self.fixed_values
        columns = [*self.held.quoted, *(self._quoted(field) for field in fixed)]
        wanted = (*values, *fixed.values())
        assignments = ", ".join(f"{column} = %s" for column in columns)
        differs = " OR ".join(f"{column} IS NULL OR {column} <> %s" for column in columns)
        return self._execute(
            Sql(
                f"UPDATE {self.table} SET {assignments} WHERE {condition.text} AND ({differs})",
                (*wanted, *condition.params, *wanted),
            )
        )

    def _assign_each(self, rows: Sequence[Values]) -> Sql:
        """An UPDATE of each row by its key with values of its own; `rows` are a key, then what it is to hold."""
        columns, width = Columns((*self.by.fields, *self.held.fields), self.using), len(self.by.fields)
        values = given.numbered(columns, columns.prepared_columns(rows))
        wanted = {column: f"given{number}" for number, column in enumerate(columns.quoted) if number >= width}
        wanted |= {self._quoted(field): "%s" for field in self.fixed_values}
        constants = tuple(self.fixed_values.values())
        same = " AND ".join(f"{self.table}.{column} = given{number}" for number, column in enumerate(self.by.quoted))
        differ = _DIFFER[self.connection.vendor]
        differs = " OR ".join(differ.format(f"{self.table}.{column}", value) for column, value in wanted.items())
        setting = f"SET {', '.join(f'{column} = {value}' for column, value in wanted.items())}"
        source, where = f"({values.text}) AS given", f"WHERE {same} AND ({differs})"
        if self.connection.vendor == "mysql":
            text = f"UPDATE {self.table} JOIN {source} {setting} {where}"
            return Sql(text, (*values.params, *constants, *constants))
        text = f"UPDATE {self.table} {setting} FROM {source} {where}"
        return Sql(text, (*constants, *values.params, *constants))

    def release(self, condition: Sql) -> int:
        """Let the live rows that the condition names hold nothing; a polymorphic type stays, as in GORM."""
        chosen = condition & self.is_linked & self.live
        nothing = ", ".join(f"{column} = NULL" for column in self.held.quoted)
        return self._execute(Sql(f"UPDATE {self.table} SET {nothing} WHERE {chosen.text}", chosen.params))
