"""
Links through a join table.

    related   targets with a live join row          one SELECT
    link      revive what is dead, insert the rest   one UPDATE where rows can be dead, one INSERT
    unlink    delete join rows, or mark them dead    one DELETE or UPDATE

Pairs are selected first only when somebody needs to know them: hooks, receivers of signals, a caller
who asks for pairs, or MariaDB/MySQL, whose row counts do not tell kept from added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connections, models
from django.db.models.signals import m2m_changed

from gorm_assoc.kinds import telling
from gorm_assoc.kinds.base import Changes, Links, Owners, Values, nothing
from gorm_assoc.kinds.choosing import Condition
from gorm_assoc.kinds.conditions import Sql
from gorm_assoc.kinds.join_rows import JoinRows
from gorm_assoc.kinds.looking import linked_pairs, stored, target_pks, unlinked_pairs
from gorm_assoc.relationship import Relationship
from gorm_assoc.soft_delete import deleted_at_field

# Reading


def related(relationship: Relationship, owners: Sequence[models.Model], targets: models.QuerySet[Any]) -> Any:
    """The queryset `targets` limited to those linked to the owners; one linked to two owners comes twice."""
    if len(owners) == 1:
        names = (f"{relationship.lookup}__{field.name}" for field in relationship.owner_fields)
        values = [getattr(owners[0], field.attname) for field in relationship.owner_fields]
        return _linked_to(targets, **dict(zip(names, values, strict=True)))
    return _linked_to(targets, **{f"{relationship.lookup}__in": owners})


def _linked_to(targets: Any, **lookups: Any) -> Any:
    # As Django's related managers do: a condition on the way back, put in next, is about the same link.
    return targets._next_is_sticky().filter(**lookups)


# Writing


def may_raise(relationship: Relationship) -> bool:
    """Whether code of the project runs inside a verb."""
    return telling.may_raise(relationship)


def hold(relationship: Relationship, owner: models.Model, target: models.Model) -> None:
    """Neither end holds the link."""


def stays_in_database(relationship: Relationship, extra: Mapping[str, Any], using: str) -> bool:
    """Whether a queryset of targets can be linked without its rows being known here."""
    if telling.may_raise(relationship) or relationship.symmetrical:
        return False
    columns = JoinRows.of(relationship, using).extra
    return not (columns.makes_values() or columns.has_expressions(extra))


def can_revive(relationship: Relationship) -> bool:
    return deleted_at_field(relationship.through) is not None


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
    Make each link: a dead row is revived, a missing one inserted, a live one left as it is.

    links -- their targets stored
    update -- set the given extra columns of live rows too
    pairs -- tell which pairs were added and revived

    Raises IntegrityError if an end no longer exists (at commit, where keys are deferred).
    """
    if not links.rows:
        return nothing(pairs)
    through, rows = relationship.through, JoinRows.of(relationship, using)
    listens = m2m_changed.has_listeners(through)
    if update:
        rows.update_live(links)
    is_mysql = connections[using].vendor == "mysql"
    must_know = is_mysql or rows.may_be_spelled
    if not (pairs or listens or telling.wants_rows_made(through) or rows.extra.needs_django(links) or must_know):
        revived, added = rows.revive(links), rows.insert_counted(links)
        _mirror(rows, links)
        return Changes(added=added, revived=revived, kept=len(links.rows) - added - revived)

    links, known = rows.stored(links)
    missing = links.only([number for number, row in enumerate(links.rows) if row not in known])
    dead = links.only([number for number, row in enumerate(links.rows) if known.get(row)])
    new = [*missing.rows, *dead.rows]
    if listens:
        telling.send_added(relationship, "pre_add", links, new, using)
    if telling.wants_rows_made(through):
        telling.insert_objects(rows, missing)
    elif missing.rows:
        rows.insert(missing)
    if dead.rows:
        rows.revive(dead)
    if missing.rows and is_mysql:
        rows.require_stored(missing)
    _mirror(rows, links)
    if listens:
        telling.send_added(relationship, "post_add", links, new, using)
    return Changes(
        added=len(missing.rows),
        revived=len(dead.rows),
        kept=len(links.rows) - len(new),
        pairs=linked_pairs(relationship, links, missing.rows, dead.rows) if pairs else None,
    )


def link_selected(
    relationship: Relationship,
    owners: Owners,
    found: Sql,
    extra: Mapping[str, Any],
    using: str,
    *,
    update: bool,
) -> Changes:
    """link() for each owner and each row of a subquery, which stay in the database."""
    rows = JoinRows.of(relationship, using)
    chosen = rows.of_owners(owners) & rows.target.among_subquery(found)
    if update:
        rows.update(chosen & rows.live, extra)
    if connections[using].vendor == "mysql":
        kept = rows.count(chosen & rows.live)
        revived = rows.revive_where(chosen, extra)
        rows.insert_selected(list(owners), found, extra)
        stored = rows.count(chosen)
        rows.require_selected(list(owners), found, stored)
        added = stored - kept - revived
    else:
        revived = rows.revive_where(chosen, extra)
        added = rows.insert_selected(list(owners), found, extra)
        kept = rows.count(chosen) - added - revived
    return Changes(added=added, revived=revived, kept=kept)


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
    Take links off the owners. Targets are never touched.

    condition -- which join rows; see clearing(), naming() and keeping()
    asked -- primary keys that m2m_changed is told as removed; those found linked if None
    clear -- m2m_changed is told of a clear
    destroy -- for good also where join rows can be dead; then dead ones go too
    """
    through, rows = relationship.through, JoinRows.of(relationship, using)
    chosen, listens = condition(rows), m2m_changed.has_listeners(through)
    gone: list[Values] = []
    pks: Mapping[Values, Any] = {}
    if pairs or (listens and not clear and asked is None):
        gone = rows.linked(chosen, owners, dead_too=destroy)
        pks = target_pks(relationship, [row[len(rows.owner.fields) :] for row in gone], using)
    told = telling.removed_by_owner(rows, owners, gone, pks, asked, clear) if listens else []
    action = "clear" if clear else "remove"
    for owner, removed in told:
        telling.send(relationship, f"pre_{action}", owner, removed, using)
    if telling.wants_rows_removed(through):
        count = telling.remove_objects(rows, chosen, destroy)
    else:
        count = rows.remove(chosen, destroy=destroy)
    if relationship.symmetrical:
        rows.remove(condition(rows.turned()), destroy=destroy)
    for owner, removed in told:
        telling.send(relationship, f"post_{action}", owner, removed, using)
    told_pairs = unlinked_pairs(relationship, owners, gone, using, pks) if pairs else None
    return Changes(removed=count, pairs=told_pairs)


def _mirror(rows: JoinRows, links: Links) -> None:
    """In a symmetrical relation of Django's own each link has a row the other way round."""
    if rows.relationship.symmetrical:
        width = len(rows.owner.fields)
        turned = [(*row[width:], *row[:width]) for row in links.rows]
        rows.insert(Links(turned, links.defaults, links.owners, links.targets))


# Looking without writing


def preview(relationship: Relationship, links: Links, new: int, using: str, *, pairs: bool) -> Changes:
    """What link() would do; `new` -- how many links to targets that are not stored come on top."""
    links, known = stored(relationship, links, using)
    missing = [row for row in links.rows if row not in known]
    dead = [row for row in links.rows if known.get(row)]
    return Changes(
        added=len(missing) + new,
        revived=len(dead),
        kept=len(links.rows) - len(missing) - len(dead),
        pairs=linked_pairs(relationship, links, missing, dead) if pairs else None,
    )
