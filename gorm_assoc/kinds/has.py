"""
Links that the target's own row holds: has one and has many.

    related   targets whose row names the owner          one SELECT
    link      let the targets' rows name their owner      one UPDATE
    unlink    let them name nobody, or delete them        one UPDATE, or Django's delete()

A target has one owner: linked with another it moves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, models

from gorm_assoc.kinds import destroying, telling
from gorm_assoc.kinds.base import Changes, Links, Owners, Values
from gorm_assoc.kinds.choosing import Condition
from gorm_assoc.kinds.conditions import Sql, limited
from gorm_assoc.kinds.key_rows import KeyRows, required_column
from gorm_assoc.kinds.looking import linked_pairs, unlinked_pairs
from gorm_assoc.relationship import Relationship


def related(relationship: Relationship, owners: Sequence[models.Model], targets: models.QuerySet[Any]) -> Any:
    """The queryset `targets` limited to those that name one of the owners."""
    values = [tuple(getattr(owner, field.attname) for field in relationship.owner_fields) for owner in owners]
    fixed = {field.attname: value for field, value in relationship.fixed}
    return limited(targets, relationship.owner_columns, values).filter(**fixed)


def may_raise(relationship: Relationship) -> bool:
    """Whether a verb may raise after its first statement: from code of the project, or as a key cannot be let go."""
    return required_column(relationship) is not None or telling.announces(relationship)


def can_revive(relationship: Relationship) -> bool:
    """Such a link is there or not."""
    return False


def stays_in_database(relationship: Relationship, extra: Mapping[str, Any], using: str) -> bool:
    """Whether a queryset of targets can be linked without its rows being known here."""
    return not (relationship.is_single or telling.announces(relationship))


def hold(relationship: Relationship, owner: models.Model, target: models.Model) -> None:
    """What link() does to the target's row, on the object."""
    for column, field in zip(relationship.owner_columns, relationship.owner_fields, strict=True):
        setattr(target, column.attname, getattr(owner, field.attname))
    for field, value in relationship.fixed:
        setattr(target, field.attname, value)
    if isinstance(owner, relationship.key.remote_field.model):
        relationship.key.set_cached_value(target, owner)


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
    Let each target's row name its owner; one that does already stays as it is.

    links -- their targets stored; those in links.new by this verb, with their owner's key
    pairs -- tell which pairs were added

    Raises IntegrityError for a target that is not stored.
    """
    rows = KeyRows.of(relationship, using)
    width = len(rows.owner.fields)
    wanted = {row[width:]: row[:width] for row in links.rows if row[width:] not in links.new}
    new = [row for row in links.rows if row[width:] in links.new]
    if pairs:
        current = rows.current(wanted)
        _require_stored(relationship, sum(target not in current for target in wanted))
        moved = {target: owner for target, owner in wanted.items() if current[target] != owner}
        if moved:
            rows.assign(moved)
        added = [*new, *((*owner, *target) for target, owner in moved.items())]
        told = linked_pairs(relationship, links, added)
        return Changes(added=len(added), kept=len(links.rows) - len(added), pairs=told)
    count = rows.assign(wanted)
    if count < len(wanted):
        held = rows.count(rows.of_rows([(*owner, *target) for target, owner in wanted.items()]))
        _require_stored(relationship, len(wanted) - held)
    return Changes(added=count + len(new), kept=len(wanted) - count)


def link_selected(
    relationship: Relationship,
    owners: Owners,
    found: Sql,
    extra: Mapping[str, Any],
    using: str,
    *,
    update: bool,
) -> Changes:
    """link() of one owner with each row of a subquery, which stays in the database."""
    rows = KeyRows.of(relationship, using)
    (owner,) = owners
    added = rows.assign_selected(found, owner)
    kept = rows.count(rows.of_owners(owners) & rows.target.among_subquery(found)) - added
    return Changes(added=added, kept=kept)


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
    Let targets name nobody. Dead ones keep their owner, as in GORM.

    condition -- which targets; see choosing.py
    destroy -- delete them for good instead, dead ones too
    moving -- targets that the same verb gives to another owner next

    Raises IntegrityError where the key may not be NULL; ProtectedError for a target to delete that
    other rows refer to.
    """
    rows = KeyRows.of(relationship, using)
    chosen = condition(rows)
    gone = rows.linked(chosen, owners, dead_too=destroy) if pairs else []
    required = required_column(relationship)
    count = 0
    if moving and (destroy or required is not None):
        passed, chosen = chosen & rows.target.among(moving), chosen & rows.target.not_among(moving)
        count = rows.count(passed if destroy else passed & rows.live)
        if required is None:  # a unique column must be free
            rows.release(passed)
    if destroy:
        count += destroying.destroy(rows.rows(chosen), using)
    else:
        _require_nullable(relationship, rows, chosen)
        count += rows.release(chosen)
    return Changes(removed=count, pairs=unlinked_pairs(relationship, owners, gone, using) if pairs else None)


def preview(relationship: Relationship, links: Links, new: int, using: str, *, pairs: bool) -> Changes:
    """What link() would do; `new` -- how many links to targets that are not stored come on top."""
    rows = KeyRows.of(relationship, using)
    width = len(rows.owner.fields)
    wanted = {row[width:]: row[:width] for row in links.rows}
    current = rows.current(wanted)
    moved = [(*owner, *target) for target, owner in wanted.items() if current.get(target) != owner]
    return Changes(
        added=len(moved) + new,
        kept=len(wanted) - len(moved),
        pairs=linked_pairs(relationship, links, moved) if pairs else None,
    )


def _require_stored(relationship: Relationship, missing: int) -> None:
    if missing:
        label = relationship.target._meta.label
        raise IntegrityError(f"{relationship.label} cannot link {missing} of the keys: no {label} has them.")


def _require_nullable(relationship: Relationship, rows: KeyRows, chosen: Sql) -> None:
    required = required_column(relationship)
    if required is None:
        return
    count = rows.count(chosen & rows.live)
    if count:
        raise IntegrityError(
            f"{relationship.label} cannot let go of {count} rows of {relationship.through._meta.label}: "
            f"{required.name!r} may not be NULL. Delete them with unscoped(), or declare the key with null=True."
        )
