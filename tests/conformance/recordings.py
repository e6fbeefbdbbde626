"""
What was recorded of GORM, as it lies in a folder; files may be gzipped.

    sets/<set>.json          models, their Go source, the tables GORM makes
    scenarios/<group>.json   lists of scenarios
    random.jsonl             scenarios, one in a line

The repository's own recordings lie beside this module; `pytest tests/conformance --recordings DIR`
replays the scenarios of another folder over the same sets.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "recordings"

Row = dict[str, Any]
Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Relation:
    """
    A relation as GORM resolved it.

    references -- (column that holds, column held, end it belongs to)
    fixed -- columns of the target that have one value in this relation
    """

    name: str
    kind: str
    target: str
    join_table: str | None
    references: tuple[tuple[str, str, str], ...]
    fixed: tuple[tuple[str, str], ...]
    by_pointer: bool

    @property
    def is_single(self) -> bool:
        return self.kind in ("belongs_to", "has_one")


@dataclass(frozen=True)
class GoModel:
    """
    A Go struct: column by field name, relations by name.

    pointers -- the fields that can be nil; others show a NULL as "" or 0
    """

    name: str
    table: str
    primary_key: tuple[str, ...]
    fields: dict[str, str]
    relations: dict[str, Relation]
    pointers: frozenset[str]

    @property
    def structs(self) -> set[str]:
        """The names of embedded structs."""
        return {field.rpartition(".")[0] for field in self.fields if "." in field}

    def embedded(self, name: str) -> str:
        """The name of the embedded struct that a relation stands in, if that has one."""
        relation = self.relations[name]
        if relation.kind != "belongs_to":
            return ""
        column = relation.references[0][0]
        return next(field for field, of in self.fields.items() if of == column).rpartition(".")[0]


class Set:
    """One set of models with its tables."""

    def __init__(self, recorded: dict[str, Any]) -> None:
        self.name: str = recorded["set"]
        self.go: str = recorded["go"]
        self.migrate_error: str | None = recorded["migrate_error"]
        self.tables: list[dict[str, Any]] = (recorded["schema"] or {}).get("tables", [])
        self.schema_varies = bool(recorded.get("schema_varies"))
        self.models = {each["name"]: self._model(each) for each in recorded["models"]}

    def _model(self, recorded: dict[str, Any]) -> GoModel:
        relations = {}
        for each in recorded["relations"]:
            references = tuple((r["foreign_key"], r["references"], r["of"]) for r in each["references"] if r["of"])
            fixed = tuple((r["foreign_key"], r["value"]) for r in each["references"] if not r["of"])
            pointer = re.search(rf"\b{each['name']}\s+(\[\])?\*{each['target']}\b", self.go) is not None
            relations[each["name"]] = Relation(
                each["name"], each["kind"], each["target"], each["join_table"], references, fixed, pointer
            )
        fields = {field["name"]: field["column"] for field in recorded["fields"]}
        key = tuple(recorded["primary_key"] or ())
        pointers = frozenset(name for name in fields if self._is_pointer(recorded["name"], name))
        return GoModel(recorded["name"], recorded["table"], key, fields, relations, pointers)

    def _is_pointer(self, model: str, field: str) -> bool:
        return re.search(rf"\b{field.rpartition('.')[2]}\s+\*", self._struct(model, field)) is not None

    def _struct(self, model: str, field: str) -> str:
        """The text of the struct that declares the field."""
        if "." in field:
            found = re.search(rf"\b{field.partition('.')[0]}\s+(\w+)", self._struct(model, ""))
            assert found
            model = found[1]
        found = re.search(rf"^type {model} struct {{(.*?)^}}", self.go, re.MULTILINE | re.DOTALL)
        return found[1] if found else ""

    @cached_property
    def join_models(self) -> set[str]:
        """Models whose table is a join table."""
        joins = {relation.join_table for model in self.models.values() for relation in model.relations.values()}
        return {model.name for model in self.models.values() if model.table in joins}

    def numbered(self, table: str, column: str, row: Row) -> str:
        """The table whose numbers the column holds in this row; "" if it holds no key the database hands out."""
        for type_column, value, owners in self.type_columns.get((table, column), ()):
            if row.get(type_column) == value:
                return owners
        return self.key_tables.get((table, column), "")

    def is_numbered(self, table: str, column: str) -> bool:
        return (table, column) in self.key_tables or (table, column) in self.type_columns

    @cached_property
    def type_columns(self) -> dict[tuple[str, str], list[tuple[str, str, str]]]:
        """(table, column) of a polymorphic key -> the type's column, its values, the table each means."""
        found: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
        for model in self.models.values():
            for relation in model.relations.values():
                for type_column, value in relation.fixed:
                    [(column, held, _)] = relation.references
                    if (model.table, held) in self.key_tables:
                        table = self.models[relation.target].table
                        found.setdefault((table, column), []).append((type_column, value, model.table))
        return found

    @cached_property
    def key_tables(self) -> dict[tuple[str, str], str]:
        """(table, column) -> the table whose numbers the column holds, for keys the database hands out."""
        numbered = {
            model.table
            for model in self.models.values()
            if len(model.primary_key) == 1 and self._is_integer(model.table, model.primary_key[0])
        }
        own = {
            (model.table, model.primary_key[0]): model.table
            for model in self.models.values()
            if model.table in numbered
        }
        found = dict(own)
        for table in self.tables:
            for key in table["foreign_keys"]:
                for column, referenced in zip(key["columns"], key["references"], strict=True):
                    if (key["table"], referenced) in own:
                        found[table["name"], column] = key["table"]
        for model in self.models.values():
            for relation in model.relations.values():
                target = self.models[relation.target].table
                holder, held_table = (model.table, target) if relation.kind == "belongs_to" else (target, model.table)
                if not relation.join_table and not relation.fixed:
                    for column, held, _ in relation.references:
                        if (held_table, held) in own:
                            found[holder, column] = held_table
        return found

    def shown(self, go: GoModel, row: Row) -> dict[str, Any]:
        """A row as recordings show an object: times as booleans, a NULL that is no pointer as Go's zero."""
        found: dict[str, Any] = {}
        for name, column in go.fields.items():
            value = row[column]
            if column.endswith("_at"):
                value = value not in (None, False)
            elif value is None and name not in go.pointers:
                value = "" if self.is_text(go.table, column) else 0
            struct, _, field = name.rpartition(".")
            (found.setdefault(struct, {}) if struct else found)[field] = value
        return found

    def unique_columns(self, table: str) -> list[list[str]]:
        """Column lists whose values no two rows of the table may share."""
        found = self.table(table)
        return [found["primary_key"], *(each["columns"] for each in found["unique_and_indexes"] if each["unique"])]

    def primary_key(self, table: str) -> list[str]:
        return list(self.table(table)["primary_key"])

    def foreign_keys(self, table: str) -> list[dict[str, Any]]:
        return list(self.table(table)["foreign_keys"])

    def not_null(self, table: str) -> set[str]:
        """The columns that cannot be empty here: those of the key, and what GORM declared so."""
        found = self.table(table)
        return {*found["primary_key"], *(column["name"] for column in found["columns"] if column["not_null"])}

    def is_text(self, table: str, column: str) -> bool:
        return any(each["name"] == column and each["type"] == "text" for each in self.table(table)["columns"])

    def table(self, name: str) -> dict[str, Any]:
        return next(each for each in self.tables if each["name"] == name)

    def _is_integer(self, table: str, column: str) -> bool:
        return any(each["name"] == column and each["type"] == "integer" for each in self.table(table)["columns"])


