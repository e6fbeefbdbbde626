"""
Querysets that hide dead rows, and can be told not to.

Two things hide. The manager leaves out dead rows of its own model with a filter. Dead rows
that a query *joins* are hidden by the relations themselves (soft_delete.py), which ask a
switch; the Query class here sets that switch to its own flag whenever it builds or compiles,
so that each query, at any depth of subqueries, is in its own scope.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from django.db import models
from django.db.models import sql

from gorm_assoc import soft_delete
from gorm_assoc.exceptions import ScopeError

if TYPE_CHECKING:
    from gorm_assoc.association import Association

ModelT = TypeVar("ModelT", bound=models.Model)


class ScopedQueryMixin:
    """
    A Query that knows whether it sees dead rows.

    unscoped -- the flag; a query made inside another one's building (exclude) takes it from there
    own_conditions -- how many conditions the manager itself put into `where`
    """

    unscoped: bool = False
    own_conditions: int = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unscoped = soft_delete.is_unscoped()

    def add_q(self, *args: Any, **kwargs: Any) -> None:
        with soft_delete.scope(self.unscoped):
            super().add_q(*args, **kwargs)  # type: ignore[misc]

    def get_compiler(self, *args: Any, **kwargs: Any) -> Any:
        compiler = super().get_compiler(*args, **kwargs)  # type: ignore[misc]
        # Conditions of a JOIN are asked for while it is compiled, so as_sql() runs in this
        # query's scope. Wrapped here, not in as_sql() of Query, which top-level queries skip.
        compiler.as_sql = _scoped(compiler.as_sql, self.unscoped)
        return compiler

    def chain(self, klass: type[sql.Query] | None = None) -> Any:
        # update() and delete() turn a query into another class; it must stay scoped.
        return super().chain(scoped(klass) if klass else None)  # type: ignore[misc]

    def __reduce__(self) -> Any:
        return _unpickled, (self.django_class,), self.__dict__

    django_class: type[sql.Query]


def _scoped(as_sql: Callable[..., Any], unscoped: bool) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with soft_delete.scope(unscoped):
            return as_sql(*args, **kwargs)

    return wrapped


@cache
def scoped(klass: type[sql.Query]) -> type[sql.Query]:
    """The scoped twin of one of Django's Query classes."""
    if issubclass(klass, ScopedQueryMixin):
        return klass
    return cast("type[sql.Query]", type(f"Scoped{klass.__name__}", (ScopedQueryMixin, klass), {"django_class": klass}))


def _unpickled(klass: type[sql.Query]) -> sql.Query:
    query = scoped(klass)
    return query.__new__(query)


class AssociationQuerySet(models.QuerySet[ModelT]):
    """A queryset that hides dead rows, deletes softly where its model can, and opens associations."""

    query: Any

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        super().__init__(model, query or scoped(sql.Query)(model), using, hints)

    # Scope

    def live(self) -> Self:
        """Without dead rows of this model; the manager calls it, so that unscoped() can take it back."""
        if soft_delete.deleted_at_field(self.model) is None or self.query.unscoped:
            return self.marked()
        return self.filter(**{f"{soft_delete.DELETED_AT}__isnull": True}).marked()

    def marked(self) -> Self:
        """With the conditions it has now counted as the manager's own, not the caller's."""
        self.query.own_conditions = len(self.query.where.children)
        return self

    def unscoped(self) -> Self:
        """
        Dead rows too: of this model, of links, of targets, at every level.

        Raises ScopeError after a filter or annotation, which cannot be built anew.
        """
        query = self.query
        if (
            len(query.where.children) != query.own_conditions
            or query.annotations
            or query.extra
            or query.combinator
            or query.is_sliced
        ):
            raise ScopeError(self.model)
        found = self._chain()
        where = found.query.where
        where.children = [child for child in where.children if not _hides_dead_rows(child, self.model)]
        found.query.own_conditions = len(where.children)
        found.query.unscoped = True
        return found

    @property
    def is_unscoped(self) -> bool:
        return bool(self.query.unscoped)

    def _fetch_all(self) -> None:
        # Prefetched relations follow this queryset's scope.
        with soft_delete.scope(self.query.unscoped):
            super()._fetch_all()  # type: ignore[misc]

    # Deleting

    def delete(self, *, unscoped: bool = False) -> tuple[int, dict[str, int]]:
        """
        Delete the rows: softly where the model has deleted_at, else for good.

        unscoped -- for good in any case; so does a queryset that is unscoped() itself

        A soft delete is one UPDATE and touches nothing else; pre_delete and post_delete are sent
        when connected. Returns Django's count of rows, in all and by model.
        """
        if soft_delete.deleted_at_field(self.model) is None or unscoped or self.query.unscoped:
            return self._delete_for_good()
        self._not_support_combined_queries("delete")  # type: ignore[attr-defined]
        if self.query.is_sliced:
            raise TypeError("Cannot use 'limit' or 'offset' with delete().")
        if self._fields is not None:  # type: ignore[attr-defined]
            raise TypeError("Cannot call delete() after .values() or .values_list()")
        rows = self._chain()
        rows._for_write = True
        return soft_delete.delete_rows(rows)

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def _delete_for_good(self) -> tuple[int, dict[str, int]]:
        with soft_delete.explained(self.model):
            return super().delete()

    def _raw_delete(self, using: str) -> int:
        # As Django's, with the scoped class; a cascade's fast delete comes here.
        query = self.query.clone()
        query.__class__ = scoped(sql.DeleteQuery)
        return query.get_compiler(using).execute_sql(sql.constants.ROW_COUNT)  # type: ignore[no-any-return,attr-defined]

    def association(self, name: str) -> Association:
        """The association `name` of all rows in this queryset, as Association(owners, name)."""
        from gorm_assoc.association import Association

        return Association(self, name)


def unscoped_queryset(queryset: models.QuerySet[ModelT]) -> models.QuerySet[ModelT]:
    """A queryset of any class whose query sees dead rows it joins; made inside scope(True)."""
    if not isinstance(queryset.query, ScopedQueryMixin):
        queryset = queryset._chain()  # type: ignore[attr-defined]
        queryset.query.__class__ = scoped(type(queryset.query))
        queryset.query.unscoped = True  # type: ignore[attr-defined]
    return queryset


def _hides_dead_rows(condition: Any, model: type[models.Model]) -> bool:
    """Whether this is the condition that live() adds."""
    field = getattr(getattr(condition, "lhs", None), "target", None)
    return (
        isinstance(condition, models.lookups.IsNull)
        and field is not None
        and field == soft_delete.deleted_at_field(model)
    )


class AssociationManager(models.Manager.from_queryset(AssociationQuerySet)[ModelT]):  # type: ignore[misc]
    """
    The manager of all mixins: `objects`.

    Rows with deleted_at are hidden because the model has that field, in whatever order its bases
    stand. Not used for _base_manager, which sees all rows.
    """

    def get_queryset(self) -> AssociationQuerySet[ModelT]:
        return super().get_queryset().live()  # type: ignore[no-any-return]
