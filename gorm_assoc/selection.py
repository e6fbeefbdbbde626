"""
Which columns and relations a save or a delete goes to: select= and omit=, as in GORM.

    "name"              a column, by field name, attname or column
    "languages"         a relation: its targets and links
    "pets.name"         a column of a relation's targets; the relation itself must be selected, too
    "languages.*"       omitted: the targets are left alone, the links are made
    ALL                 every relation

With select= everything that it does not name is left out, but for keys of selected relations and the
times of creation and change. Names may be written with "." or "__" between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models

from gorm_assoc import relationship as relationships
from gorm_assoc.exceptions import UnsupportedRelation
from gorm_assoc.options import ALL
from gorm_assoc.relationship import Model, Relationship

Path = tuple[str, ...]
Names = str | Iterable[str] | None


class Selection:
    """
    What is chosen of one model, and below it.

    select -- the paths that are in; None: everything is
    omit -- the paths that are out
    """

    def __init__(self, model: Model, select: tuple[Path, ...] | None = None, omit: tuple[Path, ...] = ()) -> None:
        self.model = model
        self.select = select
        self.omit = omit

    @classmethod
    def of(cls, model: Model, select: Names = None, omit: Names = ()) -> Selection:
        """Raises UnsupportedRelation for a name that is neither column nor relation, with the nearest that is one."""
        chosen = None if select is None else tuple(_paths(model, select))
        return cls(model, chosen, tuple(_paths(model, omit)))

    @property
    def is_everything(self) -> bool:
        return self.select is None and not self.omit

    def has(self, name: str) -> bool:
        """Whether the relation is chosen."""
        named = {(name,), (ALL,)}
        return (self.select is None or bool(named & set(self.select))) and not named & set(self.omit)

    def spares_targets(self, name: str) -> bool:
        """Whether only links are made: the targets are stored and stay as they are."""
        return (name, ALL) in self.omit

    def below(self, relationship: Relationship) -> Selection:
        """What is chosen of the relation's targets. Of a selected relation no relations, unless they are named."""
        name, target = relationship.name, relationship.target
        omit = tuple(path[1:] for path in self.omit if path[0] == name and len(path) > 1)
        if self.select is None:
            return Selection(target, None, omit)
        select = tuple(path[1:] for path in self.select if path[0] == name and len(path) > 1)
        if not select:
            return Selection(target, None, (*omit, (ALL,)))
        if relationship.target_holds_key:  # else the targets would be nobody's
            keys = (*relationship.owner_columns, *(field for field, _ in relationship.fixed))
            select += tuple((field.attname,) for field in keys)
        return Selection(target, select, omit)

    def attnames(self) -> frozenset[str] | None:
        """The attributes of the columns that are written; None: all of them."""
        if self.is_everything:
            return None
        fields = self.model._meta.concrete_fields
        key = (*self.model._meta.pk_fields, *(field for field in fields if field.primary_key))
        chosen = frozenset(field.attname for field in fields if _is_time(field) or self._has_column(field))
        chosen |= {field.attname for field in key}
        foreign_keys = (
            column.attname
            for name in relationships.names(self.model)
            if self.select is not None and self.has(name)
            for column in _key_columns(relationships.of(self.model, name))
        )
        chosen |= frozenset(foreign_keys)
        return None if len(chosen) == len(fields) else chosen

    def _has_column(self, field: models.Field[Any, Any]) -> bool:
        spellings = {(name,) for name in _spellings(field)}
        if field.remote_field:
            spellings.discard((field.name,))  # the relation, which only attname and column name as a column
        return (self.select is None or bool(spellings & set(self.select))) and not spellings & set(self.omit)


def _key_columns(relationship: Relationship) -> Iterable[models.Field[Any, Any]]:
    return relationship.target_columns if relationship.owner_holds_key else ()


def _is_time(field: models.Field[Any, Any]) -> bool:
    return getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)


def _spellings(field: models.Field[Any, Any]) -> set[str]:
    return {field.name, field.attname, str(field.column)}


def _paths(model: Model, names: Names) -> Iterator[Path]:
    for name in [names] if isinstance(names, str) else names or ():
        path = tuple(name.replace("__", ".").split("."))
        _check(model, path)
        yield path


def _check(model: Model, path: Path) -> None:
    (name, *rest) = path
    if name == ALL and not rest:
        return
    relations = relationships.names(model)
    columns = {spelling for field in model._meta.concrete_fields for spelling in _spellings(field)}
    if name not in relations and (rest or name not in columns):
        raise UnsupportedRelation(model, name, relations if rest else {*relations, *columns})
    if rest:
        _check(relationships.of(model, name).target, tuple(rest))
