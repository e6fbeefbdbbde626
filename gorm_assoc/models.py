"""
The public surface: mixins, fields and the association itself.

    AssociationModel   verbs, and deleting softly where there is a deleted_at; no columns
    TimestampedModel   created_at, updated_at
    SoftDeleteModel    deleted_at, indexed
    Model              all three and an id; GORM's table name
    JoinTable          a join model of the project's own; GORM's table name, a composite key

All share one manager, `objects`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from asgiref.sync import sync_to_async
from django.db import models, router, transaction
from django.db.models.base import ModelBase
from django_extensions.db.fields import CreationDateTimeField, ModificationDateTimeField

from gorm_assoc import conf, deleting, pending, saving, soft_delete, through
from gorm_assoc.association import Association, Changes
from gorm_assoc.constraints import ForeignKeyConstraint, Index
from gorm_assoc.fields.belongs_to import BelongsTo
from gorm_assoc.fields.has_many import HasMany
from gorm_assoc.fields.has_one import HasOne
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.join_key import JoinTableKey
from gorm_assoc.kinds import hooks
from gorm_assoc.options import ALL
from gorm_assoc.preload import apreload, preload
from gorm_assoc.query import AssociationManager, AssociationQuerySet
from gorm_assoc.selection import Names, Selection

if TYPE_CHECKING:
    _DateTimeField = models.DateTimeField[Any, Any]
else:
    _DateTimeField = models.DateTimeField

__all__ = [
    "ALL",
    "Association",
    "AssociationManager",
    "AssociationModel",
    "AssociationQuerySet",
    "BelongsTo",
    "Changes",
    "ForeignKeyConstraint",
    "HasMany",
    "HasOne",
    "Index",
    "JoinTable",
    "Many2Many",
    "Model",
    "SoftDeleteModel",
    "TimestampedModel",
    "apreload",
    "preload",
]


class AssociationModelBase(ModelBase):
    """
    The mixins' metaclass: GORM's table name, the key of a join model, and our manager before Django's.

    All must be known before Django registers the class, as relations that wait for it are
    built at that moment.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], attrs: dict[str, Any], **kwargs: Any) -> Any:
        bases = tuple(base for number, base in enumerate(bases) if not _is_brought(base, bases[number + 1 :]))
        inherited = next((base.Meta for base in bases if hasattr(base, "Meta")), None)
        meta = attrs.get("Meta", inherited)
        own_meta = attrs.get("Meta")
        is_concrete = not getattr(own_meta, "abstract", False) and not getattr(own_meta, "proxy", False)
        if is_concrete and _any(bases, "gorm_table_names") and not getattr(meta, "db_table", ""):
            table = conf.naming().table_name(name)
            attrs["Meta"] = type("Meta", (meta,) if meta else (), {"db_table": table})
        if is_concrete and _any(bases, "is_join_table") and not _has_key(bases, attrs):
            attrs["pk"] = JoinTableKey()
        if "objects" not in attrs and _is_djangos(bases):
            attrs["objects"] = AssociationManager()
        return super().__new__(mcs, name, bases, attrs, **kwargs)


def _is_brought(base: type, others: tuple[type, ...]) -> bool:
    """Whether it is a mixin that one of those after it has already: Python would refuse that order."""
    return isinstance(base, AssociationModelBase) and any(issubclass(other, base) for other in others)


def _any(bases: tuple[type, ...], flag: str) -> bool:
    return any(getattr(base, flag, False) for base in bases)


def _is_djangos(bases: tuple[type, ...]) -> bool:
    """Whether `objects` would be the one that Django gave a parent model which declares none."""
    inherited = (base._meta.managers_map.get("objects") for base in bases if hasattr(base, "_meta"))
    return getattr(next((manager for manager in inherited if manager), None), "auto_created", False)


def _has_key(bases: tuple[type, ...], attrs: dict[str, Any]) -> bool:
    fields = [value for value in attrs.values() if isinstance(value, models.Field)]
    for base in bases:
        options = getattr(base, "_meta", None)
        if options is not None:
            if not options.abstract:
                return True  # a child table: its key is the link to its parent
            fields += options.local_fields
    return any(field.primary_key for field in fields)


