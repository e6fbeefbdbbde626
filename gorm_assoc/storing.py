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

from gorm_assoc import inserting, pending
from gorm_assoc.kinds import spelling
from gorm_assoc.kinds.conditions import Columns, quoted
from gorm_assoc.relationship import Relationship
from gorm_assoc.values import is_unset, normal_key


def mark_stored(instances: Sequence[models.Model], using: str) -> None:
    """Of new objects let those whose key is stored count as stored, and of several with one key all but the first."""
    new = [instance for instance in instances if instance._state.adding]
    stored = _stored(new, using)
    for instance in new:
        if id(instance) in stored:
            instance._state.adding, instance._state.db = False, using


def _stored(instances: Sequence[models.Model], using: str) -> set[int]:
    """The ids of the objects whose key is stored, or is that of one before them."""
    keyed = [instance for instance in instances if not is_unset(instance.pk)]
    if not keyed:
        return set()
    keys = [_key_values(instance) for instance in keyed]
    columns = Columns(_concrete(keyed[0])._meta.pk_fields, using)
    if spelling.may_differ(columns):
        new = {number for number, is_stored, _ in spelling.stored(columns, keys) if not is_stored}
        return {id(instance) for number, instance in enumerate(keyed) if number not in new}
    stored = set(rows_of(keyed, using).values_list(*(field.attname for field in columns.fields)))
    found: set[int] = set()
    for instance, key in zip(keyed, keys, strict=True):
        if key in stored:
            found.add(id(instance))
        stored.add(key)  # two objects of one key are one row
    return found


def insert(instances: Sequence[models.Model], using: str) -> None:
    """Insert new objects of one class; each is saved on `using` afterwards, with its key."""
    model = type(instances[0])
    features = connections[using].features
    without_key = any(is_unset(instance.pk) for instance in instances)
    if _has_own_save(model) or model._meta.parents or (without_key and not features.can_return_rows_from_bulk_insert):
        for instance in instances:
            instance.save(using=using, force_insert=True)
        return
    if pre_save.has_listeners(model):
        for instance in instances:
            pre_save.send(model, instance=instance, raw=False, using=using, update_fields=None)
    inserting.insert(instances, using)
    for instance in instances:
        instance._state.adding, instance._state.db = False, using
    if post_save.has_listeners(model):
        for instance in instances:
            post_save.send(model, instance=instance, created=True, raw=False, using=using, update_fields=None)


def _has_own_save(model: type[models.Model]) -> bool:
    """Whether the project gave the model a save() (or save_base) of its own."""
    return any(
        {"save", "save_base"} & vars(klass).keys()
        for klass in model.__mro__
        if klass is not models.Model and not klass.__module__.startswith("gorm_assoc.")
    )


def is_touched(owner: models.Model) -> bool:
    """Whether the owner has an updated_at that a change of its links moves, as in GORM."""
    return any(
        field.name == "updated_at" and getattr(field, "auto_now", False) for field in owner._meta.concrete_fields
    )


def touch(owners: Sequence[models.Model], using: str) -> None:
    """Set the owners' updated_at to now, in the database with one UPDATE and on the objects. All of one model."""
    now, connection = timezone.now(), connections[using]
    field: Any = _concrete(owners[0])._meta.get_field("updated_at")
    options = field.model._meta  # of a parent perhaps, whose key is the same
    rows = Columns(options.pk_fields, using).among(_keys_of(owners))
    table, column = quoted(connection, options.db_table), quoted(connection, field.column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = %s WHERE {rows.text}",
            (field.get_db_prep_save(now, connection), *rows.params),
        )
    for owner in owners:
        owner.updated_at = now  # type: ignore[attr-defined]


def lock(owners: Sequence[models.Model], using: str) -> None:
    """Hold the owners' rows until the transaction ends, where the database can lock rows. All of one model."""
    features = connections[using].features
    if not owners or not features.has_select_for_update:
        return
    # Not the key: rows that refer to the owners can still be inserted.
    rows = rows_of(owners, using).select_for_update(no_key=features.has_select_for_no_key_update)
    list(rows.order_by("pk").values_list("pk"))


def rows_of(instances: Sequence[models.Model], using: str) -> models.QuerySet[Any]:
    """The stored rows of objects of one model, dead ones too."""
    model = _concrete(instances[0])
    condition = Columns(model._meta.pk_fields, using).among(_keys_of(instances))
    return model._base_manager.using(using).extra(where=[condition.text], params=condition.params)


def _keys_of(instances: Sequence[models.Model]) -> list[tuple[Any, ...]]:
    """In one order for all, so that two verbs on the same rows do not wait for each other."""
    return sorted({_key_values(one) for one in instances})


def _concrete(instance: models.Model) -> type[models.Model]:
    return type(instance)._meta.concrete_model or type(instance)


def _key_values(instance: models.Model) -> tuple[Any, ...]:
    key = normal_key(type(instance), instance.pk)
    return key if isinstance(key, tuple) else (key,)


def forget(relationship: Relationship, owner: models.Model) -> None:
    """Drop what the owner has loaded of a relation whose links have changed."""
    getattr(owner, "_prefetched_objects_cache", {}).pop(relationship.cache_name, None)
    if relationship.cache_name in pending.at_hand(owner):
        del owner._state.fields_cache[relationship.cache_name]
