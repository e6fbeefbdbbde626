"""
The virtual relation field: a relation laid over plain columns.

Join models hold plain columns (`user_id`) and beside them one JoinKey (`user`) for
each end. The columns make the table and its primary key; the JoinKey makes Django's
accessors, lookups and joins work, for one column or several, and writes nothing into
the database. (A primary key over ForeignKey fields cannot be migrated when two apps
point at each other: the autodetector moves such fields into a later AddField.)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.db import models
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor, ReverseManyToOneDescriptor
from django.db.models.fields.reverse_related import ForeignObjectRel

from gorm_assoc import pending
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.many_keys import ManyKeysIn
from gorm_assoc.soft_delete import LiveRowsKey, LiveRowsRel
from gorm_assoc.whole_keys import WholeKey

if TYPE_CHECKING:
    _ForeignObject = models.ForeignObject[Any, Any]
    _ForwardDescriptor = ForwardManyToOneDescriptor[Any]
    _ReverseDescriptor = ReverseManyToOneDescriptor[Any]
else:
    _ForeignObject = models.ForeignObject
    _ForwardDescriptor = ForwardManyToOneDescriptor
    _ReverseDescriptor = ReverseManyToOneDescriptor


class JoinKeyRel(LiveRowsRel, ForeignObjectRel):
    """The way back from the referenced row to the rows whose JoinKey names it."""


class JoinKeyDescriptor(_ForwardDescriptor):
    """Accessor of the referenced row, that follows the columns when they are set or read anew."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        # A ForeignKey's column forgets the row itself; plain columns know nothing of it.
        if instance is not None and self.field.is_cached(instance):
            row = self.field.get_cached_value(instance)
            held = self.field.get_local_related_value(instance)
            if row is None and is_known_missing(self.field, instance):
                return None
            if None not in held and (row is None or self.field.get_foreign_related_value(row) != held):
                self.field.delete_cached_value(instance)
        return super().__get__(instance, cls)


def is_known_missing(field: models.ForeignObject[Any, Any], instance: models.Model) -> bool:
    """Whether a preload found no row, or a dead one, for what the columns say."""
    if field.name not in (known := instance._state.__dict__.get("known_missing", {})):
        return False
    held = field.get_local_related_value(instance)
    return bool(known[field.name] == (held if len(held) > 1 else held[0]) and None not in held)


class HasManyDescriptor(_ReverseDescriptor):
    """Accessor of the rows that hold the key; its manager has the verbs and writes composite keys."""

    @cached_property
    def related_manager_cls(self) -> Any:
        # Row 4 of the design; a field must not need it before somebody uses the relation.
        from gorm_assoc.managers import has_many_related_manager

        return has_many_related_manager(self.rel.related_model._default_manager.__class__, self.rel)

    def __set__(self, instance: Any, value: Any) -> None:  # type: ignore[override]
        if not pending.takes(instance):
            super().__set__(instance, value)
        pending.keep_many(instance, str(self.rel.accessor_name), value)


class _Referenced(tuple[str | None, ...]):
    """
    Names of referenced fields, of which none can be found with `in`.

    Django's schema editor asks so which relations have a column that must follow an altered field;
    a JoinKey has none. The fields of migration states keep plain tuples, where renames are looked for.
    """

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return False


class JoinKey(LiveRowsKey, WholeKey, _ForeignObject):
    """
    A relation over the columns that `from_fields` name.

    to_fields -- the referenced fields, in the order of from_fields; (None,) means the
        target's single-column primary key. (A tuple: Django's schema editor takes a list
        [None] as a sign that this field has a column of its own to alter.)
    on_delete -- what Python does before the database; the database's own action is
        ForeignKeyConstraint's.
    """

    rel_class = JoinKeyRel
    forward_related_accessor_class = JoinKeyDescriptor
    related_accessor_class = HasManyDescriptor
    # The schema editor and ManyRelatedManager read these from every relation field.
    db_constraint = False
    requires_unique_target = False
    # Whether a BelongsTo made this with a constraint option: then that of a many2many does not hold.
    has_own_constraint = False

    def __init__(
        self,
        to: type[models.Model] | str,
        on_delete: Any = models.DO_NOTHING,
        from_fields: Sequence[str] = (),
        to_fields: Sequence[str | None] = (None,),
        related_name: str | None = "+",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            to,
            on_delete,
            from_fields=tuple(from_fields),
            to_fields=tuple(to_fields),  # type: ignore[arg-type]
            related_name=related_name,
            **kwargs,
        )
        # dumpdata writes the columns.
        self.serialize = False

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["serialize"]
        if kwargs["on_delete"] is models.DO_NOTHING:
            del kwargs["on_delete"]
        if kwargs["to_fields"] == (None,):
            del kwargs["to_fields"]
        if kwargs.get("related_name") == "+":
            del kwargs["related_name"]
        elif "related_name" not in kwargs:
            kwargs["related_name"] = None
        return name, path, args, kwargs

    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False, **kwargs: Any
    ) -> None:
        super().contribute_to_class(cls, name, private_only=private_only, **kwargs)
        self.to_fields = _Referenced(self.to_fields)

    def has_default(self) -> bool:
        # makemigrations asks the fields of its states, which have no model, for a value for the rows
        # that exist. There is no column to fill.
        return not hasattr(self, "model") or super().has_default()

    def contribute_to_related_class(self, cls: type[models.Model], related: Any) -> None:
        super().contribute_to_related_class(cls, related)
        for constraint in self.model._meta.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                constraint.follow(self, cls)

    def formfield(self, *, using: str | None = None, **kwargs: Any) -> Any:
        from gorm_assoc.forms import target_field

        return target_field(self, using, **kwargs)

    def _check_to_fields_composite_pk(self) -> list[checks.CheckMessage]:
        # fields.E347 forbids what this field is for; reading a composite key works.
        return []


JoinKey.register_lookup(ManyKeysIn)


class JoinTableKey(models.CompositePrimaryKey):
    """
    The primary key of a join model, for as long as its columns are not known.

    They are those of the model's first two relations; settle_key() fills them in when both
    relations have theirs. To migrations it is Django's own.
    """

    def __init__(self, *names: str, **kwargs: Any) -> None:
        # Django wants two names at once; nobody sees these.
        super().__init__(*(names or ("first", "second")), **kwargs)
        self.field_names: tuple[str, ...] = names  # type: ignore[assignment]

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CompositePrimaryKey", args, kwargs


def settle_key(model: type[models.Model]) -> bool:
    """
    Give a JoinTableKey the columns of the model's first two relations, if both have theirs.

    Returns whether the model has the key it will have.
    """
    key = model._meta.pk
    if not isinstance(key, JoinTableKey) or key.field_names:
        return True
    waiting = [field for field in getattr(model, "belongs_to_fields", ()) if not field.settled]
    relations = [field for field in model._meta.local_fields if field.remote_field]
    first_two = sorted([*waiting, *relations])[:2]  # fields are ordered as they were written
    if len(first_two) < 2 or any(field in waiting for field in first_two):
        return False
    # A ForeignKey is its own column, and its model may not exist yet.
    key.field_names = tuple(
        field.name
        for relation in first_two
        for field in ((relation,) if relation.column else relation.local_related_fields)
    )
    for cached in ("fields", "columns", "cached_col"):
        key.__dict__.pop(cached, None)
    model._meta.__dict__.pop("pk_fields", None)
    model._meta._expire_cache()  # type: ignore[attr-defined]
    return True
