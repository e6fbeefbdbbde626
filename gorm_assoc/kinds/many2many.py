"""
Links through a join table.

    related   targets with a live join row        one SELECT
    link      revive what is dead, insert the rest  one UPDATE where rows can be dead, one INSERT
    unlink    delete join rows, or mark them dead  one DELETE or UPDATE

Pairs are looked up first only when somebody needs to know them: hooks, receivers of signals, or
MariaDB/MySQL, whose row counts do not tell kept from added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from django.db import IntegrityError, connections, models
from django.db.models import Q, sql
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.utils import timezone

from gorm_assoc.kinds import hooks
from gorm_assoc.kinds.base import Changes, Pair, Values
from gorm_assoc.relationship import Relationship
from gorm_assoc.soft_delete import DELETED_AT, deleted_at_field

_CHUNK = 400  # conditions in one WHERE; SQLite's expressions may not be deeper than 1,000


# Reading


def related(relationship: Relationship, owners: Sequence[models.Model], targets: models.QuerySet[Any]) -> Any:
    """The queryset `targets` limited to those linked to the owners; one linked to two owners comes twice."""
    if len(owners) == 1:
        names = (f"{relationship.lookup}__{field.name}" for field in relationship.owner_key.foreign_related_fields)
        values = relationship.owner_key.get_foreign_related_value(owners[0])
        return targets.filter(**dict(zip(names, values, strict=True)))
    return targets.filter(**{f"{relationship.lookup}__in": owners})


# Writing


def may_raise(relationship: Relationship) -> bool:
    """Whether code of the project runs inside a verb."""
    through = relationship.through
    return hooks.has(through, (*hooks.CREATE, *hooks.DELETE)) or any(
        signal.has_listeners(through) for signal in (m2m_changed, pre_save, post_save, pre_delete, post_delete)
    )


def can_revive(relationship: Relationship) -> bool:
    return deleted_at_field(relationship.through) is not None


def link(relationship: Relationship, pairs: Sequence[Pair], using: str) -> Changes:
    """
    Make each pair linked: a dead row is revived, a missing one inserted, a live one left as it is.

    pairs -- distinct; their targets stored

    Raises IntegrityError if an end no longer exists (at commit, where keys are deferred).
    """
    if not pairs:
        return Changes()
    through = relationship.through
    told = hooks.has(through, hooks.CREATE) or any(
        signal.has_listeners(through) for signal in (m2m_changed, pre_save, post_save)
    )
    if not told and connections[using].vendor != "mysql":
        revived = sum(_revive(relationship, group, using) for group in _by_defaults(pairs))
        added = _insert(relationship, [_row(relationship, pair) for pair in pairs], using)
        return Changes(added=added, revived=revived, kept=len(pairs) - added - revived)

    stored = _stored(relationship, pairs, using)
    missing = [pair for pair in pairs if pair.key not in stored]
    dead = [pair for pair in pairs if stored.get(pair.key)]
    for owner, new in _by_owner(missing + dead):
        _send(relationship, "pre_add", owner, {pair.pk for pair in new}, using)
    rows = [_row(relationship, pair) for pair in missing]
    hooks.call("before_create", rows)
    for row in rows:
        pre_save.send(through, instance=row, raw=False, using=using, update_fields=None)
    for group in _by_defaults(dead):
        _revive(relationship, group, using)
    _insert(relationship, rows, using)
    if connections[using].vendor == "mysql" and rows and _has_other_unique(relationship):
        _require_stored(relationship, missing, using)
    for row in rows:
        row._state.adding, row._state.db = False, using
        post_save.send(through, instance=row, created=True, raw=False, using=using, update_fields=None)
    hooks.call("after_create", rows)
    for owner, new in _by_owner(missing + dead):
        _send(relationship, "post_add", owner, {pair.pk for pair in new}, using)
    return Changes(added=len(missing), revived=len(dead), kept=len(pairs) - len(missing) - len(dead))


def unlink(
    relationship: Relationship,
    owner: models.Model,
    using: str,
    *,
    only: Collection[Values] | None = None,
    keep: Collection[Values] = (),
    pks: Collection[Any] | None = None,
    destroy: bool = False,
) -> Changes:
    """
    Take links off the owner. Targets are never touched.

    only -- target values to unlink; all if None
    keep -- target values to leave linked
    pks -- what m2m_changed is told: primary keys that are removed; None tells it of a clear
    destroy -- for good also where join rows can be dead; then dead ones go too
    """
    if only is not None and not only:
        return Changes()
    through = relationship.through
    soft = can_revive(relationship) and not destroy
    action = "clear" if pks is None else "remove"
    _send(relationship, f"pre_{action}", owner, pks, using)
    removed = 0
    for condition in _conditions(relationship, owner, using, only, keep):
        rows = through._base_manager.using(using).filter(condition)
        if soft:
            rows = rows.filter(**{f"{DELETED_AT}__isnull": True})
        removed += _remove(relationship, rows, using, soft)
    _send(relationship, f"post_{action}", owner, pks, using)
    return Changes(removed=removed)


def linked_pks(relationship: Relationship, owner: models.Model, using: str) -> dict[Values, Any]:
    """Referenced values -> primary key of every target that has a live join row, whatever its own state."""
    targets = relationship.target_key.remote_field.model._base_manager.using(using)
    fields = relationship.target_key.foreign_related_fields
    found = related(relationship, [owner], targets).values_list(*(field.attname for field in fields), "pk")
    return {tuple(row[:-1]): row[-1] for row in found}


def _remove(relationship: Relationship, rows: models.QuerySet[Any], using: str, soft: bool) -> int:
    through = relationship.through
    told = hooks.has(through, hooks.DELETE)
    listened = pre_delete.has_listeners(through) or post_delete.has_listeners(through)
    instances = list(rows) if told or (soft and listened) else []
    hooks.call("before_delete", instances)
    if soft:
        for instance in instances:
            pre_delete.send(through, instance=instance, using=using, origin=rows)
        count = rows.update(**{DELETED_AT: timezone.now()})
        for instance in instances:
            post_delete.send(through, instance=instance, using=using, origin=rows)
    else:
        count = rows.delete()[1].get(through._meta.label, 0)
    hooks.call("after_delete", instances)
    return count


def _conditions(
    relationship: Relationship,
    owner: models.Model,
    using: str,
    only: Collection[Values] | None,
    keep: Collection[Values],
) -> Iterator[Q]:
    """WHERE clauses that together say which join rows: one, or several of _CHUNK targets each."""
    mine = _equals(relationship.owner_key, relationship.owner_key.get_foreign_related_value(owner))
    if keep and (len(keep) > _CHUNK or len(relationship.target_key.local_related_fields) > 1):
        # NOT IN cannot be cut into pieces, so what goes is worked out here.
        kept = set(keep)
        only = [values for values in _linked(relationship, mine, using) if values not in kept]
        keep = ()
    if only is None:
        yield mine & ~_among(relationship.target_key, keep) if keep else mine
        return
    targets = list(only)
    for start in range(0, len(targets), _CHUNK):
        yield mine & _among(relationship.target_key, targets[start : start + _CHUNK])


def _linked(relationship: Relationship, mine: Q, using: str) -> list[Values]:
    names = [field.attname for field in relationship.target_key.local_related_fields]
    return list(relationship.through._base_manager.using(using).filter(mine).values_list(*names))


def _stored(relationship: Relationship, pairs: Sequence[Pair], using: str) -> dict[tuple[Values, Values], bool]:
    """Pairs that have a join row -> whether it is dead. Locks the rows, where the database can."""
    found: dict[tuple[Values, Values], bool] = {}
    rows = relationship.through._base_manager.using(using)
    if connections[using].features.has_select_for_update:
        rows = rows.select_for_update()
    owner_names = [field.attname for field in relationship.owner_key.local_related_fields]
    target_names = [field.attname for field in relationship.target_key.local_related_fields]
    dead = [DELETED_AT] if can_revive(relationship) else []
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        for _, of_owner in _by_owner(chunk):
            condition = _equals(relationship.owner_key, of_owner[0].owner_values)
            condition &= _among(relationship.target_key, [pair.target_values for pair in of_owner])
            for row in rows.filter(condition).values_list(*owner_names, *target_names, *dead):
                ends = row[: len(owner_names)], row[len(owner_names) : len(owner_names) + len(target_names)]
                found[ends] = bool(dead) and row[-1] is not None
    return found


def _revive(relationship: Relationship, pairs: Sequence[Pair], using: str) -> int:
    """Bring dead rows of these pairs back, with the join columns that were given; the rest stays."""
    if not can_revive(relationship):
        return 0
    count = 0
    for _, of_owner in _by_owner(pairs):
        for start in range(0, len(of_owner), _CHUNK):
            chunk = of_owner[start : start + _CHUNK]
            condition = _equals(relationship.owner_key, chunk[0].owner_values)
            condition &= _among(relationship.target_key, [pair.target_values for pair in chunk])
            dead = relationship.through._base_manager.using(using).filter(condition)
            dead = dead.filter(**{f"{DELETED_AT}__isnull": False})
            count += dead.update(**{DELETED_AT: None}, **chunk[0].defaults)
    return count


def _insert(relationship: Relationship, rows: Sequence[models.Model], using: str) -> int:
    """Insert join rows, leaving pairs that exist; the number inserted (on MariaDB/MySQL it is not told)."""
    if not rows:
        return 0
    through, connection = relationship.through, connections[using]
    fields = [
        field
        for field in through._meta.local_concrete_fields
        if not field.generated and not (field.primary_key and isinstance(field, models.AutoField))
    ]
    quote = connection.ops.quote_name
    columns = [str(field.column) for field in _pair_fields(relationship)]
    if connection.vendor == "mysql":
        # Never INSERT IGNORE, which swallows foreign key errors too.
        column = quote(columns[0])
        suffix = f" ON DUPLICATE KEY UPDATE {column} = {column}"
    else:
        # With its target: a clash on another unique column of a join model is an error.
        suffix = f" ON CONFLICT ({', '.join(map(quote, columns))}) DO NOTHING"
    size = max(connection.ops.bulk_batch_size(fields, rows), 1)
    inserted = 0
    with connection.cursor() as cursor:
        for start in range(0, len(rows), size):
            query = sql.InsertQuery(through)
            query.insert_values(fields, list(rows[start : start + size]), raw=False)
            for statement, params in query.get_compiler(using).as_sql():
                cursor.execute(statement + suffix, params)
                inserted += cursor.rowcount
    return inserted


def _has_other_unique(relationship: Relationship) -> bool:
    """Whether join rows can clash on something else than their pair."""
    through = relationship.through
    pair = {field.name for field in _pair_fields(relationship)}
    unique = [{field.name} for field in through._meta.local_concrete_fields if field.unique and not field.primary_key]
    unique += [
        *map(set, through._meta.unique_together),
        *(set(c.fields) for c in through._meta.total_unique_constraints),
    ]
    return any(names != pair for names in unique)


def _require_stored(relationship: Relationship, pairs: Sequence[Pair], using: str) -> None:
    # ON DUPLICATE KEY cannot be limited to the pair: a clash on another column passes in silence.
    stored = _stored(relationship, pairs, using)
    if lost := [pair for pair in pairs if pair.key not in stored]:
        raise IntegrityError(
            f"{len(lost)} new rows of {relationship.through._meta.db_table} clash with rows of other pairs "
            f"on a unique column."
        )


def _pair_fields(relationship: Relationship) -> tuple[models.Field[Any, Any], ...]:
    return (*relationship.owner_key.local_related_fields, *relationship.target_key.local_related_fields)


def _row(relationship: Relationship, pair: Pair) -> models.Model:
    names = [field.attname for field in _pair_fields(relationship)]
    values = (*pair.owner_values, *pair.target_values)
    return relationship.through(**pair.defaults, **dict(zip(names, values, strict=True)))


def _equals(key: models.ForeignObject[Any, Any], values: Values) -> Q:
    return Q(**dict(zip((field.attname for field in key.local_related_fields), values, strict=True)))


def _among(key: models.ForeignObject[Any, Any], targets: Collection[Values]) -> Q:
    fields = key.local_related_fields
    if len(fields) == 1:
        return Q(**{f"{fields[0].attname}__in": [values[0] for values in targets]})
    return Q.create([_equals(key, values) for values in targets], connector=Q.OR)


def _by_owner(pairs: Iterable[Pair]) -> list[tuple[models.Model, list[Pair]]]:
    groups: dict[Values, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.owner_values, []).append(pair)
    return [(group[0].owner, group) for group in groups.values()]


def _by_defaults(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Runs of pairs whose extra columns are the same, so that one UPDATE can set them."""
    for _, group in groupby(pairs, key=lambda pair: pair.defaults):
        yield list(group)


def _send(
    relationship: Relationship, action: str, owner: models.Model, pks: Collection[Any] | None, using: str
) -> None:
    m2m_changed.send(
        sender=relationship.through,
        action=action,
        instance=owner,
        reverse=relationship.reverse,
        model=relationship.target,
        pk_set=None if pks is None else set(pks),
        using=using,
    )
