"""
Whether what happened is what was recorded.

Keys that the database hands out may differ: those born in a step are compared up to one renaming,
the same in every table and column that holds them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, permutations, product
from typing import Any

from tests.conformance.recordings import Row, Set, Tables

# table -> number here -> number there
Renaming = dict[str, dict[int, int]]
_ATTEMPTS = 5000


@dataclass(frozen=True)
class Outcome:
    """What a step leaves: the tables, its result where that counts, and whether it failed."""

    tables: Tables
    result: Any = None
    fails: bool = False
    error: Any = None


def renaming(recorded: Set, before: Tables, here: Tables, there: Tables, given: set[int]) -> Renaming | None:
    """
    The renaming of keys born since `before` under which `here` is `there`; None if there is none.

    given -- keys that the step itself named: these stay as they are
    """
    for attempt in islice(_renamings(recorded, before, here, there), _ATTEMPTS):
        if any(old != new and new in given for names in attempt.values() for old, new in names.items()):
            continue
        if same_rows(renamed(recorded, here, attempt), there):
            return attempt
    return None


def _renamings(recorded: Set, before: Tables, here: Tables, there: Tables) -> Iterator[Renaming]:
    choices: list[list[tuple[str, tuple[tuple[int, int], ...]]]] = []
    for (table, column), numbered in recorded.key_tables.items():
        if table != numbered or table not in here:
            continue
        known = {row[column] for row in before.get(table, ())}
        groups: dict[str, tuple[list[int], list[int]]] = {}
        for side, rows in enumerate((here[table], there.get(table, []))):
            for row in rows:
                if row[column] not in known:
                    groups.setdefault(_content(recorded, table, row), ([], []))[side].append(row[column])
        for mine, theirs in groups.values():
            if len(mine) != len(theirs):
                return
            shared = [key for key in mine if key in theirs]
            mine = shared + [key for key in mine if key not in shared]
            theirs = shared + [key for key in theirs if key not in shared]
            choices.append(
                [(table, tuple(zip(mine, order, strict=True))) for order in islice(permutations(theirs), _ATTEMPTS)]
            )
    for choice in product(*choices):
        found: Renaming = {}
        for table, pairs in choice:
            found.setdefault(table, {}).update(pairs)
        yield found


def _content(recorded: Set, table: str, row: Row) -> str:
    return _text({column: value for column, value in row.items() if not recorded.is_numbered(table, column)})


def renamed(recorded: Set, tables: Tables, names: Renaming) -> Tables:
    """The tables with every key replaced that the renaming knows."""
    if not any(old != new for pairs in names.values() for old, new in pairs.items()):
        return tables
    return {
        table: [
            {
                column: names.get(recorded.numbered(table, column, row), {}).get(value, value)
                for column, value in row.items()
            }
            for row in rows
        ]
        for table, rows in tables.items()
    }


def same_rows(here: Tables, there: Tables) -> bool:
    """Whether the tables hold the same rows, in whatever order."""
    return all(
        Counter(map(_text, here.get(table, ()))) == Counter(map(_text, there.get(table, ())))
        for table in {*here, *there}
    )


def same_result(here: Any, there: Any, ordered: set[str]) -> bool:
    """Whether two results are alike; `ordered` are the paths of the lists whose order the step gives ("": the top)."""
    return _plain(here, ordered) == _plain(there, ordered)


def _plain(value: Any, ordered: set[str], path: str = "") -> Any:
    if isinstance(value, list):
        items = [_plain(each, ordered, path) for each in value]
        return items if path in ordered else sorted(items, key=_text)
    if isinstance(value, dict):
        # A list that is empty and one that is not there are alike.
        return {
            name: _plain(each, ordered, f"{path}.{name}" if path else name)
            for name, each in value.items()
            if each not in (None, [])
        }
    return value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
