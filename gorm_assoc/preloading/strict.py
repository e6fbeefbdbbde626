"""
What becomes of a relation that is read and was not loaded.

    raise   NotPreloaded
    warn    NotPreloadedWarning, then it is read for this one object
    load    it is read at once for all objects that came with this one

On Django 6.1 each is a fetch mode, which Django hands on and asks for relations to one row. What Django has
no word for is done by guards on the accessors: relations to many rows, and on older versions all. A guard does
nothing for objects whose query was not strict().
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

import django
from django.db import models
from django.db.models import prefetch_related_objects
from django.utils.module_loading import import_string

from gorm_assoc import soft_delete
from gorm_assoc.exceptions import NotPreloaded, NotPreloadedWarning
from gorm_assoc.preloading import levels, relations
from gorm_assoc.preloading.wanted import Wanted, tree

HAS_FETCH_MODES: Final = django.VERSION >= (6, 1)

if TYPE_CHECKING:
    _Base = Any
else:
    _Base = object
_FetchMode: Any = import_string("django.db.models.fetch_modes.FetchMode") if HAS_FETCH_MODES else object


class Strict(_FetchMode):  # type: ignore[misc]
    """A fetch mode: how Django is to read what is missing. One object for each mode."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def track_peers(self) -> bool:
        return self.name == "load"

    def __reduce__(self) -> Any:
        return _mode, (self.name,)

    def fetch(self, fetcher: Any, instance: Any) -> None:
        """Django's question, for an accessor of one row and for a column that was deferred."""
        rel = getattr(fetcher, "related", None)
        if rel is None and not fetcher.field.is_relation:
            fetcher.fetch_one(instance)
            return
        name = fetcher.field.name if rel is None else rel.get_accessor_name()
        if self.missing(instance, name):
            lacking = [peer for peer in peers(instance) if not fetcher.is_cached(peer)]
            prefetch_related_objects(lacking, name)
            for peer in lacking:
                mark([getattr(peer, name)], self)
        elif hasattr(fetcher, "fetch_one"):
            fetcher.fetch_one(instance)

    def missing(self, instance: models.Model, name: str) -> bool:
        """Raise or warn, as the mode is; whether it is to be read for all that came with this object."""
        if self.name == "raise":
            raise NotPreloaded(type(instance), name)
        if self.name == "warn":
            warnings.warn(str(NotPreloaded(type(instance), name)), NotPreloadedWarning, stacklevel=_stack_level())
        return self.name == "load"


MODES: Final = {name: Strict(name) for name in ("raise", "warn", "load")}


def _mode(name: str) -> Strict:
    return MODES[name]


def _stack_level() -> int:  # pragma: no mutate block
    """Up to the first frame that is neither Django's nor ours: what reads the relation."""
    import sys

    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("django", "gorm_assoc"):
        frame, level = frame.f_back, level + 1
    return level


def of(instance: models.Model) -> Strict | None:
    """The mode that this object's query had."""
    mode = instance._state.__dict__.get("fetch_mode")
    return mode if isinstance(mode, Strict) else None


def peers(instance: models.Model) -> list[models.Model]:
    """The objects that came with this one, itself among them."""
    found = [peer for peer in (each() for each in instance._state.__dict__.get("peers", ())) if peer is not None]
    return found if any(peer is instance for peer in found) else [instance]


