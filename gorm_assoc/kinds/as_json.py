"""Values that SQLite reads out of one JSON parameter just as if each were a parameter of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

_LEAST, _MOST = -(2**63), 2**63 - 1


def can_hold(column: Sequence[Any]) -> bool:
    """
    Whether none of the values would become another one on the way, or be taken where the driver refuses it.

    JSON has no infinity; SQLite makes a float of too large a whole number, and ends a text at a null character.
    """
    kinds = set(map(type, column))
    numbers: Sequence[int]
    texts: Sequence[str]
    if kinds == {int}:
        numbers, texts = column, ()
    elif kinds == {str}:
        numbers, texts = (), column
    elif all(issubclass(kind, (int, str, type(None))) for kind in kinds):
        numbers = [value for value in column if isinstance(value, int)]
        texts = [value for value in column if isinstance(value, str)]
    else:
        return False
    return (not numbers or (min(numbers) >= _LEAST and max(numbers) <= _MOST)) and "\0" not in "".join(texts)


def text(values: Sequence[Any]) -> str:
    # In its own characters: what is no UTF-8 is refused by the driver, as elsewhere.
    return json.dumps(values, ensure_ascii=False)
