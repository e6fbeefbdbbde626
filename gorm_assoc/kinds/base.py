"""What the primitives work on, and what they report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models

Values = tuple[Any, ...]
PairKeys = tuple[Any, Any]
Owners = Mapping[Values, models.Model]  # by the values that join rows hold of them


@dataclass(frozen=True, slots=True)
class Changes:
    """
    What a verb did, in links.

    added -- had no join row; revived -- had a dead one; kept -- were linked already; removed -- are no longer
    pairs -- on request, the pairs behind added, removed and revived: (owner's primary key, target's primary key)
    """

    added: int = 0
    removed: int = 0
    kept: int = 0
    revived: int = 0
    pairs: Mapping[str, tuple[PairKeys, ...]] | None = field(default=None, compare=False, repr=False)

    def __add__(self, other: Changes) -> Changes:
        pairs = None
        if self.pairs is not None and other.pairs is not None:
            pairs = {name: self.pairs[name] + other.pairs[name] for name in self.pairs}
        return Changes(
            self.added + other.added,
            self.removed + other.removed,
            self.kept + other.kept,
            self.revived + other.revived,
            pairs,
        )

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.removed or self.revived)


@dataclass(slots=True)
class Links:
    """
    Links to make, each once.

    rows -- values of the join columns, the owner's then the target's
    defaults -- extra columns of the join rows: one dict for all, or one for each row
    owners -- the owners' values -> the owner
    targets -- the targets' values -> the target's primary key, where it is known
    """

    rows: Sequence[Values]
    defaults: Sequence[Mapping[str, Any]]
    owners: Mapping[Values, models.Model]
    targets: Mapping[Values, Any]

    def defaults_of(self, number: int) -> Mapping[str, Any]:
        return self.defaults[number] if len(self.defaults) > 1 else self.defaults[0]

    def only(self, numbers: Sequence[int]) -> Links:
        """The links with these numbers."""
        defaults = [self.defaults[number] for number in numbers] if len(self.defaults) > 1 else self.defaults
        return Links([self.rows[number] for number in numbers], defaults or [{}], self.owners, self.targets)
