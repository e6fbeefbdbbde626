"""
Values that are a column's own already: an int for a whole number, a str for a text.

Asking a field for each of ten thousand values takes longer than the database does to store them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from gorm_assoc.relationship import final_field

# Of these classes themselves: a subclass may convert.
_TYPES: dict[type[models.Field[Any, Any]], type] = {
    **dict.fromkeys((models.AutoField, models.BigAutoField, models.SmallAutoField), int),
    **dict.fromkeys((models.IntegerField, models.BigIntegerField, models.SmallIntegerField), int),
    **dict.fromkeys((models.PositiveIntegerField, models.PositiveBigIntegerField), int),
    **dict.fromkeys((models.CharField, models.TextField), str),
}


def type_of(field: models.Field[Any, Any]) -> type | None:
    """The type whose values the field takes and stores as they are, if there is one."""
    return _TYPES.get(type(final_field(field)))


def are(field: models.Field[Any, Any], values: Iterable[Any]) -> bool:
    """Whether the field takes and stores all these values as they are."""
    kind = type_of(field)
    return kind is not None and {kind}.issuperset(map(type, values))
