"""
What loading needs to know of a relation: which columns of the targets name which of the owners.

    direct      belongs_to, has_one, has_many: a column of one end holds what the other end's says
    linked      many2many: through join rows
    generic     Django's GenericForeignKey: targets of several models, which Django itself finds

A relation is read by its shape, so that Django's own fields serve as ours do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from gorm_assoc import relationship as relationships
from gorm_assoc.exceptions import UnsupportedRelation
from gorm_assoc.relationship import Relationship

Model = type[models.Model]


@dataclass(frozen=True)
class Relation:
    """
    One relation of an owner's model, as loading sees it.

    name -- the accessor
    target -- None where targets are of several models
    to_many -- whether an owner has a list of targets
    own -- the owner's fields that are referred to, or refer
    held -- direct: the target's fields that hold the same values
    fixed -- direct: other columns that all targets hold, as a polymorphic type
    back -- direct: where a target keeps its owner
    cache_name -- where the owner keeps its targets
    relationship -- linked: the resolved many2many
    is_forward -- direct: the owner refers to the target
    convert -- turns what a target holds into what the owner has, where the columns are of different types
    """

    name: str
    owner: Model
    target: Model | None
    to_many: bool
    cache_name: str
    own: tuple[models.Field[Any, Any], ...] = ()
    held: tuple[models.Field[Any, Any], ...] = ()
    fixed: dict[str, Any] = field(default_factory=dict)
    back: Any = None
    relationship: Relationship | None = None
    is_forward: bool = False
    convert: Callable[[Any], Any] | None = None

    @property
    def label(self) -> str:
        return f"{self.owner._meta.label}.{self.name}"

    def as_own(self, key: Any) -> Any:
        """A key that targets hold, as their owner has it."""
        return key if self.convert is None else self.convert(key)

    def is_cached(self, owner: models.Model) -> bool:
        if self.to_many:
            return self.cache_name in getattr(owner, "_prefetched_objects_cache", ())
        return self.cache_name in owner._state.fields_cache

    def cached(self, owner: models.Model) -> list[models.Model]:
        """The targets that the owner has been given before."""
        if self.to_many:
            return list(owner._prefetched_objects_cache[self.cache_name])  # type: ignore[attr-defined]
        target = owner._state.fields_cache[self.cache_name]
        return [] if target is None else [target]


def of(model: Model, name: str) -> Relation:
    """The model's relation of that name. Raises UnsupportedRelation with the nearest that is one."""
    known = dict(accessors(model))
    relation = known.get(name) or next((each for each in known.values() if each.name == name), None)
    if relation is None:
        raise UnsupportedRelation(model, name, known)
    return _read(model, relation)


def declared(model: Model) -> list[str]:
    """The names of the relations that the model itself declares: not the ways back of others' fields."""
    return [name for name, relation in accessors(model) if relationships.is_declared(model, name, relation)]


def accessors(model: Model) -> Iterator[tuple[str, Any]]:
    """Each relation that an instance has an accessor for, with its name."""
    for relation in model._meta.get_fields():
        if not relation.is_relation or getattr(relation, "is_way_back", False):
            continue
        if isinstance(relation, models.Field):
            yield relation.name, relation
        elif accessor := relation.get_accessor_name():
            yield accessor, relation


def _read(model: Model, relation: Any) -> Relation:
    if relation.related_model is None:
        return Relation(relation.name, model, None, False, relation.cache_name)
    if hasattr(relation, "get_content_type"):
        return _generic_relation(model, relation)
    found = relationships.from_django(model, relation)
    to_many, cache_name = not found.is_single, found.cache_name
    if found.kind == relationships.MANY2MANY:
        return Relation(found.name, model, found.target, to_many, cache_name, found.owner_fields, relationship=found)
    key = found.key
    if found.kind == relationships.BELONGS_TO:
        own, held, back = found.target_columns, found.target_fields, key.remote_field
        back = None if back.multiple else back
        return Relation(found.name, model, found.target, False, cache_name, own, held, {}, back, is_forward=True)
    fixed = {field.attname: value for field, value in found.fixed}
    return Relation(
        found.name, model, found.target, to_many, cache_name, found.owner_fields, found.owner_columns, fixed, key
    )


def _generic_relation(model: Model, relation: Any) -> Relation:
    """Django's GenericRelation: the type is the same for all targets."""
    target = relation.remote_field.model
    held = (target._meta.get_field(relation.object_id_field_name),)
    key: Any = model._meta.pk
    fixed = {f"{relation.content_type_field_name}_id": relation.get_content_type().pk}
    return Relation(relation.name, model, target, True, relation.attname, (key,), held, fixed, convert=key.to_python)
