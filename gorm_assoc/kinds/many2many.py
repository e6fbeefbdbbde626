"""
Links through a join table.

    related   targets with a live join row          one SELECT
    link      revive what is dead, insert the rest   one UPDATE where rows can be dead, one INSERT
    unlink    delete join rows, or mark them dead    one DELETE or UPDATE

Pairs are selected first only when somebody needs to know them: hooks, receivers of signals, a caller
who asks for pairs, or MariaDB/MySQL, whose row counts do not tell kept from added.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connections, models
from django.db.models.signals import m2m_changed

from gorm_assoc.kinds import spelling, telling
from gorm_assoc.kinds.base import Changes, Links, Owners, PairKeys, Values
from gorm_assoc.kinds.conditions import Columns, Sql
from gorm_assoc.kinds.join_rows import JoinRows
from gorm_assoc.relationship import Relationship
from gorm_assoc.soft_delete import deleted_at_field

Condition = Callable[[JoinRows], Sql]


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


def stays_in_database(relationship: Relationship, extra: Mapping[str, Any], using: str) -> bool:
    """Whether a queryset of targets can be linked without its rows being known here."""
    if telling.may_raise(relationship) or relationship.symmetrical:
        return False
    columns = JoinRows(relationship, using).extra
    return not (columns.makes_values() or columns.has_expressions(extra))


def can_revive(relationship: Relationship) -> bool:
    return deleted_at_field(relationship.through) is not None


def link(
    relationship: Relationship, links: Links, using: str, *, update: bool = False, pairs: bool = False
) -> Changes:
    """
    Make each link: a dead row is revived, a missing one inserted, a live one left as it is.

    links -- their targets stored
    update -- set the given extra columns of live rows too
    pairs -- tell which pairs were added and revived

    Raises IntegrityError if an end no longer exists (at commit, where keys are deferred).
    """
    if not links.rows:
        return _changes(pairs)
    through, rows = relationship.through, JoinRows(relationship, using)
    listens = m2m_changed.has_listeners(through)
    if update:
        _update_extra_columns(rows, links)
    is_mysql = connections[using].vendor == "mysql"
    must_know = is_mysql or spelling.may_differ(rows.pair)
    if not (pairs or listens or telling.wants_rows_made(through) or rows.extra.needs_django(links) or must_know):
        revived, added = rows.revive(links), rows.insert(links)
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
        pairs=_pairs(relationship, links, missing.rows, dead.rows) if pairs else None,
    )


def link_selected(
    relationship: Relationship,
    owners: Owners,
    found: Sql,
    extra: Mapping[str, Any],
    using: str,
    *,
    update: bool = False,
) -> Changes:
    """link() for each owner and each row of a subquery, which stay in the database."""
    rows = JoinRows(relationship, using)
    chosen = rows.owner.among(owners) & rows.target.among_subquery(found)
    if update:
        rows.update(chosen & rows.live if rows.live else chosen, extra)
    if connections[using].vendor == "mysql":
        kept = rows.count(chosen & rows.live if rows.live else chosen)
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
    destroy: bool = False,
    pairs: bool = False,
) -> Changes:
    """
    Take links off the owners. Targets are never touched.

    condition -- which join rows; see clearing(), naming() and keeping()
    asked -- primary keys that m2m_changed is told as removed; those found linked if None
    clear -- m2m_changed is told of a clear
    destroy -- for good also where join rows can be dead; then dead ones go too
    """
    through, rows = relationship.through, JoinRows(relationship, using)
    chosen, listens = condition(rows), m2m_changed.has_listeners(through)
    gone: list[Values] = []
    pks: Mapping[Values, Any] = {}
    if pairs or (listens and not clear and asked is None):
        gone = rows.linked(chosen, owners)
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
    width = len(rows.owner.fields)
    keys = tuple((owners[row[:width]].pk, pks[row[width:]]) for row in gone) if pairs else ()
    return Changes(removed=count, pairs={"added": (), "removed": keys, "revived": ()} if pairs else None)


# Conditions for unlink(), written on a JoinRows


def clearing(owners: Owners) -> Condition:
    """All join rows of the owners."""
    return lambda rows: rows.owner.among(owners)


def naming(owners: Owners, targets: Sequence[Values] | Sql) -> Condition:
    """The owners' join rows to these targets."""

    def condition(rows: JoinRows) -> Sql:
        found = rows.target.among_subquery(targets) if isinstance(targets, Sql) else rows.target.among(targets)
        return rows.owner.among(owners) & found

    return condition


