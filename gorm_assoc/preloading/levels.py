"""
Read what was asked for, level by level.

    direct      one SELECT of the targets
    linked      one of the join rows' pairs, one of the targets they name
    generic     Django's own prefetch

Each target row is read and built once, however many owners share it, and goes down to the next level
once. Owners that lack a key have nothing, and are not asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import models
from django.db.models import Prefetch, prefetch_related_objects

from gorm_assoc import soft_delete
from gorm_assoc.preloading import counting
from gorm_assoc.preloading.among import Among
from gorm_assoc.preloading.keys import Keyed, as_rows, complete, key_in, key_of, keyed, under_all
from gorm_assoc.preloading.links import Links
from gorm_assoc.preloading.loaded import loaded
from gorm_assoc.preloading.relations import Relation
from gorm_assoc.preloading.targets import Targets, targets
from gorm_assoc.preloading.wanted import PLAIN, Conditions, Level, tree

Owners = Sequence[models.Model]


def load(owners: Owners, levels: Mapping[str, Level], *, unscoped: bool, fresh: bool = False, using: str = "") -> None:
    """
    Load the levels into their owners, objects of one model.

    unscoped -- dead rows too, at every level
    fresh -- the owners come from the query that is being run: a row that it joined need not be read again
    using -- the database that the query named, for every level whose own queryset names none
    """
    if not owners:
        return
    for level in levels.values():
        if level.is_count:
            counting.count(owners, level, unscoped=unscoped, using=using)
            continue
        found = _found(owners, level, unscoped, fresh, using)
        load(found, level.below, unscoped=unscoped, using=using)
        for model, rows in _by_model(found if level.later else ()).items():
            load(rows, tree(model, level.later), unscoped=unscoped, using=using)


def _found(owners: Owners, level: Level, unscoped: bool, fresh: bool, using: str) -> list[models.Model]:
    """The level's targets, each object once; loaded, as far as they are not there already."""
    relation, missing, there = level.relation, owners, []
    is_implied = level.conditions is None
    if is_implied or (fresh and level.conditions == PLAIN and not relation.to_many and not level.to_attr):
        missing = [owner for owner in owners if not relation.is_cached(owner)]
        if is_implied or not missing:
            cached = [owner for owner in owners if relation.is_cached(owner)]
            if not is_implied and not unscoped:
                _forget_dead(relation, cached)
            there = [target for owner in cached for target in relation.cached(owner)]
    if not missing:
        return _distinct(there)
    work = _Level(relation, level.conditions or PLAIN, level.to_attr, missing, unscoped, using)
    return _distinct([*there, *work.load()]) if there else work.load()


def _forget_dead(relation: Relation, owners: Owners) -> None:
    for owner in owners:
        for target in relation.cached(owner):
            if getattr(target, soft_delete.DELETED_AT, None) is not None:
                _set_one(relation, owner, key_of(relation.own)(owner), None)


def _distinct(found: Iterable[models.Model]) -> list[models.Model]:
    return list({id(target): target for target in found}.values())


def _by_model(found: Iterable[models.Model]) -> dict[type[models.Model], list[models.Model]]:
    by_model: dict[type[models.Model], list[models.Model]] = {}
    for target in found:
        by_model.setdefault(type(target), []).append(target)
    return by_model


