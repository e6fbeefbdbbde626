"""
What can go wrong with a verb, one class each.

    UnsupportedRelation     LookupError     the model has no relation of that name
    PrimaryKeyRequired      ValueError      the owner has no key yet
    ValueTypeMismatch       TypeError       the value is not one of the target
    ValuesLengthMismatch    ValueError      a batch got more or fewer values than owners
    RelationNotAllowed      ValueError      the value is of another database, and no router allows it
    OwnersMismatch          TypeError       the owners are none, or of several models
    TargetsNotShared        ValueError      the same targets for several owners, where each has its own
    CallableForQueryset     TypeError       a callable for the columns of targets that stay in the database
    ReservedColumn          TypeError       columns were given that the verb itself sets
    NoJoinRows              TypeError       an option for join rows, where the relation has none
    ScopeError              TypeError       unscoped() came after a filter
    NotPreloaded            FieldError      strict(): a relation was read that was not loaded

and with a migration that alters the key of a join table:

    JoinKeyNotFilled        ValueError      rows do not tell the value of a key column
    JoinRowsCollide         ValueError      rows would be the same

Each takes facts and builds the sentence: what, where, what to do. All come before anything is
written, those of verbs before any SQL, and none runs any: no value is ever asked for its own repr.
A model is anything that has `_meta.label`, an instance as well as a class.
"""

# The names are those of GORM's errors: unsupported relations, primary key required.
# ruff: noqa: N818

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from django.core import exceptions


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like this one, "" if none is. Case, spaces, "_" and "-" do not count."""
    plain = {_plain(each): each for each in known}
    return next((plain[match] for match in get_close_matches(_plain(name), plain, n=1)), "")


class AssociationError(Exception):
    """Base of all errors of this package."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own would call the class with the finished sentence in place of the facts.
        return _restore, (type(self), self.args), self.__dict__


class UnsupportedRelation(AssociationError, LookupError):
    """
    The model has no relation of that name.

    known -- names of the relations it has
    """

    def __init__(self, model: Any, name: str, known: Iterable[str] = ()) -> None:
        names = sorted(known)
        near = nearest(str(name), names)
        hint = f"Did you mean {near!r}?" if near else f"It has: {', '.join(names) or 'none'}."
        super().__init__(f"{model._meta.label} has no relation {name!r}. {hint}")
        self.name = name
        self.known = tuple(names)


class PrimaryKeyRequired(AssociationError, ValueError):
    """
    An owner has no value in an attribute that its links refer to.

    relation -- label, app.Model.field
    attribute -- the one without a value, mostly the primary key
    verb -- the method that was called, if it was one
    """

    def __init__(self, model: Any, relation: str, attribute: str, verb: str = "") -> None:
        subject = f"{verb}() on {relation}" if verb else relation
        super().__init__(
            f"{subject} needs a stored {model._meta.label}; this one has no value in {attribute!r}. "
            f"Set it or call save() first."
        )
        self.relation = relation
        self.attribute = attribute


class ValueTypeMismatch(AssociationError, TypeError):
    """
    A verb got a value that is neither one of the target model nor a key of it.

    relation -- label, app.Model.field
    expected -- the target model
    key -- names of the fields of its primary key, in order
    """

    def __init__(self, relation: str, value: object, expected: Any, key: Sequence[str] = ()) -> None:
        super().__init__(
            f"{relation} takes {expected._meta.label}; got {_described(value)}. {_what_to_pass(value, tuple(key))}"
        )
        self.relation = relation


class ValuesLengthMismatch(AssociationError, ValueError):
    """A batch verb got more or fewer values than owners; both are numbers."""

    def __init__(self, verb: str, owners: int, values: int) -> None:
        super().__init__(
            f"{verb}() on {owners} owners takes {owners} values, one for each; got {values}. "
            f"To give several to one owner, pass a list in its place; to give the same to all, add to_all=True."
        )
        self.owners = owners
        self.values = values


class OwnersMismatch(AssociationError, TypeError):
    """
    An association was opened on no owners, or on owners of several models.

    labels -- of the models, sorted
    """

    def __init__(self, labels: Sequence[str]) -> None:
        got = " and ".join(labels) if labels else "none"
        super().__init__(
            f"An association takes owners of one model; got {got}. For owners that may be none, pass a queryset."
        )


class CallableForQueryset(AssociationError, TypeError):
    """through_defaults was a callable for targets that stay in the database, where it cannot be called."""

    def __init__(self, relation: str) -> None:
        super().__init__(
            f"{relation} got a queryset and a callable through_defaults. "
            f"Pass a dict for all of its targets, or list(queryset)."
        )


class ReservedColumn(AssociationError, TypeError):
    """through_defaults named columns that the verb itself sets: a key of the pair, or deleted_at."""

    def __init__(self, relation: str, columns: Sequence[str]) -> None:
        super().__init__(
            f"{relation} sets {', '.join(map(repr, columns))} itself. Leave it out of through_defaults; "
            f"to move a link, change its join row and save() it."
        )


