"""
Objects by the values that a relation goes by.

A key is a tuple of values, as the columns hold them; the bare value where there is one column.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

from django.db import models

from gorm_assoc.kinds import spelling
from gorm_assoc.kinds.base import Values
from gorm_assoc.kinds.conditions import Columns
from gorm_assoc.preloading.among import Among

Fields = Sequence[Any]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Keyed:
    """
    owners -- by their key; several objects may stand for one row
    keyless -- those that lack a value, and so have no targets
    """

    owners: dict[Any, list[Any]]
    keyless: list[Any]
    width: int

    @property
    def rows(self) -> list[Values]:
        return as_rows(self.owners, self.width)


def as_rows(keys: Collection[Any], width: int) -> list[Values]:
    """Keys as tuples, in every case."""
    return [(key,) for key in keys] if width == 1 else list(keys)


def keyed(owners: Iterable[models.Model], fields: Fields) -> Keyed:
    """The owners by what these fields hold. What was deferred is read first, for all at once."""
    owners = list(owners)
    complete(owners, fields)
    key, width = key_of(fields), len(fields)
    found: dict[Any, list[Any]] = {}
    keyless = []
    for owner in owners:
        value = key(owner)
        if value is None or (width > 1 and None in value):
            keyless.append(owner)
        else:
            found.setdefault(value, []).append(owner)
    return Keyed(found, keyless, width)


def key_of(fields: Fields) -> Callable[[Any], Any]:
    """Reads an object's key."""
    return attrgetter(*(field.attname for field in fields))


def key_in(width: int, start: int = 0) -> Callable[[Values], Any]:
    """Reads a key from a row of values that holds it from `start` on."""
    if width == 1:
        return lambda row: row[start]
    return lambda row: row[start : start + width]


def under_all(known: dict[Any, Found], wanted: Collection[Any], fields: Fields, using: str) -> dict[Any, Found]:
    """What is known by key, also under wanted keys that the database spells otherwise and calls the same."""
    if all(map(known.__contains__, wanted)):
        return known
    width = len(fields)
    by_row = dict(zip(as_rows(known, width), known.values(), strict=True))
    found = spelling.under_all(Columns(fields, using), by_row, as_rows(wanted, width))
    return {row[0]: value for row, value in found.items()} if width == 1 else found


def complete(objects: Sequence[models.Model], fields: Fields) -> None:
    """Read these fields of the objects that have them deferred (only(), defer()): one SELECT."""
    names = [field.attname for field in fields]
    has_all = set(names).issubset
    lacking = [each for each in objects if not has_all(each.__dict__)]
    lacking = [each for each in lacking if not each._state.adding]
    if not lacking:
        return
    model = type(lacking[0])
    key_fields = model._meta.pk_fields
    keys = as_rows([each.pk for each in lacking], len(key_fields))
    key_names = [field.attname for field in key_fields]
    rows = model._base_manager.using(lacking[0]._state.db).filter(Among(key_fields, set(keys)))
    stored = {row[: len(key_names)]: row[len(key_names) :] for row in rows.values_list(*key_names, *names)}
    for each, key in zip(lacking, keys, strict=True):
        if key in stored:
            each.__dict__.update(zip(names, stored[key], strict=True))
