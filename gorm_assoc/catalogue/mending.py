"""
The SQL that adds what a database lacks: tables, columns, foreign keys, unique columns, indexes.

It drops no table, column or row. A foreign key that is there but otherwise (another name or action,
not deferrable) is dropped and made again. SQLite cannot do that: there the table is made anew, from
the text the database keeps of it, with everything that stands in it, declared or not.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.db import models

from gorm_assoc.catalogue import live
from gorm_assoc.catalogue.comparing import Difference, Unique
from gorm_assoc.constraints import ForeignKeyConstraint


def statements(connection: Any, differences: Iterable[Difference]) -> list[str]:
    """A script for the database's own shell; empty if nothing of it can be added."""
    addable = [difference for difference in differences if difference.missing is not None]
    if not addable:
        return []
    editor = connection.schema_editor(collect_sql=True, atomic=False)
    editor.deferred_sql = []  # otherwise made by entering the editor, which on SQLite looks at all rows
    mend = {"sqlite": _on_sqlite}.get(connection.vendor, _on_a_server)
    for model, of_table in groupby(addable, key=lambda difference: difference.model):
        mend(editor, model, list(of_table))
    for statement in editor.deferred_sql:
        editor.execute(statement, params=None)
    begin, end = _FRAMES.get(connection.vendor, ([], []))
    return [*begin, *editor.collected_sql, *end]


_FRAMES = {
    "postgresql": (["BEGIN;"], ["COMMIT;"]),
    # Foreign keys are off while tables are made anew; what they find in the rows is printed at the end.
    "sqlite": (
        [
            "-- Stop at the first error: manage.py dbshell -- -bail",
            "PRAGMA foreign_keys = OFF;",
            "PRAGMA legacy_alter_table = ON;",
            "BEGIN IMMEDIATE;",
        ],
        ["COMMIT;", "PRAGMA legacy_alter_table = OFF;", "PRAGMA foreign_keys = ON;", "PRAGMA foreign_key_check;"],
    ),
}


def _on_a_server(editor: Any, model: Any, differences: list[Difference]) -> None:
    for difference in differences:
        missing = difference.missing
        if isinstance(missing, models.Field):
            table, column = map(editor.quote_name, (model._meta.db_table, missing.column))
            editor.execute(
                f"ALTER TABLE {table} ADD COLUMN {column} {_definition(editor, model, missing)}", params=None
            )
        elif isinstance(missing, ForeignKeyConstraint):
            if difference.instead_of is not None:
                _, _, kwargs = missing.deconstruct()
                editor.remove_constraint(model, ForeignKeyConstraint(**{**kwargs, "name": difference.instead_of.name}))
            editor.add_constraint(model, missing)
        else:
            _add_table_or_index(editor, model, missing)


def _on_sqlite(editor: Any, model: Any, differences: list[Difference]) -> None:
    columns = [each.missing for each in differences if isinstance(each.missing, models.Field)]
    keys = [each for each in differences if isinstance(each.missing, ForeignKeyConstraint)]
    if columns or keys:
        for statement in _table_anew(editor, model, columns, keys):
            editor.execute(statement, params=None)
    for difference in differences:
        if not isinstance(difference.missing, models.Field | ForeignKeyConstraint):
            _add_table_or_index(editor, model, difference.missing)


def _add_table_or_index(editor: Any, model: Any, missing: Any) -> None:
    if isinstance(missing, models.Index):
        editor.add_index(model, missing)
    elif isinstance(missing, Unique):
        editor.execute(editor._create_unique_sql(model, missing.fields, name=missing.name or None), params=None)
    elif isinstance(missing, tuple):
        for statement in editor._field_indexes_sql(model, missing[0]):
            editor.execute(statement, params=None)
    else:
        editor.create_model(missing)


def _definition(editor: Any, model: Any, field: Any) -> str:
    """A column's SQL without its name. Its default stays in the database, for those who do not know the column."""
    field = copy.copy(field)
    field._unique = False  # SQLite adds no unique column; what keeps it unique is a difference of its own
    sql, params = editor.column_sql(model, field, include_default=True)
    return str(sql % tuple(map(editor.quote_value, params)) if params else sql)


def _table_anew(editor: Any, model: Any, columns: list[Any], keys: list[Difference]) -> Iterator[str]:
    """SQLite's own way to another table, https://sqlite.org/lang_altertable.html#otheralter."""
    quote, value = editor.quote_name, editor.quote_value
    name = model._meta.db_table
    table, new = quote(name), quote(f"new__{name}")
    text = live.create_table(editor.connection, name)
    yield f"DROP TABLE IF EXISTS {new}"
    replaced = {(key.instead_of.name, key.instead_of.columns) for key in keys if key.instead_of is not None}
    yield text.changed(
        new,
        without=[key for key in text.foreign_keys() if (key.name, key.columns) in replaced],
        columns=[f"{quote(field.column)} {_definition(editor, model, field)}" for field in columns],
        constraints=[key.missing.constraint_sql(model, editor) for key in keys],
    )
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pragma_table_info(%s)", [name])
        there = ", ".join(quote(row[0]) for row in cursor.fetchall())
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = %s AND type IN ('index', 'trigger') AND sql IS NOT NULL",
            [name],
        )
        made_again = [row[0] for row in cursor.fetchall()]
    yield f"INSERT INTO {new} ({there}) SELECT {there} FROM {table}"
    if text.has_sequence:
        own = value(f"new__{name}")
        yield f"DELETE FROM sqlite_sequence WHERE name = {own}"
        yield (
            "INSERT INTO sqlite_sequence (name, seq) "
            f"SELECT {own}, seq FROM sqlite_sequence WHERE name = {value(name)}"
        )
    yield f"DROP TABLE {table}"
    yield f"ALTER TABLE {new} RENAME TO {table}"
    yield from made_again
