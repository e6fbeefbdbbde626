"""A recorded set's tables as AutoMigrate makes them on SQLite and PostgreSQL, with rows as Go writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance import recordings
from tests.conformance.recordings import Tables

# What Go's SQLite driver writes for a time.Time.
GO_TIME = "2024-05-01 12:34:56.789012345+02:00"

_TYPES = {
    "sqlite": {},
    "postgresql": {"integer": "bigint", "datetime": "timestamptz", "numeric": "boolean"},
}


def make(connection: Any, set_name: str) -> None:
    """
    Make the tables, and fill them with the rows of the recorded state that has most.

    The last row of each table is one that Go wrote without filling it in: "" and NULL timestamps.
    """
    found = recordings.sets()[set_name]
    tables = _referenced_first(found.tables)
    with connection.cursor() as cursor:
        for table in tables:
            for statement in _ddl(connection.vendor, table):
                cursor.execute(statement.replace("`", '"') if connection.vendor == "postgresql" else statement)
        rows = fullest_state(set_name)
        referenced = {column for table in tables for key in table["foreign_keys"] for column in key["references"]}
        for table in tables:
            for row in rows[table["name"]][:-1]:
                _insert(cursor, connection, table["name"], row)
            for row in rows[table["name"]][-1:]:
                empty = {name: "" for name in ("name", "note", "label") if name in row and name not in referenced}
                never = {column: None for column in row if column.endswith("_at")}
                _insert(cursor, connection, table["name"], {**row, **empty, **never})
        if connection.vendor == "postgresql":
            for table in tables:
                if _has_sequence(table):
                    cursor.execute(f"SELECT setval('{table['name']}_id_seq', (SELECT max(id) FROM {table['name']}))")


def _referenced_first(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ordered: list[dict[str, Any]] = []
    while len(ordered) < len(tables):
        there = {table["name"] for table in ordered}
        ordered += [
            table
            for table in tables
            if table not in ordered and {key["table"] for key in table["foreign_keys"]} <= {*there, table["name"]}
        ]
    return ordered


def fullest_state(set_name: str) -> Tables:
    """Of all recorded states of a set the one with most rows, and in as many tables as there are."""
    states = (step.after for scenario in recordings.scenarios() if scenario.set == set_name for step in scenario.steps)
    return max(states, key=lambda tables: (sum(map(bool, tables.values())), sum(map(len, tables.values()))))


def _ddl(vendor: str, table: dict[str, Any]) -> Iterator[str]:
    types = _TYPES[vendor]
    parts = []
    for column in table["columns"]:
        type_ = types.get(column["type"], column["type"])
        if _has_sequence(table) and [column["name"]] == table["primary_key"]:
            type_ = "bigserial" if vendor == "postgresql" else "integer PRIMARY KEY AUTOINCREMENT"
        parts.append(f"`{column['name']}` {type_}")
    if vendor == "postgresql" or not _has_sequence(table):
        parts.append(f"PRIMARY KEY ({_names(table['primary_key'])})")
    for key in table["foreign_keys"]:
        actions = "".join(
            f" ON {event} {key[field]}"
            for event, field in (("DELETE", "on_delete"), ("UPDATE", "on_update"))
            if key[field]
        )
        parts.append(
            f"CONSTRAINT `{key['name']}` FOREIGN KEY ({_names(key['columns'])}) "
            f"REFERENCES `{key['table']}`({_names(key['references'])}){actions}"
        )
    for index in table["unique_and_indexes"]:
        if index["name"].startswith("uni_"):
            parts.append(f"CONSTRAINT `{index['name']}` UNIQUE ({_names(index['columns'])})")
    yield f"CREATE TABLE `{table['name']}` ({','.join(parts)})"
    for index in table["unique_and_indexes"]:
        if not index["name"].startswith("uni_"):
            unique = "UNIQUE " if index["unique"] else ""
            yield f"CREATE {unique}INDEX `{index['name']}` ON `{table['name']}`({_names(index['columns'])})"


def _insert(cursor: Any, connection: Any, table: str, row: dict[str, Any]) -> None:
    values = {
        column: (GO_TIME if value else None) if column.endswith("_at") else value for column, value in row.items()
    }
    columns = ", ".join(map(connection.ops.quote_name, values))
    marks = ", ".join(["%s"] * len(values))
    cursor.execute(f"INSERT INTO {connection.ops.quote_name(table)} ({columns}) VALUES ({marks})", [*values.values()])


def _has_sequence(table: dict[str, Any]) -> bool:
    """Whether the database hands out the keys: one integer."""
    key = table["primary_key"]
    return len(key) == 1 and any(c["name"] == key[0] and c["type"] == "integer" for c in table["columns"])


def _names(names: list[str]) -> str:
    return ",".join(f"`{name}`" for name in names)
