"""A model's hooks: optional methods, called on the real rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

CREATE = ("before_save", "before_create", "after_create", "after_save")
UPDATE = ("before_save", "before_update", "after_update", "after_save")
DELETE = ("before_delete", "after_delete")


def has(model: type[models.Model], names: Iterable[str]) -> bool:
    """Whether the model wants to see its rows."""
    return any(hasattr(model, name) for name in names)


def call(name: str, rows: Iterable[Any]) -> None:
    """Call the hook on each row that has it; what it raises goes through and vetoes the verb."""
    for row in rows:
        hook = getattr(row, name, None)
        if hook is not None:
            hook()
