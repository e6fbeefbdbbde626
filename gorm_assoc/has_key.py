"""
The key that a has-one or has-many reads by: a JoinKey of the child that nobody sees.

The child may have a relation of its own over the same columns; that one stays as it is, and what is
loaded through the one is found through the other. Private: it is no part of migrations.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models.sql.where import WhereNode

from gorm_assoc import soft_delete
from gorm_assoc.has_plan import HasPlan, relations
from gorm_assoc.join_key import JoinKey, JoinKeyDescriptor, JoinKeyRel
from gorm_assoc.relationship import Model, to_fields


class HasKeyRel(JoinKeyRel):
    """The way from an owner to its live children; of a polymorphic relation to those of its own type."""

    field: HasKey

    def get_extra_restriction(self, alias: str, related_alias: str | None) -> Any:
        return _all(soft_delete.live_rows(self.related_model, alias), *self.field.fixed_conditions(alias))


class HasKeyDescriptor(JoinKeyDescriptor):
    """Sets the type of a polymorphic child along with its owner."""

    def __set__(self, instance: Any, value: Any) -> None:
        super().__set__(instance, value)
        if value is not None:
            for field, fixed in self.field.fixed:
                setattr(instance, field.attname, fixed)


class HasKey(JoinKey):
    """
    holder -- the model that gets it; its children inherit the columns, and not this
    fixed -- further fields of the child and the value they have in this relation
    """

    rel_class = HasKeyRel
    forward_related_accessor_class = HasKeyDescriptor
    # Not to be listed among the relations of the child.
    is_way_back = True

    def __init__(self, holder: Model, owner: Model, name: str, plan: HasPlan) -> None:
        super().__init__(
            owner._meta.concrete_model or owner,
            from_fields=[column.name for column in plan.columns],
            to_fields=to_fields(owner, plan.referenced),
            related_name=name,
            null=any(column.null for column in plan.columns),
            editable=False,
        )
        self.holder = holder
        self.fixed = plan.fixed

    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False, **kwargs: Any
    ) -> None:
        if cls is self.holder:
            super().contribute_to_class(cls, name, private_only=True, **kwargs)

    # Conditions on the child

    def get_extra_restriction(self, alias: str | None, related_alias: str) -> Any:
        return _all(super().get_extra_restriction(alias, related_alias), *self.fixed_conditions(related_alias))

    def fixed_conditions(self, alias: str) -> list[Any]:
        return [field.get_lookup("exact")(field.get_col(alias), value) for field, value in self.fixed]  # type: ignore[misc]

    # What is loaded by this key is found by the child's own relation

    @cached_property
    def _twins(self) -> Sequence[Any]:
        return [
            relation for relation in relations(self.model) if set(relation.related_fields) == set(self.related_fields)
        ]

    def set_cached_value(self, instance: models.Model, value: Any) -> None:
        super().set_cached_value(instance, value)
        for twin in self._twins:
            if twin.get_cached_value(instance, default=None) != value or value is None:
                twin.set_cached_value(instance, value)


def _all(*conditions: Any) -> WhereNode:
    """All of them; nothing, where there are none."""
    return WhereNode([condition for condition in conditions if condition is not None])
