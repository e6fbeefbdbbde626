"""Deleting targets for good, by Django: its cascades, its protection, its signals, and the model's own hooks."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.deletion import Collector

from gorm_assoc import soft_delete
from gorm_assoc.kinds import hooks


def destroy(rows: models.QuerySet[Any], using: str) -> int:
    """
    Delete the rows for good, dead ones too; how many.

    Raises ProtectedError, before anything is deleted, if other rows refer to one and must not lose it.
    """
    objects = list(rows)
    if not objects:
        return 0
    keys = [row.pk for row in objects]
    hooks.call("before_delete", objects)
    collector = Collector(using=using, origin=rows)
    with soft_delete.explained(rows.model):
        collector.collect(objects)
        collector.delete()
    for row, key in zip(objects, keys, strict=True):
        row.pk = key  # Django empties it; the hook sees the real row
    hooks.call("after_delete", objects)
    return len(objects)