class NoJoinRows(AssociationError, TypeError):
    """An option for join rows was given to a verb of a relation that has none."""

    def __init__(self, relation: str, option: str) -> None:
        super().__init__(
            f"{relation} has no join rows, to which {option!r} belongs: only a many2many has. "
            f"Set the columns on the targets themselves."
        )


class TargetsNotShared(AssociationError, ValueError):
    """The same targets were given to several owners of a relation whose targets have one owner each."""

    def __init__(self, relation: str, verb: str, owners: int) -> None:
        super().__init__(
            f"{verb}() on {relation} cannot give the same targets to {owners} owners: each has one. "
            f"Give one value, or a list, for each owner."
        )


class RelationNotAllowed(AssociationError, ValueError):
    """
    A verb got an instance of another database, and no router's allow_relation() says that the two may be linked.

    relation -- label, app.Model.field
    database, using -- the value's database, and the one that the verb writes
    """

    def __init__(self, relation: str, value: object, database: str, using: str) -> None:
        super().__init__(
            f"{relation} cannot take {_described(value)}: it is on database {database!r}, its owner's links on "
            f"{using!r}. Pass its key, or let a router's allow_relation() say that both have the same rows."
        )
        self.relation = relation


class ScopeError(AssociationError, TypeError):
    """unscoped() was called on a queryset that has been filtered or annotated."""

    def __init__(self, model: Any) -> None:
        super().__init__(
            f"unscoped() on a queryset of {model._meta.label} cannot reach the conditions it already has. "
            f"Call unscoped() before filter(), exclude() and annotate()."
        )


# What Django 6.1 raises when it is not to read a relation.
_FieldFetchBlocked: Any = getattr(exceptions, "FieldFetchBlocked", exceptions.FieldError)


class NotPreloaded(AssociationError, _FieldFetchBlocked):  # type: ignore[misc]
    """A relation was read that was not loaded, of an object whose query was strict()."""

    def __init__(self, model: Any, relation: str) -> None:
        super().__init__(
            f"{model._meta.label}.{relation} was read and was not loaded. Add preload({relation!r}) to the query, "
            f'or preload(objects, {relation!r}) before it is read; strict("load") does so by itself.'
        )
        self.relation = relation


class NotPreloadedWarning(UserWarning):
    """The same, where it is only told."""


def _restore(error: type[AssociationError], args: tuple[Any, ...]) -> AssociationError:
    return error.__new__(error, *args)


def _plain(name: str) -> str:
    return "".join(char for char in name.lower() if char not in " _-")


class JoinKeyNotFilled(AssociationError, ValueError):
    """
    A join table cannot get a key column (AlterJoinKey), as rows do not tell its value.

    count -- of those rows; none if nothing refers to where the value would be
    """

    def __init__(self, model: Any, column: str | None, count: int | None = None) -> None:
        why = (
            "no relation of its key leads to where the value would be"
            if count is None
            else f"for {count} of its rows the value is missing, or there is more than one"
        )
        super().__init__(
            f"{_label(model)} cannot get the key column {column!r}: {why}. Nothing was changed. "
            f"{'Make a new relation and copy the links.' if count is None else 'Correct or delete those rows first.'}"
        )


class JoinRowsCollide(AssociationError, ValueError):
    """
    A join table cannot get a key (AlterJoinKey), as rows would be the same.

    count -- of the rows that are too many
    """

    def __init__(self, model: Any, columns: Iterable[str], count: int) -> None:
        super().__init__(
            f"{_label(model)} cannot get the key ({', '.join(columns)}): {count} of its rows would be the same as "
            f"others. Nothing was changed. Delete those rows first."
        )


class _ShortRepr(reprlib.Repr):
    """Values of Python's own types cut short; anything else by its type, as its repr may run a query."""

    def repr_instance(self, x: Any, level: int) -> str:
        if x is None or isinstance(x, (bool, float, complex, bytes)):
            return super().repr_instance(x, level)
        return f"<{type(x).__name__}>"


_short = _ShortRepr().repr


def _label(model: Any) -> str:
    return str(getattr(getattr(model, "_meta", None), "label", ""))


def _described(value: object) -> str:
    if label := _label(value):
        return f"the class {label}" if isinstance(value, type) else f"an instance of {label}"
    if label := _label(getattr(value, "model", None)):
        return f"a {type(value).__name__} of {label}"
    return f"{_short(value)} ({type(value).__name__})"


def _what_to_pass(value: object, key: tuple[str, ...]) -> str:
    shape = f"the tuple ({', '.join(key)})"
    if isinstance(value, tuple) and len(key) == 1:
        return f"Its key is one value, {key[0]!r}: pass it bare, and several in a list, not in a tuple."
    if isinstance(value, tuple) and key:
        return f"Its key has {len(key)} values and this has {len(value)}: pass {shape}."
    return f"Pass an instance, a dict of its fields, a queryset or its key{', ' + shape if len(key) > 1 else ''}."
