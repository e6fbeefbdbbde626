"""
Deleting objects together with what hangs on them: select= of delete().

    has-one, has-many    the targets; softly where they can be, unless unscoped
    many2many            the links, never the targets

Deepest first, and before the object itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from django.db import models, transaction

from gorm_assoc import kinds, soft_delete, storing
from gorm_assoc import relationship as relationships
from gorm_assoc.asked import keyed
from gorm_assoc.kinds import choosing, destroying, hooks, telling
from gorm_assoc.kinds.key_rows import KeyRows
from gorm_assoc.relationship import Model, Relationship
from gorm_assoc.restoring import Before
from gorm_assoc.selection import Selection

Counts = Counter[str]
Deleted = tuple[int, dict[str, int]]  # Django's: how many rows, in all and by model


def delete(
    instance: models.Model,
    delete_row: Callable[[], Deleted],
    chosen: Selection,
    using: str,
    *,
    unscoped: bool,
    is_hard: bool,
) -> Deleted:
    """AssociationModel.delete() of an object with hooks or chosen relations. If it fails, all is as before."""
    before = Before()
    before.note(instance)
    with before.restored_on_error(), transaction.atomic(using=using):
        hooks.call("before_delete", [instance])
        counts = delete_associations([instance], chosen, using, unscoped=unscoped, is_hard=is_hard)
        key = instance.pk
        counts.update(delete_row()[1])
        key_now, instance.pk = instance.pk, key  # Django empties it; the hook sees the real row
        hooks.call("after_delete", [instance])
        instance.pk = key_now
    return _told(counts)


def delete_rows(queryset: models.QuerySet[Any], chosen: Selection, *, unscoped: bool, is_hard: bool) -> Deleted:
    """delete() of a queryset with chosen relations. It is read once: what it asks for may go with the relations."""
    using = queryset.db
    with transaction.atomic(using=using):
        owners = list(queryset)
        counts = delete_associations(owners, chosen, using, unscoped=unscoped, is_hard=is_hard)
        if owners:
            rows = storing.rows_of(owners, using)
            with soft_delete.explained(queryset.model):
                counts.update((rows.delete() if is_hard else soft_delete.delete_rows(rows))[1])
    return _told(counts)


def _told(counts: Counts) -> Deleted:
    return counts.total(), {label: count for label, count in counts.items() if count}


def chosen_relations(model: Model, chosen: Selection) -> list[Relationship]:
    """
    The relations that are chosen; ALL are those that the model declares.

    Raises ValueError for a belongs-to, whose target is not the object's to delete.
    """
    named = {path[0] for path in chosen.select or ()}
    found = [
        relationships.of(model, name)
        for name in relationships.names(model)
        if chosen.has(name) and (name in named or name in relationships.declared(model))
    ]
    for relationship in found:
        if relationship.owner_holds_key and relationship.name in named:
            raise ValueError(
                f"{relationship.label} cannot be deleted along: {model._meta.label} belongs to its target, which may "
                f"have others. Delete the target itself, or use association({relationship.name!r}).unscoped().clear()."
            )
    return [relationship for relationship in found if not relationship.owner_holds_key]


def delete_associations(
    owners: Sequence[models.Model], chosen: Selection, using: str, *, unscoped: bool, is_hard: bool
) -> Counts:
    """
    Delete what is chosen of the owners' relations; how many rows, by model. In the caller's transaction.

    unscoped -- for good, whatever could be dead
    is_hard -- the owners themselves go for good: dead join rows, which would refer to them, do too

    Raises ProtectedError for a target that other rows refer to.
    """
    counts: Counts = Counter()
    if not owners:
        return counts
    for relationship in chosen_relations(type(owners[0]), chosen):
        by_key = keyed(relationship, owners)
        if relationship.target_holds_key:
            counts += _delete_targets(relationship, list(by_key), chosen, using, unscoped=unscoped)
            continue
        told = telling.announces(relationship)
        condition = choosing.clearing(by_key)
        changes = kinds.of(relationship).unlink(
            relationship, by_key, condition, using, clear=True, destroy=unscoped or is_hard, pairs=told
        )
        telling.announce(relationship, changes, using)
        counts[relationship.through._meta.label] += changes.removed
    return counts


def _delete_targets(
    relationship: Relationship, owners: Sequence[Any], chosen: Selection, using: str, *, unscoped: bool
) -> Counts:
    rows = KeyRows.of(relationship, using)
    model = relationship.target
    condition = rows.of_owners(owners)
    is_hard = unscoped or soft_delete.deleted_at_field(model) is None
    targets = rows.rows(condition if unscoped else condition & rows.live)
    below = chosen.below(relationship)
    counts: Counts = Counter()
    if below.select is not None:
        counts += delete_associations(list(targets), below, using, unscoped=unscoped, is_hard=is_hard)
    if is_hard:
        counts[model._meta.label] += destroying.destroy(targets, using)
        return counts
    objects = list(targets) if hooks.has(model, hooks.DELETE) else []
    hooks.call("before_delete", objects)
    counts[model._meta.label] += soft_delete.delete_rows(targets)[0]
    hooks.call("after_delete", objects)
    return counts
