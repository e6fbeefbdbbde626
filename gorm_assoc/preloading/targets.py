"""The targets of one level as a queryset: under its conditions, in its order, not yet those of any owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import models
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from gorm_assoc import soft_delete
from gorm_assoc.preloading.among import Among
from gorm_assoc.preloading.relations import Relation
from gorm_assoc.preloading.wanted import Conditions
from gorm_assoc.query import AssociationManager, scoped_queryset


@dataclass(frozen=True)
class Targets:
    """
    queryset -- never sliced
    start, stop -- the part of each owner's targets that is asked for; stop is None for all
    unscoped -- whether dead rows are asked for, of links too
    named -- the database that the caller's own queryset names
    """

    queryset: Any
    start: int
    stop: int | None
    unscoped: bool
    named: str | None

    @property
    def as_given(self) -> Any:
        """The queryset without the database that was chosen for this one reading: for later questions."""
        rows = self.queryset._chain()
        rows._db = self.named
        return rows

    @property
    def is_limited(self) -> bool:
        return bool(self.start) or self.stop is not None

    @property
    def using(self) -> str:
        return str(self.queryset.db)

    def order(self) -> list[Any]:
        """What the queryset is ordered by, as expressions."""
        return [expression for expression, _ in self.queryset.query.get_compiler(using=self.using).get_order_by()]

    def limited(self, held: Sequence[models.Field[Any, Any]]) -> Any:
        """The first of each group of targets that hold the same in these columns."""
        window = Window(RowNumber(), partition_by=[F(field.attname) for field in held], order_by=self.order())
        conditions: list[Any] = [GreaterThan(window, self.start)] if self.start else []
        if self.stop is not None:
            conditions.append(LessThanOrEqual(window, self.stop))
        return self.queryset.filter(*conditions)

    def holding(self, relation: Relation, rows: Sequence[Any]) -> Targets:
        """Those that hold one of these rows of values, for a direct relation."""
        found = self.queryset.filter(Among(relation.held, rows), **relation.fixed)
        return replace(self, queryset=found)


def targets(relation: Relation, conditions: Conditions, owner: models.Model, *, unscoped: bool, using: str) -> Targets:
    """The targets of a level: on the database `using`, or the router's for `owner`, which is one of its owners."""
    unscoped = unscoped or conditions.unscoped
    with soft_delete.scope(unscoped):
        rows: Any = _base(relation) if conditions.base is None else conditions.base._chain()  # type: ignore[attr-defined]
        if conditions.base is not None and conditions.unscoped:
            rows = rows.unscoped()
        rows = scoped_queryset(rows)
        rows._add_hints(instance=owner)
        _hand_on_fetch_mode(owner, rows)
        for function in conditions.functions:
            rows = function(rows)
            if not isinstance(rows, models.QuerySet):
                raise TypeError(f"A function for preload() of {relation.label} returned {rows!r}, not a queryset.")
        rows = scoped_queryset(rows)._chain()  # type: ignore[attr-defined]
        named = rows._db
        rows = rows.using(named or using or rows.db)  # once: a router that draws lots would part links from targets
        start, stop = rows.query.low_mark, rows.query.high_mark
        rows.query.clear_limits()
        if conditions.filters or conditions.lookups:
            rows = rows.filter(*conditions.filters, **conditions.lookups)
        if conditions.order_by:
            rows = rows.order_by(*conditions.order_by)
        if conditions.limit is not None:
            stop = start + conditions.limit if stop is None else min(stop, start + conditions.limit)
        if not rows.ordered and (start or stop is not None):
            rows = rows.order_by(*(f"-{field.name}" for field in rows.model._meta.pk_fields))
        elif not rows.ordered and not relation.to_many and not relation.is_forward:
            rows = rows.order_by("pk")  # of several rows the last is the one
        return Targets(rows, start, stop, unscoped or rows.query.unscoped, named)


def _base(relation: Relation) -> Any:
    """All live targets, as the relation's accessor starts from."""
    model = relation.target
    assert model is not None
    if relation.to_many:
        return _live(model._default_manager.get_queryset())
    # Django's accessor of one row asks the base manager, so that a manager which filters hides nothing.
    if type(model._base_manager) is models.Manager and isinstance(model._default_manager, AssociationManager):
        return model._default_manager._queryset_class(model=model)._live()
    return _live(model._base_manager.get_queryset())


def _live(rows: Any) -> Any:
    if hasattr(rows, "_live") or soft_delete.deleted_at_field(rows.model) is None or soft_delete.is_unscoped():
        return rows
    return rows.filter(**{f"{soft_delete.DELETED_AT}__isnull": True})


def _hand_on_fetch_mode(owner: models.Model, rows: Any) -> None:
    """What is missing of targets is read as what is missing of their owners."""
    mode = owner._state.__dict__.get("fetch_mode")
    if mode is None or rows.__dict__.get("_strict") is not None:
        return
    name = getattr(mode, "name", "")
    if name and hasattr(rows, "_strict"):
        rows._strict = name
    elif hasattr(rows, "fetch_mode") and rows._fetch_mode is models.FETCH_ONE:
        rows._fetch_mode = mode
