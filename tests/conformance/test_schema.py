"""The tables of every translated set, read from the live catalogue, against those GORM made."""

from __future__ import annotations

import os
import re
from collections import Counter
from pkgutil import iter_modules
from typing import Any

import pytest

from tests import catalogue
from tests.catalogue import ForeignKey, Index
from tests.conformance import recordings, sets
from tests.conformance.rules import not_expressible, undeclared_tables
from tests.conformance.stage import Stage, Stages

SCHEMA_RULES = {
    "foreign-keys-are-deferrable",
    "half-a-key-is-not-referenced",
    "index-for-the-way-back",
    "index-on-a-foreign-key",
    "index-for-like-on-text-keys",
    "key-columns-are-not-null",
    "text-keys-have-a-length",
}
ELSEWHERE = {
    "sqlite": {"index-for-like-on-text-keys"},
    "mysql": {"foreign-keys-are-deferrable", "index-for-like-on-text-keys"},
}
TYPES = {
    "integer": {"integer", "bigint", "bigint(20)"},
    "text": {"text", "longtext"},
    "text key": {"varchar(191)", "character varying(191)"},
    "datetime": {"datetime", "datetime(6)", "timestamp with time zone"},
}
NAMES = sorted(module.name for module in iter_modules(sets.__path__) if module.name in recordings.sets())


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_gorms(name: str, database: Stages) -> None:
    if reason := not_expressible(name, database.default.vendor):
        pytest.skip(f"not on this database: {reason} (docs/differences.md)")
    stage = database[name]

    with stage.entered():
        live = {table: _read(stage, table) for table in catalogue.tables(stage.connection)}

    rules: Counter[str] = Counter()
    undeclared = undeclared_tables(stage.set)
    assert live == {
        table["name"]: _promised(stage, table, rules) for table in stage.set.tables if table["name"] not in undeclared
    }


def test_every_schema_rule_is_needed(database: Stages) -> None:
    rules: Counter[str] = Counter()
    for name in NAMES:
        if not not_expressible(name, database.default.vendor):
            for table in database[name].set.tables:
                _promised(database[name], table, rules)

    assert {rule for rule, count in rules.items() if count} == SCHEMA_RULES - ELSEWHERE.get(
        database.default.vendor, set()
    )


def _read(stage: Stage, table: str) -> dict[str, Any]:
    found = catalogue.read(stage.connection, table)
    key_columns = _key_columns(stage, table)
    return {
        "columns": [(c.name, _type(c.type), c.null if c.name in key_columns else None) for c in found.columns],
        "primary key": list(found.primary_key),
        "foreign keys": set(found.foreign_keys),
        "indexes": {_named(stage, table, index) for index in found.indexes},
    }


def _promised(stage: Stage, table: dict[str, Any], rules: Counter[str]) -> dict[str, Any]:
    """What GORM made, with the rules of docs/differences.md applied; those that changed something are counted."""
    key_columns = _key_columns(stage, table["name"])
    with_length = _key_columns(stage, table["name"], unique=True)
    columns = []
    for column in table["columns"]:
        kind = column["type"]
        if kind == "text" and column["name"] in with_length:
            rules["text-keys-have-a-length"] += 1
            kind = "text key"
        if column["name"] in key_columns:
            rules["key-columns-are-not-null"] += not column["not_null"]
        columns.append((column["name"], kind, False if column["name"] in key_columns else None))
    indexes = {Index(i["name"], tuple(i["columns"]), i["unique"]) for i in table["unique_and_indexes"]}
    for rule, added in (
        ("index-for-the-way-back", _way_back),
        ("index-on-a-foreign-key", _foreign_key_indexes),
        ("index-for-like-on-text-keys", _like),
    ):
        for index in added(stage, table["name"]):
            rules[rule] += 1
            indexes.add(index)
    return {
        "columns": columns,
        "primary key": table["primary_key"],
        "foreign keys": {key for each in table["foreign_keys"] for key in _foreign_key(stage, each, rules)},
        "indexes": indexes,
    }


