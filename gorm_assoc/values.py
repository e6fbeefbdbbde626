"""
What a verb is given, made into targets: flattened, checked against the target model, each once.

    an instance, saved or not     that target
    a key                         the stored target with that primary key; a composite one is a tuple
    a dict                        an unsaved instance with those fields
    a queryset                    each of its targets
    a list, set or generator      each of its values

No SQL runs here, but for querysets among other values: they are read where the verb writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.query import ValuesIterable

from gorm_assoc.exceptions import ValueTypeMismatch
from gorm_assoc.kinds import plain
from gorm_assoc.relationship import Relationship

Extra = Callable[[Any], Mapping[str, Any]]

NOTHING: Mapping[str, Any] = {}
_NO_KEY = object()


@dataclass(slots=True, eq=False)  # not frozen: there are many, and such are slow to make
class Value:
    """
    One target as it was given, and the extra columns for its join row.

    key -- its primary key; None for an instance that has none yet
    held -- what links hold of it, once that has been asked; None if there is no such target
    """

    instance: models.Model | None
    key: Any
    extra: Mapping[str, Any]
    held: tuple[Any, ...] | None = None

    @property
    def is_new(self) -> bool:
        return self.instance is not None and self.instance._state.adding


def read(
    relationship: Relationship,
    given: Iterable[Any],
    using: str,
    extra: Extra | Mapping[str, Any] = NOTHING,
    known: dict[Any, Value] | None = None,
) -> list[Value]:
    """
    The targets that were given, each once; for a relation to one, the last of them last.

    using -- the database that the verb writes
    extra -- extra columns of all; or called once a target with the value as given
    known -- keys that other owners were given with the same extra columns: their values are shared

    Raises ValueTypeMismatch for what is neither a target nor a key of one.
    """
    found: dict[Any, Value] = {}
    fields = relationship.target._meta.pk_fields
    key_type = plain.type_of(fields[0]) if len(fields) == 1 else None
    make, same = (extra, NOTHING) if callable(extra) else (None, extra)
    given, keeps_last = list(given), relationship.is_single
    if len(given) == 1 and type(given[0]) is list:  # one owner's, of several
        given = given[0]
    if not make and not keeps_last and {key_type}.issuperset(map(type, given)):
        keys = dict.fromkeys(given)  # nothing but keys, as they are
        if known is None:
            return [Value(None, key, same) for key in keys]
        known.update({key: Value(None, key, same) for key in keys if key not in known})
        return [known[key] for key in keys]
    for value in flattened(relationship, given, using):
        instance, key = (None, value) if type(value) is key_type else _read(relationship, value)
        identity = key if key is not None else (_NO_KEY, id(instance))
        if keeps_last:
            found.pop(identity, None)
        if identity not in found:
            found[identity] = Value(instance, key, make(value) if make else same)
    return list(found.values())


def is_target_queryset(relationship: Relationship, value: Any) -> bool:
    """Whether the value is a queryset of targets that can stay in the database."""
    return (
        isinstance(value, models.QuerySet)
        and is_a(value.model, relationship.target)
        and value._fields is None  # type: ignore[attr-defined]
        and not value.query.combinator
    )


def is_a(model: type[models.Model], target: type[models.Model]) -> bool:
    return issubclass(model, target._meta.concrete_model or target)


def is_unset(key: Any) -> bool:
    return key is None or (isinstance(key, tuple) and None in key)


def normal_key(model: type[models.Model], key: Any) -> Any:
    """A primary key as its fields' own types, so that "5" and 5 are one; None if it is not whole."""
    if is_unset(key):
        return None
    fields = model._meta.pk_fields
    parts = key if isinstance(key, tuple) else (key,)
    normal = tuple(field.to_python(part) for field, part in zip(fields, parts, strict=True))
    return normal if len(fields) > 1 else normal[0]


def flattened(relationship: Relationship, values: Iterable[Any], using: str) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (int, str, models.Model)):
            yield value
        elif isinstance(value, models.QuerySet):
            if not is_a(value.model, relationship.target):
                raise _mismatch(relationship, value)
            if issubclass(value._iterable_class, ValuesIterable):  # dicts, but not of new targets
                raise _mismatch(relationship, value)
            yield from on(using, value)
        elif isinstance(value, (list, set, frozenset)) or hasattr(value, "__next__"):
            yield from flattened(relationship, value, using)
        else:
            yield value


def on(using: str, queryset: Any) -> Any:
    """The queryset on the database that is written, as a replica may lag; unless it names one or has been read."""
    return queryset if is_settled(queryset) else queryset.using(using)


def is_settled(queryset: Any) -> bool:
    """Whether the queryset names its database, or has been read."""
    return queryset._db is not None or queryset._result_cache is not None


def _read(relationship: Relationship, value: Any) -> tuple[models.Model | None, Any]:
    if isinstance(value, dict):
        try:
            value = relationship.target(**value)
        except TypeError as error:
            raise _mismatch(relationship, value) from error
    if isinstance(value, models.Model):
        if not is_a(type(value), relationship.target):
            raise _mismatch(relationship, value)
        try:
            return value, normal_key(type(value), value.pk)
        except (ValidationError, TypeError, ValueError) as error:
            raise _mismatch(relationship, value) from error
    return None, _read_key(relationship, value)


def _read_key(relationship: Relationship, value: Any) -> Any:
    fields = relationship.target._meta.pk_fields
    parts = value if isinstance(value, tuple) else (value,)
    is_whole = isinstance(value, tuple) == (len(fields) > 1) and len(parts) == len(fields)
    if not is_whole or any(_is_no_key(field, part) for field, part in zip(fields, parts, strict=True)):
        raise _mismatch(relationship, value)
    try:
        return normal_key(relationship.target, value)
    except (ValidationError, TypeError, ValueError) as error:
        raise _mismatch(relationship, value) from error


def _is_no_key(field: models.Field[Any, Any], part: Any) -> bool:
    """What to_python() would take and nobody means: True for 1, 1.5 for 1."""
    if part is None or isinstance(part, models.Model):
        return True
    is_number = isinstance(field, (models.IntegerField, models.AutoField))
    return is_number and (isinstance(part, (bool, bytes)) or (isinstance(part, float) and not part.is_integer()))


def _mismatch(relationship: Relationship, value: Any) -> ValueTypeMismatch:
    target = relationship.target
    return ValueTypeMismatch(relationship.label, value, target, [field.name for field in target._meta.pk_fields])
