"""What the primitives work on, and what they report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from django.db import models

from gorm_assoc.relationship import Relationship

Values = tuple[Any, ...]
Field: TypeAlias = "models.Field[Any, Any]"
PairKeys = tuple[Any, Any]
Pairs = Mapping[str, tuple[PairKeys, ...]]  # behind what is added, removed and revived
Owners = Mapping[Values, models.Model]  # by the values that links hold of them


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
    pairs: Pairs | None = field(default=None, compare=False, repr=False)

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


NOTHING = Changes(pairs={"added": (), "removed": (), "revived": ()})


def nothing(pairs: bool) -> Changes:
    """That nothing changed; with no pairs, if they are asked for."""
    return NOTHING if pairs else Changes()


@dataclass(slots=True)
class Links:
    """
    Links to make, each once.

    rows -- values of the join columns, the owner's then the target's
    defaults -- extra columns of the join rows: one dict for all, or one for each row
    owners -- the owners' values -> the owner
    targets -- the targets' values -> the target's primary key, where it is known
    new -- the targets that this verb has stored
    """

    rows: Sequence[Values]
    defaults: Sequence[Mapping[str, Any]]
    owners: Mapping[Values, models.Model]
    targets: Mapping[Values, Any]
    new: frozenset[Values] = frozenset()

    def defaults_of(self, number: int) -> Mapping[str, Any]:
        return self.defaults[number] if len(self.defaults) > 1 else self.defaults[0]

    def only(self, numbers: Sequence[int]) -> Links:
        """The links with these numbers."""
        defaults = [self.defaults[number] for number in numbers] if len(self.defaults) > 1 else self.defaults
        return Links([self.rows[number] for number in numbers], defaults or [{}], self.owners, self.targets, self.new)


class Kind(Protocol):
    """What each kind of relation can do; a module with these functions."""

    def related(
        self, relationship: Relationship, owners: Sequence[models.Model], targets: models.QuerySet[Any]
    ) -> Any:
        """The queryset `targets` limited to those linked to the owners."""

    def link(
        self,
        relationship: Relationship,
        links: Links,
        using: str,
        *,
        update: bool,
        pairs: bool,
        destroy: bool,
    ) -> Changes:
        """
        Make each link; one that is there stays as it is.

        update -- set the given extra columns of links that are there, too
        pairs -- tell which pairs changed
        destroy -- what a link takes the place of goes for good
        """

    def link_selected(
        self,
        relationship: Relationship,
        owners: Owners,
        found: Any,
        extra: Mapping[str, Any],
        using: str,
        *,
        update: bool,
    ) -> Changes:
        """link() for each owner and each row of a subquery, which stays in the database."""

    def unlink(
        self,
        relationship: Relationship,
        owners: Owners,
        condition: Callable[[Any], Any],
        using: str,
        *,
        asked: Collection[Any] | None = None,
        clear: bool = False,
        destroy: bool,
        moving: Collection[Values] = (),
        pairs: bool,
    ) -> Changes:
        """
        Take links off the owners.

        condition -- which; see choosing.py
        asked, clear -- what m2m_changed is told: primary keys, or that all went
        destroy -- for good: see Association.unscoped()
        moving -- targets that the same verb gives to an owner next: these never go for good
        """

    def preview(
        self,
        relationship: Relationship,
        links: Links,
        new: int,
        using: str,
        *,
        pairs: bool,
    ) -> Changes:
        """What link() would do; `new` -- how many links to targets that are not stored come on top."""

    def hold(self, relationship: Relationship, owner: models.Model, target: models.Model) -> None:
        """What link() does to the row of either, on the object."""

    def may_raise(self, relationship: Relationship) -> bool:
        """Whether a verb may raise after its first statement, by code of the project or for a key that must stay."""

    def can_revive(self, relationship: Relationship) -> bool:
        """Whether a link can be dead."""

    def stays_in_database(self, relationship: Relationship, extra: Mapping[str, Any], using: str) -> bool:
        """Whether a queryset of targets can be linked without its rows being known here."""
