"""
A recorded step, done with this library.

Go's memory is kept by the harness: names, objects that are not stored yet, what lies in their
relations, and copies where a field holds structs and not pointers. Nested create is save() and
then append().
"""

from __future__ import annotations

import copy
import datetime
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.db import models, transaction
from django.db.models import Q

import gorm_assoc.models
from gorm_assoc.models import Association
from gorm_assoc.naming import NamingStrategy
from tests.conformance.recordings import GoModel, Relation, Set, Step

ALL = "*associations*"
_CONDITION = re.compile(
    r"(?:\w+\.)?(\w+) (=|<>|!=|<=?|>=?|LIKE|(?:NOT )?IN|IS (?:NOT )?NULL)(?: \(?\?\)?)?", re.IGNORECASE
)
_LOOKUPS = {"=": "exact", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "IN": "in", "IS NULL": "isnull"}
_DENIED = {"<>": "exact", "!=": "exact", "NOT IN": "in", "IS NOT NULL": "isnull"}

attribute = NamingStrategy().column_name


def _copied(instance: Any) -> Any:
    """A struct, copied. (copy.copy() would look for the model among the installed apps.)"""
    twin = type(instance)()
    twin.__dict__.update(instance.__dict__, _state=copy.copy(instance._state))
    return twin


class NotYetError(Exception):
    """The step needs what comes with a later piece of work; its name is the argument."""


Translation = Callable[[str, Any], Any]