def _foreign_key(stage: Stage, key: dict[str, Any], rules: Counter[str]) -> list[ForeignKey]:
    if key["references"] not in stage.set.unique_columns(key["table"]):
        rules["half-a-key-is-not-referenced"] += 1
        return []
    vendor = stage.connection.vendor
    actions = [key[action] or "NO ACTION" for action in ("on_delete", "on_update")]
    if vendor == "mysql":
        actions = [action.replace("RESTRICT", "NO ACTION") for action in actions]  # one and the same there
    else:
        rules["foreign-keys-are-deferrable"] += 1
    columns, references = tuple(key["columns"]), tuple(key["references"])
    return [ForeignKey(key["name"], columns, key["table"], references, *actions, deferrable=vendor != "mysql")]


def _way_back(stage: Stage, table: str) -> list[Index]:
    """The index of a join table on its second end."""
    order = [column["name"] for column in stage.set.table(table)["columns"]]
    for model in stage.set.models.values():
        for relation in model.relations.values():
            first, second = ([c for c, _, of in relation.references if of == end] for end in ("owner", "target"))
            if relation.join_table == table and order.index(first[0]) < order.index(second[0]):
                ending = second[0] if len(second) == 1 else relation.target.lower()
                return [Index(f"idx_{table}_{ending}", tuple(second))]
    return []


def _foreign_key_indexes(stage: Stage, table: str) -> list[Index]:
    """The index of a foreign key: of a belongs-to's single column under Django's name, else under GORM's."""
    joins = {relation.join_table for model in stage.set.models.values() for relation in model.relations.values()}
    if table in joins:
        return []
    found = []
    for columns in (tuple(key["columns"]) for key in stage.set.foreign_keys(table)):
        if columns in _belongs_to(stage, table) and len(columns) == 1:
            found.append(Index(_django_name(stage, table, columns[0]), columns))
        elif not any(tuple(unique[: len(columns)]) == columns for unique in stage.set.unique_columns(table)):
            name = columns[0] if len(columns) == 1 else _common_begin(columns)
            found.append(Index(f"idx_{table}_{name}", columns))
    return found


def _belongs_to(stage: Stage, table: str) -> list[tuple[str, ...]]:
    """The columns of each belongs-to of the table's model."""
    return [
        tuple(column for column, _, _ in relation.references)
        for model in stage.set.models.values()
        for relation in model.relations.values()
        if model.table == table and relation.kind == "belongs_to"
    ]


def _common_begin(columns: tuple[str, ...]) -> str:
    """order_region, order_number: order."""
    return os.path.commonprefix(columns).rpartition("_")[0]


def _like(stage: Stage, table: str) -> list[Index]:
    """The index that Django gives a text key on PostgreSQL, as an ordinary one does not serve LIKE there."""
    if stage.connection.vendor != "postgresql":
        return []
    key = stage.set.primary_key(table)
    columns = {c["name"] for c in stage.set.table(table)["columns"] if c["type"] == "text" and [c["name"]] == key}
    single = [columns[0] for columns in _belongs_to(stage, table) if len(columns) == 1]
    columns |= {column for column in single if stage.set.is_text(table, column)}
    return [Index(_django_name(stage, table, column, "_like"), (column,)) for column in columns]


def _django_name(stage: Stage, table: str, column: str, suffix: str = "") -> str:
    return str(stage.connection.schema_editor()._create_index_name(table, [column], suffix))


def _key_columns(stage: Stage, table: str, *, unique: bool = False) -> set[str]:
    """Columns of the primary key; with those of unique indexes and of references to such if asked."""
    found = set(stage.set.primary_key(table))
    if unique:
        found |= {column for columns in stage.set.unique_columns(table) for column in columns}
        found |= {column for key in stage.set.foreign_keys(table) for column in key["columns"]}
    return found


def _type(name: str) -> str:
    return next((kind for kind, names in TYPES.items() if name.lower() in names), name)


def _named(stage: Stage, table: str, index: Index) -> Index:
    """SQLite lists a unique constraint under a name of its own; the constraint's stands in the table's text."""
    if not index.name.startswith("sqlite_autoindex_"):
        return index
    with stage.connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
        [text] = cursor.fetchone()
    columns = ", ".join(f'"{column}"' for column in index.columns)
    found = re.search(rf'CONSTRAINT "(\w+)" UNIQUE \({re.escape(columns)}\)', text)
    return Index(found[1] if found else "", index.columns, index.unique)
