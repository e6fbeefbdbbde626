"""
What a rule may look at: the step's input, the objects as they are in memory before it, the tables before it.

Never the scenario's name, never what was recorded of the step itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import models

from tests.conformance.play import Player
from tests.conformance.recordings import GoModel, Relation, Row, Set, Tables


@dataclass
class Thing:
    """
    One object of the input.

    row -- its columns, times as booleans
    given -- objects that lie in its relations and are to be stored with it
    carried -- what its relations have held in memory since an earlier step, as GORM shows objects
    shown -- the whole object as GORM showed it then
    """

    go: GoModel
    instance: Any
    row: Row
    has_key: bool
    given: dict[str, list[Thing]] = field(default_factory=dict)
    carried: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)


class Situation:
    """A step's input."""

    def __init__(
        self,
        recorded: Set,
        classes: dict[str, type[models.Model]],
        do: dict[str, Any],
        before: Tables,
        player: Player,
        vendor: str,
    ) -> None:
        self.set, self.do, self.before, self.vendor = recorded, do, before, vendor
        self.verb: str = do["verb"]
        self._classes, self._player = classes, player
        self.unscoped = bool(do.get("unscoped") or do.get("db_unscoped"))
        self.owners: list[Thing] = []
        self.values: list[list[Thing]] = []
        self.relation: Relation | None = None
        if self.verb in ("create", "save"):
            self.owners = self._things(do["model"], do["value"])
        elif "owner" in do:
            self.owners = [thing for name in _list(do["owner"]) for thing in self._things("", name)]
            self.relation = self.owners[0].go.relations.get(do.get("association", ""))
            if self.relation:
                self.values = [self._things(self.relation.target, value) for value in do.get("values", ())]
        # What the step does not touch is of no use, and what it does must not be seen afterwards.
        del self._player

    def _things(self, model: str, value: Any) -> list[Thing]:
        if isinstance(value, list):
            return [thing for each in value for thing in self._things(model, each)]
        if isinstance(value, dict) and set(value) == {"plain"}:
            return self._things(model, value["plain"])
        instance = self._player.make(model, value)
        if isinstance(instance, dict):
            instance = self._classes[model](**instance)
        return [self._thing(instance)]

    def _thing(self, instance: Any) -> Thing:
        go = self.set.models[type(instance).__name__]
        row = self._row(instance)
        thing = Thing(go, instance, row, all(row[column] is not None for column in go.primary_key))
        for name, values in instance.__dict__.get("go", {}).items():
            thing.given[name] = [self._thing(each) for each in values]
        memory = instance.__dict__.get("memory")
        thing.shown = memory if isinstance(memory, dict) else {}
        for name in go.relations:
            held = thing.shown.get(name)
            if held:
                thing.carried[name] = held if isinstance(held, list) else [held]
        return thing

    def empty_row(self, go: GoModel) -> Row:
        """A new row with its defaults."""
        return self._row(self._classes[go.name]())

    @staticmethod
    def _row(instance: Any) -> Row:
        row = {}
        for each in instance._meta.local_concrete_fields:
            value = getattr(instance, each.attname)
            row[each.column] = value is not None if each.column.endswith("_at") else value
        return row

    def join_row(self, relation: Relation, ends: Row) -> Row:
        """A new row of the join table as this set's model makes it."""
        model = next(each for each in self._classes.values() if each._meta.db_table == relation.join_table)
        instance = model()
        if hasattr(instance, "before_create"):
            instance.before_create()
        row = {}
        for each in model._meta.local_concrete_fields:
            row[str(each.column)] = (
                each.column == "created_at" if str(each.column).endswith("_at") else getattr(instance, each.attname)
            )
        return {**row, **ends}

    def value_things(self) -> list[Thing]:
        """All values, those in lists and those that owners bring along too."""
        brought = [each for owner in self.owners for each in owner.given.values()]
        return [value for values in [*self.values, *brought] for value in values]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
