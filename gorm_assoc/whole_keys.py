"""
Every column of a key, where Django's exclude() compares the first.

For a condition on many rows exclude() makes a subquery that begins at the key which leads back
(Query.trim_start) and compares that key's first column with the outer row's (Query.split_exclude). With
a composite key it finds rows of other owners. Both ask the way back for its columns:

    with_whole_key()   that way, with stand-ins for the first columns
    KeyColumns         a stand-in: its "exact" compares all
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import Col, ResolvedOuterRef
from django.db.models.sql.where import WhereNode


class KeyColumns:
    """
    Stands for the first column of a key, and compares them all.

    fields -- the key's columns in the table where the subquery begins
    outer -- names of the fields they are compared with, on the outer row
    """

    def __init__(self, fields: Sequence[models.Field[Any, Any]], outer: Sequence[str]) -> None:
        self.fields, self.outer = tuple(fields), tuple(outer)
        self.model, self.column = fields[0].model, fields[0].column

    def get_col(self, alias: str) -> Any:
        return Col(alias, self)  # type: ignore[arg-type]

    def get_lookup(self, name: str) -> Any:
        return {"exact": self.exact}[name]

    def exact(self, own: Any, other: Any) -> WhereNode:
        """
        The condition that the rows are one.

        other -- a reference to the first column of the outer row's key; or the primary key of a row that
            the outer query joins already, and `own` is the same row's here
        """
        if not isinstance(other, ResolvedOuterRef):
            key = self.model._meta.pk_fields
            return _all(_same(field, own.alias, field.get_col(other.alias)) for field in key)
        *way, _ = other.name.split(LOOKUP_SEP)  # type: ignore[attr-defined]
        return _all(
            _same(field, own.alias, ResolvedOuterRef(LOOKUP_SEP.join((*way, name))))
            for field, name in zip(self.fields, self.outer, strict=True)
        )


def _same(field: Any, alias: str, value: Any) -> Any:
    return field.get_lookup("exact")(field.get_col(alias), value)


def _all(conditions: Any) -> WhereNode:
    return WhereNode(list(conditions))


def with_whole_key(paths: Sequence[Any]) -> list[Any]:
    """These steps of a lookup (PathInfo); where one leads to many rows, exclude() finds KeyColumns."""
    return [
        path._replace(join_field=_with_key_columns(path.join_field)) if _leads_astray(path) else path for path in paths
    ]


def _leads_astray(path: Any) -> bool:
    """Whether Django's comparison of one column would not do: the key, or that of the table it stands in, has more."""
    if not path.m2m:
        return False
    key = path.join_field.field
    return len(key.local_related_fields) > 1 or len(key.model._meta.pk_fields) > 1


def _with_key_columns(rel: Any) -> Any:
    # Copies that are equal to their originals, so that joins are shared as ever.
    key, way_back = copy.copy(rel.field), copy.copy(rel)
    ours, theirs = key.local_related_fields, key.foreign_related_fields
    names = [field.name for field in theirs]
    key.related_fields = [(KeyColumns(ours, names), KeyColumns(theirs, names))]
    key.get_reverse_joining_fields = rel.field.get_reverse_joining_fields
    way_back.field = key
    return way_back


class WholeKey:
    """Mixed into a key of ours: exclude() compares all its columns, in Django's own querysets too."""

    def get_reverse_path_info(self, filtered_relation: Any = None) -> list[Any]:
        return with_whole_key(super().get_reverse_path_info(filtered_relation))  # type: ignore[misc]