def keeping(owners: Owners, wanted: Links | Sql) -> Condition:
    """The owners' join rows that are not among the wanted links: what each owner no longer has."""

    def condition(rows: JoinRows) -> Sql:
        mine = rows.owner.among(owners)
        if isinstance(wanted, Sql):
            return mine & rows.target.not_among_subquery(wanted)
        width = len(rows.owner.fields)
        targets = {row[width:] for row in wanted.rows}
        if len(wanted.rows) == len(targets) * len(owners):  # every owner gets the same
            return mine & rows.target.not_among(targets)
        return rows.of_owners_except(mine, wanted.rows)

    return condition


def exactly(links: Links) -> Condition:
    """The join rows of these links."""
    return lambda rows: rows.of_rows(links.rows) if links.rows else Sql("1 = 0")


# Looking without writing


def stored(relationship: Relationship, links: Links, using: str) -> tuple[Links, Mapping[Values, bool]]:
    """The links, each once; and those that have a join row -> whether it is dead."""
    return JoinRows(relationship, using).stored(links)


def referenced_values(relationship: Relationship, keys: Sequence[Any], using: str) -> Mapping[Any, Values]:
    """Primary key -> the values that join rows hold; one SELECT where they are not the key itself."""
    model, fields = relationship.target, relationship.target_fields
    if tuple(fields) == tuple(model._meta.pk_fields):
        return {key: key if isinstance(key, tuple) else (key,) for key in keys}
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


def preview(relationship: Relationship, links: Links, new: int, using: str, *, pairs: bool = False) -> Changes:
    """What link() would do; `new` -- how many links to targets that are not stored come on top."""
    links, known = stored(relationship, links, using)
    missing = [row for row in links.rows if row not in known]
    dead = [row for row in links.rows if known.get(row)]
    return Changes(
        added=len(missing) + new,
        revived=len(dead),
        kept=len(links.rows) - len(missing) - len(dead),
        pairs=_pairs(relationship, links, missing, dead) if pairs else None,
    )


def preview_unlink(
    relationship: Relationship,
    owners: Owners,
    condition: Condition,
    using: str,
    *,
    destroy: bool = False,
    pairs: bool = False,
) -> Changes:
    """What unlink() would do."""
    rows = JoinRows(relationship, using)
    gone = rows.linked(condition(rows), owners, dead_too=destroy)
    if not pairs:
        return Changes(removed=len(gone))
    width = len(rows.owner.fields)
    pks = target_pks(relationship, [row[width:] for row in gone], using)
    keys = tuple((owners[row[:width]].pk, pks[row[width:]]) for row in gone)
    return Changes(removed=len(gone), pairs={"added": (), "removed": keys, "revived": ()})


def target_pks(relationship: Relationship, targets: Iterable[Values], using: str) -> Mapping[Values, Any]:
    """Referenced values -> the target's primary key; one SELECT where they are not the key itself."""
    values = set(targets)
    model, fields = relationship.target, relationship.target_fields
    if tuple(fields) == tuple(model._meta.pk_fields):
        return {value: value if len(value) > 1 else value[0] for value in values}
    rows = JoinRows(relationship, using).referenced_targets(values)
    pks = {tuple(row[:-1]): row[-1] for row in rows.values_list(*(field.attname for field in fields), "pk")}
    return spelling.under_all(Columns(fields, using), pks, values)


# Telling


def _mirror(rows: JoinRows, links: Links) -> None:
    """In a symmetrical relation of Django's own each link has a row the other way round."""
    if rows.relationship.symmetrical:
        width = len(rows.owner.fields)
        turned = [(*row[width:], *row[:width]) for row in links.rows]
        rows.insert(Links(turned, links.defaults, links.owners, links.targets))


def _update_extra_columns(rows: JoinRows, links: Links) -> None:
    for group in rows.extra.grouped(links):
        condition = rows.of_rows(group.rows)
        rows.update(condition & rows.live if rows.live else condition, group.defaults[0])


def _pairs(
    relationship: Relationship, links: Links, added: Sequence[Values], revived: Sequence[Values]
) -> dict[str, tuple[PairKeys, ...]]:
    width = len(relationship.owner_columns)

    def keys(rows: Sequence[Values]) -> tuple[PairKeys, ...]:
        return tuple((links.owners[row[:width]].pk, links.targets[row[width:]]) for row in rows)

    return {"added": keys(added), "removed": (), "revived": keys(revived)}


def _changes(pairs: bool) -> Changes:
    return Changes(pairs={"added": (), "removed": (), "revived": ()} if pairs else None)
