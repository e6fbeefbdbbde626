"""What the primitives work on, and what they report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import models

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """
    What a verb did, in links.

    added -- had no join row; revived -- had a dead one; kept -- were linked already; removed -- are no longer
    """

    added: int = 0
    removed: int = 0
    kept: int = 0
    revived: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(
            self.added + other.added,
            self.removed + other.removed,
            self.kept + other.kept,
            self.revived + other.revived,
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """
    A link to make: the values of the join row's columns for each end, and its extra columns.

    owner -- the instance, for signals
    pk -- the target's primary key, for signals; None where only its referenced values are known
    """

    owner: models.Model
    owner_values: Values
    target_values: Values
    pk: Any = None
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[Values, Values]:
        return self.owner_values, self.target_values
