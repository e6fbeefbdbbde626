"""Reading targets by their join rows: filtered, ordered, or with the rows attached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Subquery
from django.db.models.query import ModelIterable

from gorm_assoc.kinds.base import Owners
from gorm_assoc.kinds.join_rows import JoinRows
from gorm_assoc.relationship import Relationship

if TYPE_CHECKING:
    _ModelIterable = ModelIterable[Any]
else:
    _ModelIterable = ModelIterable


def join_rows(relationship: Relationship, owners: Owners, using: str, *, dead_too: bool) -> models.QuerySet[Any]:
    """The owners' join rows."""
    rows = JoinRows.of(relationship, using)
    condition = rows.of_owners(owners)
    return rows.rows(condition if dead_too else condition & rows.live)


def by_join_rows(
    relationship: Relationship,
    targets: models.QuerySet[Any],
    rows: models.QuerySet[Any],
    lookups: Mapping[str, Any],
    order_by: Sequence[str],
) -> models.QuerySet[Any]:
    """The linked targets whose join row fits the lookups, ordered by columns of the join rows."""
    targets, of_link = _with_owner(relationship, targets), _of_link(relationship, rows)
    if lookups:
        targets = targets.filter(Exists(of_link.filter(**lookups)))
    ordering = []
    for number, name in enumerate(order_by):
        alias = f"through_order{number}"
        targets = targets.alias(**{alias: Subquery(of_link.values(name.removeprefix("-"))[:1])})
        ordering.append(f"-{alias}" if name.startswith("-") else alias)
    return targets.order_by(*ordering) if ordering else targets


def _with_owner(relationship: Relationship, targets: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """The linked targets with their owner's key, as join rows hold it: a target comes once for each owner."""
    ends = enumerate(relationship.owner_key.foreign_related_fields)
    names = {f"of_owner{number}": F(f"{relationship.lookup}__{end.name}") for number, end in ends}
    return targets.annotate(**names)  # type: ignore[no-any-return]


def _of_link(relationship: Relationship, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """The join row of a target that knows its owner's key."""
    own = enumerate(relationship.owner_key.local_related_fields)
    of_owner = {held.attname: OuterRef(f"of_owner{number}") for number, held in own}
    of_target = {held.attname: OuterRef(end.attname) for held, end in relationship.target_key.related_fields}
    return rows.filter(**of_owner, **of_target)


def with_join_rows(
    relationship: Relationship, targets: models.QuerySet[Any], rows: models.QuerySet[Any], using: str
) -> models.QuerySet[Any]:
    """Targets that know their owner, each with its join row as `join_row`; one SELECT more when they are read."""
    links = JoinRows.of(relationship, using)
    held_names = tuple(field.attname for field in links.pair.fields)
    names = (
        *(f"of_owner{number}" for number in range(len(relationship.owner_key.related_fields))),
        *(referenced.attname for _, referenced in relationship.target_key.related_fields),
    )
    if links.may_be_spelled:
        names = tuple(f"of_link{number}" for number in range(len(held_names)))
        of_link = _of_link(relationship, rows)
        as_held = (Subquery(of_link.values(name)[:1]) for name in held_names)
        targets = targets.annotate(**dict(zip(names, as_held, strict=True)))

    class WithJoinRows(_ModelIterable):
        def __iter__(self) -> Iterator[Any]:
            by_link = {tuple(getattr(row, name) for name in held_names): row for row in rows}
            for target in super().__iter__():
                target.join_row = by_link.get(tuple(getattr(target, name) for name in names))
                yield target

    found = targets.all()
    found._iterable_class = WithJoinRows
    return found
