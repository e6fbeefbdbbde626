"""
The CREATE TABLE text that SQLite keeps of a table, taken apart and put together again.

SQLite has the name of a foreign key, and whether it is deferred, in this text only; and it can
change a foreign key only by making the table anew, with another text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_TOKENS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] | --[^\n]*\n? | /\*.*?\*/ | \w+ | \s+ | .""",
    re.DOTALL | re.VERBOSE,
)
_SKIPPED = re.compile(r"\s|--|/\*")
_TABLE_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})


@dataclass(frozen=True, slots=True)
class WrittenKey:
    """
    A foreign key as it is written.

    to_columns -- empty if the text names none, which means the primary key
    item -- which part of the table's definition it stands in
    begin, end -- which words of that part it is
    """

    name: str
    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    on_delete: str
    on_update: str
    deferrable: bool
    item: int
    begin: int
    end: int


class CreateTable:
    """
    The text of a table.

    items -- columns and table constraints, each as its tokens, blanks and comments among them
    options -- what stands behind the last parenthesis
    """

    def __init__(self, sql: str) -> None:
        tokens = _TOKENS.findall(sql)
        opening = tokens.index("(")
        self.items: list[list[str]] = [[]]
        depth, at = 0, opening
        for at, token in enumerate(tokens[opening:], opening):
            depth += {"(": 1, ")": -1}.get(token, 0)
            if depth == 0:
                break
            if token == "," and depth == 1:
                self.items.append([])
            elif at != opening:
                self.items[-1].append(token)
        self.options = "".join(tokens[at + 1 :])
        self.has_sequence = any("AUTOINCREMENT" in map(str.upper, item) for item in self.items)

    def words(self, number: int) -> list[str]:
        """The words of an item, without blanks and comments."""
        return [token for token in self.items[number] if not _SKIPPED.match(token)]

    def foreign_keys(self) -> list[WrittenKey]:
        return [key for number in range(len(self.items)) for key in self._keys_of(number)]

    def changed(
        self, table: str, *, without: Iterable[WrittenKey], columns: Sequence[str], constraints: Sequence[str]
    ) -> str:
        """
        The text of the same table under another name, with other foreign keys and more columns.

        table, columns, constraints -- SQL
        """
        items = [list(item) for item in self.items]
        for key in without:
            for place in _places(self.items[key.item])[key.begin : key.end]:
                items[key.item][place] = ""
        texts = ["".join(item).strip() for item in items if any(map(str.strip, item))]
        first = sum(not self._is_constraint(number) for number in range(len(items)))
        texts[first:first] = columns
        return f"CREATE TABLE {table} ({', '.join([*texts, *constraints])}){self.options}"

    def _is_constraint(self, number: int) -> bool:
        return self.words(number)[0].upper() in _TABLE_CONSTRAINTS

    def _keys_of(self, number: int) -> Iterable[WrittenKey]:
        words = self.words(number)
        upper = [word.upper() for word in words]
        depth = 0
        for place, word in enumerate(upper):
            depth += {"(": 1, ")": -1}.get(word, 0)
            if word != "REFERENCES" or depth:
                continue
            is_constraint = self._is_constraint(number)
            begin = upper.index("FOREIGN") if is_constraint else place
            columns = _names(words, begin + 2) if is_constraint else (_plain(words[0]),)
            name = ""
            if begin >= 2 and upper[begin - 2] == "CONSTRAINT":
                begin, name = begin - 2, _plain(words[begin - 1])
            yield self._key(number, name, columns, begin, place)

    def _key(self, number: int, name: str, columns: tuple[str, ...], begin: int, place: int) -> WrittenKey:
        words = self.words(number)
        upper = [*(word.upper() for word in words), "", ""]
        to_table = _plain(words[place + 1])
        at = place + 2
        to_columns: tuple[str, ...] = ()
        if upper[at] == "(":
            to_columns = _names(words, at)
            at = upper.index(")", at) + 1
        actions = {"DELETE": "NO ACTION", "UPDATE": "NO ACTION"}
        deferrable = False
        while True:
            if upper[at] == "ON":
                length = 2 if upper[at + 2] in ("SET", "NO") else 1
                actions[upper[at + 1]] = " ".join(upper[at + 2 : at + 2 + length])
                at += 2 + length
            elif upper[at] == "MATCH":
                at += 2
            elif upper[at] == "DEFERRABLE":
                deferrable = upper[at + 1] == "INITIALLY" and upper[at + 2] == "DEFERRED"
                at += 3 if upper[at + 1] == "INITIALLY" else 1
            elif upper[at] == "NOT" and upper[at + 1] == "DEFERRABLE":
                at += 4 if upper[at + 2] == "INITIALLY" else 2
            else:
                break
        actions_found = actions["DELETE"], actions["UPDATE"]
        return WrittenKey(name, columns, to_table, to_columns, *actions_found, deferrable, number, begin, at)


def _names(words: Sequence[str], opening: int) -> tuple[str, ...]:
    closing = words.index(")", opening)
    return tuple(_plain(word) for word in words[opening + 1 : closing] if word != ",")


def _plain(word: str) -> str:
    if word[:1] in "\"`'[":
        quote = "]" if word[0] == "[" else word[0]
        return word[1:-1].replace(quote * 2, quote)
    return word


def _places(tokens: Sequence[str]) -> list[int]:
    """Where the words stand among the tokens."""
    return [place for place, token in enumerate(tokens) if not _SKIPPED.match(token)]
