"""Reading targets by their join rows: filtered, ordered, or with the rows attached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.query import ModelIterable

from gorm_assoc.kinds.join_rows import JoinRows
from gorm_assoc.kinds.many2many import Owners
from gorm_assoc.relationship import Relationship

if TYPE_CHECKING:
    _ModelIterable = ModelIterable[Any]
else:
    _ModelIterable = ModelIterable


def join_rows(relationship: Relationship, owners: Owners, using: str, *, dead_too: bool) -> models.QuerySet[Any]:
    """The owners' join rows."""
    rows = JoinRows(relationship, using)
    condition = rows.owner.among(owners)
    return rows.rows(condition if dead_too or rows.live is None else condition & rows.live)


def by_join_rows(
    relationship: Relationship,
    targets: models.QuerySet[Any],
    rows: models.QuerySet[Any],
    lookups: Mapping[str, Any],
    order_by: Sequence[str],
) -> models.QuerySet[Any]:
    """The targets with a join row that fits the lookups, ordered by columns of the join rows."""
    ends = relationship.target_key.related_fields
    of_target = rows.filter(**{held.attname: OuterRef(referenced.attname) for held, referenced in ends})
    if lookups:
        targets = targets.filter(Exists(of_target.filter(**lookups)))
    ordering = []
    for number, name in enumerate(order_by):
        alias = f"through_order{number}"
        targets = targets.alias(**{alias: Subquery(of_target.values(name.removeprefix("-"))[:1])})
        ordering.append(f"-{alias}" if name.startswith("-") else alias)
    return targets.order_by(*ordering) if ordering else targets


def with_join_rows(
    relationship: Relationship, targets: models.QuerySet[Any], rows: models.QuerySet[Any]
) -> models.QuerySet[Any]:
    """The targets, each with its join row as `join_row`; one SELECT more when they are read."""
    held, referenced = zip(*relationship.target_key.related_fields, strict=True)

    class WithJoinRows(_ModelIterable):
        def __iter__(self) -> Iterator[Any]:
            by_target = {tuple(getattr(row, field.attname) for field in held): row for row in rows}
            for target in super().__iter__():
                target.join_row = by_target.get(tuple(getattr(target, field.attname) for field in referenced))
                yield target

    found = targets.all()
    found._iterable_class = WithJoinRows
    return found
