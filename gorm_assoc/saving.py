"""
Saving objects together with what is assigned to their relations, in GORM's order:

    before_save, before_create or before_update
    belongs-to targets, then the objects' own rows
    has-one, has-many and many2many targets, and the links to them
    after_create or after_update, after_save

Level by level, all objects of one class at once: the number of statements depends on the classes, not
on the objects. Each object is saved once, whichever way it is reached. Links are added and never removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import models, transaction

from gorm_assoc import kinds, pending, storing
from gorm_assoc import relationship as relationships
from gorm_assoc import values as given_values
from gorm_assoc.asked import Asked, held_values, keyed
from gorm_assoc.kinds import hooks, telling
from gorm_assoc.kinds.base import Links, Values
from gorm_assoc.relationship import HAS_MANY, HAS_ONE, MANY2MANY, Model, Relationship
from gorm_assoc.selection import Selection
from gorm_assoc.values import Value

Write = Callable[[Sequence[models.Model], Selection], None]
_ORDER = {HAS_ONE: 0, HAS_MANY: 1, MANY2MANY: 2}


def has_associations(instance: models.Model) -> bool:
    """Whether save() has more to do than the object's own row."""
    return bool(pending.held(instance)) or any(
        _needs_saving(target) for _, target in _belongs_to(instance) if target is not None
    )


