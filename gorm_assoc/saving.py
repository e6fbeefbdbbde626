"""
Storing what a verb was given and is not in the database yet.

New objects go in with bulk inserts, with or without a key; objects whose key is already stored are
left as they are. pre_save and post_save are sent when somebody listens, and a model that overrides
save(), or has a parent table, is stored by save() itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, models
from django.db.models.signals import post_save, pre_save
from django.utils import timezone


def store(instances: Sequence[models.Model], using: str) -> None:
    """Insert the objects that are not stored yet; each is saved on `using` afterwards. All of one model."""
    new = list({id(instance): instance for instance in instances if instance._state.adding}.values())
    if not new:
        return
    stored = _stored_keys(new, using)
    for instance in new:
        if instance.pk in stored:
            instance._state.adding, instance._state.db = False, using
    missing = [instance for instance in new if instance._state.adding]
    by_class: dict[type[models.Model], list[models.Model]] = {}
    for instance in missing:
        by_class.setdefault(type(instance), []).append(instance)
    for model, group in by_class.items():
        _insert(model, group, using)


def _stored_keys(instances: Sequence[models.Model], using: str) -> set[Any]:
    keys = [instance.pk for instance in instances if not _is_unset(instance.pk)]
    if not keys:
        return set()
    model = type(instances[0])._meta.concrete_model or type(instances[0])
    return set(model._base_manager.using(using).filter(pk__in=keys).values_list("pk", flat=True))


def _insert(model: type[models.Model], instances: Sequence[models.Model], using: str) -> None:
    features = connections[using].features
    without_key = any(_is_unset(instance.pk) for instance in instances)
    if _has_own_save(model) or model._meta.parents or (without_key and not features.can_return_rows_from_bulk_insert):
        for instance in instances:
            instance.save(using=using, force_insert=True)
        return
    for instance in instances:
        pre_save.send(model, instance=instance, raw=False, using=using, update_fields=None)
    model._base_manager.using(using).bulk_create(instances)
    for instance in instances:
        instance._state.adding, instance._state.db = False, using
        post_save.send(model, instance=instance, created=True, raw=False, using=using, update_fields=None)


def _has_own_save(model: type[models.Model]) -> bool:
    """Whether the project gave the model a save() (or save_base) of its own."""
    return any(
        {"save", "save_base"} & vars(klass).keys()
        for klass in model.__mro__
        if klass is not models.Model and not klass.__module__.startswith("gorm_assoc.")
    )


def _is_unset(key: Any) -> bool:
    return key is None or (isinstance(key, tuple) and None in key)


def is_touched(owner: models.Model) -> bool:
    """Whether the owner has an updated_at that a change of its links moves, as in GORM."""
    return any(
        field.name == "updated_at" and getattr(field, "auto_now", False) for field in owner._meta.concrete_fields
    )


def touch(owner: models.Model, using: str) -> None:
    """Set the owner's updated_at to now, in the database and on the object."""
    now = timezone.now()
    type(owner)._base_manager.using(using).filter(pk=owner.pk).update(updated_at=now)
    owner.updated_at = now  # type: ignore[attr-defined]
