"""
The declared relations written down: as a table, as JSON, as a diagram for mermaid.

They work from the rows of relations.py alone, whatever kinds there are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields

from gorm_assoc.catalogue.relations import NONE, Declared
from gorm_assoc.relationship import BELONGS_TO, HAS_MANY, HAS_ONE, MANY2MANY

# How many rows of the owner, and of the target, belong together.
CARDINALITIES = {BELONGS_TO: "}o--||", HAS_ONE: "||--o|", HAS_MANY: "||--o{"}
ONE_TO_MANY = CARDINALITIES[HAS_MANY]


def as_text(rows: Sequence[Declared]) -> str:
    """The rows as a table with a head."""
    names = [field.name for field in fields(Declared)]
    cells = [names, *([getattr(row, name) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(row, widths) for row in cells)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def as_json(rows: Sequence[Declared]) -> str:
    """The rows as a list of objects; columns and hooks are lists."""
    listed = [
        {
            "relation": row.relation,
            "owner": row.owner,
            "name": row.name,
            "kind": row.kind,
            "target": row.target,
            "table": row.table,
            "columns": row.columns.split(", "),
            "constraint": None if row.constraint == NONE else row.constraint,
            "hooks": [] if row.hooks == NONE else row.hooks.split(", "),
        }
        for row in rows
    ]
    return json.dumps(listed, indent=2, ensure_ascii=False)


def as_mermaid(rows: Sequence[Declared]) -> str:
    """An erDiagram: a join table is an entity of its own, with its columns."""
    by_table: dict[str, list[Declared]] = {}
    for row in rows:
        if row.kind == MANY2MANY:
            by_table.setdefault(row.table, []).append(row)
    lines = [*_join_tables(by_table), *_others(rows, by_table)]
    models = sorted({name for row in rows for name in (row.owner, row.target)} - _join_models(rows, by_table))
    return "\n".join(["erDiagram", *(f'    {_id(name)}["{name}"]' for name in models), *lines])


def _join_tables(by_table: Mapping[str, Sequence[Declared]]) -> Iterator[str]:
    for table, declared in by_table.items():
        columns = "".join(f"        key {_id(column)}\n" for column in declared[0].columns.split(", "))
        yield f"    {_id(table)} {{\n{columns}    }}"
        for row in declared:
            yield f'    {_id(row.owner)} {ONE_TO_MANY} {_id(table)} : "{row.name}"'
        owners = {row.owner for row in declared} if len(declared) > 1 else set()
        for target in dict.fromkeys(row.target for row in declared if row.target not in owners):
            yield f'    {_id(target)} {ONE_TO_MANY} {_id(table)} : ""'


def _others(rows: Sequence[Declared], by_table: Mapping[str, Sequence[Declared]]) -> Iterator[str]:
    for row in rows:
        ends = {name for declared in by_table.get(row.table, ()) for name in (declared.owner, declared.target)}
        if row.kind == MANY2MANY or (row.kind == BELONGS_TO and row.target in ends):
            continue  # drawn with its join table
        owner = row.table if row.kind == BELONGS_TO and ends else row.owner
        yield f'    {_id(owner)} {CARDINALITIES[row.kind]} {_id(row.target)} : "{row.name}"'


def _join_models(rows: Sequence[Declared], by_table: Mapping[str, Sequence[Declared]]) -> set[str]:
    """The models that are drawn as their tables."""
    return {row.owner for row in rows if row.kind == BELONGS_TO and row.table in by_table}


def _id(name: str) -> str:
    return re.sub(r"\W", "_", name)


FORMATS: dict[str, Callable[[Sequence[Declared]], str]] = {"text": as_text, "json": as_json, "mermaid": as_mermaid}
