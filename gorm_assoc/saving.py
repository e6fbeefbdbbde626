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

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from django.db import models, transaction

from gorm_assoc import kinds, pending, storing, writing
from gorm_assoc import relationship as relationships
from gorm_assoc import values as given_values
from gorm_assoc.asked import Asked, held_values, keyed, naming_relation
from gorm_assoc.kinds import hooks, telling
from gorm_assoc.kinds.base import Links, Values
from gorm_assoc.relationship import HAS_MANY, HAS_ONE, MANY2MANY, Model, Relationship
from gorm_assoc.restoring import Before
from gorm_assoc.selection import Selection
from gorm_assoc.values import Value

Write = Callable[[Sequence[models.Model], Selection], None]
ByOwner = list[tuple[models.Model, Any]]
_ORDER = {HAS_ONE: 0, HAS_MANY: 1, MANY2MANY: 2}


def save(
    instance: models.Model,
    write: Callable[[Collection[str] | None], None],
    chosen: Selection,
    using: str,
    *,
    full: bool = False,
    update_fields: Collection[str] | None = None,
) -> None:
    """
    AssociationModel.save().

    write -- Django's save() of the row, given its update_fields
    """
    if is_in_graph(instance):  # which calls the hooks
        write(update_fields)
        return
    model = type(instance)
    waiting = pending.held(instance)
    if update_fields is not None and (waiting or not chosen.is_everything):
        names = ", ".join(map(repr, waiting)) or "select= or omit="
        raise ValueError(f"{model._meta.label}.save() got update_fields, but also {names}. Use one of the two.")
    has_associations = bool(waiting) or any(_is_open(instance, *pair) for pair in writing.belongs_to(instance))
    has_more = has_associations or full or hooks.has(model, (*hooks.CREATE, *hooks.UPDATE))
    if not has_more and chosen.is_everything:
        write(update_fields)
        return
    if update_fields is not None:
        chosen = _without_other_keys(instance, update_fields)

    def write_row(group: Sequence[models.Model], chosen: Selection) -> None:
        if update_fields is not None:
            write(update_fields)
        elif instance._state.adding:
            with writing.only_columns(group, chosen):
                write(None)
        else:
            write(writing.update_fields(instance, chosen))

    Graph(using, full=full).save([instance], chosen, write_row)


