"""
Which rows are dead, and who may see them.

A row is dead when its `deleted_at` is set. One switch, `scope()`, says for the
code that runs inside it whether dead rows are seen; queries set it to their own
flag while they are built and compiled (query.py), and the relations below read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models, transaction
from django.db.models.deletion import ProtectedError
from django.db.models.lookups import In
from django.db.models.signals import post_delete, pre_delete
from django.db.models.sql import Query
from django.utils import timezone

DELETED_AT = "deleted_at"
_CHUNK = 400  # keys in one WHERE; SQLite's expressions may not be deeper than 1,000

_unscoped: ContextVar[bool] = ContextVar("gorm_assoc_unscoped", default=False)


def is_unscoped() -> bool:
    """Whether dead rows are seen by what runs now."""
    return _unscoped.get()


@contextmanager
def scope(unscoped: bool) -> Iterator[None]:
    """Let what runs inside see dead rows (True) or hide them (False)."""
    token = _unscoped.set(unscoped)
    try:
        yield
    finally:
        _unscoped.reset(token)


def deleted_at_field(model: type[models.Model]) -> models.Field[Any, Any] | None:
    """The column that marks this model's rows as dead; None if they cannot be."""
    try:
        field = model._meta.get_field(DELETED_AT)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.Field) and field.concrete else None


def live_rows(model: type[models.Model], alias: str) -> Any:
    """The condition that the row of `alias` is not dead; None if there is nothing to hide."""
    field = deleted_at_field(model)
    if field is None or is_unscoped():
        return None
    holder = field.model
    if holder._meta.db_table == model._meta.db_table:
        return field.get_lookup("isnull")(field.get_col(alias), True)  # type: ignore[misc]
    # deleted_at is in a parent's table, which a JOIN condition can only reach by a subquery.
    live: Any = Query(holder)
    live.add_filter(f"{DELETED_AT}__isnull", True)
    link = model._meta.concrete_model._meta.get_ancestor_link(holder)  # type: ignore[union-attr]
    return In(link.get_col(alias), live)  # type: ignore[union-attr]


# Deleting


def delete_rows(rows: models.QuerySet[Any]) -> tuple[int, dict[str, int]]:
    """Mark the queryset's rows as dead with one UPDATE; row by row known first when delete signals are listened to."""
    model, using = rows.model, rows.db
    listened = pre_delete.has_listeners(model) or post_delete.has_listeners(model)
    with transaction.atomic(using=using, savepoint=False):
        if not listened:
            count = rows.order_by().update(**{DELETED_AT: timezone.now()})
        else:
            instances = list(rows)
            for instance in instances:
                pre_delete.send(model, instance=instance, using=using, origin=rows)
            count = _delete_by_key(model, [instance.pk for instance in instances], using)
            for instance in instances:
                post_delete.send(model, instance=instance, using=using, origin=rows)
    return count, {model._meta.label: count} if count else {}


def _delete_by_key(model: type[models.Model], keys: list[Any], using: str) -> int:
    rows, now = model._base_manager.using(using), timezone.now()
    chunks = (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))
    return sum(rows.filter(pk__in=chunk).update(**{DELETED_AT: now}) for chunk in chunks)


def delete_instance(instance: models.Model, using: str) -> tuple[int, dict[str, int]]:
    """Mark one row as dead; nothing if it is already. deleted_at is set on the object too."""
    model, now = type(instance), timezone.now()
    with transaction.atomic(using=using, savepoint=False):
        pre_delete.send(model, instance=instance, using=using, origin=instance)
        live = model._base_manager.using(using).filter(pk=instance.pk, **{f"{DELETED_AT}__isnull": True})
        count = live.update(**{DELETED_AT: now})
        post_delete.send(model, instance=instance, using=using, origin=instance)
    if count:
        setattr(instance, DELETED_AT, now)
    return count, {model._meta.label: count} if count else {}


def restore_instance(instance: models.Model, using: str) -> None:
    """Bring a dead row back, in the database and on the object. Raises ValueError for one that was never saved."""
    if not instance._is_pk_set():  # type: ignore[attr-defined]
        raise ValueError(f"{instance._meta.label} cannot be restored: it was never saved.")
    type(instance)._base_manager.using(using).filter(pk=instance.pk).update(**{DELETED_AT: None})
    setattr(instance, DELETED_AT, None)