class Graph:
    """
    One save, on one database: what it has met and done so far.

    full -- what targets that are stored carry is written, too; so is what is loaded and was not assigned
    """

    def __init__(self, using: str, *, full: bool = False) -> None:
        self.using = using
        self.full = full
        self.inserted: set[int] = set()
        self._met: dict[int, models.Model] = {}
        self._later: list[tuple[models.Model, Relationship, models.Model]] = []
        self._before: dict[int, tuple[models.Model, dict[str, Any], dict[str, Any]]] = {}

    def save(self, objects: Sequence[models.Model], chosen: Selection, write: Write | None = None) -> None:
        """
        Save the objects and, of what is assigned to their relations, what is chosen. In one transaction.

        write -- how the objects' own rows are written, given some of one class; else new ones are inserted

        If it fails, database and objects are as before.
        """
        try:
            with transaction.atomic(using=self.using):
                self._save(objects, chosen, write or self._write_roots)
                self._link_later()
        except BaseException:
            self._take_back()
            raise
        finally:
            self._let_go()

    def store(self, instances: Sequence[models.Model]) -> set[int]:
        """
        save() for targets of a verb, in its transaction: of those that are stored only what waits for them.

        Returns the ids of the objects that were inserted.
        """
        try:
            if instances:
                self._save_targets(instances, Selection(type(instances[0])))
                self._link_later()
        except BaseException:
            self._take_back()
            raise
        finally:
            self._let_go()
        return self.inserted

    # One level

    def _save(self, objects: Sequence[models.Model], chosen: Selection, write: Write) -> None:
        groups: dict[Model, list[models.Model]] = {}
        for instance in objects:
            if id(instance) not in self._met and self._remember(instance):
                self._met[id(instance)] = instance
                groups.setdefault(type(instance), []).append(instance)
        for group in groups.values():
            self._save_group(group, chosen, write)

    def _save_group(self, group: Sequence[models.Model], chosen: Selection, write: Write) -> None:
        waiting = self._take_waiting(group, chosen)
        new = [instance for instance in group if instance._state.adding]
        stored = [instance for instance in group if not instance._state.adding and self._is_written(instance, write)]
        _call("before_save", group, new, stored)
        _call("before_create", group, new)
        _call("before_update", group, stored)
        self._save_belongs_to(group, chosen)
        with self._without_unsaved_targets(group):
            write(group, chosen)
        for relationship, by_owner in waiting:
            self._save_and_link(relationship, by_owner, chosen)
        _call("after_create", group, new)
        _call("after_update", group, stored)
        _call("after_save", group, new, stored)

    def _is_written(self, instance: models.Model, write: Write) -> bool:
        return self.full or write != self._write_targets

    def _take_waiting(
        self, group: Sequence[models.Model], chosen: Selection
    ) -> list[tuple[Relationship, list[tuple[models.Model, Any]]]]:
        """The values that wait for chosen relations, in the order in which these are saved."""
        found: dict[str, list[tuple[models.Model, Any]]] = {}
        for instance in group:
            waiting = dict(pending.held(instance))
            if self.full:
                waiting = {**_loaded(instance), **waiting}
            names = [name for name in waiting if chosen.has(name)]
            pending.drop(instance, names)
            for name in names:
                found.setdefault(name, []).append((instance, waiting[name]))
        taken = [(relationships.of(type(group[0]), name), by_owner) for name, by_owner in found.items()]
        return sorted(taken, key=lambda one: _ORDER[one[0].kind])

    # Belongs to

    def _save_belongs_to(self, group: Sequence[models.Model], chosen: Selection) -> None:
        by_key: dict[str, list[tuple[models.Model, models.Model]]] = {}
        for instance in group:
            for key, target in _belongs_to(instance):
                if target is not None and chosen.has(key.name) and (self.full or _needs_saving(target)):
                    by_key.setdefault(key.name, []).append((instance, target))
        for name, pairs in by_key.items():
            relationship = relationships.of(type(group[0]), name)
            if not chosen.spares_targets(name):
                self._save_targets([target for _, target in pairs], chosen.below(relationship))
            for instance, target in pairs:
                if None in held_values(relationship.target_fields, target):
                    self._later.append((instance, relationship, target))  # it is being saved just now
                else:
                    kinds.of(relationship).hold(relationship, instance, target)

    def _link_later(self) -> None:
        """Where objects lead round in a circle: the keys that could not be known when a row was written."""
        later, self._later = self._later, []
        by_relation: dict[Any, list[tuple[models.Model, Relationship, models.Model]]] = {}
        for link in later:
            by_relation.setdefault((link[1].owner, link[1].name), []).append(link)
        for links in by_relation.values():
            relationship = links[0][1]
            owners = keyed(relationship, [instance for instance, _, _ in links])
            rows = {}
            for instance, _, target in links:
                owner = held_values(relationship.owner_fields, instance)
                rows[owner] = held_values(relationship.target_fields, target)
            whole = [(*owner, *target) for owner, target in sorted(rows.items())]
            kinds.of(relationship).link(relationship, Links(whole, [{}], owners, {}), self.using)
            for instance, _, target in links:
                kinds.of(relationship).hold(relationship, instance, target)

    @contextmanager
    def _without_unsaved_targets(self, group: Sequence[models.Model]) -> Iterator[None]:
        """Django refuses to write an object that holds an unsaved one; their link is made later, or omitted."""
        hidden = [
            (instance, key, target)
            for instance in group
            for key, target in _belongs_to(instance)
            if target is not None and not target._is_pk_set()
        ]
        for instance, key, _ in hidden:
            key.delete_cached_value(instance)
        yield
        for instance, key, target in hidden:
            key.set_cached_value(instance, target)

    # Has and many2many

    def _save_and_link(
        self, relationship: Relationship, by_owner: Sequence[tuple[models.Model, Any]], chosen: Selection
    ) -> None:
        owners = keyed(relationship, [owner for owner, _ in by_owner])
        wanted: dict[Values, list[Value]] = {}
        for owner, value in by_owner:
            read = given_values.read(relationship, value if isinstance(value, list) else [value])
            wanted.setdefault(held_values(relationship.owner_fields, owner), []).extend(read)
        asked = Asked(relationship, owners, wanted)

        def store(targets: list[models.Model]) -> set[int]:
            if chosen.spares_targets(relationship.name):
                _require_stored(relationship, asked.new_instances())
            else:
                self._save_targets(targets, chosen.below(relationship))
            return self.inserted

        asked.store(store)
        links = asked.links(self.using)
        tells = telling.announces(relationship)
        changes = kinds.of(relationship).link(relationship, links, self.using, pairs=tells)
        telling.announce(relationship, changes, self.using)
        for owner, value in by_owner:
            storing.forget(relationship, owner)
            if relationship.kind == HAS_ONE and isinstance(value, models.Model):
                owner._state.fields_cache[relationship.cache_name] = value

    def _save_targets(self, targets: Iterable[models.Model], chosen: Selection) -> None:
        """Insert targets that are not stored; of those that are, only what is assigned to them is saved."""
        by_class: dict[Model, list[models.Model]] = {}
        for target in {id(one): one for one in targets}.values():
            if id(target) not in self._met and (self.full or _needs_saving(target)) and self._remember(target):
                by_class.setdefault(type(target), []).append(target)
        for group in by_class.values():
            storing.mark_stored(group, self.using)
            self._save([one for one in group if self.full or _needs_saving(one)], chosen, self._write_targets)

    # Rows

    def _write_roots(self, group: Sequence[models.Model], chosen: Selection) -> None:
        self._insert(group, chosen)

    def _write_targets(self, group: Sequence[models.Model], chosen: Selection) -> None:
        new = [instance for instance in group if instance._state.adding]
        self._insert(new, chosen)
        if self.full:
            names = update_fields(type(group[0]), chosen)
            for instance in group:
                if id(instance) not in self.inserted:
                    instance.save(using=self.using, update_fields=names)

    def _insert(self, new: Sequence[models.Model], chosen: Selection) -> None:
        if new:
            with only_columns(new, chosen):
                storing.insert(new, self.using)
            self.inserted |= {id(instance) for instance in new}

    # If it fails

    def _remember(self, instance: models.Model) -> bool:
        """Note how the object is now. False if another Graph is saving it."""
        if id(instance) in self._before:
            return True
        if is_in_graph(instance):
            return False
        state = instance._state
        attributes = {name: value for name, value in instance.__dict__.items() if name != "_state"}
        kept = {**state.__dict__, "fields_cache": dict(state.fields_cache)}
        self._before[id(instance)] = (instance, attributes, kept)
        state.in_graph = True  # type: ignore[attr-defined]
        return True

    def _take_back(self) -> None:
        for instance, attributes, kept in self._before.values():
            state = instance._state
            instance.__dict__.clear()
            instance.__dict__.update(attributes, _state=state)
            state.__dict__.clear()
            state.__dict__.update(kept)

    def _let_go(self) -> None:
        for instance, _, _ in self._before.values():
            instance._state.__dict__.pop("in_graph", None)


