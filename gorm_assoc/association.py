"""
Association mode: an owner, a relationship, and the verbs.

    find  count                       read what is linked
    append  replace  delete  clear    change what is linked

A verb checks its owner and values before any SQL, stores new targets, hands pairs to the
kind's primitives, and is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import models, router, transaction

from gorm_assoc import relationship as relationships
from gorm_assoc import saving, soft_delete
from gorm_assoc.exceptions import PrimaryKeyRequired, ValueTypeMismatch
from gorm_assoc.kinds import many2many
from gorm_assoc.kinds.base import Changes, Pair, Values
from gorm_assoc.query import unscoped_queryset

__all__ = ["Association", "Changes"]

Defaults = Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] | None


@dataclass(frozen=True, slots=True)
class _Value:
    """One target as a verb got it: a key or an instance, and the extra columns for its join row."""

    given: Any
    instance: models.Model | None
    key: Any
    defaults: dict[str, Any]


class Association:
    """
    The handle on one relation of one owner; lazy, reusable, without state of its own.

    owner -- a saved instance
    name -- the relation: a many-to-many field or the accessor of one declared elsewhere
    """

    def __init__(self, owner: models.Model, name: str) -> None:
        self.relationship = relationships.of(type(owner), name)
        self.owner = owner

    _using: str | None = None
    _unscoped = False

    @classmethod
    def of(cls, owner: models.Model, relationship: relationships.Relationship) -> Self:
        """The association of a relationship that is already at hand."""
        association = object.__new__(cls)
        association.relationship, association.owner = relationship, owner
        return association

    # Switches

    def using(self, alias: str) -> Self:
        """The same association, on that database."""
        return self._but(_using=alias)

    def unscoped(self) -> Self:
        """The same association with dead join rows and targets seen; what is unlinked goes for good."""
        return self._but(_unscoped=True)

    def _but(self, **changes: Any) -> Self:
        other = object.__new__(type(self))
        other.__dict__ = {**self.__dict__, **changes}
        return other

    # Reading

    def find(self, *conditions: models.Q, **lookups: Any) -> models.QuerySet[Any]:
        """The linked targets as a lazy queryset, limited by conditions on the target's fields."""
        self.require_key("find")
        hints = {"instance": self.owner}
        manager = self.relationship.target._default_manager.db_manager(self._using, hints=hints)
        if self._unscoped:
            with soft_delete.scope(True):
                targets = unscoped_queryset(manager.get_queryset())
        else:
            targets = manager.get_queryset()
        found = many2many.related(self.relationship, [self.owner], targets)
        if hasattr(found, "marked"):
            found = found.marked()
        return found.filter(*conditions, **lookups) if conditions or lookups else found  # type: ignore[no-any-return]

    def count(self, *conditions: models.Q, **lookups: Any) -> int:
        """How many targets are linked, limited by conditions on the target's fields."""
        return self.find(*conditions, **lookups).count()

    # Writing

    def append(self, *values: Any, through_defaults: Defaults = None) -> Changes:
        """
        Link the values; what is linked stays, a dead link is revived.

        values -- instances (unsaved ones are stored), keys, dicts of fields, querysets, lists of these
        through_defaults -- extra columns of the join rows: a dict, or a callable that gets each value
            as given and returns one. Rows that exist keep theirs.

        Without values nothing happens. Raises PrimaryKeyRequired, ValueTypeMismatch before any SQL.
        """
        self.require_key("append")
        return self._append(self._values(values, through_defaults))

    def replace(self, *values: Any, through_defaults: Defaults = None) -> Changes:
        """
        Link exactly the values: others are unlinked, those that were linked keep their join rows.

        Values and errors are append()'s. Without values it is clear().
        """
        self.require_key("replace")
        wanted = self._values(values, through_defaults)
        return self._replace(wanted) if wanted else self.clear()

    def delete(self, *values: Any) -> Changes:
        """
        Take the values off the owner; their rows stay. What is not linked, or has no key, is ignored.

        Raises PrimaryKeyRequired, ValueTypeMismatch before any SQL.
        """
        self.require_key("delete")
        return self._delete(self._values(values))

    def clear(self) -> Changes:
        """Take all targets off the owner; their rows stay. Raises PrimaryKeyRequired before any SQL."""
        self.require_key("clear")
        relationship, using = self.relationship, self._write_alias()
        with self._atomic(using, many2many.may_raise(relationship)):
            changes = many2many.unlink(relationship, self.owner, using, destroy=self._unscoped)
        self._forget()
        return changes

    async def afind(self, *conditions: models.Q, **lookups: Any) -> list[Any]:
        """find(), read."""
        return [target async for target in self.find(*conditions, **lookups)]

    async def acount(self, *conditions: models.Q, **lookups: Any) -> int:
        return await sync_to_async(self.count)(*conditions, **lookups)

    async def aappend(self, *values: Any, through_defaults: Defaults = None) -> Changes:
        return await sync_to_async(self.append)(*values, through_defaults=through_defaults)

    async def areplace(self, *values: Any, through_defaults: Defaults = None) -> Changes:
        return await sync_to_async(self.replace)(*values, through_defaults=through_defaults)

    async def adelete(self, *values: Any) -> Changes:
        return await sync_to_async(self.delete)(*values)

    async def aclear(self) -> Changes:
        return await sync_to_async(self.clear)()

    # What the related manager's add() and set() are: targets must be stored, updated_at stays

    def append_stored(self, values: Iterable[Any], through_defaults: Mapping[str, Any]) -> Changes:
        """append() as Django's add() does it. Raises ValueError for a target that is not stored."""
        return self._append(self._stored_values(values, through_defaults), touch=False)

    def replace_stored(self, values: Iterable[Any], through_defaults: Mapping[str, Any], *, clear: bool) -> Changes:
        """replace() as Django's set() does it; `clear` unlinks everything first."""
        wanted = self._stored_values(values, through_defaults)
        with transaction.atomic(using=self._write_alias()):
            if clear or not wanted:
                return self.clear() + self._append(wanted, touch=False)
            return self._replace(wanted, touch=False)

    def _stored_values(self, values: Iterable[Any], through_defaults: Mapping[str, Any]) -> list[_Value]:
        found = self._values(values, through_defaults)
        for value in found:
            if value.instance is None:
                continue
            if value.key is None:
                raise ValueError(
                    f"{self.relationship.label} cannot add {value.instance!r}: it is not stored. "
                    f"Save it first, or use append()."
                )
            if not router.allow_relation(value.instance, self.owner):
                raise ValueError(
                    f"{self.relationship.label} cannot take {value.instance!r}: it is on database "
                    f"{value.instance._state.db!r}, its owner on {self.owner._state.db!r}."
                )
        return found

    # The work

    def _append(self, values: Sequence[_Value], *, touch: bool = True) -> Changes:
        if not values:
            return Changes()
        relationship, using = self.relationship, self._write_alias()
        touches = touch and saving.is_touched(self.owner)
        several = touches or _any_new(values) or many2many.can_revive(relationship)
        with self._atomic(using, several or many2many.may_raise(relationship)):
            changes = many2many.link(relationship, self._pairs(values, using), using)
            if touches:
                saving.touch(self.owner, using)
        self._forget()
        return changes

    def _replace(self, values: Sequence[_Value], *, touch: bool = True) -> Changes:
        relationship, using = self.relationship, self._write_alias()
        with self._atomic(using, True):
            pairs = self._pairs(values, using)
            wanted = {pair.target_values for pair in pairs}
            pks: Iterable[Any] = ()
            only = None
            if many2many.may_raise(relationship):
                linked = many2many.linked_pks(relationship, self.owner, using)
                only = [linked_values for linked_values in linked if linked_values not in wanted]
                pks = [linked[linked_values] for linked_values in only]
            # First what goes, then what comes: a unique column of the join rows may pass on.
            removed = many2many.unlink(
                relationship, self.owner, using, only=only, keep=wanted, pks=list(pks), destroy=self._unscoped
            )
            changes = removed + many2many.link(relationship, pairs, using)
            if touch and saving.is_touched(self.owner):
                saving.touch(self.owner, using)
        self._forget()
        return changes

    def _delete(self, values: Sequence[_Value]) -> Changes:
        relationship, using = self.relationship, self._write_alias()
        stored = [value for value in values if value.instance is None or value.instance.pk is not None]
        with self._atomic(using, len(stored) > 1 or many2many.may_raise(relationship)):
            pairs = self._existing_pairs(stored, using)
            changes = many2many.unlink(
                relationship,
                self.owner,
                using,
                only=[pair.target_values for pair in pairs],
                pks=[pair.pk for pair in pairs],
                destroy=self._unscoped,
            )
        self._forget()
        return changes

    # Guards

    def require_key(self, verb: str = "") -> None:
        """Raise PrimaryKeyRequired if the owner lacks its key or a value that its links refer to."""
        owner, relationship = self.owner, self.relationship
        for field in (*owner._meta.pk_fields, *relationship.owner_key.foreign_related_fields):
            if getattr(owner, field.attname) is None:
                raise PrimaryKeyRequired(type(owner), relationship.label, field.attname, verb)

    def _write_alias(self) -> str:
        return self._using or router.db_for_write(self.relationship.through, instance=self.owner)

    def _atomic(self, using: str, may_fail_between: bool) -> Any:
        # A savepoint only where an error can leave something half done inside a caller's transaction.
        return transaction.atomic(using=using, savepoint=may_fail_between)

    def _forget(self) -> None:
        """Prefetched targets of the owner are out of date."""
        getattr(self.owner, "_prefetched_objects_cache", {}).pop(self.relationship.cache_name, None)

    # Values

    def _values(self, given: Iterable[Any], through_defaults: Defaults = None) -> list[_Value]:
        """The values flattened and checked, each target once; no SQL, but for querysets."""
        found: dict[Any, _Value] = {}
        for value in self._flattened(given):
            instance, key = self._read(value)
            defaults = through_defaults(value) if callable(through_defaults) else through_defaults
            identity = ("key", key) if key is not None else ("object", id(instance))
            found.setdefault(identity, _Value(value, instance, key, dict(defaults or {})))
        return list(found.values())

    def _flattened(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            if isinstance(value, models.QuerySet):
                if not _is_a(value.model, self.relationship.target):
                    raise self._mismatch(value)
                yield from value
            elif isinstance(value, (list, set, frozenset)) or hasattr(value, "__next__"):
                yield from self._flattened(value)
            else:
                yield value

    def _read(self, value: Any) -> tuple[models.Model | None, Any]:
        """A value as (instance, key); the key is None for an instance without one."""
        target = self.relationship.target
        if isinstance(value, dict):
            try:
                value = target(**value)
            except TypeError as error:
                raise self._mismatch(value) from error
        if isinstance(value, models.Model):
            if not _is_a(type(value), target):
                raise self._mismatch(value)
            key = value.pk
            return value, None if _is_unset(key) else key
        return None, self._read_key(value)

    def _read_key(self, value: Any) -> Any:
        fields = self.relationship.target._meta.pk_fields
        parts = value if isinstance(value, tuple) else (value,)
        is_whole = isinstance(value, tuple) == (len(fields) > 1) and len(parts) == len(fields)
        if not is_whole or any(part is None or isinstance(part, models.Model) for part in parts):
            raise self._mismatch(value)
        try:
            key = tuple(field.to_python(part) for field, part in zip(fields, parts, strict=True))
        except (ValidationError, TypeError, ValueError) as error:
            raise self._mismatch(value) from error
        return key if len(fields) > 1 else key[0]

    def _mismatch(self, value: Any) -> ValueTypeMismatch:
        target = self.relationship.target
        names = [field.name for field in target._meta.pk_fields]
        return ValueTypeMismatch(self.relationship.label, value, target, names)

    # Pairs

    def _pairs(self, values: Sequence[_Value], using: str) -> list[Pair]:
        """A pair for each value, once; new targets are stored."""
        saving.store([value.instance for value in values if value.instance is not None], using)
        pairs = self._existing_pairs(values, using)
        for pair in pairs:
            if None in pair.target_values:
                field = next(f for f in self.relationship.target_key.foreign_related_fields)
                raise PrimaryKeyRequired(self.relationship.target, self.relationship.label, field.attname)
        return list({pair.key: pair for pair in reversed(pairs)}.values())[::-1]

    def _existing_pairs(self, values: Sequence[_Value], using: str) -> list[Pair]:
        key = self.relationship.target_key
        owner_values = self.relationship.owner_key.get_foreign_related_value(self.owner)
        referenced = self._referenced_values([v.key for v in values if v.instance is None], using)
        pairs = []
        for value in values:
            if value.instance is not None:
                pk, target_values = value.instance.pk, key.get_foreign_related_value(value.instance)
            elif value.key in referenced:
                pk, target_values = value.key, referenced[value.key]
            else:
                continue
            pairs.append(Pair(self.owner, owner_values, target_values, pk, value.defaults))
        return pairs

    def _referenced_values(self, keys: Sequence[Any], using: str) -> dict[Any, Values]:
        """Primary key -> the values that join rows hold; one SELECT where they are not the key itself."""
        target, fields = self.relationship.target, self.relationship.target_key.foreign_related_fields
        if tuple(fields) == tuple(target._meta.pk_fields):
            return {key: key if isinstance(key, tuple) else (key,) for key in keys}
        if not keys:
            return {}
        rows = target._base_manager.using(using).filter(pk__in=keys).values_list("pk", *(f.attname for f in fields))
        return {row[0]: tuple(row[1:]) for row in rows}


def _is_a(model: type[models.Model], target: type[models.Model]) -> bool:
    return issubclass(model, target._meta.concrete_model or target)


def _is_unset(key: Any) -> bool:
    return key is None or (isinstance(key, tuple) and None in key)


def _any_new(values: Iterable[_Value]) -> bool:
    return any(value.instance is not None and value.instance._state.adding for value in values)
