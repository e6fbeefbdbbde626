"""
What a preload is asked for: names, and conditions for the last level that a name leads to.

    read()   one call's names and conditions -> Wanted, one a name
    tree()   all calls' -> levels, each relation once

Both raise for what is wrong before anything is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.db.models.query import ModelIterable

from gorm_assoc.options import ALL
from gorm_assoc.preloading import relations
from gorm_assoc.preloading.relations import Model, Relation


@dataclass(frozen=True)
class Conditions:
    """
    What one level is limited to, and how it is kept.

    base -- a queryset of the targets to start from
    functions -- each takes the targets' queryset and returns one
    """

    base: models.QuerySet[Any] | None = None
    functions: tuple[Callable[[Any], Any], ...] = ()
    filters: tuple[models.Q, ...] = ()
    lookups: Mapping[str, Any] = field(default_factory=dict)
    order_by: tuple[Any, ...] = ()
    limit: int | None = None
    through: Mapping[str, Any] = field(default_factory=dict)
    order_by_through: tuple[str, ...] = ()
    unscoped: bool = False
    join_rows: bool = False

    @property
    def is_plain(self) -> bool:
        return self == PLAIN

    def __getstate__(self) -> dict[str, Any]:
        # As Django's Prefetch: pickling a queryset would run it.
        state = self.__dict__.copy()
        if self.base is not None:
            state["base"] = base = self.base._chain()  # type: ignore[attr-defined]
            base._result_cache, base._prefetch_done = [], True
        return state


PLAIN = Conditions()


@dataclass(frozen=True)
class Wanted:
    """
    One name of one call.

    path -- its parts
    to_attr -- the attribute that gets the targets (or their count), instead of the accessor
    """

    path: tuple[str, ...]
    conditions: Conditions = PLAIN
    to_attr: str = ""
    is_count: bool = False


@dataclass
class Level:
    """
    One relation to load, and what to load below it.

    conditions -- None where only a deeper name leads through it: what is loaded already will do
    later -- names below targets of several models, of which each has its own relations
    """

    relation: Relation
    conditions: Conditions | None = None
    to_attr: str = ""
    is_count: bool = False
    below: dict[str, Level] = field(default_factory=dict)
    later: list[Wanted] = field(default_factory=list)


def read(
    given: Sequence[Any],
    *,
    limit: int | None = None,
    order_by: Any = (),
    through: Mapping[str, Any] | None = None,
    order_by_through: str | Sequence[str] = (),
    unscoped: bool = False,
    to_attr: str = "",
    join_rows: bool = False,
    is_count: bool = False,
    **lookups: Any,
) -> list[Wanted]:
    """
    The names among what a call was given, each with the call's conditions.

    Raises TypeError, ValueError for what is neither a name nor a condition.
    """
    names = [each for each in given if isinstance(each, str)]
    if not names:
        raise TypeError('preload() takes the name of a relation: preload("languages"), or preload(ALL).')
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise ValueError(f"limit={limit!r} of preload() is no number of targets: pass 1 or more.")
    conditions = Conditions(
        lookups=lookups,
        order_by=(order_by,) if isinstance(order_by, str) or hasattr(order_by, "resolve_expression") else (*order_by,),
        limit=limit,
        through=through or {},
        order_by_through=(order_by_through,) if isinstance(order_by_through, str) else (*order_by_through,),
        unscoped=unscoped,
        join_rows=join_rows,
    )
    for each in given:
        conditions = _with(conditions, each)
    if to_attr and len(names) > 1:
        raise ValueError(f"to_attr={to_attr!r} of preload() is for one name; {len(names)} were given.")
    return [Wanted(_path(name), conditions, to_attr, is_count) for name in names]


def _path(name: str) -> tuple[str, ...]:
    return tuple(name.replace(LOOKUP_SEP, ".").split("."))


def _with(conditions: Conditions, given: Any) -> Conditions:
    if isinstance(given, str):
        return conditions
    if isinstance(given, models.QuerySet):
        if not issubclass(given._iterable_class, ModelIterable):
            raise ValueError("preload() takes a queryset of instances, not of values().")
        if conditions.base is not None:
            raise TypeError("preload() takes one queryset; two were given.")
        return replace(conditions, base=given)
    if isinstance(given, models.Q) or getattr(given, "conditional", False):
        return replace(conditions, filters=(*conditions.filters, given))
    if callable(given):
        return replace(conditions, functions=(*conditions.functions, given))
    raise TypeError(
        f"preload() got a {type(given).__name__}. It takes names, Q objects, a queryset of the targets, "
        f"functions that take and return one, and lookups: preload('languages', name='English')."
    )


def tree(model: Model, wanted: Iterable[Wanted]) -> dict[str, Level]:
    """
    The levels that the names lead through. The last call for a name counts; one for ALL leaves others alone.

    Raises UnsupportedRelation for a name that is none, with the nearest that is.
    """
    found: dict[str, Level] = {}
    # What is said of one relation counts before what is said of all.
    for each in sorted(wanted, key=lambda each: each.path[-1] != ALL):
        _enter(found, model, each)
    return found


def _enter(levels: dict[str, Level], model: Model, wanted: Wanted) -> None:
    *way, last = wanted.path
    for depth, name in enumerate(way, start=1):
        if name == ALL:
            raise ValueError(f"{ALL!r} stands at the end of a name: {'.'.join(wanted.path)!r} goes on below it.")
        level = levels.get(name)
        if level is None:
            level = levels[name] = Level(relations.of(model, name))
        if level.relation.target is None:
            level.later.append(replace(wanted, path=wanted.path[depth:]))
            return
        levels, model = level.below, level.relation.target
    if last == ALL:
        for name in relations.declared(model):
            levels[name] = _level(relations.of(model, name), wanted, None)
        return
    relation = relations.of(model, last)
    # A count beside the loaded targets is a level of its own.
    key = wanted.to_attr or (f"{relation.name} count" if wanted.is_count else relation.name)
    levels[key] = _level(relation, wanted, levels.get(key))


def _level(relation: Relation, wanted: Wanted, before: Level | None) -> Level:
    _check(relation, wanted)
    if before is None:
        return Level(relation, wanted.conditions, wanted.to_attr, wanted.is_count)
    return replace(before, conditions=wanted.conditions)


def _check(relation: Relation, wanted: Wanted) -> None:
    """Raise for conditions that the relation cannot have."""
    conditions, target = wanted.conditions, relation.target
    base = conditions.base
    if target is None:
        if wanted.is_count or not replace(conditions, unscoped=False).is_plain:
            raise TypeError(f"{relation.label} leads to several models: no condition can be put on its targets.")
    elif base is not None and not issubclass(base.model, target._meta.concrete_model):  # type: ignore[arg-type]
        raise TypeError(
            f"{relation.label} leads to {target._meta.label}; the queryset is of {base.model._meta.label}."
        )
    on_links = conditions.through or conditions.order_by_through or conditions.join_rows
    if on_links and relation.relationship is None:
        raise TypeError(
            f"{relation.label} has no join rows: through=, order_by_through= and join_rows= are for a many2many."
        )
    if wanted.to_attr:
        _check_attribute(relation.owner, wanted.to_attr)


def _check_attribute(model: Model, name: str) -> None:
    if not name.isidentifier():
        raise ValueError(f"to_attr={name!r} is no name of an attribute.")
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return
    raise ValueError(f"to_attr={name!r} is a field of {model._meta.label}. Choose another name.")


def refuse_prefetched(model: Model, levels: Mapping[str, Level], lookups: Iterable[Any]) -> None:
    """
    Raise ValueError for a Prefetch with a queryset of its own where preload() loads as well.

    Django would leave out that queryset in silence, as it finds the relation loaded.
    """
    for lookup in lookups:
        if getattr(lookup, "queryset", None) is None or lookup.to_attr:
            continue
        below, level = levels, None
        for name in lookup.prefetch_to.split(LOOKUP_SEP):
            level = below.get(name)
            if level is None:
                break
            below = level.below
        if level is not None:
            raise ValueError(
                f"{model._meta.label} has both a preload() and a Prefetch with a queryset for {lookup.prefetch_to!r}. "
                f"Give the queryset to preload()."
            )
