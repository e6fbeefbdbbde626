"""Which columns of a row a save writes, and what its object holds meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import models

from gorm_assoc import pending
from gorm_assoc import relationship as relationships
from gorm_assoc.relationship import Model
from gorm_assoc.selection import Selection


def belongs_to(instance: models.Model) -> Iterator[tuple[Any, Any]]:
    """The object's own keys whose target is at hand, with it; in the order of their declaration."""
    cached = pending.at_hand(instance)
    if not cached:
        return
    for field in instance._meta.get_fields():
        is_key = isinstance(field, models.ForeignObject) and relationships.is_readable(field)
        if is_key and cached.get(field.name) is not None:
            yield field, cached[field.name]


def update_fields(instance: models.Model, chosen: Selection) -> list[str] | None:
    """The columns that an UPDATE writes, as Django's update_fields; None for all. Deferred ones have no value."""
    attnames = chosen.attnames()
    if attnames is None:
        return None
    deferred = instance.get_deferred_fields()
    fields = _writable(type(instance))
    return [field.name for field in fields if field.attname in attnames and field.attname not in deferred]


def full_fields(instance: models.Model, chosen: Selection) -> list[str]:
    """The columns that full_save writes of a stored target: not its time of creation, which it may not carry."""
    names = update_fields(instance, chosen)
    created = {field.name for field in instance._meta.concrete_fields if getattr(field, "auto_now_add", False)}
    deferred = instance.get_deferred_fields()
    if names is None:
        names = [field.name for field in _writable(type(instance)) if field.attname not in deferred]
    return [name for name in names if name not in created]


@contextmanager
def only_columns(new: Sequence[models.Model], chosen: Selection) -> Iterator[None]:
    """Let new objects be inserted with the chosen columns; the others get their defaults, and keep what they carry."""
    attnames = chosen.attnames()
    if attnames is None:
        yield
        return
    left_out = [field for field in _writable(type(new[0])) if field.attname not in attnames]
    carried = [(instance, {field.attname: getattr(instance, field.attname) for field in left_out}) for instance in new]
    names = {field.attname for field in left_out}
    with without_targets(new, lambda key, _: names >= {column.attname for column in key.local_related_fields}):
        for instance in new:
            for field in left_out:
                instance.__dict__[field.attname] = field.get_default()
        yield
        for instance, values in carried:
            instance.__dict__.update(values)


@contextmanager
def without_targets(group: Sequence[models.Model], is_hidden: Any) -> Iterator[None]:
    """
    Hide targets of a belongs-to from Django, which would take the key from them or refuse an unsaved one.

    is_hidden -- asked with the key and the target
    """
    hidden = [
        (instance, key, target) for instance in group for key, target in belongs_to(instance) if is_hidden(key, target)
    ]
    for instance, key, _ in hidden:
        key.delete_cached_value(instance)
    yield
    for instance, key, target in hidden:
        key.set_cached_value(instance, target)


def _writable(model: Model) -> list[models.Field[Any, Any]]:
    key = {*model._meta.pk_fields}
    return [
        field for field in model._meta.concrete_fields if not (field.primary_key or field.generated or field in key)
    ]
