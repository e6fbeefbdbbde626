"""What the sets share: a model named as GORM names it, with a key of its own, and Go's text columns."""

from __future__ import annotations

from typing import Any

from django.db import models

from gorm_assoc.models import AssociationModel

KEY_LENGTH = 191  # what MariaDB's oldest index limit leaves of utf8mb4


class GoModel(AssociationModel):
    """A Go struct without gorm.Model."""

    gorm_table_names = True

    class Meta:
        abstract = True


def text(**options: Any) -> Any:
    """A Go string: never NULL, empty by default."""
    return models.TextField(default="", **options)


def key_text(**options: Any) -> Any:
    """A Go string that a key or a unique index holds."""
    return models.CharField(max_length=KEY_LENGTH, **options)


def unique(model: str, *fields: str, name: str = "") -> models.UniqueConstraint:
    """GORM's uniqueIndex on a table."""
    return models.UniqueConstraint(fields=fields, name=name or f"idx_{model}_{fields[0]}")
