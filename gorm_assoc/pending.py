"""
Relation values that wait for save(): User(languages=[...]) and user.languages = [...].

They stand in the instance's __dict__, so that copy and pickle take them along. What relations to one
have loaded stands in Django's cache: at_hand().
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

_KEPT = "_pending_associations"


def takes(model: models.Model | type[models.Model]) -> bool:
    """Whether relations of the model's objects can be assigned: those of our mixins."""
    return getattr(model, "takes_associations", False)


def keep(instance: models.Model, name: str, value: Any) -> None:
    """Let the next save() link the value, or each of a list of them. An assignment takes the place of one before."""
    instance.__dict__[_KEPT] = {**held(instance), name: value}


def keep_many(instance: models.Model, name: str, values: Any) -> None:
    """The same for a relation that takes several. Raises TypeError for what is no list, set, queryset or generator."""
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes, Mapping, models.Model)):
        way_out = "Write .all() behind it." if isinstance(values, models.Manager) else "Write [...] around the value."
        raise TypeError(f"{instance._meta.label}.{name} takes a list, not {type(values).__name__}. {way_out}")
    keep(instance, name, values if isinstance(values, models.QuerySet) else list(values))


def held(instance: models.Model) -> Mapping[str, Any]:
    """What waits, by the name of its relation."""
    kept: Mapping[str, Any] = instance.__dict__.get(_KEPT, {})
    return kept


def at_hand(instance: models.Model) -> Mapping[str, Any]:
    """What the instance's relations to one have loaded; to ask Django's cache for it would make an empty one."""
    cached: Mapping[str, Any] = instance._state.__dict__.get("fields_cache", {})
    return cached


def drop(instance: models.Model, names: Iterable[str] | None = None) -> None:
    """Forget what waits for these relations; for all of them without names."""
    gone = held(instance).keys() if names is None else names
    kept = {name: value for name, value in held(instance).items() if name not in gone}
    if kept:
        instance.__dict__[_KEPT] = kept
    else:
        instance.__dict__.pop(_KEPT, None)


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """An object's state for copy and pickle, with lists of its own."""
    if _KEPT in state:
        lists = {name: list(value) if isinstance(value, list) else value for name, value in state[_KEPT].items()}
        state[_KEPT] = lists
    return state
