"""
The statements that write join rows: one each, however many rows.

    insert   INSERT ... ON CONFLICT DO NOTHING      pairs that have no row
    update   UPDATE ... SET                         extra columns; revive dead rows
    remove   DELETE, or UPDATE of deleted_at        rows that a condition names
    keys     SELECT                                 the rows' primary keys

How they are read is LinkRows' affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any

from django.db import IntegrityError, models
from django.db.models import sql
from django.utils import timezone

from gorm_assoc.kinds import batches, given, insertion, object_columns
from gorm_assoc.kinds.base import Field, Links, Values
from gorm_assoc.kinds.batches import CHUNK
from gorm_assoc.kinds.conditions import Columns, Sql, quoted, typed
from gorm_assoc.kinds.extra_columns import ExtraColumns
from gorm_assoc.kinds.link_rows import LinkRows
from gorm_assoc.relationship import Relationship
from gorm_assoc.soft_delete import DELETED_AT


class JoinRows(LinkRows):
    """The join table of a relationship, on one database."""

    def __init__(self, relationship: Relationship, using: str) -> None:
        super().__init__(relationship, using)
        self.extra = ExtraColumns(self.through, self.pair, self.fixed_values)

    def turned(self) -> JoinRows:
        """The same rows seen from the other end."""
        other = copy(self)
        other.owner, other.target = self.target, self.owner
        other.pair = Columns((*other.owner.fields, *other.target.fields), self.using)
        return other

    # Conditions

    @property
    def dead(self) -> Sql:
        """The rows that are dead; only where one can be."""
        return Sql(f"{self.deleted_at} IS NOT NULL")

    # Statements

    def insert(self, links: Links) -> None:
        """Insert a row for each link that has none."""
        if self.extra.needs_django(links):
            self.insert_objects(self.objects(links))
        else:
            self.insert_counted(links)

    def insert_counted(self, links: Links) -> int:
        """The same without Django; how many, which MariaDB/MySQL does not tell."""
        return self._insert(*self.extra.columns(links))

    def objects(self, links: Links) -> list[Any]:
        """The links' join rows as unsaved objects."""
        names = [field.attname for field in self.pair.fields]
        fixed = {field.attname: value for field, value in self.relationship.fixed}
        return [
            self.through(**links.defaults_of(number), **dict(zip(names, row, strict=True)), **fixed)
            for number, row in enumerate(links.rows)
        ]

    def insert_objects(self, objects: Sequence[models.Model]) -> None:
        """insert() of join rows as objects."""
        fields = [
            field
            for field in self.through._meta.local_concrete_fields
            if not field.generated and not (field.primary_key and isinstance(field, models.AutoField))
        ]
        columns = object_columns.of_objects(fields, objects, self.connection)
        if columns is not None:
            self._insert(columns, {})
            return
        with batches.as_large_as_can_be(self.using):
            size = max(self.connection.ops.bulk_batch_size(fields, objects), 1)
        for start in range(0, len(objects), size):
            query = sql.InsertQuery(self.through)
            query.insert_values(fields, list(objects[start : start + size]), raw=False)
            for text, params in query.get_compiler(self.using).as_sql():
                self._execute(Sql(text + self._on_conflict, tuple(params)))

    def insert_selected(self, owners: Sequence[Values], found: Sql, extra: Mapping[str, Any]) -> int:
        """
        insert_counted() for each owner and each row of a subquery, which stay in the database.

        The owners come from their own table, so that one statement pairs them with what is found.
        """
        _, constants = self.extra.columns(Links([], [extra], {}, {}))
        names = [*self.pair.quoted, *(self._quoted(field) for field in constants)]
        selected = [f"owners.{column}" for column in Columns(self.relationship.owner_fields, self.using).quoted]
        selected += [f"found.found{number}" for number in range(len(self.target.fields))]
        selected += [typed(field, self.connection) for field in constants]
        source = self._owners_with(owners, found)
        return self._execute(
            Sql(
                f"INSERT INTO {self.table} ({', '.join(names)}) SELECT {', '.join(selected)} "
                f"FROM {source.text}{self._on_conflict}",
                (*constants.values(), *source.params),
            )
        )

    def require_selected(self, owners: Sequence[Values], found: Sql, stored: int) -> None:
        """Raise IntegrityError if fewer of these rows are `stored` than were asked for; see require_stored()."""
        if not self._has_other_unique():
            return
        source = self._owners_with(owners, Sql(f"SELECT DISTINCT * FROM ({found.text}) AS found", found.params))
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {source.text}", source.params)
            self._refuse_lost(cursor.fetchone()[0] - stored)

    def _owners_with(self, owners: Sequence[Values], found: Sql) -> Sql:
        columns = Columns(self.relationship.owner_fields, self.using)
        table = quoted(self.connection, columns.fields[0].model._meta.db_table)
        chosen = columns.among(owners)
        text = f"{table} AS owners CROSS JOIN ({found.text}) AS found WHERE {chosen.text}"
        return Sql(text, (*found.params, *chosen.params))

    def update(self, condition: Sql, values: Mapping[str, Any]) -> int:
        """Set columns of the rows that the condition names."""
        if self.extra.has_expressions(values):
            return self.rows(condition).update(**values)
        prepared = self.extra.prepared(values)
        if not prepared:
            return 0
        assignments = ", ".join(f"{self._quoted(field)} = %s" for field in prepared)
        return self._execute(
            Sql(
                f"UPDATE {self.table} SET {assignments} WHERE {condition.text}",
                (*prepared.values(), *condition.params),
            )
        )

    def revive(self, links: Links) -> int:
        """Bring back the links' dead rows, with the extra columns that were given; the rest stays."""
        return self._update_links(links, self.dead, {DELETED_AT: None}) if self.deleted_at else 0

    def revive_where(self, condition: Sql, extra: Mapping[str, Any]) -> int:
        """The same for the rows that a condition names."""
        return self.update(condition & self.dead, {DELETED_AT: None, **extra}) if self.deleted_at else 0

    def update_live(self, links: Links) -> int:
        """Set the extra columns of the links' rows that are there and not dead."""
        return self._update_links(links, self.live, {})

    def _update_links(self, links: Links, state: Sql, also: Mapping[str, Any]) -> int:
        updated = 0
        for chunk in self._chunks(links):
            for group in self.extra.grouped(chunk):
                if len(group.defaults) > 1:
                    updated += self._update_each(group, state, also)
                    continue
                updated += self.update(self.of_rows(group.rows) & state, {**also, **group.defaults[0]})
        return updated

    def _update_each(self, links: Links, state: Sql, also: Mapping[str, Any]) -> int:
        """Update the links' rows, each to values of its own; all name the same columns."""
        extra, constants = [self.extra.prepared(values) for values in links.defaults], self.extra.prepared(also)
        changed, width = [*extra[0]], len(self.pair.fields)
        columns = Columns((*self.pair.fields, *changed), self.using)
        own = [[values[field] for values in extra] for field in changed]
        values = given.numbered(columns, [*self.pair.prepared_columns(links.rows), *own])
        same = " AND ".join(f"{self.table}.{column} = given{n}" for n, column in enumerate(self.pair.quoted))
        # Of no polymorphic relation's rows but its own.
        same += "".join(f" AND {self.table}.{self._quoted(field)} = %s" for field in self.fixed_values)
        if state.text:
            same += f" AND {self.table}.{state.text}"
        assigned = [f"{column} = given{n}" for n, column in enumerate(columns.quoted) if n >= width]
        assigned += [f"{self._quoted(field)} = %s" for field in constants]
        source, setting = f"({values.text}) AS given", f"SET {', '.join(assigned)}"
        if self.connection.vendor == "mysql":
            text = f"UPDATE {self.table} JOIN {source} {setting} WHERE {same}"
            return self._execute(Sql(text, (*values.params, *constants.values(), *self.fixed.params)))
        text = f"UPDATE {self.table} {setting} FROM {source} WHERE {same}"
        return self._execute(Sql(text, (*constants.values(), *values.params, *self.fixed.params)))

    def remove(self, condition: Sql, *, destroy: bool) -> int:
        """Remove the rows that the condition names: softly where they can be, unless `destroy`."""
        if destroy or not self.deleted_at:
            return self._execute(Sql(f"DELETE FROM {self.table} WHERE {condition.text}", condition.params))
        return self.update(condition & self.live, {DELETED_AT: timezone.now()})

    def keys(self, rows: Sequence[Values]) -> dict[Values, Any]:
        """The pairs -> the primary key of their join row."""
        names = [field.attname for field in self.pair.fields]
        found: dict[Values, Any] = {}
        for start in range(0, len(rows), CHUNK):
            for row in self.rows(self.of_rows(rows[start : start + CHUNK])).values_list(*names, "pk"):
                found[row[:-1]] = row[-1]
        return found

    def require_stored(self, links: Links) -> None:
        """
        Raise IntegrityError if one of the rows was not stored.

        MariaDB's ON DUPLICATE KEY cannot be limited to the pair: a clash on another unique column of
        a join model would pass in silence.
        """
        if not self._has_other_unique():
            return
        stored = self.stored(links)[1]
        self._refuse_lost(sum(row not in stored for row in links.rows))

    def _refuse_lost(self, lost: int) -> None:
        if lost:
            raise IntegrityError(
                f"{lost} new rows of {self.through._meta.db_table} clash with rows of other pairs on a unique column."
            )

    # How they are made

    def _insert(self, columns: insertion.ByField, same: Mapping[Field, Any]) -> int:
        return sum(
            self._execute(Sql(f"INSERT INTO {self.table} {rows.text}{self._on_conflict}", rows.params))
            for rows in insertion.pieces(columns, same, self.using)
        )

    @cached_property
    def _on_conflict(self) -> str:
        if self.connection.vendor == "mysql":
            # Never INSERT IGNORE, which swallows foreign key errors too.
            return f" ON DUPLICATE KEY UPDATE {self.pair.quoted[0]} = {self.table}.{self.pair.quoted[0]}"
        # With its target: a clash on another unique column of a join model is an error.
        columns = (*self.pair.quoted, *map(self._quoted, self.fixed_values))
        return f" ON CONFLICT ({', '.join(columns)}) DO NOTHING"

    def _chunks(self, links: Links) -> Iterator[Links]:
        numbers, size = range(len(links.rows)), self._chunk(links.rows)
        for start in range(0, len(numbers), size):
            yield links.only(numbers[start : start + size])

    def _has_other_unique(self) -> bool:
        """Whether join rows can clash on something else than their pair."""
        pair = {field.name for field in (*self.pair.fields, *self.fixed_values)}
        options = self.through._meta
        unique = [{field.name} for field in options.local_concrete_fields if field.unique and not field.primary_key]
        unique += [set(names) for names in options.unique_together]
        unique += [set(constraint.fields) for constraint in options.total_unique_constraints]
        return any(names != pair for names in unique)