@dataclass(frozen=True)
class Step:
    """One step: what is done, what GORM gave, the tables before and after."""

    number: int
    do: dict[str, Any]
    result: Any
    error: str | None
    before: Tables
    after: Tables

    @property
    def verb(self) -> str:
        return str(self.do["verb"])


@dataclass(frozen=True)
class Scenario:
    """A list of steps over one set, from empty tables."""

    name: str
    group: str
    set: str
    steps: tuple[Step, ...]


@cache
def sets(folder: Path = HERE) -> dict[str, Set]:
    """The recorded sets by name."""
    found = (Set(json.loads(_read(path))) for path in _files(folder / "sets", "json"))
    return {each.name: each for each in found}


def scenarios(folder: Path = HERE) -> Iterator[Scenario]:
    """All recorded scenarios of a folder."""
    for path in [*_files(folder / "scenarios", "json"), *_files(folder, "json")]:
        for recorded in json.loads(_read(path)):
            if "steps" in recorded:
                yield _scenario(recorded, path.name.partition(".")[0])
    for path in _files(folder, "jsonl"):
        for line in filter(None, _read(path).splitlines()):
            yield _scenario(json.loads(line), path.name.partition(".")[0])


def _scenario(recorded: dict[str, Any], group: str) -> Scenario:
    steps = []
    before: Tables = {}
    for number, step in enumerate(recorded["steps"]):
        after = before if step["tables"] is None else step["tables"]
        steps.append(Step(number, step["do"], step["result"], step["error"], before, after))
        before = after
    return Scenario(recorded["name"], group, recorded["set"], tuple(steps))


def _files(folder: Path, ending: str) -> list[Path]:
    return sorted([*folder.glob(f"*.{ending}"), *folder.glob(f"*.{ending}.gz")])


def _read(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
