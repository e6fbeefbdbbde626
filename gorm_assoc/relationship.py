"""
What a relation means: which columns of which table hold its links, which way round.

    of(model, name)    the Relationship that the verbs work from

It only reads. What a declaration asks for before its join model exists is in join_plan.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import Any

from django.db import models

from gorm_assoc import conf
from gorm_assoc.exceptions import UnsupportedRelation

Model = type[models.Model]
Fields = tuple["models.Field[Any, Any]", ...]
BELONGS_TO = "belongs_to"
HAS_ONE = "has_one"
HAS_MANY = "has_many"
MANY2MANY = "many2many"
_READ = "_gorm_assoc_relationships"  # where a model's options keep those that were asked for


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

    kind -- belongs_to, has_one, has_many, many2many
    name -- as the owner spells it
    through -- the model whose rows hold the links: the join model; the target (has_one, has_many);
        the owner (belongs_to)
    owner_fields, target_fields -- the fields by which a link knows its ends
    owner_columns, target_columns -- the fields of `through` that hold their values, in the same order
    fixed -- further fields of `through` and the value they have in this relation: the type of a polymorphic one
    key -- the relation field that was laid over the columns (many2many: see owner_key, target_key)
    lookup -- the name that leads from a target back to its owners in a query (many2many)
    cache_name -- where the owner's instance keeps what it has loaded
    owner_key, target_key -- the join model's relation fields to either end (many2many)
    reverse -- the owner is the target of the field that was declared
    symmetrical -- each link has a join row the other way round (Django's own relations only)
    made -- what others have made of it once and for all
    """

    kind: str
    name: str
    owner: Model
    target: Model
    through: Model
    owner_fields: Fields
    owner_columns: Fields
    target_fields: Fields
    target_columns: Fields
    cache_name: str
    fixed: tuple[tuple[models.Field[Any, Any], Any], ...] = ()
    key: Any = None
    lookup: str = ""
    owner_key: Any = None
    target_key: Any = None
    reverse: bool = False
    symmetrical: bool = False
    made: dict[Any, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    @property
    def label(self) -> str:
        return f"{self.owner._meta.label}.{self.name}"

    @property
    def target_holds_key(self) -> bool:
        """Whether a target's own row names its owner, so that it has no other."""
        return self.kind in (HAS_ONE, HAS_MANY)

    @property
    def owner_holds_key(self) -> bool:
        """Whether an owner's own row names its target, so that a new one takes the place of the old."""
        return self.kind == BELONGS_TO

    @property
    def is_single(self) -> bool:
        """Whether an owner has at most one target."""
        return self.kind in (BELONGS_TO, HAS_ONE)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        owners = zip(self.owner_fields, self.owner_columns, repeat(True), strict=False)
        targets = zip(self.target_fields, self.target_columns, repeat(False), strict=False)
        return tuple(Reference(*reference) for reference in (*owners, *targets) if reference[0] is not reference[1])


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
            for candidate in fields:
                if getattr(candidate, attribute) == spelling:
                    return candidate
    return None


def same_model(first: Any, second: Any) -> bool:
    return (
        not isinstance(first, str)
        and not isinstance(second, str)
        and first._meta.concrete_model is second._meta.concrete_model
    )


# Reading a relation


def of(model: Model, name: str) -> Relationship:
    """
    The relationship of that name, as field, reverse accessor or query name.

    Raises UnsupportedRelation for a name that is no relation of the model.
    """
    fields = model._meta.get_fields()  # this very list until a relation comes or goes
    options: Any = model._meta
    read_from: Any
    read: dict[str, Relationship]
    read_from, read = getattr(options, _READ, (None, {}))
    if read_from is not fields:
        read = {}
        setattr(options, _READ, (fields, read))
    if name not in read:
        read[name] = _read(model, name)
    return read[name]


def _read(model: Model, name: str) -> Relationship:
    known: dict[str, Any] = {}
    for found in model._meta.get_fields():
        if is_readable(found):
            known.setdefault(_accessor(found), found)
    relation = known.get(name) or next((found for found in known.values() if found.name == name), None)
    if relation is None:
        raise UnsupportedRelation(model, name, known)
    return from_django(model, relation)


def names(model: Model) -> list[str]:
    """The names that of() knows, by which an instance has them."""
    return [_accessor(found) for found in model._meta.get_fields() if is_readable(found)]


def declared(model: Model) -> list[str]:
    """Of these those that the model itself declares, not the ways back of others' relations (GORM's Associations)."""
    return [
        name
        for found in model._meta.get_fields()
        if is_readable(found) and is_declared(model, name := _accessor(found), found)
    ]


def is_declared(model: Model, name: str, relation: Any) -> bool:
    """Whether the model itself, or one that it inherits from, declares the relation that it has by this name."""
    return not relation.auto_created or any(has.name == name for has in getattr(model, "has_fields", ()))


def _accessor(found: Any) -> str:
    return found.name if isinstance(found, models.Field) else str(found.get_accessor_name())


def is_readable(found: Any) -> bool:
    """Whether what get_fields() lists is a relation that from_django() can read: not a generic one, no parent."""
    if not found.is_relation or found.related_model is None:
        return False
    key = found if isinstance(found, models.Field) else found.field
    if getattr(found, "is_way_back", False):
        return False  # the key that an owner's has-one or has-many reads by
    if found.many_to_many:
        return True
    return isinstance(key, models.ForeignObject) and not key.one_to_many and not key.remote_field.parent_link


def from_django(model: Model, relation: Any) -> Relationship:
    """Read a relation field (forwards) or its rel (backwards) as a Relationship of `model`."""
    if relation.many_to_many:
        return _many2many(model, relation)
    return _belongs_to(model, relation) if isinstance(relation, models.Field) else _has(model, relation)


def _many2many(model: Model, relation: Any) -> Relationship:
    reverse = not isinstance(relation, models.Field)
    field: Any = relation.field if reverse else relation
    through = field.remote_field.through
    keys: list[Any] = [
        through._meta.get_field(name) for name in (field.m2m_field_name(), field.m2m_reverse_field_name())
    ]
    owner_key, target_key = keys[::-1] if reverse else keys
    return Relationship(
        kind=MANY2MANY,
        name=relation.get_accessor_name() if reverse else field.name,
        owner=model,
        target=relation.related_model if reverse else field.remote_field.model,
        through=through,
        owner_fields=tuple(owner_key.foreign_related_fields),
        owner_columns=tuple(owner_key.local_related_fields),
        target_fields=tuple(target_key.foreign_related_fields),
        target_columns=tuple(target_key.local_related_fields),
        fixed=getattr(owner_key, "fixed", ()),
        lookup=field.name if reverse else field.related_query_name(),
        cache_name=field.related_query_name() if reverse else field.name,
        owner_key=owner_key,
        target_key=target_key,
        reverse=reverse,
        symmetrical=field.remote_field.symmetrical,
    )


def _belongs_to(model: Model, key: Any) -> Relationship:
    columns = tuple(key.local_related_fields)
    holder = columns[0].model
    return Relationship(
        kind=BELONGS_TO,
        name=key.name,
        owner=model,
        target=key.remote_field.model,
        through=holder,
        owner_fields=key_fields(model),
        owner_columns=key_fields(holder),
        target_fields=tuple(key.foreign_related_fields),
        target_columns=columns,
        cache_name=key.name,
        key=key,
    )


def _has(model: Model, rel: Any) -> Relationship:
    key = rel.field
    columns = tuple(key.local_related_fields)
    holder = columns[0].model
    return Relationship(
        kind=HAS_ONE if rel.one_to_one else HAS_MANY,
        name=rel.get_accessor_name(),
        owner=model,
        target=rel.related_model,
        through=holder,
        owner_fields=tuple(key.foreign_related_fields),
        owner_columns=columns,
        target_fields=key_fields(rel.related_model),
        target_columns=key_fields(holder),
        cache_name=rel.get_accessor_name(),
        fixed=getattr(key, "fixed", ()),
        key=key,
        reverse=True,
    )