class Player:
    """
    One scenario's objects, and the verbs on them.

    key, back -- what a recorded number of a table is here, and the other way round: itself, unless
        earlier steps ran undisturbed
    """

    def __init__(
        self,
        recorded: Set,
        classes: dict[str, type[models.Model]],
        key: Translation = lambda _, key: key,
        back: Translation = lambda _, key: key,
    ) -> None:
        self.set, self.classes, self.key, self.back = recorded, classes, key, back
        self.names: dict[str, Any] = {}

    def play(self, step: Step) -> Any:
        """Do the step and give its result, for verbs whose result counts. Raises what the library raises."""
        with_owner = {"append", "replace", "delete", "clear", "count", "assoc_find"}
        do = getattr(self, f"_{step.verb}" if step.verb not in with_owner else "_associate")
        return do(step.do)

    # Objects in memory

    def make(self, model: str, value: Any) -> Any:
        """The object (or list of objects) that a recorded value stands for."""
        if isinstance(value, str):
            return self.names[value]
        if isinstance(value, list):
            return [self.make(model, each) for each in value]
        if set(value) == {"ref"}:
            return self.names[value["ref"]]
        if set(value) == {"plain"}:
            return self.make(model, value["plain"])
        go = self.set.models[model]
        if set(value) == {"map"}:
            return {self._attname(go, column): given for column, given in value["map"].items()}
        instance = self.classes[model]()
        self._fill(go, instance, value)
        return instance

    def _fill(self, go: GoModel, instance: Any, value: dict[str, Any]) -> None:
        for name, given in value.items():
            if name in go.fields:
                column = go.fields[name]
                if column.endswith("_at"):
                    given = datetime.datetime.now(datetime.UTC) if given else None
                elif (go.table, column) in self.set.key_tables:
                    given = self.key(self.set.key_tables[go.table, column], given)
                setattr(instance, self._attname(go, column), given)
            elif name in go.relations:
                relation = self._playable(go, name)
                made = self.make(relation.target, given)
                instance.__dict__.setdefault("go", {})[name] = (
                    made if relation.by_pointer else [_copied(each) for each in made]
                )
            else:
                raise NotYetError("the other kinds")

    def _attname(self, go: GoModel, column: str) -> str:
        for field in self.classes[go.name]._meta.local_concrete_fields:
            if field.column == column:
                return str(field.attname)
        raise LookupError(f"no column {column}")

    def _playable(self, go: GoModel, name: str) -> Relation:
        relation = go.relations[name]
        if relation.kind != "many_to_many":
            raise NotYetError("the other kinds")
        return relation

    def _new(self, do: dict[str, Any]) -> None:
        self._call(do, self.make(do["model"], do["value"]))

    def _set(self, do: dict[str, Any]) -> None:
        owner = self.names[do["owner"]]
        self._fill(self.set.models[type(owner).__name__], owner, do["value"])

    def _call(self, do: dict[str, Any], made: Any) -> None:
        name = do.get("as")
        if isinstance(name, list):
            self.names.update(zip(name, made, strict=True))
        elif name:
            self.names[name] = made

    # Storing

    def _create(self, do: dict[str, Any]) -> None:
        self._refuse_graphs(do)
        made = self.make(do["model"], do["value"])
        self._call(do, made)
        with transaction.atomic():
            for instance in made if isinstance(made, list) else [made]:
                self._store(instance, force_insert=True)

    def _save(self, do: dict[str, Any]) -> None:
        self._refuse_graphs(do)
        made = self.make(do["model"], do["value"])
        self._call(do, made)
        with transaction.atomic():
            self._store(made, force_insert=made.pk is None)

    def _store(self, instance: Any, **options: Any) -> None:
        """save(), then append() of what lies in the relations; each stored first with what lies in its own."""
        carried = instance.__dict__.pop("go", {})
        instance.save(**options)
        for name, targets in sorted(carried.items()):
            nested = [(target, target.__dict__.pop("go", {})) for target in targets]
            instance.association(attribute(name)).append(*targets)
            for target, below in nested:
                for inner, values in below.items():
                    target.association(attribute(inner)).append(*values)

    def _refuse_graphs(self, do: dict[str, Any]) -> None:
        if {"select", "omit", "full_save"} & set(do):
            raise NotYetError("saving")

    def _update(self, do: dict[str, Any]) -> None:
        go = self.set.models[do["model"]]
        values = {self._attname(go, column): given for column, given in do["set"].items()}
        self._rows(do).update(**values)

    def _delete_record(self, do: dict[str, Any]) -> None:
        if "select" in do:
            raise NotYetError("saving")
        if "where" in do:
            self._rows(do).delete()
            return
        owners = do["owner"] if isinstance(do["owner"], list) else [do["owner"]]
        with transaction.atomic():
            for owner in map(self.names.__getitem__, owners):
                key = owner.pk
                owner.delete(unscoped=bool(do.get("unscoped")))
                owner.pk = key  # Go's object keeps it

    # Reading

    def _rows(self, do: dict[str, Any]) -> Any:
        model = self.classes[do["model"]]
        rows = model._default_manager.all()
        if do.get("unscoped"):
            rows = rows.unscoped()  # type: ignore[attr-defined]
        return self._limited(self.set.models[do["model"]], rows, do)

    def _limited(self, go: GoModel, rows: Any, do: dict[str, Any]) -> Any:
        condition = do.get("where") or do.get("cond")
        if condition:
            rows = rows.filter(self._condition(go, condition))
        if "order" in do:
            words = [each.strip().rpartition(".")[2].partition(" ") for each in do["order"].split(",")]
            rows = rows.order_by(
                *(("-" if way.lower() == "desc" else "") + self._attname(go, column) for column, _, way in words)
            )
        return rows[: do["limit"]] if "limit" in do else rows

    def _condition(self, go: GoModel, condition: list[Any]) -> Q:
        """A condition in SQL with its arguments, of the forms that recordings have."""
        text, *arguments = condition
        found = Q()
        for part in re.split(r" (?=AND |OR )", text):
            word, rest = re.fullmatch(r"(AND |OR )?(.*)", part).groups()  # type: ignore[union-attr]
            match = _CONDITION.fullmatch(rest)
            if match is None:
                raise NotImplementedError(f"no word for the condition {text!r}")
            one = self._comparison(go, match[1], match[2].upper(), arguments)
            found = found | one if word == "OR " else found & one
        return found

    def _comparison(self, go: GoModel, column: str, operator: str, arguments: list[Any]) -> Q:
        name, table = self._attname(go, column), self.set.key_tables.get((go.table, column))
        value = True if "NULL" in operator else arguments.pop(0)
        if table:
            value = [self.key(table, each) for each in value] if isinstance(value, list) else self.key(table, value)
        if operator == "LIKE":
            return Q(**{f"{name}__iregex": f"^{re.escape(value).replace('%', '.*').replace('_', '.')}$"})
        if operator in _DENIED:
            return ~Q(**{f"{name}__{_DENIED[operator]}": value})
        return Q(**{f"{name}__{_LOOKUPS[operator]}": value})

    def _load(self, do: dict[str, Any]) -> Any:
        found = self._rows(do).order_by("pk").first()
        if found is None:
            raise LookupError("record not found")
        self._call(do, found)
        return self.dump(found)

    def _find(self, do: dict[str, Any]) -> Any:
        go = self.set.models[do["model"]]
        tree: dict[str, Any] = {}
        rows = self._rows(do)
        for each in do.get("preload", ()):
            rows = rows.preload(*self._preloaded(go, {"path": each} if isinstance(each, str) else each, tree))
        return [self.dump(each, tree) for each in rows]

    def _preloaded(self, go: GoModel, options: dict[str, Any], tree: dict[str, Any]) -> list[Any]:
        """A recorded preload as what preload() takes; its names are entered in the tree."""
        names = options["path"].split(".")
        if names == [ALL]:
            for name in go.relations:
                self._playable(go, name)
                tree.setdefault(name, {})
            return [gorm_assoc.models.ALL]
        for name in names:
            tree = tree.setdefault(name, {})
            if name in go.relations:
                go = self.set.models[self._playable(go, name).target]

        def limited(targets: Any) -> Any:
            return self._limited(go, targets.unscoped() if options.get("unscoped") else targets, options)

        path = ".".join(map(attribute, names))
        return [path, limited] if len(options) > 1 else [path]

    def dump(self, instance: Any, tree: dict[str, Any] | None = None) -> dict[str, Any]:
        """The object as recordings give it, with the relations in the tree."""
        go = self.set.models[type(instance).__name__]
        found: dict[str, Any] = {}
        for name, column in go.fields.items():
            value = getattr(instance, self._attname(go, column))
            numbered = self.set.key_tables.get((go.table, column))
            if numbered:
                value = self.back(numbered, value)
            found[name] = value is not None if column.endswith("_at") else value
        for name, below in (tree or {}).items():
            if name in go.relations:
                found[name] = [self.dump(each, below) for each in getattr(instance, attribute(name)).all()]
        return found

    # Association mode

    def _associate(self, do: dict[str, Any]) -> Any:
        if {"select", "omit", "full_save"} & set(do):
            raise NotYetError("saving")
        name, verb = do["association"], do["verb"]
        owner = self._owner(do["owner"])
        first = owner[0] if isinstance(owner, list) else owner
        go = self.set.models[type(first).__name__]
        if name in go.relations:
            self._playable(go, name)
        association = Association(owner, attribute(name))
        relation = go.relations[name]
        if do.get("unscoped") or do.get("db_unscoped"):
            association = association.unscoped()
        target = self.set.models[relation.target]
        if verb == "count":
            return association.count(*self._conditions(target, do))
        if verb == "assoc_find":
            return [self.dump(each) for each in self._limited(target, association.find(), do)]
        if verb == "clear":
            association.clear()
            return None
        getattr(association, verb)(*(self.make(relation.target, value) for value in do["values"]))
        return None

    def _conditions(self, go: GoModel, do: dict[str, Any]) -> Iterable[Q]:
        return [self._condition(go, do["where"])] if "where" in do else []

    def _owner(self, owner: str | list[str]) -> Any:
        return [self.names[name] for name in owner] if isinstance(owner, list) else self.names[owner]

    # What the recording says of the objects afterwards

    def follow(self, step: Step, names: dict[str, dict[int, int]] | None = None) -> None:
        """
        Give the objects the keys that were recorded.

        names -- the renaming of the step's new keys; None if the step was not played, or came out differently
        """
        do, results = step.do, step.result
        called = do.get("as") or (do["value"] if isinstance(do.get("value"), str) else None)
        if step.verb in ("append", "replace", "delete", "clear"):
            called = do["owner"]
        if step.verb in ("create", "save", "load", "new", "set") and step.error is None and called:
            pairs = zip(called, results, strict=True) if isinstance(called, list) else [(called, results)]
            for name, recorded in pairs:
                self._adopt(name, do.get("model"), recorded, stored=step.verb not in ("new", "set"))
        self._remember(called, results)
        for instance in self.names.values():
            go = self.set.models[type(instance).__name__]
            if len(go.primary_key) == 1:
                if names is not None:
                    instance.pk = names.get(go.table, {}).get(instance.pk, instance.pk)
                elif step.error is None and instance.pk is None or self._is_new_here(step, go, instance):
                    self._find_key(step, go, instance)

    def _remember(self, called: Any, results: Any) -> None:
        """Keep on each object what GORM showed of it."""
        pairs = zip(called, results or (), strict=False) if isinstance(called, list) else [(called, results)]
        for name, recorded in pairs:
            if name in self.names:
                self.names[name].__dict__["memory"] = recorded

    def _adopt(self, name: str, model: str | None, recorded: dict[str, Any], *, stored: bool) -> None:
        instance = self.names.get(name)
        if instance is None:
            assert model
            instance = self.names[name] = self.classes[model]()
            go = self.set.models[model]
            self._fill(go, instance, {field: recorded[field] for field in go.fields if field in recorded})
            instance._state.adding = not stored
        go = self.set.models[type(instance).__name__]
        for field, column in go.fields.items():
            if column in go.primary_key and stored:
                setattr(instance, self._attname(go, column), recorded[field])

    def _is_new_here(self, step: Step, go: GoModel, instance: Any) -> bool:
        known = {row[go.primary_key[0]] for row in step.after.get(go.table, ())}
        return step.verb in ("append", "replace") and instance.pk not in known and not instance._state.adding

    def _find_key(self, step: Step, go: GoModel, instance: Any) -> None:
        """The key of the only new row that has the object's values."""
        [key] = go.primary_key
        known = [row[key] for row in step.before.get(go.table, ())]
        columns = [column for column in go.fields.values() if column != key and not column.endswith("_at")]
        found = [
            row[key]
            for row in step.after.get(go.table, ())
            if row[key] not in known and all(row[c] == getattr(instance, self._attname(go, c)) for c in columns)
        ]
        if len(found) == 1:
            instance.pk, instance._state.adding = found[0], False
