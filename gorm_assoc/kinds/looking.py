"""
Looking at links without writing, whatever the kind.

    rows_of             the rows that hold a relationship's links
    stored              which links exist
    preview_unlink      what taking links away would do
    linked_pairs        links that are made, by the primary keys of both ends
    unlinked_pairs      links that are taken away, in the same way
    referenced_values   primary keys of targets -> what links hold of them
    target_pks          and back
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import models

from gorm_assoc.kinds import spelling
from gorm_assoc.kinds.base import Changes, Links, Owners, PairKeys, Pairs, Values
from gorm_assoc.kinds.choosing import Condition
from gorm_assoc.kinds.conditions import Columns
from gorm_assoc.kinds.join_rows import JoinRows
from gorm_assoc.kinds.key_rows import KeyRows
from gorm_assoc.kinds.link_rows import LinkRows
from gorm_assoc.relationship import MANY2MANY, Relationship


def rows_of(relationship: Relationship, using: str) -> LinkRows:
    """The rows that hold the links: join rows, or rows that hold a key."""
    kind = JoinRows if relationship.kind == MANY2MANY else KeyRows
    return kind.of(relationship, using)


def stored(relationship: Relationship, links: Links, using: str) -> tuple[Links, Mapping[Values, bool]]:
    """The links, each once; and those that exist -> whether it is dead."""
    return rows_of(relationship, using).stored(links)


def referenced_values(relationship: Relationship, keys: Sequence[Any], using: str) -> Mapping[Any, Values]:
    """Primary key -> the values that join rows hold; one SELECT where they are not the key itself."""
    model, fields = relationship.target, relationship.target_fields
    if tuple(fields) == tuple(model._meta.pk_fields):
        return dict(zip(keys, keys if len(fields) > 1 else zip(keys, strict=True), strict=True))
    if not keys:
        return {}
    wanted = [key if isinstance(key, tuple) else (key,) for key in keys]
    columns = Columns(model._meta.pk_fields, using)
    condition = columns.among(wanted)
    found = model._base_manager.using(using).extra(where=[condition.text], params=condition.params)
    names = [field.attname for field in (*model._meta.pk_fields, *fields)]
    width = len(model._meta.pk_fields)
    held = {tuple(row[:width]): tuple(row[width:]) for row in found.values_list(*names)}
    held = spelling.under_all(columns, held, wanted)
    return {key: held[values] for key, values in zip(keys, wanted, strict=True) if values in held}


def preview_unlink(
    relationship: Relationship,
    owners: Owners,
    condition: Condition,
    using: str,
    *,
    destroy: bool,
    pairs: bool,
) -> Changes:
    """What unlink() would do."""
    rows = rows_of(relationship, using)
    gone = rows.linked(condition(rows), owners, dead_too=destroy)
    return Changes(removed=len(gone), pairs=unlinked_pairs(relationship, owners, gone, using) if pairs else None)


def linked_pairs(
    relationship: Relationship,
    links: Links,
    added: Sequence[Values],
    revived: Sequence[Values] = (),
) -> Pairs:
    """The pairs behind rows of the links that are added and revived."""
    return {
        "added": _keys(relationship, links.owners, added, links.targets),
        "removed": (),
        "revived": _keys(relationship, links.owners, revived, links.targets),
    }


def unlinked_pairs(
    relationship: Relationship,
    owners: Owners,
    gone: Sequence[Values],
    using: str,
    pks: Mapping[Values, Any] | None = None,
) -> Pairs:
    """
    The pairs behind rows that are removed.

    pks -- of the targets, where they have been looked up before
    """
    if pks is None:
        width = len(relationship.owner_columns)
        pks = target_pks(relationship, [row[width:] for row in gone], using)
    return {"added": (), "removed": _keys(relationship, owners, gone, pks), "revived": ()}


def _keys(
    relationship: Relationship, owners: Owners, rows: Sequence[Values], pks: Mapping[Values, Any]
) -> tuple[PairKeys, ...]:
    width = len(relationship.owner_columns)
    return tuple((owners[row[:width]].pk, pks[row[width:]]) for row in rows)


def target_pks(relationship: Relationship, targets: Iterable[Values], using: str) -> Mapping[Values, Any]:
    """Referenced values -> the target's primary key; one SELECT where they are not the key itself."""
    values = set(targets)
    model, fields = relationship.target, relationship.target_fields
    if tuple(fields) == tuple(model._meta.pk_fields):
        return {value: value if len(value) > 1 else value[0] for value in values}
    rows = rows_of(relationship, using).referenced_targets(values)
    pks = {tuple(row[:-1]): row[-1] for row in rows.values_list(*(field.attname for field in fields), "pk")}
    return spelling.under_all(Columns(fields, using), pks, values)


def referenced_rows(relationship: Relationship, targets: Collection[Values], using: str) -> models.QuerySet[Any]:
    """The targets that have these referenced values, dead ones too."""
    return rows_of(relationship, using).referenced_targets(targets)
