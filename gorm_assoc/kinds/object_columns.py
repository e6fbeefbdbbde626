"""
What new objects put into their columns, column by column, as the driver takes it.

The same as Django's save() would put there, but that all objects of a call have one time of creation, as in GORM.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.db import models
from django.db.models.expressions import DatabaseDefault
from django.utils import timezone
from django_extensions.db.fields import ModificationDateTimeField

from gorm_assoc.kinds import plain
from gorm_assoc.kinds.base import Field

Column = list[Any]


def of_objects(
    fields: Sequence[Field], objects: Sequence[models.Model], connection: Any
) -> dict[Field, Column] | None:
    """
    By field, without those that are left to defaults of the database; None where something is for Django to write.

    objects -- of one class, at least one
    """
    found: dict[Field, Column] = {}
    now = timezone.now()
    for field in fields:
        values = _own(field, objects, now)
        if all(isinstance(value, DatabaseDefault) for value in values):
            continue
        prepared = _prepared(field, values, connection)
        if prepared is None:
            return None
        found[field] = prepared
    return found


def is_expression(value: Any) -> bool:
    return hasattr(value, "resolve_expression")


def _own(field: Any, objects: Sequence[models.Model], now: Any) -> Column:
    """What the objects hold, after what the field does to an object before it is saved."""
    pre_save = type(field).pre_save
    is_time = pre_save is models.DateTimeField.pre_save or (
        pre_save is ModificationDateTimeField.pre_save
        and not any(hasattr(instance, "update_modified") for instance in objects)
    )
    if pre_save is models.Field.pre_save or (is_time and not (field.auto_now or field.auto_now_add)):
        return list(map(attrgetter(field.attname), objects))
    if not is_time:
        return [field.pre_save(instance, add=True) for instance in objects]
    for instance in objects:
        setattr(instance, field.attname, now)
    return [now] * len(objects)


def _prepared(field: Field, values: Column, connection: Any) -> Column | None:
    if plain.type_of(field) and set(map(type, values)) <= {plain.type_of(field), type(None)}:
        return values
    if any(map(is_expression, values)):
        return None
    is_same = all(value is values[0] for value in values)  # as one time, or nothing
    prepared = [field.get_db_prep_save(value, connection) for value in (values[:1] if is_same else values)]
    if any(map(is_expression, prepared)):  # a field of the project's may make one
        return None
    return prepared * len(values) if is_same else prepared