class _Level:
    """One relation of some owners, on its way into their accessors."""

    def __init__(
        self, relation: Relation, conditions: Conditions, to_attr: str, owners: Owners, unscoped: bool, using: str
    ) -> None:
        self.relation, self.conditions, self.to_attr = relation, conditions, to_attr
        self.owners, self.unscoped, self.using = owners, unscoped, using

    def load(self) -> list[models.Model]:
        """Load the targets of all owners; returns each object once."""
        if self.relation.target is None:
            return self._load_generic()
        by_key = keyed(self.owners, self.relation.own)
        self.targets = targets(
            self.relation, self.conditions, self.owners[0], unscoped=self.unscoped, using=self.using
        )
        lists: dict[Any, list[Any]] = {key: [] for key in by_key.owners}
        found = []
        if lists:
            found = self._link(by_key, lists) if self.relation.relationship else self._hold(by_key, lists)
        self._hand_out(by_key, lists)
        return found

    # The ways to the targets

    def _hold(self, by_key: Keyed, lists: dict[Any, list[Any]]) -> list[models.Model]:
        """direct: the targets hold their owner's key."""
        relation = self.relation
        found = self.targets.holding(relation, by_key.rows)
        is_limited = relation.to_many and found.is_limited
        rows = list(found.limited(relation.held) if is_limited else found.queryset)
        complete(rows, relation.held)
        key, back, using = key_of(relation.held), relation.back, found.using
        held = [relation.as_own(key(target)) for target in rows]
        owners = under_all(by_key.owners, held, relation.held, using)
        lists = under_all(lists, held, relation.held, using)
        for value, target in zip(held, rows, strict=True):
            if value in lists:
                lists[value].append(target)
                if back is not None:
                    back.set_cached_value(target, owners[value][0])
        return rows

    def _link(self, by_key: Keyed, lists: dict[Any, list[Any]]) -> list[models.Model]:
        """linked: join rows name an owner and a target."""
        relationship = self.relation.relationship
        assert relationship is not None
        links = Links(relationship, self.conditions, self.targets, by_key.rows)
        own, held = len(links.owner), len(links.target)
        rows: Any = links.read()
        with_rows = self.conditions.join_rows
        if with_rows:
            owner_of, target_of = key_of(links.owner), key_of(links.target)
            rows = list(rows)
        else:
            owner_of, target_of = key_in(own), key_in(held, own)
            rows = list(rows.values_list(*links.names))
        lists = under_all(lists, [owner_of(row) for row in rows], links.owner, links.targets.using)
        if with_rows or self.conditions.order_by_through:
            return self._along(rows, owner_of, target_of, lists, relationship)
        holders: dict[Any, list[list[Any]]] = {}
        if own == held == 1:
            for owner_key, target_key in rows:
                holders.setdefault(target_key, []).append(lists[owner_key])
        else:
            for row in rows:
                holders.setdefault(target_of(row), []).append(lists[owner_of(row)])
        del rows
        found = self._linked_targets(holders, relationship)
        keys = list(map(key_of(relationship.target_fields), found))
        holders = under_all(holders, keys, relationship.target_fields, links.targets.using)
        for value, target in zip(keys, found, strict=True):
            for holder in holders.get(value, ()):
                holder.append(target)
        return found

    def _linked_targets(self, keys: Any, relationship: Any) -> list[models.Model]:
        if not keys:
            return []
        referenced = relationship.target_fields
        found = list(self.targets.queryset.filter(Among(referenced, as_rows(keys, len(referenced)))))
        complete(found, referenced)
        return found

    def _along(
        self,
        rows: list[Any],
        owner_of: Callable[[Any], Any],
        target_of: Callable[[Any], Any],
        lists: dict[Any, list[Any]],
        relationship: Any,
    ) -> list[models.Model]:
        """The same where each link matters: its row is attached, or says the order."""
        found = self._linked_targets({target_of(row) for row in rows}, relationship)
        key = key_of(relationship.target_fields)
        by_key: dict[Any, list[models.Model]] = {}
        place: dict[Any, int] = {}
        for number, target in enumerate(found):
            by_key.setdefault(key(target), []).append(target)
            place.setdefault(key(target), number)
        wanted = {target_of(row) for row in rows}
        by_key = under_all(by_key, wanted, relationship.target_fields, self.targets.using)
        place = under_all(place, wanted, relationship.target_fields, self.targets.using)
        rows = [row for row in rows if target_of(row) in place]
        if not self.conditions.order_by_through:
            rows.sort(key=lambda row: place[target_of(row)])
        handed = []
        for row in rows:
            for target in by_key[target_of(row)]:
                if self.conditions.join_rows:
                    target = _twin(target)
                    target.join_row = row  # type: ignore[attr-defined]
                lists[owner_of(row)].append(target)
                handed.append(target)
        return _distinct(handed)

    def _load_generic(self) -> list[models.Model]:
        """generic: Django finds the targets, table by table."""
        relation, name = self.relation, self.to_attr or self.relation.name
        for owner in self.owners:
            owner._state.fields_cache.pop(relation.cache_name, None)
            owner.__dict__.pop(self.to_attr, None)
        prefetch_related_objects(list(self.owners), Prefetch(relation.name, to_attr=self.to_attr or None))
        found = []
        for owner in self.owners:
            target = getattr(owner, name)
            dead = getattr(target, soft_delete.DELETED_AT, None) is not None
            if dead and not (self.unscoped or self.conditions.unscoped):
                if self.to_attr:
                    setattr(owner, self.to_attr, None)
                else:
                    owner._state.fields_cache[relation.cache_name] = None
            elif target is not None:
                found.append(target)
        return _distinct(found)

    # Into the accessors

    def _hand_out(self, by_key: Keyed, lists: dict[Any, list[Any]]) -> None:
        for owner, key, rows in _each(by_key, lists):
            if not self.relation.to_many:
                target = rows[-1] if rows else None
                if self.to_attr:
                    setattr(owner, self.to_attr, target)
                else:
                    _set_one(self.relation, owner, key, target)
            elif self.to_attr:
                setattr(owner, self.to_attr, rows)
            elif key is not None:
                self._set_many(owner, rows)

    def _set_many(self, owner: models.Model, rows: list[models.Model]) -> None:
        make = partial(_accessors, self.relation.name, self.targets)
        cache = owner.__dict__.get("_prefetched_objects_cache")
        if cache is None:
            cache = owner.__dict__["_prefetched_objects_cache"] = {}
        cache[self.relation.cache_name] = loaded(type(self.targets.queryset), owner, rows, make)


def _set_one(relation: Relation, owner: models.Model, key: Any, target: models.Model | None) -> None:
    owner._state.fields_cache[relation.cache_name] = target
    if target is None and relation.is_forward:
        # For the accessor, which reads a row that it only believes to be missing.
        owner._state.__dict__.setdefault("known_missing", {})[relation.name] = key


def _each(by_key: Keyed, lists: dict[Any, list[Any]]) -> Iterator[tuple[models.Model, Any, list[Any]]]:
    """Each owner with its key and a list of its own; owners without a key have None and an empty one."""
    for key, sharing in by_key.owners.items():
        rows = lists[key]
        yield sharing[0], key, rows
        for owner in sharing[1:]:
            yield owner, key, list(rows)
    for owner in by_key.keyless:
        yield owner, None, []


def _accessors(name: str, targets: Targets, owner: models.Model) -> Any:
    """The queryset that the accessor gives with these targets to start from."""
    with soft_delete.scope(targets.unscoped):
        return getattr(owner, name)._apply_rel_filters(targets.as_given)


def _twin(target: models.Model) -> models.Model:
    twin = copy.copy(target)
    if "_prefetched_objects_cache" in twin.__dict__:
        twin.__dict__["_prefetched_objects_cache"] = dict(twin.__dict__["_prefetched_objects_cache"])
    return twin
