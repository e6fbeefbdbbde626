"""
The manager behind an accessor: Django's related manager, with the verbs.

Reading is Django's. Writing is ours throughout, as Django's cannot write composite keys, knows
nothing of dead join rows and sends several statements for one change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.db import models, router
from django.db.models.fields.related_descriptors import (
    create_forward_many_to_many_manager,
    create_reverse_many_to_one_manager,
)
from django.db.models.utils import resolve_callables

from gorm_assoc import relationship, soft_delete
from gorm_assoc.association import Association, Changes
from gorm_assoc.async_verbs import AsyncVerbs
from gorm_assoc.query import scoped_queryset

if TYPE_CHECKING:
    _Base = models.Manager[Any]
else:
    _Base = object


def many_related_manager(superclass: type[models.Manager[Any]], rel: Any, *, reverse: bool) -> type[ManyVerbs]:
    """The manager class for one side of a many-to-many, on top of the target's default manager class."""
    django_manager = create_forward_many_to_many_manager(superclass, rel, reverse)
    cache_name = rel.field.related_query_name() if reverse else rel.field.name
    attrs = {"rel": rel, "is_reverse": reverse, "target_manager": superclass, "prefetch_cache_name": cache_name}
    return type("ManyRelatedManager", (ManyVerbs, django_manager), attrs)


def has_many_related_manager(superclass: type[models.Manager[Any]], rel: Any) -> type[HasManyVerbs]:
    """The manager class of the targets whose own rows name the owner, on top of their default manager class."""
    django_manager = create_reverse_many_to_one_manager(superclass, rel)
    attrs = {"rel": rel, "field": rel.field, "target_manager": superclass, "prefetch_cache_name": rel.cache_name}
    return type("HasManyRelatedManager", (HasManyVerbs, django_manager), attrs)


_OF_JOIN_ROWS = {"through", "order_by_through", "join_rows"}  # options of Association.find()


class Verbs(AsyncVerbs, _Base):
    """The verbs of Association, on a related manager."""

    rel: Any
    prefetch_cache_name: str
    target_manager: type[models.Manager[Any]]
    instance: models.Model

    def __init__(self, instance: Any = None) -> None:
        self.instance = instance
        # Of an owner whose targets are loaded the accessor is mostly asked for these, and for nothing else.
        if self.prefetch_cache_name not in instance.__dict__.get("_prefetched_objects_cache", ()):
            self._prepare()

    def _prepare(self) -> None:
        Association.of(self.instance, self._relationship(self.instance)).require_key()
        super().__init__(self.instance)  # type: ignore[call-arg]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "core_filters" in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._prepare()
        return getattr(self, name)

    def _relationship(self, instance: models.Model) -> relationship.Relationship:
        raise NotImplementedError

    @property
    def association(self) -> Association:
        """The association this manager stands for, on its database."""
        found = Association.of(self.instance, self._relationship(self.instance))
        return found.using(self._db) if self._db else found

    # Reading

    def _apply_rel_filters(self, queryset: Any) -> Any:
        # A target of the project's own may have Django's Query, which cannot exclude() by composite keys.
        return super()._apply_rel_filters(scoped_queryset(queryset))  # type: ignore[misc]

    def unscoped(self) -> Any:
        """The linked targets as a queryset, dead links and dead targets too."""
        with soft_delete.scope(True):
            return self._apply_rel_filters(self.target_manager.get_queryset(self))

    def find(self, *conditions: models.Q, **lookups: Any) -> models.QuerySet[Any]:
        """The linked targets as a queryset; see Association.find()."""
        options = {name: lookups.pop(name) for name in _OF_JOIN_ROWS & lookups.keys()}
        found = self.get_queryset()
        if options:
            found = self.association.by_join_rows(found, **options)
        return found.filter(*conditions, **lookups)

    def count(self, *conditions: models.Q, **lookups: Any) -> int:
        """How many targets are linked, limited by conditions on the target's fields."""
        return self.find(*conditions, **lookups).count() if conditions or lookups else self.get_queryset().count()

    def exists(self) -> bool:
        return self.get_queryset().exists()

    # The verbs; their docstrings are Association's

    def append(self, *values: Any, **options: Any) -> Changes:
        """Link the values; see Association.append()."""
        return self.association.append(*values, **options)

    def create_many(self, objs: Iterable[Any]) -> list[Any]:
        """New targets of the owner, stored together with what is assigned to their relations."""
        created = list(objs)
        self.append(created)
        return created

    async def acreate_many(self, objs: Iterable[Any]) -> list[Any]:
        """create_many(), awaited."""
        return await sync_to_async(self.create_many)(objs)

    def replace(self, *values: Any, **options: Any) -> Changes:
        """Link exactly the values; see Association.replace()."""
        return self.association.replace(*values, **options)

    def delete(self, *values: Any, **options: Any) -> Changes:
        """Take the values off the owner; see Association.delete()."""
        return self.association.delete(*values, **options)

    def clear(self, **options: Any) -> Changes:
        """Take all targets off the owner; see Association.clear()."""
        return self.association.clear(**options)

    def toggle(self, *values: Any, **options: Any) -> Changes:
        """Unlink what is linked of the values, link the rest; see Association.toggle()."""
        return self.association.toggle(*values, **options)


