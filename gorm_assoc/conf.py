"""
The project's settings: one optional dict, GORM_ASSOC, of eight optional keys.

    NAMING                  NamingStrategy subclass or instance, or a dotted path to one
    TABLE_PREFIX            string, before every table of a Model or JoinTable
    SINGULAR_TABLE          True: tables are not put in the plural
    NO_LOWER_CASE           True: names stay as they are written
    IDENTIFIER_MAX_LENGTH   number of characters, more than 8
    DEFAULT_CONSTRAINT      constraint option for every relation that says nothing
    DEFERRABLE              False: foreign keys are checked at once, as GORM's are
    STRICT                  "raise", "warn" or "load": what becomes of a relation that is read and was not loaded

A wrong value counts as not given and is named by mistakes(), which a system check shows. What was
read is kept until the setting changes, so that mistakes() tells of what the models were made with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from gorm_assoc.exceptions import nearest
from gorm_assoc.naming import NamingStrategy
from gorm_assoc.options import ConstraintOptions, Mistake, parse_constraint

_SETTING: Final = "GORM_ASSOC"
# What cut() puts at the end of a name takes eight characters.
_SHORTEST_IDENTIFIER: Final = 9


def naming() -> NamingStrategy:
    """How tables, columns and constraints are named."""
    return _read().naming


def default_constraint() -> ConstraintOptions:
    """The constraint of a relation that says nothing about it."""
    return _read().default_constraint


def deferrable() -> bool:
    """Whether foreign keys are checked at commit, where the database can."""
    return _read().deferrable


def strict() -> str:
    """What querysets do that were not told by strict(); "" for nothing."""
    return _read().strict


def mistakes() -> tuple[Mistake, ...]:
    """Unknown keys and wrong values of GORM_ASSOC."""
    return _read().mistakes


@dataclass(frozen=True, slots=True)
class _Configuration:
    naming: NamingStrategy
    default_constraint: ConstraintOptions
    deferrable: bool
    strict: str
    mistakes: tuple[Mistake, ...]


def _is_length(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= _SHORTEST_IDENTIFIER


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_str(value: object) -> bool:
    return isinstance(value, str)


def _is_strict(value: object) -> bool:
    return value in ("raise", "warn", "load", "", False, None)


# Key: (what is right, what to type)
_PLAIN: Final[dict[str, tuple[Callable[[object], bool], str]]] = {
    "TABLE_PREFIX": (_is_str, 'Write a string, "shop_".'),
    "SINGULAR_TABLE": (_is_bool, "Write True or False."),
    "NO_LOWER_CASE": (_is_bool, "Write True or False."),
    "IDENTIFIER_MAX_LENGTH": (_is_length, f"Write a number, at least {_SHORTEST_IDENTIFIER}."),
    "DEFERRABLE": (_is_bool, "Write True or False."),
    "STRICT": (_is_strict, 'Write "raise", "warn", "load" or False.'),
    "DEFAULT_CONSTRAINT": (_is_str, 'Write a constraint, "OnDelete:CASCADE".'),
}
_KNOWN: Final = ("NAMING", *_PLAIN)
_NAMING_FIELDS: Final = ("TABLE_PREFIX", "SINGULAR_TABLE", "NO_LOWER_CASE", "IDENTIFIER_MAX_LENGTH")


@cache
def _read() -> _Configuration:
    given = getattr(settings, _SETTING, {})
    found: list[Mistake] = []
    if not isinstance(given, dict):
        found.append(Mistake(_SETTING, f"{_SETTING} is of type {type(given).__name__}, not a dict.", "Write a dict."))
        given = {}
    right: dict[str, Any] = {}
    for key, value in given.items():
        if key not in _KNOWN:
            near = nearest(str(key), _KNOWN)
            hint = f"Write {near!r}." if near else f"The keys are {', '.join(_KNOWN)}."
            found.append(Mistake(str(key), f"{_SETTING} has no key {key!r}.", hint))
        elif key in _PLAIN and not _PLAIN[key][0](value):
            found.append(_wrong(key, value, _PLAIN[key][1]))
        else:
            right[key] = value
    constraint, in_constraint = parse_constraint(right.get("DEFAULT_CONSTRAINT", ""))
    found += [
        Mistake("DEFAULT_CONSTRAINT", f'{_SETTING}["DEFAULT_CONSTRAINT"]: {each.message}', each.hint)
        for each in in_constraint
    ]
    if constraint.name:
        message = (
            f'{_SETTING}["DEFAULT_CONSTRAINT"] has the name {constraint.name!r}, which only one constraint can have.'
        )
        found.append(Mistake("DEFAULT_CONSTRAINT", message, "Remove the name."))
    return _Configuration(
        naming=_naming(right, found),
        default_constraint=ConstraintOptions(constraint.enabled, "", constraint.on_delete, constraint.on_update),
        deferrable=right.get("DEFERRABLE", True),
        strict=right.get("STRICT") or "",
        mistakes=tuple(found),
    )


def _naming(right: dict[str, Any], found: list[Mistake]) -> NamingStrategy:
    fields = {key.lower(): right[key] for key in _NAMING_FIELDS if key in right}
    strategy = right.get("NAMING", NamingStrategy)
    try:
        if isinstance(strategy, str):
            strategy = import_string(strategy)
        if isinstance(strategy, type) and issubclass(strategy, NamingStrategy):
            return strategy(**fields)
    except Exception as error:  # A dotted path runs a module, a subclass its __init__: anything may come.
        message = f'{_SETTING}["NAMING"] cannot be used: {type(error).__name__}: {error}.'
        found.append(Mistake("NAMING", message, "Write the dotted path to a NamingStrategy that can be imported."))
        return NamingStrategy(**fields)
    if not isinstance(strategy, NamingStrategy):
        found.append(
            _wrong("NAMING", strategy, "Write the dotted path to a subclass or an instance of NamingStrategy.")
        )
        return NamingStrategy(**fields)
    if fields:
        keys = ", ".join(name.upper() for name in fields)
        message = f'{_SETTING}["NAMING"] is an instance, so {keys} is not used.'
        found.append(Mistake("NAMING", message, "Give these to the instance, or write its class."))
    return strategy


def _wrong(key: str, value: object, hint: str) -> Mistake:
    return Mistake(key, f'{_SETTING}["{key}"] is {value!r}.', hint)


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == _SETTING:
        _read.cache_clear()


setting_changed.connect(_forget, dispatch_uid="gorm_assoc.conf")
