"""
preload(): relations of many objects, loaded in a few statements into their ordinary accessors.

    queryset.preload("languages", "posts.comments")     when the queryset is run (query.py)
    preload(users, "languages")                         for objects at hand

What it takes is read in preloading/wanted.py; preloading/levels.py does the work.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import models

from gorm_assoc.exceptions import OwnersMismatch
from gorm_assoc.preloading import levels, wanted

__all__ = ["apreload", "preload"]


def preload(objects: models.Model | Iterable[models.Model], *given: Any, **options: Any) -> None:
    """
    Load relations of objects at hand: an instance, or several of one model. Takes what queryset.preload() takes.

    What was loaded under such a name is replaced. A queryset is run, and keeps its rows.
    Raises OwnersMismatch for objects of several models.
    """
    asked = wanted.read(given, **options)
    is_unscoped = bool(getattr(objects, "is_unscoped", False))
    if isinstance(objects, models.QuerySet):
        wanted.tree(objects.model, asked)  # a wrong name raises where there is no row, too
    owners = [objects] if isinstance(objects, models.Model) else list(objects)
    if not owners:
        return
    kinds = {owner._meta.concrete_model for owner in owners}
    if len(kinds) > 1:
        raise OwnersMismatch(sorted({owner._meta.label for owner in owners}))
    levels.load(owners, wanted.tree(type(owners[0]), asked), unscoped=is_unscoped)


async def apreload(objects: models.Model | Iterable[models.Model], *given: Any, **options: Any) -> None:
    """preload(), awaited."""
    await sync_to_async(preload)(objects, *given, **options)
