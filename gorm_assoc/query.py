"""
Querysets that hide dead rows, and can be told not to.

Two things hide. The manager leaves out dead rows of its own model with a filter. Dead rows
that a query *joins* are hidden by the relations themselves (soft_delete.py), each query in
a scope of its own (scoped_query.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TypeVar

from asgiref.sync import sync_to_async
from django.db import models
from django.db.models import prefetch_related_objects, sql
from django.db.models.query import ModelIterable
from django.db.models.sql.where import AND

from gorm_assoc import conf, soft_delete
from gorm_assoc.exceptions import ScopeError
from gorm_assoc.query_writes import QuerySetWrites
from gorm_assoc.scoped_query import ScopedQueryMixin, scoped

if TYPE_CHECKING:
    from gorm_assoc.association import Association
    from gorm_assoc.preloading.wanted import Wanted

ModelT = TypeVar("ModelT", bound=models.Model)

_QUERY: Any = vars(models.QuerySet)["query"]  # a property, which the type stubs do not know


class AssociationQuerySet(QuerySetWrites[ModelT]):
    """A queryset that hides dead rows, deletes softly where its model can, and opens associations."""

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        super().__init__(model, query or scoped(sql.Query)(model), using, hints)

    @classmethod
    def as_manager(cls) -> AssociationManager:
        """A manager with this class's methods that hides dead rows, as `objects` does."""
        manager = AssociationManager.from_queryset(cls)()
        manager._built_with_as_manager = True
        return manager  # type: ignore[no-any-return]

    as_manager.queryset_only = True  # type: ignore[attr-defined]

    # Scope

    _query: Any

    @property
    def query(self) -> Any:
        if not self._deferred_filter:  # type: ignore[attr-defined]
            return self._query
        # A related manager's condition, which Django puts in late, is the manager's own.
        untouched = self._query.is_untouched
        query = _QUERY.fget(self)
        if untouched:
            self.marked()
        return query

    @query.setter
    def query(self, value: Any) -> None:
        _QUERY.fset(self, value)

    def _live(self) -> Self:
        """A fresh queryset without dead rows of this model; the manager's, so that unscoped() can take it back."""
        field = soft_delete.deleted_at_field(self.model)
        if field is None or self._query.unscoped:
            return self
        if field.model._meta.db_table != self.model._meta.db_table:
            return self.filter(**{f"{soft_delete.DELETED_AT}__isnull": True}).marked()
        # What filter() would come to, at a tenth of its cost: every accessor makes a queryset.
        column = field.get_col(self._query.get_initial_alias())
        self._query.where.add(models.lookups.IsNull(column, True), AND)
        return self.marked()

    def marked(self) -> Self:
        """With the conditions it has now counted as the manager's own, not the caller's."""
        self._query.own_conditions = len(self._query.where.children)
        return self

    marked.queryset_only = True  # type: ignore[attr-defined]

    def unscoped(self) -> Self:
        """
        Dead rows too: of this model, of links, of targets, at every level.

        Raises ScopeError after a filter or annotation, which cannot be built anew.
        """
        query = self.query
        if not query.unscoped and not query.is_untouched:
            raise ScopeError(self.model)
        found = self._chain()  # type: ignore[attr-defined]
        where = found.query.where
        where.children = [child for child in where.children if not _hides_dead_rows(child, self.model)]
        found.query.unscoped = True
        return found.marked()  # type: ignore[no-any-return]

    # Preload. What it loads, and what prefetch_related() loads after it, follows this queryset's scope.

    _preloads: tuple[Wanted, ...] = ()

    def preload(self, *given: Any, **options: Any) -> Self:
        """
        Load relations along with the rows, into their ordinary accessors.

        given -- names ("languages", "posts.comments", ALL, "posts.*"); conditions for the relation that a name
            ends with: Q objects, a queryset of the targets, functions that take one and return one
        limit, order_by -- that many targets of each owner, and their order
        through, order_by_through -- lookups and order on join rows' columns
        unscoped -- dead rows of this relation too
        to_attr -- the attribute that gets the targets as a list, instead of the accessor
        join_rows -- each owner gets targets of its own, with their join row as `join_row`
        other keywords -- lookups on the targets

        The last call for a name counts. Raises UnsupportedRelation for a name that is no relation, with the
        nearest that is.
        """
        return self._wanting(given, options)

    def preload_count(self, *given: Any, **options: Any) -> Self:
        """
        Count relations' targets along with the rows, into `<name>_count` or to_attr.

        Conditions are preload()'s: names, Q objects, a queryset, functions, through, unscoped, lookups.
        """
        return self._wanting(given, {**options, "is_count": True})

    def _wanting(self, given: Sequence[Any], options: dict[str, Any]) -> Self:
        from gorm_assoc.preloading import wanted

        self._not_support_combined_queries("preload")  # type: ignore[attr-defined]
        found = self._chain()  # type: ignore[attr-defined]
        found._preloads = (*self._preloads, *wanted.read(given, **options))
        wanted.tree(self.model, found._preloads)  # raises for what is no relation
        return found  # type: ignore[no-any-return]

    # None: as the setting says
    _strict: str | None = None

    def strict(self, mode: str | bool = "raise") -> Self:
        """
        Say what becomes of a relation of these rows that is read and was not loaded.

        mode -- "raise": NotPreloaded; "warn": NotPreloadedWarning, and it is read; "load": it is read at once for
            all rows of this queryset; False: it is read as ever, whatever the setting STRICT says

        Holds for what is loaded along with the rows, too. filter(), count(), the verbs and all other queries that
        are asked for by name are not touched.
        """
        if mode not in ("raise", "warn", "load", True, False):
            raise ValueError(f'strict() takes "raise", "warn", "load" or False; got {mode!r}.')
        found = self._chain()  # type: ignore[attr-defined]
        found._strict = "raise" if mode is True else mode or ""
        return found  # type: ignore[no-any-return]

    def _begin_strict(self) -> Any:
        """Before rows are read: the mode for them, None if they are not strict."""
        name = conf.strict() if self._strict is None else self._strict
        if not name or not issubclass(self._iterable_class, ModelIterable):
            return None
        from gorm_assoc.preloading import strict

        mode, given = strict.MODES[name], getattr(self, "_fetch_mode", None)
        if strict.HAS_FETCH_MODES:
            if self._strict is None and given is not models.FETCH_ONE:
                return None  # fetch_mode() was called
            self._fetch_mode = mode
        strict.guard(self.model)
        return mode

    def _clone(self) -> Self:
        found = super()._clone()  # type: ignore[misc]
        found._preloads, found._strict = self._preloads, self._strict
        return found  # type: ignore[no-any-return]

    def _fetch_all(self) -> None:
        # Not .query, which would build the condition of a related manager whose rows are here already.
        with soft_delete.scope(self._query.unscoped):
            if self._result_cache is None:
                mode = self._begin_strict()
                rows: Any = self._iterable_class(self)
                self._result_cache = list(rows)
                self._preload(self._result_cache, mode)
            super()._fetch_all()

    def _preload(self, rows: list[Any], mode: Any) -> None:
        if mode is not None:
            from gorm_assoc.preloading import strict

            strict.mark(rows, mode)
        if not self._preloads or not issubclass(self._iterable_class, ModelIterable):
            return  # values() and the like have nowhere to put it
        from gorm_assoc.preloading import levels, wanted

        asked = wanted.tree(self.model, self._preloads)
        wanted.refuse_prefetched(self.model, asked, self._prefetch_related_lookups)  # type: ignore[attr-defined]
        levels.load(rows, asked, unscoped=self._query.unscoped, fresh=True, using=self._db or "")  # type: ignore[attr-defined]

    def iterator(self, chunk_size: int | None = None) -> Iterator[ModelT]:
        if chunk_size is None and self._preloads:
            raise ValueError("chunk_size must be provided when using QuerySet.iterator() after preload().")
        return super().iterator(chunk_size)

    def _iterator(self, use_chunked_fetch: bool, chunk_size: int | None) -> Iterator[ModelT]:
        mode = self._begin_strict()
        if not (mode or self._preloads or self._prefetch_related_lookups):  # type: ignore[attr-defined]
            yield from super()._iterator(use_chunked_fetch, chunk_size)  # type: ignore[misc]
            return
        chunk_size = chunk_size or 2000  # Django's own
        iterable: Any = self._iterable_class(self, chunked_fetch=use_chunked_fetch, chunk_size=chunk_size)
        rows = iter(iterable)
        while chunk := list(islice(rows, chunk_size)):
            self._complete(chunk, mode)
            yield from chunk

    async def aiterator(self, chunk_size: int = 2000) -> AsyncIterator[ModelT]:
        mode = self._begin_strict()
        plain = self._chain()  # type: ignore[attr-defined]
        plain._preloads = plain._prefetch_related_lookups = ()
        rows = super(AssociationQuerySet, plain).aiterator(chunk_size)
        if not (mode or self._preloads or self._prefetch_related_lookups):  # type: ignore[attr-defined]
            async for row in rows:
                yield row
            return
        while chunk := [row async for row in _first(rows, chunk_size)]:
            await sync_to_async(self._complete)(chunk, mode)
            for row in chunk:
                yield row

    def _complete(self, rows: list[Any], mode: Any) -> None:
        """Load what was asked for into rows that are here. The scope is never open across a yield."""
        with soft_delete.scope(self._query.unscoped):
            self._preload(rows, mode)
            prefetch_related_objects(rows, *self._prefetch_related_lookups)  # type: ignore[attr-defined]

    def association(self, name: str) -> Association:
        """The association `name` of all rows in this queryset, as Association(owners, name)."""
        from gorm_assoc.association import Association

        return Association(self, name)


