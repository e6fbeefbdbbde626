"""
What this library promises, worked out on recorded tables: plain set arithmetic on links.

    append   before plus given          replace   given
    delete   before minus given         clear     nothing

Only the values given are touched. A dead link is revived. This is no database and no library code:
it is what a rule of docs/differences.md holds against both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.conformance.compare import Outcome
from tests.conformance.conditions import holds
from tests.conformance.recordings import GoModel, Relation, Row, Tables
from tests.conformance.situation import Situation, Thing

ALL = "*associations*"


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


def ends(situation: Situation, relation: Relation, owner: Row, target: Row) -> Row:
    """What a row that holds a link of the relation says of owner and target; nothing of one that is empty."""
    found = dict(relation.fixed)
    for column, held, end in relation.references:
        if given := owner if end == "owner" else target:
            found[column] = given[held]
    if relation.kind == "belongs_to":
        [go] = {thing.go.name: thing.go for thing in situation.owners}.values()
        found.update({column: owner[column] for column in go.primary_key})
    elif relation.kind != "many_to_many" and target:
        found.update({column: target[column] for column in situation.set.models[relation.target].primary_key})
    return found


def held_values(relation: Relation, target: Row) -> Row:
    """The columns of a belongs-to with what they hold of the target."""
    return {column: target[held] for column, held, _ in relation.references}


class _Work:
    """
    The tables, changed as the step is to change them.

    A link is held by a row: of the join table, of the target's (has one, has many), of the owner's (belongs to).
    """

    def __init__(self, situation: Situation) -> None:
        self.s = situation
        self.tables: Tables = {table: [dict(row) for row in rows] for table, rows in situation.before.items()}
        self.keys: dict[int, Row] = {}

    # Storing

    def create(self) -> None:
        for owner in self.s.owners:
            self._choose(owner, self.s.do.get("select"), self.s.do.get("omit", ()))
            self._store(owner)

    def _choose(self, thing: Thing, select: list[str] | None, omit: Sequence[str]) -> None:
        """Leave of an object what select and omit leave of it; keys of what stays are put in when it is stored."""
        if select is not None:
            chosen = {thing.go.fields.get(name, name) for name in select} | set(thing.go.primary_key)
            empty = self.s.empty_row(thing.go)
            thing.row.update({column: empty[column] for column in empty if column not in chosen})
        for name, values in list(thing.given.items()):
            relation = thing.go.relations[name]
            below = [path.partition(".")[2] for path in select or () if path.startswith(f"{name}.")]
            if (select is not None and not {name, ALL} & set(select)) or {name, ALL} & set(omit):
                del thing.given[name]
                thing.row.update(
                    dict.fromkeys(() if select is None else [c for c, _, _ in relation.references if c in thing.row])
                )
                continue
            if f"{name}.*" in omit and any(not value.has_key or self._stored(value) is None for value in values):
                raise RefusedError
            for value in values:
                if select is not None:
                    self._choose(value, below or None, () if below else (ALL,))

    def delete_record(self) -> None:
        select = self.s.do.get("select", ())
        if "where" in self.s.do:
            go = self.s.set.models[self.s.do["model"]]
            rows = [
                row for row in self._rows(go.table) if holds(self.s.do["where"], row) and not row.get("deleted_at")
            ]
            owners = [(go, row) for row in rows]
        else:
            owners = [(owner.go, self._stored(owner) or {}) for owner in self.s.owners]
        for go, row in owners:
            self._delete_along(go, row, select)

    def _delete_along(self, go: GoModel, row: Row, select: Sequence[str]) -> None:
        """Delete a row, and before it what is selected of its relations."""
        is_hard = self.s.unscoped or "deleted_at" not in row
        for name in go.relations if ALL in select else dict.fromkeys(select):
            if "." in name:
                continue
            relation = go.relations.get(name)
            if relation is None or relation.kind == "belongs_to":
                raise RefusedError
            table = relation.join_table or self.s.set.models[relation.target].table
            below = [path.partition(".")[2] for path in select if path.startswith(f"{name}.")]
            of = self._ends(relation, row, {})
            for each in [each for each in self._rows(table) if of.items() <= each.items()]:
                if relation.kind != "many_to_many":
                    self._delete_along(self.s.set.models[relation.target], each, below)
                elif is_hard or "deleted_at" not in each:
                    self.tables[table].remove(each)
                else:
                    each["deleted_at"] = True
        if is_hard:
            self._destroy(go.table, row)
        else:
            row["deleted_at"] = True

    def save(self) -> None:
        for owner in self.s.owners:
            row = self._stored(owner) if owner.has_key else None
            if row is None:
                self._store(owner)
                continue
            kept = {"created_at": row.get("created_at"), "updated_at": True}
            row.update({**owner.row, **{column: value for column, value in kept.items() if column in row}})
            self._link_given(owner, row)

    def _store(self, thing: Thing, ends: Row | None = None) -> Row:
        """Insert an object's row after those it belongs to, then what else lies in its relations."""
        row = dict(thing.row)
        for name, values in thing.given.items():
            relation = thing.go.relations[name]
            if relation.kind == "belongs_to":
                row.update(held_values(relation, self._target(values[-1])))
        stored = self._insert(thing, {**row, **(ends or {})})
        self._link_given(thing, stored)
        return stored

    def _link_given(self, owner: Thing, row: Row) -> None:
        for name, values in owner.given.items():
            if owner.go.relations[name].kind != "belongs_to":
                self._link(owner.go.relations[name], row, values)

    def _stored(self, thing: Thing, ends: Row | None = None) -> Row | None:
        key = {column: {**thing.row, **(ends or {})}[column] for column in thing.go.primary_key}
        return next((row for row in self._rows(thing.go.table) if key.items() <= row.items()), None)

    def _rows(self, table: str) -> list[Row]:
        return self.tables.setdefault(table, [])

    def _insert(self, thing: Thing, row: Row) -> Row:
        rows = self._rows(thing.go.table)
        for column in ("created_at", "updated_at"):
            if column in row:
                row[column] = True
        if not thing.has_key:
            [key] = thing.go.primary_key
            row[key] = max([each[key] for each in [*rows, *self.s.before.get(thing.go.table, ())]], default=0) + 1
        if any(self._clash(thing.go, row, each) for each in rows) or not self._finds_referenced(thing.go.table, row):
            raise RefusedError
        rows.append(row)
        self.keys[id(thing.instance)] = row
        return row

    def _clash(self, go: GoModel, row: Row, other: Row) -> bool:
        return any(all(row[c] == other[c] for c in columns) for columns in self.s.set.unique_columns(go.table))

    def _finds_referenced(self, table: str, row: Row) -> bool:
        """Whether every foreign key that this library has on the table finds its row."""
        for key in self.s.set.foreign_keys(table):
            held = {other: row[own] for own, other in zip(key["columns"], key["references"], strict=True)}
            is_enforced = key["references"] in self.s.set.unique_columns(key["table"]) and None not in held.values()
            if is_enforced and not any(held.items() <= each.items() for each in [*self._rows(key["table"]), row]):
                return False
        return True

    # Links

    def append(self) -> None:
        relation = self._relation()
        for owner, values in self._pairs():
            if relation.is_single and values:
                self._replace(relation, owner, values)
            else:
                self._link(relation, owner.row, values)
            for value in values if self.s.do.get("full_save") else ():
                columns = {c: given for c, given in value.row.items() if c not in ("created_at", "updated_at")}
                self._target(value).update(columns)

    def replace(self) -> None:
        for owner, values in self._pairs():
            self._replace(self._relation(), owner, values)

    def _replace(self, relation: Relation, owner: Thing, values: list[Thing]) -> None:
        wanted = [row for row in map(self._known, values) if row is not None]
        self._unlink(
            relation, owner.row, lambda row: not any(self._joins(relation, row, owner.row, each) for each in wanted)
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
        """Each owner with its values; of several values for one place the last."""
        if len(self.s.owners) == 1:
            pairs = [(self.s.owners[0], [value for values in self.s.values for value in values])]
        elif len(self.s.owners) != len(self.s.values):
            raise RefusedError
        else:
            pairs = list(zip(self.s.owners, self.s.values, strict=True))
        if self._relation().is_single:
            pairs = [(owner, values[-1:]) for owner, values in pairs]
        return pairs

    def _known(self, thing: Thing, ends: Row | None = None) -> Row | None:
        return self.keys.get(id(thing.instance)) or (self._stored(thing, ends) if thing.has_key else None)

    def _target(self, thing: Thing, ends: Row | None = None) -> Row:
        """The value's row, stored if it was not."""
        return self._known(thing, ends) or self._store(thing, ends)

    def _link(self, relation: Relation, owner: Row, values: list[Thing]) -> None:
        for value in values:
            if relation.kind == "many_to_many":
                self._join(relation, owner, self._target(value))
            elif relation.kind == "belongs_to":
                self._belong(relation, owner, self._target(value))
            else:
                ends = self._ends(relation, owner, {})
                row = self._target(value, ends)
                row.update(ends)
                if not self._finds_referenced(value.go.table, row):
                    raise RefusedError

    def _join(self, relation: Relation, owner: Row, target: Row) -> None:
        rows = self._rows(str(relation.join_table))
        found = next((row for row in rows if self._joins(relation, row, owner, target)), None)
        if found is None:
            row = self.s.join_row(relation, self._ends(relation, owner, target))
            if not self._finds_referenced(str(relation.join_table), row):
                raise RefusedError
            rows.append(row)
        elif "deleted_at" in found:
            found["deleted_at"] = False

    def _belong(self, relation: Relation, owner: Row, target: Row) -> None:
        row = next((row for row in self._rows(self._holder(relation)) if self._joins(relation, row, owner, {})), None)
        if row is None:
            raise RefusedError
        row.update(held_values(relation, target))

    def _unlink(self, relation: Relation, owner: Row, goes: Any) -> None:
        """
        Join rows go, softly where they can and are to; other rows let go of what they hold.

        Unscoped the rows of a has-one or has-many go, and what a belongs-to held.
        """
        table, of = self._holder(relation), self._ends(relation, owner, {})
        for row in [row for row in self._rows(table) if of.items() <= row.items() and goes(row)]:
            if relation.kind == "many_to_many":
                if "deleted_at" in row and not self.s.unscoped:
                    row["deleted_at"] = True
                else:
                    self.tables[table].remove(row)
            elif relation.kind == "belongs_to":
                left = dict(row)
                self._empty(relation, table, row)
                if self.s.unscoped:
                    self._destroy_held(relation, left)
            elif self.s.unscoped:
                self._destroy(table, row)
            elif not row.get("deleted_at"):
                self._empty(relation, table, row)

    def _empty(self, relation: Relation, table: str, row: Row) -> None:
        columns = [column for column, _, _ in relation.references]
        if any(row[column] is not None for column in columns):
            if set(columns) & self.s.set.not_null(table):
                raise RefusedError
            row.update(dict.fromkeys(columns))

    def _destroy_held(self, relation: Relation, left: Row) -> None:
        table = self.s.set.models[relation.target].table
        held = {of: left[column] for column, of, _ in relation.references}
        for row in [row for row in self._rows(table) if held.items() <= row.items()]:
            self._destroy(table, row)

    def _destroy(self, table: str, row: Row) -> None:
        """Take a row away for good, if no other refers to it."""
        self.tables[table].remove(row)
        for other in self.s.set.tables:
            if not all(self._finds_referenced(other["name"], each) for each in self._rows(other["name"])):
                raise RefusedError

    def _holder(self, relation: Relation) -> str:
        """The table whose rows hold the links."""
        if relation.kind == "belongs_to":
            return self.s.owners[0].go.table
        return relation.join_table or self.s.set.models[relation.target].table

    def _joins(self, relation: Relation, row: Row, owner: Row, target: Row) -> bool:
        return self._ends(relation, owner, target).items() <= row.items()

    def _ends(self, relation: Relation, owner: Row, target: Row) -> Row:
        """What a row that holds a link says of the ends that are given."""
        return ends(self.s, relation, owner, target)

    # Reading

    def count(self) -> int:
        return len(self.assoc_find())

    def assoc_find(self) -> list[dict[str, Any]]:
        relation = self._relation()
        target = self.s.set.models[relation.target]
        owners = {id(owner.instance): owner for owner in self.s.owners}.values()  # one given twice counts once
        found = [row for owner in owners for row in self._targets(relation, owner.row, self.s.unscoped)]
        if relation.kind == "belongs_to":
            found = list({id(row): row for row in found}.values())
        return [self.s.set.shown(target, row) for row in _chosen(found, self.s.do)]

    def _targets(self, relation: Relation, owner: Row, unscoped: bool) -> list[Row]:
        targets = self._rows(self.s.set.models[relation.target].table)
        if relation.kind == "belongs_to":
            # By what the owner says in memory.
            pairs = [(owner, target) for target in targets if held_values(relation, target).items() <= owner.items()]
        else:
            rows = self._rows(self._holder(relation))
            pairs = [(row, target) for row in rows for target in targets if self._joins(relation, row, owner, target)]
        return [target for row, target in pairs if unscoped or not (row.get("deleted_at") or target.get("deleted_at"))]

    def find(self) -> list[dict[str, Any]]:
        go = self.s.set.models[self.s.do["model"]]
        unscoped = bool(self.s.do.get("unscoped"))
        asked = {
            each["path"]: each
            for each in ({"path": each} if isinstance(each, str) else each for each in self.s.do.get("preload", ()))
        }
        rows = [row for row in self._rows(go.table) if unscoped or not row.get("deleted_at")]
        return [self._loaded(go, row, asked, unscoped) for row in _chosen(rows, self.s.do)]

    def _loaded(self, go: GoModel, row: Row, asked: dict[str, dict[str, Any]], unscoped: bool) -> dict[str, Any]:
        """The row with what is preloaded; `asked` -- options by path."""
        found = self.s.set.shown(go, row)
        for name in dict.fromkeys(path.partition(".")[0] for path in asked):
            below = {path.removeprefix(f"{name}."): asked[path] for path in asked if path.startswith(f"{name}.")}
            options, relation = asked.get(name, {}), go.relations[name]
            target = self.s.set.models[relation.target]
            seen = _chosen(self._targets(relation, row, unscoped or bool(options.get("unscoped"))), options)
            loaded = [self._loaded(target, each, below, unscoped) for each in seen]
            if not relation.is_single:
                found[name] = loaded
            elif loaded:
                found[name] = loaded[-1]
        return found


def _chosen(rows: list[Row], options: dict[str, Any]) -> list[Row]:
    """The rows that the options where (or cond), order and limit leave."""
    condition = options.get("where") or options.get("cond")
    rows = [row for row in rows if condition is None or holds(condition, row)]
    for each in reversed(options.get("order", "").split(",")):
        column, _, way = each.strip().rpartition(".")[2].partition(" ")
        if column:
            rows.sort(key=lambda row, by=column: row[by], reverse=way.lower() == "desc")
    return rows[: options.get("limit")]
