"""
A link that the owner's own row holds: belongs to.

    related   targets that the owners name          one SELECT
    link      let the owners' rows name theirs       one SELECT, which locks; one UPDATE
    unlink    let them name nothing                  the same

An owner has one target: linked with another it lets the first go.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, models

from gorm_assoc.kinds import destroying, telling
from gorm_assoc.kinds.base import Changes, Links, Owners, PairKeys, Pairs, Values
from gorm_assoc.kinds.choosing import Condition
from gorm_assoc.kinds.conditions import Sql, limited
from gorm_assoc.kinds.key_rows import KeyRows, required_column
from gorm_assoc.kinds.looking import referenced_rows, target_pks
from gorm_assoc.relationship import Relationship


def related(relationship: Relationship, owners: Sequence[models.Model], targets: models.QuerySet[Any]) -> Any:
    """The queryset `targets` limited to those that the owners, as they are in memory, name."""
    held = {tuple(getattr(owner, column.attname) for column in relationship.target_columns) for owner in owners}
    return limited(targets, relationship.target_fields, [values for values in held if None not in values])


def may_raise(relationship: Relationship) -> bool:
    """Whether a verb may raise after its first statement: from code of the project, or as the key cannot be empty."""
    return required_column(relationship) is not None or telling.announces(relationship)


def can_revive(relationship: Relationship) -> bool:
    """Such a link is there or not."""
    return False


def stays_in_database(relationship: Relationship, extra: Mapping[str, Any], using: str) -> bool:
    """An owner has one target, which is read."""
    return False


def hold(relationship: Relationship, owner: models.Model, target: models.Model) -> None:
    """What link() does to the owner's row, on the object."""
    values = tuple(getattr(target, field.attname) for field in relationship.target_fields)
    _set(relationship, owner, values)
    relationship.key.set_cached_value(owner, target)


def link(
    relationship: Relationship,
    links: Links,
    using: str,
    *,
    update: bool,
    pairs: bool,
    destroy: bool,
) -> Changes:
    """
    Let each owner's row name its target; the one it named before is no longer linked.

    links -- their targets stored
    pairs -- tell which pairs were added and removed
    destroy -- delete for good what was linked before

    Raises IntegrityError for an owner that is not stored; ProtectedError for a target to delete that
    other rows refer to.
    """
    rows = KeyRows.of(relationship, using)
    width = len(rows.owner.fields)
    wanted = {row[:width]: row[width:] for row in links.rows}
    current = rows.current(wanted)
    if missing := sum(owner not in current for owner in wanted):
        raise IntegrityError(f"{relationship.label} cannot link: {missing} owners are not stored.")
    changed = {owner: target for owner, target in wanted.items() if current[owner] != target}
    if changed:
        rows.assign(changed)
    for values, owner in links.owners.items():
        if values in wanted:
            _set(relationship, owner, wanted[values])
    left = {owner: target for owner in changed if (target := current[owner]) is not None}
    told = _pairs(relationship, links.owners, changed, left, using) if pairs else None
    if destroy:
        _destroy(relationship, set(left.values()) - set(wanted.values()), using)
    return Changes(added=len(changed), removed=len(left), kept=len(wanted) - len(changed), pairs=told)


def link_selected(
    relationship: Relationship,
    owners: Owners,
    found: Sql,
    extra: Mapping[str, Any],
    using: str,
    *,
    update: bool,
) -> Changes:
    raise AssertionError("a queryset is read")  # see stays_in_database()


def unlink(
    relationship: Relationship,
    owners: Owners,
    condition: Condition,
    using: str,
    *,
    asked: Collection[Any] | None = None,
    clear: bool = False,
    destroy: bool,
    moving: Collection[Values] = (),
    pairs: bool,
) -> Changes:
    """
    Let owners name nothing, in the database and on the objects.

    condition -- which owners; see choosing.py
    destroy -- delete for good what they named, except what is `moving` to another owner

    Raises IntegrityError where the key may not be NULL; ProtectedError for a target to delete that
    other rows refer to.
    """
    rows = KeyRows.of(relationship, using)
    width = len(rows.owner.fields)
    left = {row[:width]: row[width:] for row in rows.linked(condition(rows), owners)}
    told = _pairs(relationship, owners, {}, left, using) if pairs else None
    if left:
        _require_nullable(relationship, len(left))
        rows.release(rows.owner.among(left))
    for values, owner in owners.items():
        held = tuple(getattr(owner, column.attname) for column in relationship.target_columns)
        if values in left or (clear and None not in held):
            _set(relationship, owner, (None,) * len(held))
    if destroy:
        _destroy(relationship, set(left.values()) - set(moving), using)
    return Changes(removed=len(left), pairs=told)


def preview(relationship: Relationship, links: Links, new: int, using: str, *, pairs: bool) -> Changes:
    """What link() would do; `new` -- how many links to targets that are not stored come on top."""
    rows = KeyRows.of(relationship, using)
    width = len(rows.owner.fields)
    wanted = {row[:width]: row[width:] for row in links.rows}
    current = rows.current(list(links.owners))
    changed = {owner: target for owner, target in wanted.items() if current.get(owner) != target}
    left = {
        owner: target
        for owner in links.owners
        if (target := current.get(owner)) is not None and (owner in changed or owner not in wanted)
    }
    return Changes(
        added=len(changed) + new,
        removed=len(left),
        kept=len(wanted) - len(changed),
        pairs=_pairs(relationship, links.owners, changed, left, using) if pairs else None,
    )


def _set(relationship: Relationship, owner: models.Model, values: Values) -> None:
    before = tuple(getattr(owner, column.attname) for column in relationship.target_columns)
    for column, value in zip(relationship.target_columns, values, strict=True):
        setattr(owner, column.attname, value)
    if before != values and relationship.key.is_cached(owner):
        relationship.key.delete_cached_value(owner)


def _destroy(relationship: Relationship, targets: Collection[Values], using: str) -> None:
    if targets:
        destroying.destroy(referenced_rows(relationship, targets, using), using)


def _pairs(
    relationship: Relationship,
    owners: Owners,
    added: Mapping[Values, Values],
    removed: Mapping[Values, Values],
    using: str,
) -> Pairs:
    pks = target_pks(relationship, [*added.values(), *removed.values()], using)

    def keys(found: Mapping[Values, Values]) -> tuple[PairKeys, ...]:
        return tuple((owners[owner].pk, pks[target]) for owner, target in found.items() if target in pks)

    return {"added": keys(added), "removed": keys(removed), "revived": ()}


def _require_nullable(relationship: Relationship, count: int) -> None:
    required = required_column(relationship)
    if required is not None:
        raise IntegrityError(
            f"{relationship.label} cannot be left empty in {count} rows of {relationship.through._meta.label}: "
            f"{required.name!r} may not be NULL. Use replace(), or declare the relation with null=True."
        )
