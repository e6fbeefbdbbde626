"""
The manager behind an accessor: Django's related manager, with the verbs.

Reading is Django's. Writing is ours throughout, as Django's cannot write composite keys, knows
nothing of dead join rows and sends several statements for one change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.fields.related_descriptors import create_forward_many_to_many_manager
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
    attrs = {"rel": rel, "is_reverse": reverse, "target_manager": superclass}
    return type("ManyRelatedManager", (ManyVerbs, django_manager), attrs)


class ManyVerbs(AsyncVerbs, _Base):
    """What this library adds to Django's related manager, and what it does in Django's place."""

    rel: Any
    is_reverse: bool
    target_manager: type[models.Manager[Any]]
    instance: models.Model

    def __init__(self, instance: Any = None) -> None:
        Association.of(instance, self._relationship(instance)).require_key()
        super().__init__(instance)  # type: ignore[call-arg]

    def __call__(self, *, manager: str) -> Any:
        other = getattr(self.model, manager)
        return many_related_manager(other.__class__, self.rel, reverse=self.is_reverse)(self.instance)

    def _relationship(self, instance: models.Model) -> relationship.Relationship:
        return relationship.from_django(type(instance), self.rel if self.is_reverse else self.rel.field)

    @property
    def association(self) -> Association:
        """The association this manager stands for, on its database."""
        found = Association.of(self.instance, self._relationship(self.instance))
        return found.using(self._db) if self._db else found

    # Reading

    def _apply_rel_filters(self, queryset: Any) -> Any:
        # A target of the project's own may have Django's Query, which cannot exclude() by composite keys.
        return super()._apply_rel_filters(scoped_queryset(queryset))  # type: ignore[misc]

    @property
    def constrained_target(self) -> None:
        # Django would count join rows without looking at their targets, dead ones too.
        return None

    def unscoped(self) -> Any:
        """The linked targets as a queryset, dead links and dead targets too."""
        with soft_delete.scope(True):
            return self._apply_rel_filters(self.target_manager.get_queryset(self))

    def find(self, *conditions: models.Q, **lookups: Any) -> models.QuerySet[Any]:
        """The linked targets as a queryset; see Association.find()."""
        if lookups.keys() & {"through", "order_by_through", "join_rows"}:
            return self.association.find(*conditions, **lookups)
        return self.get_queryset().filter(*conditions, **lookups)

    def count(self, *conditions: models.Q, **lookups: Any) -> int:
        """How many targets are linked, limited by conditions on the target's fields."""
        return self.find(*conditions, **lookups).count() if conditions or lookups else self.get_queryset().count()

    def exists(self) -> bool:
        return self.get_queryset().exists()

    # The verbs; their docstrings are Association's

    def append(self, *values: Any, **options: Any) -> Changes:
        """Link the values; see Association.append()."""
        return self.association.append(*values, **options)

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

    # Django's own: the same work, with Django's guards, and updated_at left alone

    def add(self, *objs: Any, through_defaults: Any = None) -> None:
        """Django's add(): targets must be stored."""
        self.association.append_stored(objs, dict(resolve_callables(through_defaults or {})))

    def remove(self, *objs: Any) -> None:
        """Django's remove()."""
        self.association.delete(*objs)

    def set(self, objs: Iterable[Any], *, clear: bool = False, through_defaults: Any = None) -> None:
        """Django's set(): targets must be stored."""
        self.association.replace_stored(tuple(objs), dict(resolve_callables(through_defaults or {})), clear=clear)


_WRITERS = "append replace delete clear toggle add remove set aappend areplace adelete aclear atoggle"
for _writer in _WRITERS.split():
    getattr(ManyVerbs, _writer).alters_data = True  # templates must not call it
