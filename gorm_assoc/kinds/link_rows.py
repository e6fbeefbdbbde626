"""
The rows that hold a relationship's links, whatever the kind: which they are, and what they hold.

    join rows    a row for each link: join_rows.py
    key rows     a row holds its link in its own columns: key_rows.py

Conditions name rows; a statement reads them, however many there are. A chunk is 10,000 rows where values
stand in the statement, all of them elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any, Self

from django.db import connections, models

from gorm_assoc.kinds import as_json, spelling
from gorm_assoc.kinds.base import Links, Values
from gorm_assoc.kinds.batches import CHUNK
from gorm_assoc.kinds.conditions import FEW, Columns, Sql, quoted
from gorm_assoc.relationship import Relationship
from gorm_assoc.soft_delete import DELETED_AT, deleted_at_field

SPELLED_CHUNK = 10 * CHUNK  # of keys that may be spelled in two ways: only inside a chunk they are one


class LinkRows:
    """The rows that hold the links of a relationship, on one database."""

    def __init__(self, relationship: Relationship, using: str) -> None:
        self.relationship = relationship
        self.through = relationship.through
        self.using = using
        self.table = quoted(self.connection, self.through._meta.db_table)
        self.owner = Columns(relationship.owner_columns, using)
        self.target = Columns(relationship.target_columns, using)
        self.pair = Columns((*self.owner.fields, *self.target.fields), using)
        self.fixed_values = {
            field: field.get_db_prep_save(value, self.connection) for field, value in relationship.fixed
        }
        same = " AND ".join(f"{self._quoted(field)} = %s" for field in self.fixed_values)
        self.fixed = Sql(same, tuple(self.fixed_values.values()))
        field = deleted_at_field(self.through)
        self.deleted_at = quoted(self.connection, str(field.column)) if field is not None else ""

    @classmethod
    def of(cls, relationship: Relationship, using: str) -> Self:
        """These rows, kept: each verb asks for them, and they stay what they are."""
        made = relationship.made
        if (cls, using) not in made:
            made[cls, using] = cls(relationship, using)
        rows: Self = made[cls, using]
        return rows

    @property
    def connection(self) -> Any:
        return connections[self.using]  # of this thread

    @cached_property
    def may_be_spelled(self) -> bool:
        """Whether the database may call two different pairs equal."""
        return spelling.may_differ(self.pair)

    # Conditions

    def of_owners(self, owners: Iterable[Values]) -> Sql:
        """The rows of these owners."""
        return self.owner.among(owners) & self.fixed

    def of_rows(self, rows: Sequence[Values]) -> Sql:
        """The rows that hold these pairs."""
        width = len(self.owner.fields)
        owners = {row[:width] for row in rows}
        if len(owners) == 1:  # shorter, and the key's index serves it
            return self.of_owners(owners) & self.target.among([row[width:] for row in rows])
        return self.pair.among(rows) & self.fixed

    def of_owners_except(self, owners: Sql, rows: Sequence[Values]) -> Sql:
        """The rows that the condition on owners names, without these pairs."""
        columns = self.pair.prepared_columns(rows)
        if self.connection.vendor != "sqlite" or len(rows) <= FEW or not self.pair.can_unfold(columns):
            return owners & self.pair.not_among(rows)
        # SQLite would compare a NOT IN of several columns row by row; this way it looks each pair up by its key.
        same = " AND ".join(
            f"kept.{column} = json_extract(pairs.value, '$[{number}]')"
            for number, column in enumerate(self.pair.quoted)
        )
        kept = f"SELECT kept._rowid_ FROM json_each(%s) AS pairs CROSS JOIN {self.table} AS kept WHERE {same}"
        pairs = as_json.text(list(zip(*columns, strict=True)))
        return owners & Sql(f"{self.table}._rowid_ NOT IN ({kept})", (pairs,))

    @property
    def live(self) -> Sql:
        """The rows that are not dead; empty where none can be."""
        return Sql(f"{self.deleted_at} IS NULL" if self.deleted_at else "")

    # Reading

    def rows(self, condition: Sql) -> models.QuerySet[Any]:
        """The rows that the condition names, as objects."""
        return self.through._base_manager.using(self.using).extra(where=[condition.text], params=condition.params)

    def locked(self, condition: Sql) -> models.QuerySet[Any]:
        """The same, locked where the database can."""
        can_lock = self.connection.features.has_select_for_update and self.connection.in_atomic_block
        found = self.rows(condition)
        return found.select_for_update() if can_lock else found

    def count(self, condition: Sql) -> int:
        """How many rows the condition names."""
        return self.rows(condition).count()

    def linked(self, condition: Sql, owners: Collection[Values], *, dead_too: bool) -> list[Values]:
        """The pairs of the rows that the condition names, live ones unless `dead_too`; each owner as in `owners`."""
        chosen = condition if dead_too else condition & self.live
        found = list(self.rows(chosen).values_list(*(field.attname for field in self.pair.fields)))
        width = len(self.owner.fields)
        spelled = {values: values for values in owners}
        spelled = spelling.under_all(self.owner, spelled, (row[:width] for row in found))
        return [(*spelled[row[:width]], *row[width:]) for row in found]

    def referenced_targets(self, values: Collection[Values]) -> models.QuerySet[Any]:
        """The targets that have these referenced values, dead ones too."""
        fields = self.relationship.target_fields
        condition = Columns(fields, self.using).among(values)
        targets = fields[0].model._base_manager.using(self.using)
        return targets.extra(where=[condition.text], params=condition.params)

    def stored(self, links: Links) -> tuple[Links, dict[Values, bool]]:
        """
        The links, each once; and those that have a row -> whether it is dead.

        Locks the rows, where the database can.
        """
        if not self.may_be_spelled:
            return links, self._stored_as_spelled(links.rows)
        dead = f"held.{self.deleted_at} IS NOT NULL" if self.deleted_at else "1 = 0"
        fixed = " AND ".join(f"held.{self._quoted(field)} = %s" for field in self.fixed_values)
        only = Sql(fixed, self.fixed.params)
        numbers: list[int] = []
        known: dict[Values, bool] = {}
        for start in range(0, len(links.rows), SPELLED_CHUNK):
            rows = links.rows[start : start + SPELLED_CHUNK]
            for number, is_stored, is_dead in spelling.stored(
                self.pair, rows, dead, only=only, lock=self.connection.in_atomic_block
            ):
                numbers.append(start + number)
                if is_stored:
                    known[rows[number]] = bool(is_dead)
        return links.only(sorted(numbers)), known

    def _stored_as_spelled(self, rows: Sequence[Values]) -> dict[Values, bool]:
        found: dict[Values, bool] = {}
        names = [field.attname for field in self.pair.fields]
        dead = [DELETED_AT] if self.deleted_at else []
        for start in range(0, len(rows), CHUNK):
            chunk = self.of_rows(rows[start : start + CHUNK])
            for row in self.locked(chunk).values_list(*names, *dead):
                found[row[: len(names)]] = bool(dead) and row[-1] is not None
        return found

    # How statements are made

    def _quoted(self, field: models.Field[Any, Any]) -> str:
        return quoted(self.connection, str(field.column))

    def _chunk(self, rows: Sequence[Values]) -> int:
        # Where one parameter holds all values, there is nothing to cut.
        return max(len(rows), 1) if self.connection.vendor in ("sqlite", "postgresql") else CHUNK

    def _execute(self, sql: Sql) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(sql.text, sql.params)
            return int(cursor.rowcount)
