"""
A recorded step, done with this library.

Go's memory is kept by the harness: names, objects that are not stored yet, what lies in their
relations, and copies where a field holds structs and not pointers.
"""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Iterable
from typing import Any

from django.db import models, transaction
from django.db.models import Q

import gorm_assoc.models
from gorm_assoc import pending
from gorm_assoc.models import Association
from gorm_assoc.naming import NamingStrategy
from tests.conformance.conditions import Comparison, comparisons, pattern
from tests.conformance.recordings import GoModel, Relation, Set, Step

ALL = "*associations*"
_LOOKUPS = {"=": "exact", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "IN": "in", "IS NULL": "isnull"}

# Go names that cannot be Python's.
_ATTRIBUTES = {"Pass": "passport"}


def attribute(name: str) -> str:
    """What a relation is called here."""
    return _ATTRIBUTES.get(name) or NamingStrategy().column_name(name)


def _copied(instance: Any) -> Any:
    """A struct, copied. (copy.copy() would look for the model among the installed apps.)"""
    twin = type(instance)()
    twin.__dict__.update(instance.__dict__, _state=copy.copy(instance._state))
    return twin


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
                elif numbered := self.set.numbered(go.table, column, self._given_columns(go, value)):
                    given = self.key(numbered, given)
                setattr(instance, self._attname(go, column), given)
            elif name in go.relations:
                self._put(instance, go.relations[name], given)
            else:  # an embedded struct
                for inner, each in given.items():
                    self._fill(go, instance, {f"{name}.{inner}" if f"{name}.{inner}" in go.fields else inner: each})

    @staticmethod
    def _given_columns(go: GoModel, value: dict[str, Any]) -> dict[str, Any]:
        return {go.fields[name]: given for name, given in value.items() if name in go.fields}

    def _put(self, instance: Any, relation: Relation, given: Any) -> None:
        """Let a relation hold what was given, to be stored with the object."""
        if relation.is_single and not relation.by_pointer and not given:
            return  # a zero struct is none
        made = self.make(relation.target, given)
        if relation.is_single:
            made = [made]
        instance.__dict__.setdefault("go", {})[relation.name] = (
            made if relation.by_pointer else [_copied(each) for each in made]
        )

    def _attname(self, go: GoModel, column: str) -> str:
        for field in self.classes[go.name]._meta.local_concrete_fields:
            if field.column == column:
                return str(field.attname)
        raise LookupError(f"no column {column}")

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
        made = self.make(do["model"], do["value"])
        self._call(do, made)
        options = self._options(self.set.models[do["model"]], do)
        for instance in made if isinstance(made, list) else [made]:
            self._assign(instance)
        if isinstance(made, list):
            self.classes[do["model"]]._default_manager.create_many(made, **options)  # type: ignore[attr-defined]
        else:
            made.save(force_insert=True, **options)

    def _save(self, do: dict[str, Any]) -> None:
        made = self.make(do["model"], do["value"])
        self._call(do, made)
        options = self._options(self.set.models[do["model"]], do)
        with transaction.atomic():
            for instance in made if isinstance(made, list) else [made]:
                self._assign(instance)
                if "full_save" in options:
                    self._show(instance)
                instance.save(force_insert=instance.pk is None, **options)

    def _assign(self, instance: Any) -> None:
        """Let the object's relations be what was put into them; so all the way down. Go's memory keeps it."""
        if isinstance(instance, models.Model):
            relations = self.set.models[type(instance).__name__].relations
            for name, targets in instance.__dict__.pop("go", {}).items():
                for target in targets:
                    self._assign(target)
                instance.__dict__["kept"] = {**instance.__dict__.get("kept", {}), name: targets}
                setattr(instance, attribute(name), targets[0] if relations[name].is_single else targets)

    def _show(self, instance: Any) -> None:
        """Let the object's relations be what Go's memory shows of them, where nothing waits; so all the way down."""
        go, shown = self.set.models[type(instance).__name__], instance.__dict__.get("memory") or {}
        for name, relation in go.relations.items():
            held, targets = shown.get(name), instance.__dict__.get("kept", {}).get(name, ())
            if held:
                targets = [self._shown(relation.target, each) for each in (held if isinstance(held, list) else [held])]
            is_known = attribute(name) in pending.held(instance) or attribute(name) in instance._state.fields_cache
            if targets and not is_known:
                setattr(instance, attribute(name), targets[0] if relation.is_single else list(targets))
            for target in targets:
                self._show(target)

    def _shown(self, model: str, shown: dict[str, Any]) -> Any:
        """A stored object as GORM showed it."""
        go, instance = self.set.models[model], self.classes[model]()
        self._fill(go, instance, {name: value for name, value in shown.items() if name in go.fields})
        instance._state.adding = False
        instance.__dict__["memory"] = shown
        return instance

    def _options(self, go: GoModel, do: dict[str, Any]) -> dict[str, Any]:
        """select, omit and full_save as save() takes them."""
        options: dict[str, Any] = {}
        for option in {"select", "omit"} & set(do):
            if "*" not in do[option]:
                options[option] = [self._path(go, name) for name in do[option]]
        if do.get("full_save"):
            options["full_save"] = True
        return options

    def _path(self, go: GoModel, name: str) -> str:
        first, _, rest = name.partition(".")
        if first == ALL:
            return gorm_assoc.models.ALL
        if first in go.relations:
            below = f".{self._path(self.set.models[go.relations[first].target], rest)}" if rest else ""
            return attribute(first) + below
        return self._attname(go, go.fields[first]) if first in go.fields else first

    def _update(self, do: dict[str, Any]) -> None:
        go = self.set.models[do["model"]]
        values = {self._attname(go, column): given for column, given in do["set"].items()}
        self._rows(do).update(**values)

    def _delete_record(self, do: dict[str, Any]) -> None:
        if "where" in do:
            options = self._options(self.set.models[do["model"]], do)
            self._rows(do).delete(**options)
            return
        owners = do["owner"] if isinstance(do["owner"], list) else [do["owner"]]
        with transaction.atomic():
            for owner in map(self.names.__getitem__, owners):
                key, options = owner.pk, self._options(self.set.models[type(owner).__name__], do)
                owner.delete(unscoped=bool(do.get("unscoped")), **options)
                owner._state.adding = owner.pk is None
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
        found = Q()
        for each in comparisons(condition):
            one = self._comparison(go, each)
            found = found | one if each.either else found & one
        return found

    def _comparison(self, go: GoModel, compared: Comparison) -> Q:
        name, table = self._attname(go, compared.column), self.set.numbered(go.table, compared.column, {})
        value = compared.value
        if compared.operator == "IS NULL":
            value = True
        elif table:
            value = [self.key(table, each) for each in value] if isinstance(value, list) else self.key(table, value)
        if compared.operator == "LIKE":
            found = Q(**{f"{name}__iregex": f"^{pattern(value)}$"})
        else:
            found = Q(**{f"{name}__{_LOOKUPS[compared.operator]}": value})
        return ~found if compared.denied else found

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
                tree.setdefault(name, {})
            return [gorm_assoc.models.ALL]
        path = ".".join(attribute(name) for name in names if name not in go.structs)
        for name in names:
            tree = tree.setdefault(name, {})
            if name in go.relations:
                go = self.set.models[go.relations[name].target]

        def limited(targets: Any) -> Any:
            return self._limited(go, targets.unscoped() if options.get("unscoped") else targets, options)

        return [path, limited] if len(options) > 1 else [path]

    def dump(self, instance: Any, tree: dict[str, Any] | None = None) -> dict[str, Any]:
        """The object as recordings give it, with the relations in the tree."""
        go = self.set.models[type(instance).__name__]
        row = {column: getattr(instance, self._attname(go, column)) for column in go.fields.values()}
        for column, value in row.items():
            if numbered := self.set.numbered(go.table, column, row):
                row[column] = self.back(numbered, value)
        found = self.set.shown(go, row)
        self._dump_relations(go, instance, tree or {}, found)
        return found

    def _dump_relations(self, go: GoModel, instance: Any, tree: dict[str, Any], found: dict[str, Any]) -> None:
        for name, below in tree.items():
            if name in go.structs:
                self._dump_relations(go, instance, below, found)
            elif name in go.relations:
                relation, struct = go.relations[name], go.embedded(name)
                held = getattr(instance, attribute(name), None)
                if not relation.is_single:
                    found[name] = [self.dump(each, below) for each in held.all()]
                elif held is not None:
                    (found[struct] if struct else found)[name] = self.dump(held, below)

    # Association mode

    def _associate(self, do: dict[str, Any]) -> Any:
        name, verb = do["association"], do["verb"]
        owner = self._owner(do["owner"])
        first = owner[0] if isinstance(owner, list) else owner
        go = self.set.models[type(first).__name__]
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
        values = [self.make(relation.target, value) for value in do["values"]]
        for value in values:
            for each in value if isinstance(value, list) else [value]:
                self._assign(each)
        if {"select", "omit"} & set(do):  # what append() is in GORM
            setattr(owner, attribute(name), values)
            owner.save(**self._options(go, {**do, "select": [name, *do.get("select", ())]}))
            return None
        getattr(association, verb)(*values, **self._options(go, do))
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
            if names is not None:
                self._rename(go, instance, names)
            elif self._is_new_here(step, go, instance):
                self._find_key(step, go, instance)
        if names is None and "owner" in do:
            for name in called if isinstance(called, list) else [called]:
                if name in self.names:
                    self._find_held(step, self.names[name])

    def _find_held(self, step: Step, owner: Any) -> None:
        """Whom the owner belongs to after the step."""
        go = self.set.models[type(owner).__name__]
        key = {column: getattr(owner, self._attname(go, column)) for column in go.primary_key}
        row = next((row for row in step.after.get(go.table, ()) if key.items() <= row.items()), {})
        for relation in go.relations.values():
            for column, _, _ in relation.references if relation.kind == "belongs_to" else ():
                if column in row:
                    setattr(owner, self._attname(go, column), row[column])

    def _rename(self, go: GoModel, instance: Any, names: dict[str, dict[int, int]]) -> None:
        row = {column: getattr(instance, self._attname(go, column)) for column in go.fields.values()}
        for column, value in row.items():
            known = names.get(self.set.numbered(go.table, column, row), {})
            if value in known:
                setattr(instance, self._attname(go, column), known[value])

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
        if len(go.primary_key) > 1:
            return False
        if step.error is None and instance.pk is None:
            return True
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
