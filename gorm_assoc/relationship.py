"""
What a relation means: which columns of which table hold its links, which way round.

    of(model, name)    the Relationship that the verbs work from

It only reads. What a declaration asks for before its join model exists is in join_plan.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import models

from gorm_assoc import conf
from gorm_assoc.exceptions import UnsupportedRelation

Model = type[models.Model]
MANY2MANY = "many2many"


@dataclass(frozen=True, slots=True)
class Reference:
    """One column pair: `foreign_key` holds what `primary_key` says. own_primary_key: the latter is the owner's."""

    primary_key: models.Field[Any, Any]
    foreign_key: models.Field[Any, Any]
    own_primary_key: bool


@dataclass(frozen=True)
class Relationship:
    """
    The resolved description of a relation; all that the verbs read.

    name -- as the owner spells it
    through -- the join model
    owner_key, target_key -- the join model's relation fields to either end
    lookup -- the name that leads from a target back to its owners in a query
    cache_name -- where the owner's instance keeps prefetched targets
    reverse -- the owner is the target of the field that was declared
    symmetrical -- each link has a join row the other way round (Django's own relations only)
    """

    kind: str
    name: str
    owner: Model
    target: Model
    through: Model
    owner_key: models.ForeignObject[Any, Any]
    target_key: models.ForeignObject[Any, Any]
    lookup: str
    cache_name: str
    reverse: bool = False
    symmetrical: bool = False

    @property
    def label(self) -> str:
        return f"{self.owner._meta.label}.{self.name}"

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        return tuple(
            Reference(primary_key, foreign_key, own)
            for key, own in ((self.owner_key, True), (self.target_key, False))
            for foreign_key, primary_key in key.related_fields
        )


# Fields


def final_field(field: Any) -> models.Field[Any, Any]:
    """The field that decides the column's type: through foreign keys and parent links to the end."""
    while field.remote_field:
        field = field.target_field
    return field  # type: ignore[no-any-return]


def column_type(field: Any) -> str:
    """A short name of the column's type, as it is written into a constraint: CharField(191)."""
    final = final_field(field)
    name = final.get_internal_type()
    return f"{name}({final.max_length})" if final.max_length else name


def key_fields(model: Model) -> tuple[models.Field[Any, Any], ...]:
    return tuple(model._meta.pk_fields)


def to_fields(model: Model, fields: Sequence[models.Field[Any, Any]]) -> tuple[str | None, ...]:
    """The referenced fields as a JoinKey takes them."""
    if tuple(fields) == key_fields(model) and len(fields) == 1:
        return (None,)
    return tuple(field.name for field in fields)


def are_unique_together(model: Model, fields: Sequence[models.Field[Any, Any]]) -> bool:
    """Whether the database can hold a foreign key to exactly these columns."""
    names = {field.name for field in fields}
    unique = [{field.name for field in key_fields(model)}, *map(set, model._meta.unique_together)]
    unique += [{field.name} for field in fields if field.unique]
    unique += [set(constraint.fields) for constraint in model._meta.total_unique_constraints]
    return names in unique


def table_fields(model: Model) -> list[models.Field[Any, Any]]:
    """The fields whose columns stand in the model's own table and not in a parent's: a key can name no others."""
    return [f for f in model._meta.concrete_fields if f.model._meta.db_table == model._meta.db_table]


def find_field(model: Model, name: str) -> models.Field[Any, Any] | None:
    """The field that an option means: by relation or field name, attname, column or Go name."""
    fields = table_fields(model)
    for spelling in (name, conf.naming().column_name(name)):
        for attribute in ("name", "attname", "column"):
            for field in fields:
                if getattr(field, attribute) == spelling:
                    return field
    return None


def same_model(first: Any, second: Any) -> bool:
    return (
        not isinstance(first, str)
        and not isinstance(second, str)
        and first._meta.concrete_model is second._meta.concrete_model
    )


# Afterwards


def of(model: Model, name: str) -> Relationship:
    """
    The relationship of that name, as field, reverse accessor or query name.

    Raises UnsupportedRelation for a name that is no many-to-many relation of the model.
    """
    known: dict[str, Any] = {}
    for found in model._meta.get_fields():
        if found.many_to_many:
            accessor = found.name if isinstance(found, models.Field) else found.get_accessor_name()
            known[str(accessor)] = found
    relation = known.get(name) or next((found for found in known.values() if found.name == name), None)
    if relation is None:
        raise UnsupportedRelation(model, name, known)
    return from_django(model, relation)


def from_django(model: Model, relation: Any) -> Relationship:
    """Read a many-to-many field (forwards) or its ManyToManyRel (backwards) as a Relationship of `model`."""
    reverse = not isinstance(relation, models.Field)
    field: Any = relation.field if reverse else relation
    through = field.remote_field.through
    keys = [through._meta.get_field(name) for name in (field.m2m_field_name(), field.m2m_reverse_field_name())]
    owner_key, target_key = keys[::-1] if reverse else keys
    return Relationship(
        kind=MANY2MANY,
        name=relation.get_accessor_name() if reverse else field.name,
        owner=model,
        target=relation.related_model if reverse else field.remote_field.model,
        through=through,
        owner_key=owner_key,
        target_key=target_key,
        lookup=field.name if reverse else field.related_query_name(),
        cache_name=field.related_query_name() if reverse else field.name,
        reverse=reverse,
        symmetrical=field.remote_field.symmetrical,
    )