class Graph:
    """
    One save, on one database: what it has met and done so far.

    full -- what targets that are stored carry is written, too; so is what is loaded and was not assigned
    before -- keeps how the objects were
    """

    def __init__(self, using: str, *, full: bool = False, before: Before | None = None) -> None:
        self.using = using
        self.full = full
        self.before = before or Before()
        self._inserted: set[int] = set()
        self._met: dict[int, models.Model] = {}
        self._mine: dict[int, models.Model] = {}
        self._later: list[tuple[Relationship, ByOwner]] = []

    def save(self, objects: Sequence[models.Model], chosen: Selection, write: Write | None = None) -> None:
        """
        Save the objects and, of what is assigned to their relations, what is chosen. In one transaction.

        write -- how the objects' own rows are written, given some of one class; else new ones are inserted

        If it fails, database and objects are as before.
        """
        try:
            with self.before.restored_on_error(), transaction.atomic(using=self.using):
                self._save(objects, chosen, write or self._insert)
                self._link_later()
        finally:
            self._let_go()

    def store(self, instances: Sequence[models.Model]) -> set[int]:
        """
        Save targets of a verb, in its transaction: of those that are stored only what waits for them.

        Returns the ids of the objects that were inserted. If the verb fails, it has to restore what is noted.
        """
        try:
            if instances:
                self._save_targets(instances, Selection(type(instances[0])))
                self._link_later()
        finally:
            self._let_go()
        return self._inserted

    # One level

    def _save(self, objects: Sequence[models.Model], chosen: Selection, write: Write) -> None:
        groups: dict[Model, list[models.Model]] = {}
        for instance in objects:
            if id(instance) not in self._met and self._take(instance):
                self._met[id(instance)] = instance
                groups.setdefault(type(instance), []).append(instance)
        for group in groups.values():
            self._save_group(group, chosen, write)

    def _save_group(self, group: Sequence[models.Model], chosen: Selection, write: Write) -> None:
        new = [instance for instance in group if instance._state.adding]
        is_written = self.full or write != self._write_targets
        stored = [instance for instance in group if is_written and not instance._state.adding]
        _call("before_save", group, new, stored)
        _call("before_create", group, new)
        _call("before_update", group, stored)
        waiting = self._take_waiting(group, chosen)
        self._save_belongs_to(group, chosen)
        # Django refuses to write an object that holds an unsaved one; their link is made later, or omitted.
        with writing.without_targets(group, lambda _, target: not target._is_pk_set()):
            write(group, chosen)
        for relationship, by_owner in waiting:
            self._save_and_link(relationship, by_owner, chosen)
        _call("after_create", group, new)
        _call("after_update", group, stored)
        _call("after_save", group, new, stored)

    def _take_waiting(self, group: Sequence[models.Model], chosen: Selection) -> list[tuple[Relationship, ByOwner]]:
        """The values that wait for chosen relations, in the order in which these are saved."""
        found: dict[str, ByOwner] = {}
        for instance in group:
            waiting = dict(pending.held(instance))
            if self.full:
                waiting = {**_loaded(instance), **waiting}
            names = [name for name in waiting if chosen.has(name)]
            if names:
                pending.drop(instance, names)
            for name in names:
                found.setdefault(name, []).append((instance, waiting[name]))
        if not found:
            return []
        model = type(group[0])
        ordered = sorted(found, key=relationships.names(model).index)
        taken = [(relationships.of(model, name), found[name]) for name in ordered]
        return sorted(taken, key=lambda one: _ORDER[one[0].kind])

    # Belongs to

    def _save_belongs_to(self, group: Sequence[models.Model], chosen: Selection) -> None:
        by_key: dict[str, list[tuple[models.Model, models.Model]]] = {}
        for instance in group:
            for key, target in writing.belongs_to(instance):
                if chosen.has(key.name) and (self.full or _is_open(instance, key, target)):
                    by_key.setdefault(key.name, []).append((instance, target))
        for name, pairs in by_key.items():
            relationship = relationships.of(type(group[0]), name)
            if not chosen.spares_targets(name):
                with naming_relation(relationship):
                    self._save_targets([target for _, target in pairs], chosen.below(relationship))
            for instance, target in pairs:
                if self._is_under_way(target) and (
                    None in held_values(relationship.target_fields, target) or _can_wait(relationship)
                ):
                    self._later.append((relationship, [(instance, target)]))
                elif None not in held_values(relationship.target_fields, target):
                    kinds.of(relationship).hold(relationship, instance, target)

    def _is_under_way(self, target: models.Model) -> bool:
        """Whether the target is among the objects that this Graph is just saving, and has no row yet."""
        return id(target) in self._met and target._state.adding

    def _link_later(self) -> None:
        """Where objects lead round in a circle: the links that could not be made when a row was written."""
        later, self._later = self._later, []
        by_relation: dict[tuple[Model, str], tuple[Relationship, ByOwner]] = {}
        for relationship, by_owner in later:
            by_relation.setdefault((relationship.owner, relationship.name), (relationship, []))[1].extend(by_owner)
        for relationship, by_owner in by_relation.values():
            if not relationship.owner_holds_key:
                self._link(relationship, by_owner, lambda _: set())
                continue
            owners = keyed(relationship, [instance for instance, _ in by_owner])
            rows: dict[Values, Values] = {}
            for instance, target in by_owner:
                rows[held_values(relationship.owner_fields, instance)] = held_values(
                    relationship.target_fields, target
                )
            whole = [(*owner, *target) for owner, target in sorted(rows.items())]
            links = Links(whole, [{}], owners, {})
            kinds.of(relationship).link(relationship, links, self.using, update=False, pairs=False, destroy=False)
            for instance, target in by_owner:
                kinds.of(relationship).hold(relationship, instance, target)

    # Has and many2many

    def _save_and_link(self, relationship: Relationship, by_owner: ByOwner, chosen: Selection) -> None:
        def store(targets: list[models.Model]) -> set[int]:
            before = set(self._inserted)
            if chosen.spares_targets(relationship.name):
                _require_stored(relationship, [target for target in targets if target._state.adding])
            else:
                self._save_targets(targets, chosen.below(relationship))
            return self._inserted - before

        self._link(relationship, by_owner, store)
        for owner, value in by_owner:
            storing.forget(relationship, owner)
            if relationship.kind == HAS_ONE and isinstance(value, models.Model):
                owner._state.fields_cache[relationship.cache_name] = value

    def _link(
        self, relationship: Relationship, by_owner: ByOwner, store: Callable[[list[models.Model]], set[int]]
    ) -> None:
        owners = keyed(relationship, [owner for owner, _ in by_owner])
        wanted: dict[Values, list[Value]] = {}
        for owner, value in by_owner:
            read = given_values.read(relationship, value if isinstance(value, list) else [value], self.using)
            ready = wanted.setdefault(held_values(relationship.owner_fields, owner), [])
            for one in read:
                if one.instance is None or not self._is_under_way(one.instance):
                    ready.append(one)
                elif relationship.target_holds_key:
                    kinds.of(relationship).hold(relationship, owner, one.instance)  # its row is written with it
                else:
                    self._later.append((relationship, [(owner, one.instance)]))
        asked = Asked(relationship, owners, wanted).linkable()
        asked.require_allowed(self.using)
        for instance in asked.instances():
            self.before.note(instance)
        asked.store(store)
        tells = telling.announces(relationship)
        changes = kinds.of(relationship).link(
            relationship, asked.links(self.using), self.using, update=False, pairs=tells, destroy=False
        )
        telling.announce(relationship, changes, self.using)

    def _save_targets(self, targets: Iterable[models.Model], chosen: Selection) -> None:
        """Insert targets that are not stored; of those that are, only what is assigned to them is saved."""
        by_class: dict[Model, list[models.Model]] = {}
        for target in {id(one): one for one in targets}.values():
            if id(target) not in self._met and (self.full or _needs_saving(target)) and self._take(target):
                by_class.setdefault(type(target), []).append(target)
        for group in by_class.values():
            storing.mark_stored(group, self.using)
            self._save([one for one in group if self.full or _needs_saving(one)], chosen, self._write_targets)

    # Rows

    def _write_targets(self, group: Sequence[models.Model], chosen: Selection) -> None:
        self._insert([instance for instance in group if instance._state.adding], chosen)
        if self.full:
            for instance in group:
                if id(instance) not in self._inserted:
                    instance.save(using=self.using, update_fields=writing.full_fields(instance, chosen))

    def _insert(self, new: Sequence[models.Model], chosen: Selection) -> None:
        if new:
            with writing.only_columns(new, chosen):
                storing.insert(new, self.using)
            self._inserted |= {id(instance) for instance in new}

    # Objects

    def _take(self, instance: models.Model) -> bool:
        """Let the object be this Graph's. False if another one is saving it."""
        if is_in_graph(instance):
            return id(instance) in self._mine
        self.before.note(instance)
        self._mine[id(instance)] = instance
        instance._state.in_graph = True  # type: ignore[attr-defined]
        return True

    def _let_go(self) -> None:
        for instance in self._mine.values():
            instance._state.__dict__.pop("in_graph", None)


