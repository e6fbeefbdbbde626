"""
Whom a verb on join rows has to tell, and telling them.

    hooks, pre_save and post_save     of each row that is made
    hooks, pre_delete, post_delete    of each row that is removed
    m2m_changed                       of each owner, as Django documents it
    association_changed               of the whole verb; Association sends it
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from gorm_assoc.kinds import hooks
from gorm_assoc.kinds.base import Changes, Links, Owners, Values
from gorm_assoc.kinds.conditions import Sql
from gorm_assoc.kinds.join_rows import JoinRows
from gorm_assoc.relationship import Relationship
from gorm_assoc.signals import association_changed


def may_raise(relationship: Relationship) -> bool:
    """Whether code of the project runs inside a verb."""
    through = relationship.through
    return hooks.has(through, (*hooks.CREATE, *hooks.DELETE)) or any(
        signal.has_listeners(through)
        for signal in (m2m_changed, association_changed, pre_save, post_save, pre_delete, post_delete)
    )


def announces(relationship: Relationship) -> bool:
    """Whether somebody listens to association_changed."""
    return association_changed.has_listeners(relationship.through)


def announce(relationship: Relationship, changes: Changes, using: str) -> None:
    """Send association_changed, if somebody listens and anything changed; the changes know their pairs then."""
    if changes and announces(relationship):
        told = changes.pairs or {}
        association_changed.send(relationship.through, relationship=relationship, using=using, **told)


def wants_rows_made(through: type[models.Model]) -> bool:
    return hooks.has(through, hooks.CREATE) or pre_save.has_listeners(through) or post_save.has_listeners(through)


def wants_rows_removed(through: type[models.Model]) -> bool:
    # A join row that others refer to is deleted by Django, which follows them.
    return (
        hooks.has(through, hooks.DELETE)
        or pre_delete.has_listeners(through)
        or post_delete.has_listeners(through)
        or bool(through._meta.related_objects)
    )


# Rows as objects


def insert_objects(rows: JoinRows, links: Links) -> None:
    """Insert rows whose hooks and signals are told, which may still change them."""
    through, using = rows.through, rows.using
    objects = rows.objects(links)
    hooks.call("before_save", objects)
    hooks.call("before_create", objects)
    for row in objects:
        pre_save.send(through, instance=row, raw=False, using=using, update_fields=None)
    if objects:
        rows.insert_objects(objects)
    if objects and objects[0].pk is None:
        # The key is the database's; hooks and receivers see the real row.
        keys = rows.keys(links.rows)
        for row, pair in zip(objects, links.rows, strict=True):
            row.pk = keys.get(pair)
    for row in objects:
        row._state.adding, row._state.db = False, using
        post_save.send(through, instance=row, created=True, raw=False, using=using, update_fields=None)
    hooks.call("after_create", objects)
    hooks.call("after_save", objects)


def remove_objects(rows: JoinRows, condition: Sql, destroy: bool) -> int:
    """Remove rows whose hooks and signals are told, or that other rows refer to."""
    through, using = rows.through, rows.using
    soft = bool(rows.deleted_at) and not destroy
    queryset = rows.rows(condition & rows.live if soft else condition)
    objects = list(queryset)
    hooks.call("before_delete", objects)
    if soft:
        for row in objects:
            pre_delete.send(through, instance=row, using=using, origin=queryset)
        count = rows.remove(condition, destroy=False)
        for row in objects:
            post_delete.send(through, instance=row, using=using, origin=queryset)
    else:
        count = queryset.delete()[1].get(through._meta.label, 0)
    hooks.call("after_delete", objects)
    return count


# m2m_changed


def send_added(relationship: Relationship, action: str, links: Links, rows: Sequence[Values], using: str) -> None:
    width = len(relationship.owner_columns)
    by_owner: dict[Values, set[Any]] = {}
    for row in rows:
        by_owner.setdefault(row[:width], set()).add(links.targets[row[width:]])
    # Django tells of an add() that adds nothing, too.
    for values, owner in links.owners.items():
        send(relationship, action, owner, by_owner.get(values, set()), using)


def removed_by_owner(
    rows: JoinRows,
    owners: Owners,
    gone: Sequence[Values],
    pks: Mapping[Values, Any],
    asked: Collection[Any] | None,
    clear: bool,
) -> list[tuple[models.Model, set[Any] | None]]:
    if clear or asked is not None:
        return [(owner, None if asked is None else set(asked)) for owner in owners.values()]
    width = len(rows.owner.fields)
    removed: dict[Values, set[Any]] = {}
    for row in gone:
        removed.setdefault(row[:width], set()).add(pks[row[width:]])
    return [(owners[values], keys) for values, keys in removed.items()]


def send(relationship: Relationship, action: str, owner: models.Model, pks: set[Any] | None, using: str) -> None:
    m2m_changed.send(
        sender=relationship.through,
        action=action,
        instance=owner,
        reverse=relationship.reverse,
        model=relationship.target,
        pk_set=pks,
        using=using,
    )
