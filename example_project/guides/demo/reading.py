"""What there is to show, read from where it really is: nothing here is typed twice."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.test.utils import CaptureQueriesContext

_TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")
_CLAUSE = re.compile(r" (?=(?:FROM|INNER JOIN|WHERE|VALUES|ON CONFLICT|ON DUPLICATE|RETURNING) )")
_TIME = re.compile(r"'\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*(\+00:00)?'(::timestamptz)?")


# The declaration


def declaration(model: type[models.Model], name: str = "") -> str:
    """A model's source; with a name, its first line and that attribute's."""
    source = inspect.getsource(model)
    if not name:
        return source.rstrip()
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    (statement,) = [
        each
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and each.targets[0].id == name
    ]
    lines = source.splitlines()
    return "\n".join([lines[0], *lines[statement.lineno - 1 : statement.end_lineno]])


# The migration


def operations(model: type[models.Model]) -> list[tuple[Operation, str]]:
    """The operations on this model in its app's migrations, each with its source in the file."""
    loader = MigrationLoader(None)
    found = []
    for (app_label, _), migration in sorted(loader.disk_migrations.items()):
        if app_label != model._meta.app_label:
            continue
        source = Path(inspect.getfile(type(migration))).read_text()
        for operation, text in zip(migration.operations, _listed(source, "operations"), strict=True):
            name = getattr(operation, "model_name", "") or getattr(operation, "name", "")
            if name.lower() == model._meta.model_name:
                found.append((operation, text))
    return found


def _listed(source: str, name: str) -> list[str]:
    """The source of each element of the list that is assigned to `name`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            assert isinstance(node.value, ast.List)
            return [
                textwrap.dedent(ast.get_source_segment(source, each, padded=True) or "") for each in node.value.elts
            ]
    raise ValueError(f"no list {name}")


# The table


def table(name: str) -> str:
    """The table as the database's catalogue has it, with its indexes."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL ORDER BY rowid", [name]
            )
            return "\n".join(f"{pretty_table(plain(sql))};" for (sql,) in cursor.fetchall())
        if connection.vendor == "mysql":
            cursor.execute(f"SHOW CREATE TABLE {connection.ops.quote_name(name)}")
            return f"{plain(cursor.fetchone()[1])};"
        cursor.execute(
            "SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' "
            "ELSE '' END FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [name],
        )
        parts = [column for (column,) in cursor.fetchall()]
        cursor.execute(
            "SELECT 'CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND contype IN ('p', 'f') ORDER BY contype, conname",
            [name],
        )
        parts += [constraint for (constraint,) in cursor.fetchall()]
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexname LIKE 'idx%%'", [name])
        indexes = [f"{index};" for (index,) in cursor.fetchall()]
        return "\n".join([f"CREATE TABLE {name} (\n    " + ",\n    ".join(parts) + "\n);", *indexes])


def pretty_table(sql: str) -> str:
    """CREATE TABLE with a column or constraint a line; anything else as it is."""
    start = sql.find("(")
    if not sql.startswith("CREATE TABLE") or not sql.endswith(")"):
        return sql
    parts, depth, part = [], 0, ""
    for char in sql[start + 1 : -1]:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    return f"{sql[:start]}(\n    " + ",\n    ".join([*parts, part.strip()]) + "\n)"


# What ran


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collects what runs inside, without the transaction's own statements."""
    ran: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield ran
    ran += [plain(query["sql"]) for query in captured if not query["sql"].startswith(_TRANSACTION)]


def pretty(sql: str, width: int) -> list[str]:
    """A statement in lines: one where it fits, else a clause a line."""
    clauses = [sql] if len(sql) <= width else _CLAUSE.split(sql)
    wrap = partial(textwrap.wrap, width=width, subsequent_indent="      ", break_on_hyphens=False)
    first, *others = clauses
    return [*wrap(first), *(line for clause in others for line in wrap(clause, initial_indent="    "))]


def plain(sql: str) -> str:
    """SQL without the quotes around names, and 'now' for a time."""
    return _TIME.sub("'now'", sql).replace('"', "").replace("`", "")


# The rows


def join_rows(through: type[models.Model], *owners: models.Model) -> list[dict[str, str]]:
    """The join rows of the owners, dead ones too: column -> value, and what the row links to."""
    relations = [field for field in through._meta.local_fields if field.remote_field]
    (to_owner,) = [field for field in relations if field.remote_field.model is type(owners[0])]
    rows = [row for owner in owners for row in through._base_manager.filter(**{to_owner.name: owner}).order_by("pk")]
    return [
        {field.column: _shown(getattr(row, field.attname)) for field in through._meta.concrete_fields}
        | {f"({field.name})": str(getattr(row, field.name)) for field in relations if field is not to_owner}
        for row in rows
    ]


def rows_of(model: type[models.Model], *columns: str, after: int = 0) -> list[dict[str, str]]:
    """Some columns of the model's rows whose id is greater than `after`, dead ones too."""
    rows = model._base_manager.filter(pk__gt=after).order_by("pk").values_list(*columns)
    return [dict(zip(columns, map(_shown, row), strict=True)) for row in rows]


def as_table(rows: list[dict[str, str]]) -> list[str]:
    """Rows as aligned lines under their column names."""
    if not rows:
        return ["(no rows)"]
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return "now"
    return "NULL" if value is None else str(value)
