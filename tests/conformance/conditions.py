"""The conditions of recordings: a little SQL, with arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.conformance.recordings import Row

_COMPARISON = re.compile(
    r"(AND |OR )?(?:\w+\.)?(\w+) (=|<>|!=|<=?|>=?|LIKE|(?:NOT )?IN|IS (?:NOT )?NULL)(?: \(?\?\)?)?", re.IGNORECASE
)
_DENIED = {"<>": "=", "!=": "=", "NOT IN": "IN", "IS NOT NULL": "IS NULL"}
_MEANS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, given: value == given,
    "<": lambda value, given: value < given,
    "<=": lambda value, given: value <= given,
    ">": lambda value, given: value > given,
    ">=": lambda value, given: value >= given,
    "IN": lambda value, given: value in given,
    "LIKE": lambda value, given: re.fullmatch(pattern(given), value, re.IGNORECASE) is not None,
}


@dataclass(frozen=True)
class Comparison:
    """
    One column compared.

    operator -- =, <, <=, >, >=, IN, LIKE, IS NULL
    denied -- the opposite is meant
    either -- joined with OR to what stands before it
    """

    column: str
    operator: str
    value: Any
    denied: bool
    either: bool


def comparisons(condition: Sequence[Any]) -> list[Comparison]:
    """What a condition compares, in its order."""
    text, *arguments = condition
    found = []
    for part in re.split(r" (?=AND |OR )", text):
        match = _COMPARISON.fullmatch(part)
        if match is None:
            raise NotImplementedError(f"no word for the condition {text!r}")
        word, column, operator = match[1], match[2], match[3].upper()
        value = None if "NULL" in operator else arguments.pop(0)
        denied = operator in _DENIED
        found.append(Comparison(column, _DENIED.get(operator, operator), value, denied, word == "OR "))
    return found


def pattern(like: str) -> str:
    """A LIKE pattern as a regular expression."""
    return re.escape(like).replace("%", ".*").replace("_", ".")


def holds(condition: Sequence[Any], row: Row) -> bool:
    """Whether a recorded row meets the condition."""
    result = True
    for each in comparisons(condition):
        value = row[each.column]
        if each.operator == "IS NULL":
            is_met = (value in (None, False)) != each.denied
        else:
            is_met = value is not None and _MEANS[each.operator](value, each.value) != each.denied
        result = result or is_met if each.either else result and is_met
    return result