@contextmanager
def explained(model: type[models.Model]) -> Iterator[None]:
    """Let a ProtectedError say whose rows stand in the way, and what to do."""
    try:
        yield
    except ProtectedError as error:
        counts: dict[str, int] = {}
        for row in error.protected_objects:
            table = row._meta.db_table
            counts[table] = counts.get(table, 0) + 1
        if not counts:
            raise
        tables = ", ".join(f"{count} in {table}" for table, count in sorted(counts.items()))
        raise ProtectedError(
            f"{model._meta.label} is still referenced by rows of other tables: {tables}. "
            f"{_way_out(model, error.protected_objects)}",
            error.protected_objects,
        ) from error


def _way_out(model: type[models.Model], rows: Iterable[models.Model]) -> str:
    holding = {type(row): _columns_naming(model, type(row)) for row in rows}
    if all(columns and all(column.null for column in columns) for columns in holding.values()):
        is_dead = any(getattr(row, DELETED_AT, None) is not None for row in rows)
        dead = " (of dead ones with unscoped(), which deletes them for good)" if is_dead else ""
        return (
            f"Let go of them first, with clear() or delete() of their relation{dead}, or declare it with "
            f"constraint:OnDelete:SET NULL or constraint:OnDelete:CASCADE."
        )
    # clear() marks rows that can be dead, and refuses to empty a key that is not a join row's.
    is_kept = any(
        deleted_at_field(through) or not set(columns) <= set(through._meta.pk_fields)
        for through, columns in holding.items()
    )
    scope = "unscoped()." if is_kept else ""
    return (
        f"Remove them first, with {scope}clear() or {scope}delete() of their relation, "
        f"or declare it with constraint:OnDelete:CASCADE."
    )


def _columns_naming(model: type[models.Model], holder: type[models.Model]) -> list[Any]:
    """The columns by which rows of `holder` refer to rows of the model."""
    keys = [field for field in holder._meta.get_fields() if isinstance(field, models.ForeignObject)]
    return [
        column
        for key in keys
        if key.remote_field.model._meta.concrete_model is model._meta.concrete_model
        for column in key.local_related_fields
    ]


# Reading


class LiveRowsRel:
    """
    Mixed into the reverse side of a key: a join to the rows that hold the key sees live ones only.

    Django puts get_extra_restriction() into the ON clause, so this holds for
    filter, exclude, annotate, prefetch and the managers alike.
    """

    related_model: type[models.Model]

    def get_extra_restriction(self, alias: str, related_alias: str | None) -> Any:
        return live_rows(self.related_model, alias)


class LiveRowsKey:
    """
    Mixed into the key itself, for what Django asks it instead of its reverse.

    fixed -- further fields of the rows that hold the key, and the value they have in this relation
    """

    model: type[models.Model]
    fixed: tuple[tuple[models.Field[Any, Any], Any], ...] = ()

    def get_extra_restriction(self, alias: str | None, related_alias: str) -> Any:
        # exclude() trims the first join of its subquery and asks without an alias:
        # then the rows that hold the key are the first table left.
        return live_rows(self.model, related_alias) if alias is None else None

    def own_rows(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """
        Of these rows those that can hold the key: live ones, with the fixed values.

        A lookup by the key itself joins nothing, so no restriction of a join is asked.
        """
        condition = models.Q(**{field.name: value for field, value in self.fixed})
        query: Any = queryset.query
        # A manager of ours has left out dead rows already.
        is_done = getattr(query, "unscoped", is_unscoped()) or getattr(query, "own_conditions", 0)
        if deleted_at_field(queryset.model) is not None and not is_done:
            condition &= models.Q(**{f"{DELETED_AT}__isnull": True})
        if not condition:
            return queryset
        queryset = queryset._chain()  # type: ignore[attr-defined]
        queryset.query.add_q(condition)
        # Not a filter of the caller's, after which a queryset of ours cannot be unscoped().
        return queryset.marked() if hasattr(queryset, "marked") else queryset