def is_in_graph(instance: models.Model) -> bool:
    """Whether a Graph is saving the object just now: its save() writes the row alone."""
    return getattr(instance._state, "in_graph", False)


def _needs_saving(target: models.Model) -> bool:
    return bool(target._state.adding or pending.held(target))


def _is_open(instance: models.Model, key: Any, target: models.Model) -> bool:
    """Whether the object's key does not say its target yet, or the target is to be saved along."""
    is_unset = any(getattr(instance, column.attname) is None for column in key.local_related_fields)
    return _needs_saving(target) or is_unset


def _can_wait(relationship: Relationship) -> bool:
    """Whether a row can be written before its target's."""
    return all(column.null for column in relationship.target_columns)


def _without_other_keys(instance: models.Model, update_fields: Collection[str]) -> Selection:
    """All but the targets whose key update_fields leaves out."""
    left_out = [
        (key.name,)
        for key, _ in writing.belongs_to(instance)
        if not {key.name, *(name for field in key.local_related_fields for name in (field.name, field.attname))}
        & set(update_fields)
    ]
    return Selection(type(instance), None, tuple(left_out))


def _loaded(instance: models.Model) -> dict[str, Any]:
    """What was read into the object's relations: lists and has-ones by name."""
    found: dict[str, Any] = {}
    prefetched = getattr(instance, "_prefetched_objects_cache", {})
    for name in relationships.names(type(instance)):
        relationship = relationships.of(type(instance), name)
        if relationship.owner_holds_key:
            continue
        if relationship.cache_name in prefetched:
            found[name] = list(prefetched[relationship.cache_name])
        elif (target := instance._state.fields_cache.get(relationship.cache_name)) is not None:
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