def is_in_graph(instance: models.Model) -> bool:
    """Whether a Graph is saving the object just now: its save() writes the row alone."""
    return getattr(instance._state, "in_graph", False)


def update_fields(model: Model, chosen: Selection) -> list[str] | None:
    """The columns that an UPDATE writes, as Django's update_fields; None for all."""
    attnames = chosen.attnames()
    return None if attnames is None else [field.name for field in _writable(model) if field.attname in attnames]


@contextmanager
def only_columns(new: Sequence[models.Model], chosen: Selection) -> Iterator[None]:
    """Let new objects be inserted with the chosen columns; the others get their defaults, and keep what they carry."""
    attnames = chosen.attnames()
    if attnames is None:
        yield
        return
    left_out = [field for field in _writable(type(new[0])) if field.attname not in attnames]
    carried = [(instance, {field.attname: getattr(instance, field.attname) for field in left_out}) for instance in new]
    for instance in new:
        for field in left_out:
            instance.__dict__[field.attname] = field.get_default()
    yield
    for instance, values in carried:
        instance.__dict__.update(values)


def _writable(model: Model) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.primary_key and not field.generated]


def _needs_saving(target: models.Model) -> bool:
    return bool(target._state.adding or pending.held(target))


def _belongs_to(instance: models.Model) -> Iterator[tuple[Any, Any]]:
    """The object's own keys whose target is at hand, with it."""
    for name, target in list(instance._state.fields_cache.items()):
        field: Any = instance._meta._forward_fields_map.get(name)  # type: ignore[attr-defined]
        if field is not None and relationships.is_readable(field) and not getattr(field, "is_way_back", False):
            yield field, target


def _loaded(instance: models.Model) -> dict[str, Any]:
    """What was read into the object's relations: lists and has-ones by name."""
    prefetched = getattr(instance, "_prefetched_objects_cache", {})
    found: dict[str, Any] = {name: list(rows) for name, rows in prefetched.items()}
    forwards = instance._meta._forward_fields_map  # type: ignore[attr-defined]
    for name, target in instance._state.fields_cache.items():
        if name not in forwards and target is not None:
            found[name] = target
    return found


def _call(hook: str, group: Sequence[models.Model], *written: Sequence[models.Model]) -> None:
    """Call a hook on those of the group that are written."""
    if pending.takes(group[0]) and hasattr(group[0], hook):
        for rows in written:
            hooks.call(hook, rows)


def _require_stored(relationship: Relationship, new: Sequence[models.Model]) -> None:
    if new:
        raise ValueError(
            f"{relationship.label} is saved without its targets, and {len(new)} of them are not stored. "
            f"Save them first, or take '{relationship.name}.*' out of omit."
        )
