"""
What a database says about a table, in one shape for SQLite, PostgreSQL and MariaDB.

    read(connection, "user_languages")

Read from the database's own catalogue, never from models. Three things are made alike:

    NO ACTION      also where MariaDB says RESTRICT, as it does for both
    deferrable     False on MariaDB, which has none
    indexes        without the one that the primary key needs, and on MariaDB without the ones
                   it makes for foreign keys by itself
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_SQLITE_KEY = re.compile(
    r"""(?:CONSTRAINT\s+["`](?P<name>[^"`]+)["`]\s+)?FOREIGN\s+KEY\s*\((?P<columns>[^)]*)\)\s*
        REFERENCES\s+["`][^"`]+["`]\s*\([^)]*\)(?P<rest>[^,]*)""",
    re.IGNORECASE | re.VERBOSE,
)
_POSTGRES_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; type in the database's own words."""

    name: str
    type: str
    null: bool


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key; name is empty if it has none (SQLite)."""

    name: str
    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    deferrable: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """One index or unique constraint."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table. Columns and primary key stand in their order, foreign keys and indexes by name."""

    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    indexes: tuple[Index, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def read(connection: Any, table: str) -> Table:
    """The table as the database describes it. Raises LookupError if there is none of that name."""
    with connection.cursor() as cursor:

        def rows(sql: str, *params: Any) -> list[Any]:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

        columns, primary_key, foreign_keys, indexes = _READERS[connection.vendor](rows, table)
    if not columns:
        raise LookupError(f"There is no table {table!r}.")
    return Table(
        tuple(columns),
        tuple(primary_key),
        tuple(sorted(foreign_keys, key=lambda key: (key.name, key.columns))),
        tuple(sorted(indexes, key=lambda index: index.name)),
    )


def tables(connection: Any) -> list[str]:
    """The names of all tables."""
    with connection.cursor() as cursor:
        return sorted(info.name for info in connection.introspection.get_table_list(cursor))


_Rows = Callable[..., list[Any]]
_Parts = tuple[list[Column], list[str], list[ForeignKey], list[Index]]


def _sqlite(rows: _Rows, table: str) -> _Parts:
    info = rows(f'PRAGMA table_info("{table}")')
    columns = [Column(row[1], row[2], not row[3]) for row in info]
    primary_key = [row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]]
    # The pragma knows neither names nor what is deferred; both stand in the text only.
    [text] = [row[0] for row in rows("SELECT sql FROM sqlite_master WHERE name = %s", table)] or [""]
    written: dict[tuple[str, ...], list[re.Match[str]]] = {}
    for match in _SQLITE_KEY.finditer(text or ""):
        written.setdefault(tuple(re.findall(r'["`]([^"`]+)["`]', match["columns"])), []).append(match)
    parts: dict[int, list[Any]] = {}
    for row in sorted(rows(f'PRAGMA foreign_key_list("{table}")'), key=lambda row: (row[0], row[1])):
        parts.setdefault(row[0], []).append(row)
    foreign_keys = []
    for key in reversed(parts.values()):  # the pragma numbers them from the last to the first
        own = tuple(row[3] for row in key)
        found = written[own].pop(0) if written.get(own) else None
        inline = re.search(rf'["`]{own[0]}["`][^,]* REFERENCES [^,]*DEFERRABLE', text)
        deferrable = "DEFERRABLE" in found["rest"].upper() if found else bool(inline)
        name = (found["name"] or "") if found else ""
        foreign_keys.append(
            ForeignKey(name, own, key[0][2], tuple(row[4] for row in key), key[0][6], key[0][5], deferrable)
        )
    indexes = [
        Index(row[1], tuple(each[2] for each in rows(f'PRAGMA index_info("{row[1]}")')), bool(row[2]))
        for row in rows(f'PRAGMA index_list("{table}")')
        if row[3] != "pk"
    ]
    return columns, primary_key, foreign_keys, indexes


def _postgres(rows: _Rows, table: str) -> _Parts:
    columns = [
        Column(*row)
        for row in rows(
            "SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            f'"{table}"',
        )
    ]
    names = (
        "ARRAY(SELECT attname FROM unnest({keys}) WITH ORDINALITY AS k(number, place) "
        "JOIN pg_attribute ON attrelid = {table} AND attnum = number ORDER BY place)::text[]"
    )
    own, other = names.format(keys="conkey", table="conrelid"), names.format(keys="confkey", table="confrelid")
    primary_key: list[str] = []
    foreign_keys = []
    for name, kind, columns_, to_table, to_columns, on_delete, on_update, deferrable in rows(
        f"SELECT conname, contype, {own}, (SELECT relname FROM pg_class WHERE oid = confrelid), {other}, "
        "confdeltype, confupdtype, condeferred FROM pg_constraint WHERE conrelid = to_regclass(%s)",
        f'"{table}"',
    ):
        if kind == "p":
            primary_key = columns_
        elif kind == "f":
            actions = _POSTGRES_ACTIONS[on_delete], _POSTGRES_ACTIONS[on_update]
            foreign_keys.append(ForeignKey(name, tuple(columns_), to_table, tuple(to_columns), *actions, deferrable))
    in_index = names.format(keys="indkey::int2[]", table="indrelid")
    indexes = [
        Index(name, tuple(columns_), unique)
        for name, columns_, unique in rows(
            f"SELECT (SELECT relname FROM pg_class WHERE oid = indexrelid), {in_index}, indisunique "
            "FROM pg_index WHERE indrelid = to_regclass(%s) AND NOT indisprimary",
            f'"{table}"',
        )
    ]
    return columns, primary_key, foreign_keys, indexes


def _mariadb(rows: _Rows, table: str) -> _Parts:
    here = "table_schema = DATABASE() AND table_name = %s"
    columns = [
        Column(name, type_, null == "YES")
        for name, type_, null in rows(
            f"SELECT column_name, column_type, is_nullable FROM information_schema.columns "
            f"WHERE {here} ORDER BY ordinal_position",
            table,
        )
    ]
    parts: dict[str, list[Any]] = {}
    for row in rows(
        "SELECT u.constraint_name, u.column_name, u.referenced_table_name, u.referenced_column_name, "
        "r.delete_rule, r.update_rule FROM information_schema.key_column_usage u "
        "JOIN information_schema.referential_constraints r ON r.constraint_schema = u.constraint_schema "
        "AND r.constraint_name = u.constraint_name AND r.table_name = u.table_name "
        "WHERE u.table_schema = DATABASE() AND u.table_name = %s ORDER BY u.ordinal_position",
        table,
    ):
        parts.setdefault(row[0], []).append(row)
    foreign_keys = [
        ForeignKey(
            name,
            tuple(row[1] for row in key),
            key[0][2],
            tuple(row[3] for row in key),
            key[0][4].replace("RESTRICT", "NO ACTION"),
            key[0][5].replace("RESTRICT", "NO ACTION"),
        )
        for name, key in parts.items()
    ]
    found: dict[tuple[str, bool], list[str]] = {}
    for name, unique, column in rows(
        "SELECT index_name, non_unique = 0, column_name FROM information_schema.statistics "
        f"WHERE {here} ORDER BY seq_in_index",
        table,
    ):
        found.setdefault((name, bool(unique)), []).append(column)
    primary_key = found.pop(("PRIMARY", True), [])
    indexes = [Index(name, tuple(own), unique) for (name, unique), own in found.items() if name not in parts]
    return columns, primary_key, foreign_keys, indexes


_READERS: dict[str, Callable[[_Rows, str], _Parts]] = {"sqlite": _sqlite, "postgresql": _postgres, "mysql": _mariadb}