class _Peers(tuple["ref[models.Model]", ...]):
    """Objects of one query. A pickled object has none of them, as in Django 6.1."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        return _Peers, ()


def mark(rows: Sequence[Any], mode: Strict) -> None:
    """Let the objects of one query know its mode, and each other. Django 6.1 does so itself."""
    if HAS_FETCH_MODES:
        return
    if related := [row for row in rows if isinstance(row, models.Model)]:
        known = _Peers(ref(row) for row in related) if mode.track_peers else _Peers()
        for row in related:
            row._state.fetch_mode, row._state.peers = mode, known
        joined: dict[type, list[Any]] = {}
        for row in related:
            for value in row._state.fields_cache.values():
                if isinstance(value, models.Model) and of(value) is None:
                    joined.setdefault(type(value), []).append(value)
        for values in joined.values():
            mark(values, mode)


# Guards


def guard(model: type[models.Model]) -> None:
    """Guard the accessors of this model, and of all that its relations lead to."""
    waiting = [model]
    while waiting:
        model = waiting.pop()
        if model in _guarded:
            continue
        _guarded.add(model)
        for name, relation in relations.accessors(model):
            _guard_accessor(model, name)
            if isinstance(relation.related_model, type):
                waiting.append(relation.related_model)


_guarded: set[type[models.Model]] = set()


def _guard_accessor(model: type[models.Model], name: str) -> None:
    accessor = next((vars(each)[name] for each in model.__mro__ if name in vars(each)), None)
    if accessor is None or isinstance(accessor, _Guard):
        return
    if hasattr(type(accessor), "related_manager_cls"):
        accessor.__class__ = _with(_GuardOfMany, type(accessor))
    elif not HAS_FETCH_MODES and hasattr(accessor, "is_cached"):
        accessor.__class__ = _with(_GuardOfOne, type(accessor))
    else:
        return
    accessor.relation_name = name


def _made(guard: type[Any], base: type[Any]) -> type[Any]:
    return type(base.__name__, (guard, base), {"guarded": base})


_with: Any = cache(_made)


class _Guard(_Base):  # type: ignore[misc]
    """On an accessor."""

    relation_name: str


class _GuardOfOne(_Guard):
    """On an accessor of one row, before Django 6.1."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        mode = None if instance is None else of(instance)
        if mode is None:
            return super().__get__(instance, cls)
        if not self.is_cached(instance) and self._has_value(instance):
            mode.fetch(self if hasattr(self, "field") or hasattr(self, "related") else _Fetcher(self), instance)
        row = super().__get__(instance, cls)
        if isinstance(row, models.Model) and of(row) is None:
            mark([row], mode)
        return row

    def _has_value(self, instance: Any) -> bool:
        if hasattr(self, "related"):
            return bool(instance._is_pk_set())
        if hasattr(self, "ct_field"):
            return getattr(instance, instance._meta.get_field(self.ct_field).attname) is not None
        return None not in self.field.get_local_related_value(instance)


class _GuardOfMany(_Guard):
    """On an accessor of many rows: its manager reads them under guard."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        manager = super().__get__(instance, cls)
        mode = None if instance is None else of(instance)
        if mode is not None:
            manager.__class__ = _with(_GuardedManager, type(manager))
            manager.relation_name, manager.mode = self.relation_name, mode
        return manager


class _GuardedManager(_Base):  # type: ignore[misc]
    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        if rows._result_cache is None:
            rows.__class__ = _with(_GuardedRows, type(rows))
            rows._guard = self.instance, self.relation_name, self.mode
            if hasattr(rows, "_strict"):
                rows._strict = self.mode.name
        return rows


class _GuardedRows(_Base):  # type: ignore[misc]
    """All targets of one owner. A queryset made from it, by filter() and the like, is a query of its own."""

    guarded: type[Any]
    _result_cache: Any

    def _fetch_all(self) -> None:
        if self._result_cache is None:
            owner, name, mode = self._guard
            if mode.missing(owner, name):
                self._load(owner, name)
            else:
                super()._fetch_all()
                mark(list(self), mode)
        super()._fetch_all()

    def _load(self, owner: models.Model, name: str) -> None:
        relation = relations.of(type(owner), name)
        lacking = [each for each in peers(owner) if not relation.is_cached(each)]
        levels.load(lacking, tree(type(owner), [Wanted((name,))]), unscoped=soft_delete.is_unscoped())
        self._result_cache, self._prefetch_done = relation.cached(owner), True

    def _clone(self) -> Any:
        found = super()._clone()
        found.__class__ = self.guarded
        return found

    def all(self) -> Any:
        found = super().all()
        found.__class__, found._guard = type(self), self._guard
        return found

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._fetch_all()
        plain: Any = self
        plain.__class__ = self.guarded
        del plain._guard
        return plain.__reduce_ex__(protocol)


class _Fetcher:
    """Django's GenericForeignKey, which before 6.1 is an accessor itself."""

    def __init__(self, field: Any) -> None:
        self.field, self.is_cached = field, field.is_cached
