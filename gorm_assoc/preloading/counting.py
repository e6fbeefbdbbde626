"""How many targets each owner has, without reading them: one SELECT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Count

from gorm_assoc.preloading.keys import Keyed, key_in, keyed, under_all
from gorm_assoc.preloading.links import Links
from gorm_assoc.preloading.targets import targets
from gorm_assoc.preloading.wanted import PLAIN, Level


def count(owners: Sequence[models.Model], level: Level, *, unscoped: bool, using: str) -> None:
    """Set each owner's number of targets as an attribute, <relation>_count unless another was asked for."""
    name = level.to_attr or f"{level.relation.name}_count"
    by_key = keyed(owners, level.relation.own)
    for owner in owners:
        setattr(owner, name, 0)
    if by_key.owners:
        for sharing, number in _counts(owners[0], level, by_key, unscoped, using):
            for owner in sharing:
                setattr(owner, name, number)


def _counts(
    owner: models.Model, level: Level, by_key: Keyed, unscoped: bool, using: str
) -> list[tuple[list[models.Model], int]]:
    relation, conditions = level.relation, level.conditions or PLAIN
    found = targets(relation, conditions, owner, unscoped=unscoped, using=using)
    fields: Sequence[models.Field[Any, Any]]
    if relation.relationship is not None:
        rows = Links(relation.relationship, conditions, found, by_key.rows).with_target()
        fields = relation.relationship.owner_columns
    else:
        rows, fields = found.holding(relation, by_key.rows).queryset, relation.held
    key_of_row = key_in(len(fields))
    names = [field.attname for field in fields]
    counted = rows.order_by().values_list(*names).annotate(found_count=Count("*"))
    numbers = {relation.as_own(key_of_row(row)): row[-1] for row in counted}
    owners = under_all(by_key.owners, numbers, fields, found.using)
    return [(owners[key], number) for key, number in numbers.items()]