async def _first(rows: AsyncIterator[ModelT], count: int) -> AsyncIterator[ModelT]:
    """The next rows, up to that many."""
    for _ in range(count):
        row = await anext(rows, None)
        if row is None:
            return
        yield row


def scoped_queryset(queryset: models.QuerySet[ModelT]) -> models.QuerySet[ModelT]:
    """A queryset of any class with a Query of ours, in the scope that is open now."""
    if not isinstance(queryset.query, ScopedQueryMixin):
        queryset = queryset._chain()  # type: ignore[attr-defined]
        queryset.query.__class__ = scoped(type(queryset.query))
        queryset.query.unscoped = soft_delete.is_unscoped()  # type: ignore[attr-defined]
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

    @classmethod
    def from_queryset(cls, queryset_class: type[Any], class_name: str | None = None) -> Any:
        """A manager class with the methods of a queryset class. Raises TypeError if that cannot hide dead rows."""
        if not issubclass(queryset_class, AssociationQuerySet):
            raise TypeError(
                f"{cls.__name__}.from_queryset() takes a subclass of AssociationQuerySet; "
                f"{queryset_class.__name__} is none. Derive it from AssociationQuerySet, which is a QuerySet."
            )
        return super().from_queryset(queryset_class, class_name)

    def get_queryset(self) -> AssociationQuerySet[ModelT]:
        return super().get_queryset()._live()  # type: ignore[no-any-return]

    def all(self) -> AssociationQuerySet[ModelT]:
        # So that all().unscoped() works on a manager whose get_queryset() filters.
        rows = super().all()
        return rows if rows._result_cache is not None else rows.marked()  # type: ignore[no-any-return]

    def unscoped(self) -> AssociationQuerySet[ModelT]:
        """Dead rows too: of this model, of links, of targets, at every level."""
        with soft_delete.scope(True):
            if not hasattr(self, "_apply_rel_filters"):
                return self.get_queryset()
            # A related manager's get_queryset() may give what was prefetched without dead rows.
            return self._apply_rel_filters(super(type(self), self).get_queryset())  # type: ignore[no-any-return]
