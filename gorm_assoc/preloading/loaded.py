"""
The queryset that an owner's accessor gives once its targets are loaded.

It is the target's own queryset class. Making one for each owner is most of what an eager load costs,
and nearly all are only iterated: so each starts as a list of targets, and turns into the queryset that
the accessor would have given when anything else of it is asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _Base = Any
else:
    _Base = object

# The owner's queryset, without its rows.
Making = Callable[[models.Model], models.QuerySet[Any]]


class _LoadedMixin(_Base):  # type: ignore[misc]
    """Rows that are here, and how to make the queryset behind them. (Nothing else is set on the object.)"""

    _result_cache: list[Any]
    _owner: models.Model
    _make: Making

    def _fetch_all(self) -> None:
        """They are here."""

    @property
    def query(self) -> Any:
        return self._settled().query

    @query.setter
    def query(self, value: Any) -> None:
        self._settled().query = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_make" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self._settled(), name)

    def _settled(self) -> Any:
        """This very object as an ordinary queryset that has its rows."""
        real, rows = self._make(self._owner), self._result_cache
        self.__class__ = type(real)  # type: ignore[assignment]
        self.__dict__ = {**real.__dict__, "_result_cache": rows, "_prefetch_done": True}
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._settled().__reduce_ex__(protocol)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(self._settled(), memo)


def _loaded(queryset_class: type[Any]) -> type[Any]:
    return type(queryset_class.__name__, (_LoadedMixin, queryset_class), {})


_loaded_class: Any = cache(_loaded)


def loaded(queryset_class: type[Any], owner: models.Model, rows: list[Any], make: Making) -> Any:
    """The rows as a queryset of that class, which `make` can make."""
    found = object.__new__(_loaded_class(queryset_class))
    found.__dict__.update(_result_cache=rows, _owner=owner, _make=make)
    return found
