"""
What this library promises, worked out on recorded tables: plain set arithmetic on links.

    append   before plus given          replace   given
    delete   before minus given         clear     nothing

Only the values given are touched. A dead link is revived. This is no database and no library code:
it is what a rule of docs/differences.md holds against both.
"""

from __future__ import annotations

from typing import Any

from tests.conformance.compare import Outcome
from tests.conformance.recordings import GoModel, Relation, Row, Tables
from tests.conformance.situation import Situation, Thing


class RefusedError(Exception):
    """The step fails and changes nothing."""


def outcome(situation: Situation) -> Outcome:
    """What the step is to leave."""
    work = _Work(situation)
    try:
        result = getattr(work, situation.verb)()
    except RefusedError:
        return Outcome(situation.before, None, fails=True)
    return Outcome(work.tables, result)


class _Work:
    def __init__(self, situation: Situation) -> None:
        self.s = situation
        self.tables: Tables = {table: [dict(row) for row in rows] for table, rows in situation.before.items()}
        self.keys: dict[int, Row] = {}

    # Storing

    def create(self) -> None:
        for owner in self.s.owners:
            self._link_given(owner, self._insert(owner))

    def _link_given(self, owner: Thing, row: Row) -> None:
        for name, values in owner.given.items():
            self._link(owner.go.relations[name], row, values)
            for value in values:
                self._link_given(value, self._target(value))

    def _stored(self, thing: Thing) -> Row | None:
        key = {column: thing.row[column] for column in thing.go.primary_key}
        return next((row for row in self._rows(thing.go.table) if key.items() <= row.items()), None)

    def _rows(self, table: str) -> list[Row]:
        return self.tables.setdefault(table, [])

    def _insert(self, thing: Thing) -> Row:
        rows, row = self._rows(thing.go.table), dict(thing.row)
        for column in ("created_at", "updated_at"):
            if column in row:
                row[column] = True
        if not thing.has_key:
            [key] = thing.go.primary_key
            row[key] = max([each[key] for each in rows], default=0) + 1
        if any(self._clash(thing.go, row, each) for each in rows):
            raise RefusedError
        rows.append(row)
        self.keys[id(thing.instance)] = row
        return row

    def _clash(self, go: GoModel, row: Row, other: Row) -> bool:
        return any(all(row[c] == other[c] for c in columns) for columns in self.s.set.unique_columns(go.table))

    # Links

    def append(self) -> None:
        relation = self._relation()
        for owner, values in self._pairs():
            self._link(relation, owner.row, values)

    def replace(self) -> None:
        relation = self._relation()
        for owner, values in self._pairs():
            wanted = [self._target(value) for value in values]
            self._unlink(
                relation,
                owner.row,
                lambda row, of=owner, to=wanted: not any(self._joins(relation, row, of.row, each) for each in to),
            )
            self._link(relation, owner.row, values)

    def delete(self) -> None:
        relation = self._relation()
        gone = [value.row for values in self.s.values for value in values if value.has_key]
        for owner in self.s.owners:
            self._unlink(
                relation,
                owner.row,
                lambda row, of=owner: any(self._joins(relation, row, of.row, each) for each in gone),
            )

    def clear(self) -> None:
        for owner in self._relation() and self.s.owners:
            self._unlink(self._relation(), owner.row, lambda row: True)

    def _relation(self) -> Relation:
        """The step's relation; every owner must have its key."""
        if self.s.relation is None or not all(owner.has_key for owner in self.s.owners):
            raise RefusedError
        return self.s.relation

    def _pairs(self) -> list[tuple[Thing, list[Thing]]]:
        if len(self.s.owners) == 1:
            return [(self.s.owners[0], [value for values in self.s.values for value in values])]
        if len(self.s.owners) != len(self.s.values):
            raise RefusedError
        return list(zip(self.s.owners, self.s.values, strict=True))

    def _target(self, thing: Thing) -> Row:
        """The value's row, stored if it was not."""
        known = self.keys.get(id(thing.instance)) or (self._stored(thing) if thing.has_key else None)
        return known or self._insert(thing)

    def _link(self, relation: Relation, owner: Row, values: list[Thing]) -> None:
        for value in values:
            target = self._target(value)
            rows = self._rows(str(relation.join_table))
            found = next((row for row in rows if self._joins(relation, row, owner, target)), None)
            if found is None:
                if not self._is_there(relation, owner):
                    raise RefusedError
                rows.append(self.s.join_row(relation, self._ends(relation, owner, target)))
            elif "deleted_at" in found:
                found["deleted_at"] = False

    def _is_there(self, relation: Relation, owner: Row) -> bool:
        """Whether the foreign key to the owner, if there is one, finds it."""
        ends = self._ends(relation, owner, {})
        for key in self.s.set.foreign_keys(str(relation.join_table)):
            held = {other: ends.get(own) for own, other in zip(key["columns"], key["references"], strict=True)}
            has_key = set(key["columns"]) == set(ends)
            if has_key and not any(held.items() <= row.items() for row in self._rows(key["table"])):
                return key["references"] not in self.s.set.unique_columns(key["table"])
        return True

    def _unlink(self, relation: Relation, owner: Row, goes: Any) -> None:
        table = str(relation.join_table)
        soft = not self.s.unscoped
        kept = []
        for row in self._rows(table):
            mine = self._ends(relation, owner, {}).items() <= row.items()
            if mine and goes(row):
                if not (soft and "deleted_at" in row):
                    continue
                row["deleted_at"] = True
            kept.append(row)
        self.tables[table] = kept

    def _joins(self, relation: Relation, row: Row, owner: Row, target: Row) -> bool:
        return self._ends(relation, owner, target).items() <= row.items()

    @staticmethod
    def _ends(relation: Relation, owner: Row, target: Row) -> Row:
        """The join row's columns for the ends that are given."""
        return {
            column: (owner if end == "owner" else target)[str(held)]
            for column, held, end in relation.references
            if end == "owner" or target
        }

    # Reading

    def count(self) -> int:
        return len(self.assoc_find())

    def assoc_find(self) -> list[dict[str, Any]]:
        relation = self._relation()
        target = self.s.set.models[relation.target]
        owners = {id(owner.instance): owner for owner in self.s.owners}.values()  # one given twice counts once
        found = [row for owner in owners for row in self._targets(relation, owner.row, self.s.unscoped)]
        if "order" in self.s.do:
            column, _, way = self.s.do["order"].rpartition(".")[2].partition(" ")
            found.sort(key=lambda row: row[column], reverse=way == "desc")
        return [self._dump(target, row) for row in found]

    def _targets(self, relation: Relation, owner: Row, unscoped: bool) -> list[Row]:
        return [
            target
            for row in self._rows(str(relation.join_table))
            for target in self._rows(self.s.set.models[relation.target].table)
            if self._joins(relation, row, owner, target)
            and (unscoped or not (row.get("deleted_at") or target.get("deleted_at")))
        ]

    def find(self) -> list[dict[str, Any]]:
        go = self.s.set.models[self.s.do["model"]]
        unscoped = bool(self.s.do.get("unscoped"))
        found = []
        for row in self._rows(go.table):
            if row.get("deleted_at") and not unscoped:
                continue
            dumped = self._dump(go, row)
            for each in self.s.do["preload"]:
                options = each if isinstance(each, dict) else {"path": each}
                relation = go.relations[options["path"]]
                target = self.s.set.models[relation.target]
                targets = self._targets(relation, row, unscoped or bool(options.get("unscoped")))
                dumped[relation.name] = [self._dump(target, each) for each in targets]
            found.append(dumped)
        return found

    @staticmethod
    def _dump(go: GoModel, row: Row) -> dict[str, Any]:
        return {name: row[column] for name, column in go.fields.items()}