class ManyVerbs(Verbs):
    """What this library adds to Django's many-to-many manager, and what it does in Django's place."""

    is_reverse: bool

    def __call__(self, *, manager: str) -> Any:
        other = getattr(self.model, manager)
        return many_related_manager(other.__class__, self.rel, reverse=self.is_reverse)(self.instance)

    def _relationship(self, instance: models.Model) -> relationship.Relationship:
        return relationship.from_django(type(instance), self.rel if self.is_reverse else self.rel.field)

    @property
    def constrained_target(self) -> None:
        # Django would count join rows without looking at their targets, dead ones too.
        return None

    # Django's own: the same work, with Django's guards, and updated_at left alone

    def add(self, *objs: Any, through_defaults: Any = None) -> None:
        """Django's add(): targets must be stored."""
        self.association.append_stored(objs, dict(resolve_callables(through_defaults or {})))

    def remove(self, *objs: Any) -> None:
        """Django's remove()."""
        self.association.delete(*objs)

    def set(self, objs: Iterable[Any], *, clear: bool = False, through_defaults: Any = None) -> None:
        """Django's set(): targets must be stored."""
        self.association.replace_stored(_values(objs), dict(resolve_callables(through_defaults or {})), clear=clear)


class HasManyVerbs(Verbs):
    """The same for targets whose own rows name the owner."""

    def _prepare(self) -> None:
        # As Django's: an owner whose referenced column is empty has no targets, which is no error.
        if self.instance._is_pk_set():  # type: ignore[attr-defined]
            super(Verbs, self).__init__(self.instance)  # type: ignore[call-arg]
        else:
            super()._prepare()

    def __call__(self, *, manager: str) -> Any:
        other = getattr(self.model, manager)
        return has_many_related_manager(other.__class__, self.rel)(self.instance)

    def _relationship(self, instance: models.Model) -> relationship.Relationship:
        return relationship.from_django(type(instance), self.rel)

    # Reading: dead targets, and those of another type, are none of the owner's

    def _apply_rel_filters(self, queryset: Any) -> Any:
        return super()._apply_rel_filters(self.rel.field.own_rows(scoped_queryset(queryset)))

    def get_prefetch_querysets(self, instances: Any, querysets: Any = None) -> Any:
        given = querysets or [self.target_manager.get_queryset(self)]
        rows = [self.rel.field.own_rows(scoped_queryset(queryset)) for queryset in given]
        return super().get_prefetch_querysets(instances, rows)  # type: ignore[misc]

    # Django's own: with Django's guards, and the owner's updated_at left alone

    def add(self, *objs: Any, bulk: bool = True) -> None:
        """Django's add(): targets must be stored; with bulk=False each is saved."""
        if bulk:
            self.association.append_stored(objs, {})
        else:
            self.association.append(*objs, full_save=True)

    def remove(self, *objs: Any, bulk: bool = True) -> None:
        """Django's remove(). Raises the owner's DoesNotExist for a target of another owner."""
        for target in objs:
            if isinstance(target, models.Model) and not self._is_mine(target):
                error = self.rel.field.remote_field.model.DoesNotExist
                raise error(f"{target!r} is not related to {self.instance!r}.")
        self.association.delete(*objs)

    def set(self, objs: Iterable[Any], *, bulk: bool = True, clear: bool = False) -> None:
        """Django's set(): targets must be stored. Where the key may not be NULL it adds, and removes nothing."""
        given = _values(objs)
        if all(column.null for column in self.association.relationship.owner_columns):
            self.association.replace_stored(given, {}, clear=clear)
        else:
            self.association.append_stored(given, {})

    def create(self, **kwargs: Any) -> Any:
        """A stored target of the owner."""
        return self._targets().create(**{**self._key(), **kwargs})

    def get_or_create(self, defaults: Any = None, **kwargs: Any) -> Any:
        """Django's get_or_create() among the owner's targets."""
        return self._targets().get_or_create(defaults, **{**self._key(), **kwargs})

    def update_or_create(self, defaults: Any = None, create_defaults: Any = None, **kwargs: Any) -> Any:
        """Django's update_or_create() among the owner's targets."""
        return self._targets().update_or_create(defaults, create_defaults, **{**self._key(), **kwargs})

    def _targets(self) -> models.QuerySet[Any]:
        using = self._db or router.db_for_write(self.model, instance=self.instance)
        return self.target_manager.get_queryset(self).using(using)

    def _key(self) -> dict[str, Any]:
        own = self._relationship(self.instance)
        pairs = zip(own.owner_columns, own.owner_fields, strict=True)
        key = {column.attname: getattr(self.instance, field.attname) for column, field in pairs}
        return {**key, **{field.attname: value for field, value in own.fixed}}

    def _is_mine(self, target: models.Model) -> bool:
        return all(getattr(target, name, None) == value for name, value in self._key().items())


def _values(objs: Iterable[Any]) -> tuple[Any, ...]:
    """What set() was given, as a verb takes it: a queryset whole, as it is read where the verb writes."""
    return (objs,) if isinstance(objs, models.QuerySet) else tuple(objs)


_WRITERS = (
    "append create_many replace delete clear toggle add remove set "
    "aappend acreate_many areplace adelete aclear atoggle"
)
# The other writers of either are Django's own, async twins included, and marked by it.
_WRITERS_OF = {ManyVerbs: _WRITERS, HasManyVerbs: f"{_WRITERS} create get_or_create update_or_create"}
for _manager, _names in _WRITERS_OF.items():
    for _writer in _names.split():
        getattr(_manager, _writer).alters_data = True  # templates must not call it
