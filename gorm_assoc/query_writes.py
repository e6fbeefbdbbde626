"""
What a queryset writes: whole graphs, soft deletes, deletes along relations; and what it refuses.

The methods of Django's own that would lose values that wait for save() raise instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import models
from django.db.models import sql
from django.db.models.sql.constants import ROW_COUNT

from gorm_assoc import pending, soft_delete
from gorm_assoc import relationship as relationships
from gorm_assoc.fields.has_one import HasOneDescriptor
from gorm_assoc.scoped_query import scoped
from gorm_assoc.selection import Names, Selection

ModelT = TypeVar("ModelT", bound=models.Model)


class QuerySetWrites(models.QuerySet[ModelT]):
    """The base of AssociationQuerySet, which has a scoped query."""

    @property
    def is_unscoped(self) -> bool:
        """Whether dead rows are seen."""
        return bool(self.query.unscoped)  # type: ignore[attr-defined]

    # Creating

    def create(self, **kwargs: Any) -> ModelT:
        """A stored object with these columns and relations; a has-one among them too, which Django refuses."""
        if not any(self._is_our_has_one(name) for name in kwargs):
            return super().create(**kwargs)
        created = self.model(**kwargs)
        self._for_write = True
        created.save(force_insert=True, using=self.db)
        if hasattr(self, "_fetch_mode"):  # from Django 6.1 on
            created._state.fetch_mode = self._fetch_mode
        return created

    create.alters_data = True  # type: ignore[attr-defined]

    def _is_our_has_one(self, name: str) -> bool:
        return pending.takes(self.model) and isinstance(getattr(self.model, name, None), HasOneDescriptor)

    def create_many(
        self, objs: Iterable[ModelT], *, select: Names = None, omit: Names = (), full_save: bool = False
    ) -> list[ModelT]:
        """
        Store new objects together with what is assigned to their relations: whole graphs, as save() does it.

        objs -- unsaved ones; each is saved afterwards, with its key
        select, omit, full_save -- as AssociationModel.save()'s

        The number of statements depends on the classes in the graph, not on the number of objects.
        """
        from gorm_assoc.saving import Graph

        created = list(objs)
        for instance in created:
            if not isinstance(instance, self.model):
                raise TypeError(f"create_many() of {self.model._meta.label} got {type(instance).__name__} objects.")
        self._for_write = True
        Graph(self.db, full=full_save).save(created, Selection.of(self.model, select, omit))
        return created

    create_many.alters_data = True  # type: ignore[attr-defined]

    async def acreate_many(self, objs: Iterable[ModelT], **options: Any) -> list[ModelT]:
        """create_many(), awaited."""
        return await sync_to_async(self.create_many)(objs, **options)

    acreate_many.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[ModelT], *args: Any, **kwargs: Any) -> list[ModelT]:
        """Django's. Raises ValueError for objects with values that wait for save(): create_many() stores those."""
        created = list(objs)
        for instance in created:
            if waiting := pending.held(instance):
                names = ", ".join(map(repr, waiting))
                label = self.model._meta.label
                raise ValueError(
                    f"bulk_create() of {label} would lose what is assigned to {names}. Use create_many()."
                )
        return super().bulk_create(created, *args, **kwargs)

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def get_or_create(self, defaults: Any = None, **kwargs: Any) -> Any:
        """Django's; relations may stand in defaults, and not among the lookups."""
        self._refuse_relations("get_or_create", kwargs)
        return super().get_or_create(defaults, **kwargs)

    get_or_create.alters_data = True  # type: ignore[attr-defined]

    def update_or_create(self, defaults: Any = None, create_defaults: Any = None, **kwargs: Any) -> Any:
        """Django's; relations may stand in defaults, and not among the lookups."""
        self._refuse_relations("update_or_create", kwargs)
        return super().update_or_create(defaults, create_defaults, **kwargs)

    update_or_create.alters_data = True  # type: ignore[attr-defined]

    def _refuse_relations(self, method: str, lookups: Mapping[str, Any]) -> None:
        """Raise TypeError for lookups that could not be created: what is assigned to a relation is no condition."""
        if not pending.takes(self.model):
            return
        for name in lookups.keys() & set(relationships.names(self.model)):
            if not relationships.of(self.model, name).owner_holds_key:
                label = self.model._meta.label
                raise TypeError(f"{method}() of {label} cannot look for {name}=. Put it into defaults.")

    # Deleting

    def delete(self, *, select: Names = None, unscoped: bool = False) -> tuple[int, dict[str, int]]:
        """
        Delete the rows: softly where the model has deleted_at, else for good.

        select -- relations to delete along, as AssociationModel.delete()'s; the rows are read first
        unscoped -- for good in any case; so does a queryset that is unscoped() itself

        A soft delete is one UPDATE and touches nothing else; pre_delete and post_delete are sent
        when connected. Returns Django's count of rows, in all and by model.
        """
        unscoped = unscoped or self.is_unscoped
        is_hard = unscoped or soft_delete.deleted_at_field(self.model) is None
        if is_hard and not select:
            with soft_delete.explained(self.model):
                return super().delete()
        # As Django refuses it.
        self._not_support_combined_queries("delete")  # type: ignore[attr-defined]
        if self.query.is_sliced:
            raise TypeError("Cannot use 'limit' or 'offset' with delete().")
        if self.query.distinct_fields:
            raise TypeError("Cannot call delete() after .distinct(*fields).")
        if self._fields is not None:  # type: ignore[attr-defined]
            raise TypeError("Cannot call delete() after .values() or .values_list()")
        rows = self._chain()  # type: ignore[attr-defined]
        rows._for_write = True
        self._result_cache = None
        if not select:
            return soft_delete.delete_rows(rows)
        from gorm_assoc import deleting

        return deleting.delete_rows(rows, Selection.of(self.model, select), unscoped=unscoped, is_hard=is_hard)

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    async def adelete(self, *, select: Names = None, unscoped: bool = False) -> tuple[int, dict[str, int]]:
        """delete(), awaited."""
        return await sync_to_async(self.delete)(select=select, unscoped=unscoped)

    adelete.alters_data = True  # type: ignore[attr-defined]
    adelete.queryset_only = True  # type: ignore[attr-defined]

    def _raw_delete(self, using: str | None) -> int:
        # As Django's, with the scoped class; a cascade's fast delete comes here.
        query = self.query.clone()
        query.__class__ = scoped(sql.DeleteQuery)
        return query.get_compiler(using).execute_sql(ROW_COUNT)  # type: ignore[no-any-return]

    _raw_delete.alters_data = True  # type: ignore[attr-defined]
