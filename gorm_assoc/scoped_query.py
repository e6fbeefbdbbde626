"""
Django's Query, in a scope of its own.

The relations hide dead rows that a query joins; whether they do, they ask a switch (soft_delete.py).
The Query here sets that switch to its own flag whenever it builds or compiles, so that each
query, at any depth of subqueries, is in its own scope.

    scoped(sql.Query)   the class that querysets use; update() and delete() turn into their scoped twins
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db.models import sql

from gorm_assoc import soft_delete

if TYPE_CHECKING:
    _Base = Any  # the insides of Django's Query are not in its type stubs
else:
    _Base = object


class ScopedQueryMixin(_Base):  # type: ignore[misc]
    """
    A Query that knows whether it sees dead rows.

    unscoped -- the flag; a query made inside another one's building (exclude) takes it from there
    own_conditions -- how many conditions the manager itself put into `where`
    """

    django_class: type[sql.Query]
    unscoped: bool
    own_conditions: int = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unscoped = soft_delete.is_unscoped()

    def add_q(self, *args: Any, **kwargs: Any) -> None:
        with soft_delete.scope(self.unscoped):
            super().add_q(*args, **kwargs)

    def get_compiler(self, *args: Any, **kwargs: Any) -> Any:
        # The compiler, and not as_sql() of Query, which only subqueries go through.
        compiler = super().get_compiler(*args, **kwargs)
        compiler.__class__ = _scoped_compiler(type(compiler))
        return compiler

    def chain(self, klass: type[sql.Query] | None = None) -> Any:
        # update() and delete() turn a query into another class; it must stay scoped.
        return super().chain(scoped(klass) if klass else None)

    def combine(self, rhs: sql.Query, connector: str) -> None:
        if getattr(rhs, "unscoped", self.unscoped) != self.unscoped:
            raise TypeError("Cannot combine a queryset that is unscoped() with one that is not.")
        super().combine(rhs, connector)

    def __reduce__(self) -> Any:
        # The class is made at run time: pickle finds it by Django's.
        return _unpickled, (self.django_class,), self.__getstate__()

    @property
    def is_untouched(self) -> bool:
        """Whether nobody but the manager has put conditions or annotations in."""
        return len(self.where.children) == self.own_conditions and not (
            self.annotations or self.extra or self._filtered_relations or self.combinator or self.is_sliced
        )


def _scoped(klass: type[Any]) -> type[Any]:
    if issubclass(klass, ScopedQueryMixin):
        return klass
    return type(f"Scoped{klass.__name__}", (ScopedQueryMixin, klass), {"django_class": klass})


# The scoped twin of one of Django's Query classes.
scoped: Any = cache(_scoped)


def _unpickled(klass: type[sql.Query]) -> Any:
    query = scoped(klass)
    return object.__new__(query)


class _ScopedCompilerMixin(_Base):  # type: ignore[misc]
    """Conditions of a JOIN are asked for while it is compiled: that happens in the query's own scope."""

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        with soft_delete.scope(self.query.unscoped):
            return super().as_sql(*args, **kwargs)


def _with_scope(klass: type[Any]) -> type[Any]:
    return type(klass.__name__, (_ScopedCompilerMixin, klass), {})


_scoped_compiler: Any = cache(_with_scope)