class DeletedAtField(_DateTimeField):
    """deleted_at with GORM's index; to migrations a DateTimeField."""

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:  # type: ignore[override]
        super().contribute_to_class(cls, name, private_only=private_only)
        if not cls._meta.abstract:
            cls._meta.indexes = [*cls._meta.indexes, Index(fields=[name])]
            cls._meta.original_attrs["indexes"] = cls._meta.indexes

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs


class AssociationModel(models.Model, metaclass=AssociationModelBase):
    """
    The verbs, relation arguments in the constructor and select= and omit= on save() and delete(). Adds no column.

    Hooks, each optional: before_save, before_create, before_update, after_create, after_update, after_save,
    before_delete, after_delete. save(), delete() and the verbs call them with the real row; an exception
    undoes it all. Querysets' update(), delete() and bulk methods do not, as with Django's signals.
    """

    takes_associations: ClassVar[bool] = True

    objects: ClassVar[AssociationManager] = AssociationManager()

    class Meta:
        abstract = True

    def __getstate__(self) -> Any:
        # A copy's waiting values are its own.
        return pending.copied(super().__getstate__())

    def save(
        self,
        *args: Any,
        select: Names = None,
        omit: Names = (),
        full_save: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> None:
        """
        Store the row, and with it what was assigned to relations since the last save().

        select -- columns and relations to save, and no others: "name", "languages", "pets.toy", ALL
        omit -- columns and relations to leave out; "languages.*" makes the links and leaves the targets alone
        full_save -- write what targets that are stored carry, and what is loaded, too
        force_insert, force_update, using, update_fields -- as Django's

        New targets are inserted, stored ones only linked; links are added and never removed. All in one
        transaction; if it fails, the objects are as before. Raises UnsupportedRelation for a name that is
        none, ValueError for update_fields while relations wait to be saved.
        """
        using = using or router.db_for_write(type(self), instance=self)

        def write(names: Collection[str] | None) -> None:
            super(AssociationModel, self).save(*args, using=using, update_fields=names, **kwargs)

        names = None if update_fields is None else frozenset(update_fields)
        chosen = Selection.of(type(self), select, omit)
        saving.save(self, write, chosen, using, full=full_save, update_fields=names)

    save.alters_data = True  # type: ignore[attr-defined]

    async def asave(self, *args: Any, **kwargs: Any) -> None:
        """save(), awaited."""
        await sync_to_async(self.save)(*args, **kwargs)

    asave.alters_data = True  # type: ignore[attr-defined]

    def association(self, name: str) -> Association:
        """
        The association of that name, with the verbs.

        Raises UnsupportedRelation for a name that is no relation, with the nearest that is.
        """
        return Association(self, name)

    def validate_unique(self, exclude: Any = None) -> None:
        """Raise ValidationError for values that another row has, a dead one too: the database refuses them."""
        with soft_delete.scope(True):
            super().validate_unique(exclude)

    def validate_constraints(self, exclude: Any = None) -> None:
        """Raise ValidationError where a constraint would be broken, dead rows included."""
        with soft_delete.scope(True):
            super().validate_constraints(exclude)

    def refresh_from_db(self, using: str | None = None, fields: Any = None, **kwargs: Any) -> None:  # type: ignore[override]
        super().refresh_from_db(using=using, fields=fields, **kwargs)
        pending.drop(self, fields)

    def delete(
        self, *args: Any, select: Names = None, unscoped: bool = False, **kwargs: Any
    ) -> tuple[int, dict[str, int]]:
        """
        Delete the row: softly where the model has deleted_at, else for good.

        select -- relations to delete along, nested ones too: "languages", "pets.toys", ALL. Of has-one and
            has-many the targets go, of many2many the links
        unscoped -- for good in any case
        using, keep_parents -- as Django's

        Relations that are not selected stay as they are. Raises ProtectedError when a row that goes for good is
        still referred to. Returns Django's count of rows, in all and by model.
        """
        model = type(self)
        if not self._is_pk_set():  # type: ignore[attr-defined]
            raise ValueError(f"{self._meta.label} cannot be deleted: it was never saved.")
        using = kwargs.pop("using", None) or (args[0] if args else None) or router.db_for_write(model, instance=self)
        is_hard = unscoped or soft_delete.deleted_at_field(model) is None
        chosen = Selection.of(model, () if select is None else select)

        def delete_row() -> tuple[int, dict[str, int]]:
            return self._delete_row(using, is_hard, *args[1:], **kwargs)

        if not (select or hooks.has(model, hooks.DELETE)):
            return delete_row()
        return deleting.delete(self, delete_row, chosen, using, unscoped=unscoped, is_hard=is_hard)

    def _delete_row(self, using: str, is_hard: bool, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if not is_hard:
            return soft_delete.delete_instance(self, using)
        with soft_delete.explained(type(self)):
            return super().delete(using, *args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]

    async def adelete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """delete(), awaited."""
        return await sync_to_async(self.delete)(*args, **kwargs)

    adelete.alters_data = True  # type: ignore[attr-defined]

    def restore(self, using: str | None = None) -> None:
        """Bring a dead row back: deleted_at is NULL afterwards, in the database and here. One UPDATE."""
        using = using or router.db_for_write(type(self), instance=self)
        soft_delete.restore_instance(self, using)

    restore.alters_data = True  # type: ignore[attr-defined]

    async def arestore(self, using: str | None = None) -> None:
        """restore(), awaited."""
        await sync_to_async(self.restore)(using)

    arestore.alters_data = True  # type: ignore[attr-defined]


class TimestampedModel(AssociationModel):
    """created_at and updated_at, filled when the row is stored; nullable, as GORM's are."""

    created_at = CreationDateTimeField(null=True)  # type: ignore[no-untyped-call]
    updated_at = ModificationDateTimeField(null=True)  # type: ignore[no-untyped-call]

    class Meta:
        abstract = True


class SoftDeleteModel(AssociationModel):
    """deleted_at: delete() sets it, and no query sees the row any more (GORM: gorm.DeletedAt)."""

    deleted_at = DeletedAtField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class Model(TimestampedModel, SoftDeleteModel):
    """GORM's gorm.Model: id, created_at, updated_at, deleted_at, in a table named as GORM names it."""

    gorm_table_names: ClassVar[bool] = True

    # auto_created puts it first, before the columns of the other mixins, as Django does with its own id.
    id = models.BigAutoField(auto_created=True, primary_key=True, verbose_name="ID")

    class Meta:
        abstract = True


class JoinTable(AssociationModel):
    """
    A join model of the project's own (GORM's SetupJoinTable), given to Many2Many as through=.

    Its primary key is made of the columns of its first two relations, unless it declares one.

    Its hooks are AssociationModel's. The verbs call them with the real row, only for rows that are inserted
    or removed; an exception vetoes the whole verb.
    """

    gorm_table_names: ClassVar[bool] = True
    is_join_table: ClassVar[bool] = True

    class Meta:
        abstract = True

    _stored_key: Any = None

    def __str__(self) -> str:
        return through.row_text(self)

    def save(self, *args: Any, force_insert: Any = False, using: str | None = None, **kwargs: Any) -> None:
        """
        Store the row. A new one is inserted: a pair that exists is an IntegrityError, never overwritten.

        A loaded row whose key was changed is updated in place; the old pair is gone afterwards.
        """
        using = using or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using, savepoint=False):
            super().save(*args, force_insert=force_insert or self._state.adding, using=using, **kwargs)
        self._stored_key = self.pk

    save.alters_data = True  # type: ignore[attr-defined]

    def save_base(self, raw: bool = False, *, using: str | None = None, **kwargs: Any) -> None:  # type: ignore[override]
        # Here the ends that are saved along have their keys.
        using = using or router.db_for_write(type(self), instance=self)
        if not self._state.adding and self._stored_key is not None and self._stored_key != self.pk:
            self._move(using)
        super().save_base(raw, using=using, **kwargs)

    save_base.alters_data = True  # type: ignore[attr-defined]

    def _move(self, using: str) -> None:
        """Change the stored row's key to this object's."""
        key = {field.attname: getattr(self, field.attname) for field in self._meta.pk_fields}
        if not type(self)._base_manager.using(using).filter(pk=self._stored_key).update(**key):
            raise type(self).DoesNotExist(f"{self._meta.label} {self._stored_key!r} is not stored any more.")

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **kwargs: Any) -> Self:
        instance = super().from_db(db, field_names, values, **kwargs)
        instance._stored_key = instance.pk
        return instance
