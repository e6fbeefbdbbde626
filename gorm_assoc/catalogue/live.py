"""
What a database says of a table, in one shape for SQLite, PostgreSQL and MariaDB/MySQL.

    read(connection, "user_languages")

From the database's own catalogue. Two things are made alike: RESTRICT is NO ACTION on MariaDB and
MySQL, where both mean the same; and indexes that the database made for itself, for the primary key
or for a foreign key, are listed like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gorm_assoc.catalogue.sqlite_text import CreateTable

_POSTGRES_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

# The first that fits names the type's class.
_CLASSES: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"^bool|^tinyint\(1\)", "boolean"),
        (r"^time( without time zone)?$", "time of day"),
        (r"\bint(?!erval)|(big|small|medium|tiny)int|serial", "integer"),
        (r"^numeric|^decimal", "decimal"),
        (r"real|double|float", "float"),
        (r"char|text|clob", "text"),
        (r"^timestamp.* without time zone|^timestamp(\(\d\))?$", "time without zone"),
        (r"^datetime|^timestamp", "time"),
        (r"blob|bytea|binary", "bytes"),
    )
)
# Where a database tells two classes apart that another does not have.
_SAME = {
    "sqlite": {"boolean": "number", "decimal": "number", "float": "number", "time without zone": "time"},
    "mysql": {"json": "text", "time without zone": "time"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; type in the database's own words. is_filled: a row that does not name it gets a value."""

    name: str
    type: str
    null: bool
    is_filled: bool = False


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
    """A table; columns and primary key in their order."""

    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    indexes: tuple[Index, ...]

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


def type_class(type_: str, vendor: str) -> str:
    """
    What sort of type it is, as far as programs care: integer, text, time ...; other types by their name.

    >>> type_class("varchar(191)", "postgresql") == type_class("text", "postgresql")
    True
    """
    if array := re.fullmatch(r"(.*)\[\d*\]", type_):
        return f"{type_class(array[1], vendor)}[]"
    found = next((name for pattern, name in _CLASSES if pattern.search(type_)), None)
    found = found or re.sub(r"\s*\(.*\)", "", type_).lower()
    return _SAME.get(vendor, {}).get(found, found)


def can_read(vendor: str) -> bool:
    return vendor in _READERS


def read(connection: Any, table: str) -> Table | None:
    """The table as the database describes it; None if there is none of that name."""
    with connection.cursor() as cursor:

        def rows(sql: str, *params: Any) -> list[Any]:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

        columns, primary_key, foreign_keys, indexes = _READERS[connection.vendor](rows, table)
    if not columns:
        return None
    return Table(tuple(columns), tuple(primary_key), tuple(foreign_keys), tuple(indexes))


def create_table(connection: Any, table: str) -> CreateTable:
    """The text that SQLite keeps of an existing table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        return CreateTable(cursor.fetchone()[0])


_Rows = Callable[..., list[Any]]
_Parts = tuple[list[Column], Sequence[str], list[ForeignKey], list[Index]]


def _sqlite(rows: _Rows, table: str) -> _Parts:
    info = rows(
        "SELECT name, replace(type, ' GENERATED ALWAYS', ''), \"notnull\", dflt_value IS NOT NULL OR hidden, pk "
        "FROM pragma_table_xinfo(%s) WHERE hidden <> 1",  # with generated columns, without those of virtual tables
        table,
    )
    columns = [Column(name, type_, not not_null, bool(filled)) for name, type_, not_null, filled, _ in info]
    primary_key = [row[0] for row in sorted(info, key=lambda row: row[4]) if row[4]]
    text = rows("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", table)
    foreign_keys = []
    for key in CreateTable(text[0][0]).foreign_keys() if text else ():
        keyed = "SELECT name FROM pragma_table_info(%s) WHERE pk ORDER BY pk"
        to_columns = key.to_columns or tuple(row[0] for row in rows(keyed, key.to_table))
        foreign_keys.append(
            ForeignKey(key.name, key.columns, key.to_table, to_columns, key.on_delete, key.on_update, key.deferrable)
        )
    indexes = [
        Index(name, tuple(row[0] for row in rows("SELECT name FROM pragma_index_info(%s)", name)), bool(unique))
        for name, unique in rows('SELECT name, "unique" FROM pragma_index_list(%s) WHERE NOT partial', table)
    ]
    return columns, primary_key, foreign_keys, indexes


def _postgres(rows: _Rows, table: str) -> _Parts:
    relation = f'"{table}"'
    columns = [
        Column(*row)
        for row in rows(
            "SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull, atthasdef OR attidentity <> '' "
            "FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            relation,
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
        "confdeltype, confupdtype, condeferred FROM pg_constraint WHERE conrelid = to_regclass(%s) "
        "AND contype IN ('p', 'f') ORDER BY conname",
        relation,
    ):
        if kind == "p":
            primary_key = columns_
        else:
            actions = _POSTGRES_ACTIONS[on_delete], _POSTGRES_ACTIONS[on_update]
            foreign_keys.append(ForeignKey(name, tuple(columns_), to_table, tuple(to_columns), *actions, deferrable))
    in_index = names.format(keys="indkey::int2[]", table="indrelid")
    indexes = [
        Index(name, tuple(columns_), unique)
        for name, columns_, unique in rows(
            f"SELECT (SELECT relname FROM pg_class WHERE oid = indexrelid), {in_index}, indisunique "
            "FROM pg_index WHERE indrelid = to_regclass(%s) AND indpred IS NULL AND indisvalid",
            relation,
        )
    ]
    return columns, primary_key, foreign_keys, indexes


def _mysql(rows: _Rows, table: str) -> _Parts:
    here = "table_schema = DATABASE() AND table_name = %s"
    columns = [
        Column(name, type_, null == "YES", bool(filled))
        for name, type_, null, filled in rows(
            "SELECT column_name, column_type, is_nullable, column_default IS NOT NULL OR extra <> '' "
            f"FROM information_schema.columns WHERE {here} ORDER BY ordinal_position",
            table,
        )
    ]
    parts: dict[str, list[Any]] = {}
    for row in rows(
        "SELECT u.constraint_name, u.column_name, u.referenced_table_name, u.referenced_column_name, "
        "r.delete_rule, r.update_rule FROM information_schema.key_column_usage u "
        "JOIN information_schema.referential_constraints r ON r.constraint_schema = u.constraint_schema "
        "AND r.constraint_name = u.constraint_name AND r.table_name = u.table_name "
        "WHERE u.table_schema = DATABASE() AND u.table_name = %s ORDER BY u.constraint_name, u.ordinal_position",
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
        f"SELECT index_name, non_unique = 0, column_name FROM information_schema.statistics WHERE {here} "
        "ORDER BY index_name, seq_in_index",
        table,
    ):
        found.setdefault((name, bool(unique)), []).append(column)
    primary_key = found.get(("PRIMARY", True), [])
    indexes = [Index(name, tuple(own), unique) for (name, unique), own in found.items()]
    return columns, primary_key, foreign_keys, indexes


_READERS: dict[str, Callable[[_Rows, str], _Parts]] = {"sqlite": _sqlite, "postgresql": _postgres, "mysql": _mysql}
