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

from gorm_assoc.kinds import as_json, spelling
from gorm_assoc.kinds.base import Values
from gorm_assoc.kinds.batches import CHUNK
from gorm_assoc.kinds.conditions import FEW, Columns, Sql
from gorm_assoc.kinds.link_rows import LinkRows
from gorm_assoc.relationship import Relationship


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
        prepared = [(*self.by.prepared(key), *self.held.prepared(held)) for key, held in sorted(rows.items())]
        size = len(prepared) if self.connection.vendor in ("sqlite", "postgresql") else CHUNK
        return sum(
            self._execute(self._assign_each(prepared[start : start + size]))
            for start in range(0, len(prepared), max(size, 1))
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
        """An UPDATE of each row by its key with values of its own; `rows` are prepared: key, then held."""
        columns = Columns((*self.by.fields, *self.held.fields), self.using)
        names = [f"found{number}" for number in range(len(columns.fields))]
        fixed = self.fixed_values
        pairs = [
            *zip(self.held.quoted, (f"found.{name}" for name in names[len(self.by.fields) :]), strict=True),
            *((self._quoted(field), "%s") for field in fixed),
        ]
        same = " AND ".join(
            f"{self.table}.{column} = found.{name}" for column, name in zip(self.by.quoted, names, strict=False)
        )
        constants = tuple(fixed.values())
        if self.connection.vendor == "mysql":
            source = self._mysql_rows(columns, rows, names)
            assignments = ", ".join(f"{self.table}.{column} = {value}" for column, value in pairs)
            differs = " OR ".join(f"NOT ({self.table}.{column} <=> {value})" for column, value in pairs)
            text = f"UPDATE {self.table} JOIN ({source.text}) AS found ON {same} SET {assignments} WHERE {differs}"
            return Sql(text, (*source.params, *constants, *constants))
        source = self._source(columns, rows, names)
        distinct = "IS NOT" if self.connection.vendor == "sqlite" else "IS DISTINCT FROM"
        assignments = ", ".join(f"{column} = {value}" for column, value in pairs)
        differs = " OR ".join(f"{self.table}.{column} {distinct} {value}" for column, value in pairs)
        text = f"UPDATE {self.table} SET {assignments} FROM {source.text} WHERE {same} AND ({differs})"
        return Sql(text, (*constants, *source.params, *constants))

    def _source(self, columns: Columns, rows: Sequence[Values], names: Sequence[str]) -> Sql:
        """The rows as a table `found`, for UPDATE ... FROM."""
        if self.connection.vendor == "postgresql" and columns.can_unfold(rows):
            unfolded = columns.unfolded(rows)
            text = unfolded.text.removeprefix("SELECT * FROM ")
            return Sql(f"{text} AS found ({', '.join(names)})", unfolded.params)
        if self.connection.vendor == "sqlite" and len(rows) > FEW and columns.can_unfold(rows):
            each = ", ".join(f"json_extract(value, '$[{number}]') AS {name}" for number, name in enumerate(names))
            return Sql(f"(SELECT {each} FROM json_each(%s)) AS found", (as_json.text(rows),))
        marks = [self._typed(field) for field in columns.fields]
        row_sql = f"({', '.join(marks)})"
        params = tuple(value for row in rows for value in row)
        values = f"(VALUES {', '.join([row_sql] * len(rows))})"
        if self.connection.vendor == "postgresql":
            return Sql(f"{values} AS found ({', '.join(names)})", params)
        each = ", ".join(f"column{number} AS {name}" for number, name in enumerate(names, start=1))
        return Sql(f"(SELECT {each} FROM {values}) AS found", params)

    def _mysql_rows(self, columns: Columns, rows: Sequence[Values], names: Sequence[str]) -> Sql:
        """The rows as a SELECT."""
        # Of no rows, but it gives the values the columns' types and collations.
        typed = ", ".join(f"{column} AS {name}" for column, name in zip(columns.quoted, names, strict=True))
        row_sql = f"({', '.join(['%s'] * len(names))})"
        connection: Any = self.connection
        if not connection.mysql_is_mariadb:
            row_sql = f"ROW{row_sql}"
        text = f"SELECT {typed} FROM {self.table} WHERE 1 = 0 UNION ALL VALUES {', '.join([row_sql] * len(rows))}"
        return Sql(text, tuple(value for row in rows for value in row))

    def release(self, condition: Sql) -> int:
        """Let the live rows that the condition names hold nothing; a polymorphic type stays, as in GORM."""
        chosen = condition & self.is_linked & self.live
        nothing = ", ".join(f"{column} = NULL" for column in self.held.quoted)
        return self._execute(Sql(f"UPDATE {self.table} SET {nothing} WHERE {chosen.text}", chosen.params))
