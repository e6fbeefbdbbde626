"""
The rows of new objects, written column by column.

Most of the time of Django's bulk_create() goes into asking each field for each value. Where only
Django can write a value, bulk_create() still does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, models

from gorm_assoc import pending
from gorm_assoc.kinds import batches, insertion, object_columns, plain
from gorm_assoc.kinds.base import Field
from gorm_assoc.kinds.conditions import quoted
from gorm_assoc.values import is_unset


def insert(instances: Sequence[models.Model], using: str) -> None:
    """Insert new objects of one class, which has one table; each has its key afterwards. In a transaction."""
    with_key: list[models.Model] = []
    without_key: list[models.Model] = []
    for instance in instances:
        if is_unset(instance.pk):
            instance.pk = instance._meta.pk.get_pk_value_on_save(instance)
        (without_key if is_unset(instance.pk) else with_key).append(instance)
    for group in filter(None, (with_key, without_key)):
        if not _insert(group, using):
            with batches.as_large_as_can_be(using):
                type(group[0])._base_manager.using(using).bulk_create(group)


def _insert(instances: Sequence[models.Model], using: str) -> bool:
    """Insert objects that all have a key, or all have none. False, with nothing stored, if that is for Django."""
    options, connection = instances[0]._meta, connections[using]
    counted = options.pk if is_unset(instances[0].pk) else None
    fields = [field for field in options.concrete_fields if not field.generated and field is not counted]
    if not fields or not all(map(_is_ordinary, fields)) or (counted and plain.type_of(counted) is not int):
        return False
    each: Any
    for each in instances:
        if pending.at_hand(each):
            each._prepare_related_fields_for_save(operation_name="bulk_create")
    columns = object_columns.of_objects(fields, instances, connection)
    if columns is None:
        return False
    table = quoted(connection, options.db_table)
    returning = f" RETURNING {quoted(connection, str(counted.column))}" if counted else ""
    waiting = iter(instances)
    with connection.cursor() as cursor:
        for rows in insertion.pieces(columns, {}, using):
            cursor.execute(f"INSERT INTO {table} {rows.text}{returning}", rows.params)
            if counted:
                for (key,), instance in zip(cursor, waiting, strict=False):
                    setattr(instance, counted.attname, key)
    return True


def _is_ordinary(field: Field) -> bool:
    """Whether the column takes a parameter and tells nothing back."""
    return not (field.has_db_default() or hasattr(field, "get_placeholder") or hasattr(field, "get_placeholder_sql"))
