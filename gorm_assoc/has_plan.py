"""
What a has-one or has-many declaration asks for: which columns of the child lead to the owner.

    has_plan(field, child)    the key, by GORM's rules

It only reads. A declaration that makes no sense gets a plan without columns, and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import models

from gorm_assoc import conf
from gorm_assoc.exceptions import nearest
from gorm_assoc.join_plan import Problem, referenced_fields
from gorm_assoc.options import RelationOptions
from gorm_assoc.relationship import Fields, Model, find_field, same_model, table_fields


class Declared(Protocol):
    """What this module reads of a declaration; `kind_name` is how its class is called."""

    name: str
    model: Model
    options: RelationOptions


@dataclass(frozen=True, slots=True)
class HasPlan:
    """
    The key of a has-one or has-many.

    columns -- the child's fields that hold it; none if there is no key
    referenced -- the owner's fields whose values they hold, in the same order
    fixed -- further fields of the child and the value they have in this relation: a polymorphic one's type
    """

    columns: Fields = ()
    referenced: Fields = ()
    fixed: tuple[tuple[models.Field[Any, Any], Any], ...] = ()
    problems: tuple[Problem, ...] = ()


def has_plan(field: Declared, child: Model) -> HasPlan:
    problems: list[Problem] = []
    find = _polymorphic if is_polymorphic(field.options) else _plain
    plan = find(field, child, problems)
    if plan is None or problems:
        return HasPlan(problems=tuple(problems))
    return plan


def is_polymorphic(options: RelationOptions) -> bool:
    """Whether the key says the owner's table too. As in GORM, half of the two options is none of them."""
    return bool(options.polymorphic or (options.polymorphic_type and options.polymorphic_id))


def half_polymorphic(label: str, options: RelationOptions) -> Problem | None:
    """What to say of polymorphicType without polymorphicId, or the other way round."""
    if is_polymorphic(options) or not (options.polymorphic_type or options.polymorphic_id):
        return None
    given, lacking = ("Type", "Id") if options.polymorphic_type else ("Id", "Type")
    return Problem(
        "half_polymorphic",
        f"{label} has polymorphic{given} without polymorphic{lacking}.",
        f"Write polymorphic{lacking} too, or polymorphic for the names of both.",
    )


def relations(child: Model) -> list[Any]:
    """The relation fields whose columns stand in the child's own table, and whose models exist."""
    return [
        field
        for field in child._meta.concrete_model._meta.local_fields  # type: ignore[union-attr]
        if isinstance(field, models.ForeignObject) and not isinstance(field.remote_field.model, str)
    ]


def relation_over(child: Model, columns: Sequence[Any], owner: Model) -> Any:
    """The child's relation to the owner over exactly these columns; None if there is none."""
    for relation in relations(child):
        if set(relation.local_related_fields) == set(columns) and same_model(relation.remote_field.model, owner):
            return relation
    return None


# A plain key


def _plain(field: Declared, child: Model, problems: list[Problem]) -> HasPlan | None:
    owner, options = field.model, field.options
    if half := half_polymorphic(_label(field), options):
        problems.append(half)
        return None
    asked = referenced_fields(_label(field), "references", owner, options.references, problems)
    if options.foreign_key:
        columns = _named_columns(field, child, problems)
    else:
        columns = _columns_by_convention(field, child, asked, problems)
    if not columns:
        return None
    relation = relation_over(child, columns, owner)
    if relation is not None and not options.references:
        return HasPlan(relation.local_related_fields, relation.foreign_related_fields)
    if len(columns) != len(asked):
        names = ",".join(column.attname for column in columns)
        problems.append(
            Problem(
                "count_differs",
                f"{_label(field)} has {len(columns)} columns in foreignKey ({names}), but refers to {len(asked)} "
                f"of {owner._meta.label}: {', '.join(each.name for each in asked)}.",
                "Name as many fields in foreignKey as in references, or in the owner's primary key.",
            )
        )
        return None
    return HasPlan(columns, asked)


def _named_columns(field: Declared, child: Model, problems: list[Problem]) -> Fields:
    names = field.options.foreign_key
    if len(names) == 1:
        for relation in relations(child):
            if relation.name in (names[0], conf.naming().column_name(names[0])):
                return tuple(relation.local_related_fields)
    found = [find_field(child, name) for name in names]
    for name, match in zip(names, found, strict=True):
        if match is None:
            problems.append(_unknown(field, "foreignKey", name, child))
    different = tuple(dict.fromkeys(match for match in found if match is not None))
    if len(different) < len(found) and not problems:
        right = ",".join(column.attname for column in different)
        message = f"{_label(field)} names a field twice in foreignKey:{','.join(names)}."
        problems.append(Problem("named_twice", message, f"Write foreignKey:{right}."))
    return () if problems else different


def _columns_by_convention(field: Declared, child: Model, asked: Fields, problems: list[Problem]) -> Fields:
    """<owner>_<referenced field>; for one referenced field <owner>_id too."""
    owner = field.model._meta.concrete_model or field.model
    expected = [conf.naming().join_column(owner.__name__, each.attname) for each in asked]
    found = [find_field(child, column) for column in expected]
    if len(asked) == 1 and found == [None]:
        found = [find_field(child, conf.naming().join_column(owner.__name__, "id"))]
    columns = tuple(column for column in found if column is not None)
    if len(columns) == len(asked):
        return columns
    if columns:
        lacking = [name for name, column in zip(expected, found, strict=True) if column is None]
        problems.append(
            Problem(
                "half_key",
                f"{_label(field)} looks for {' and '.join(expected)} in {child._meta.label}, which has no "
                f"{' and no '.join(lacking)}: it would refer to half of the key of {owner._meta.label}.",
                "Declare what is missing, or name the columns in foreignKey.",
            )
        )
    else:
        problems.append(_no_key(field, child, expected))
    return ()


def _no_key(field: Declared, child: Model, expected: Sequence[str]) -> Problem:
    owner = field.model
    to_owner = [relation for relation in relations(child) if same_model(relation.remote_field.model, owner)]
    near = nearest(expected[0], [column.attname for column in table_fields(child)])
    if to_owner:
        hint = f'Write foreign_key="{to_owner[0].name}".'
    elif near:
        hint = f'Did you mean foreign_key="{near}"?'
    else:
        name = conf.naming().column_name(owner.__name__)
        hint = f'Write {name} = BelongsTo("{owner._meta.label}") in {child.__name__}, or name its key in foreign_key.'
    columns = " and ".join(expected)
    return Problem(
        "no_key", f"{_label(field)} finds no key in {child._meta.label}: there is no column {columns}.", hint
    )


# A polymorphic key: a type column and an id column, and no one table that they refer to


def _polymorphic(field: Declared, child: Model, problems: list[Problem]) -> HasPlan | None:
    owner, options = field.model, field.options
    found = []
    for option, name in (
        ("polymorphicType", options.polymorphic_type or f"{options.polymorphic}Type"),
        ("polymorphicId", options.polymorphic_id or f"{options.polymorphic}ID"),
    ):
        column = find_field(child, name)
        if column is None:
            problems.append(_unknown(field, option, name, child))
        found.append(column)
    referenced = referenced_fields(_label(field), "foreignKey", owner, options.foreign_key, problems)
    if len(referenced) != 1:
        problems.append(
            Problem(
                "count_differs",
                f"{_label(field)} is polymorphic and refers to {len(referenced)} fields of {owner._meta.label}: "
                f"{', '.join(each.name for each in referenced)}.",
                f'Name one: foreign_key="{referenced[0].name}".',
            )
        )
    type_column, id_column = found
    if type_column is None or id_column is None:
        return None
    value = options.polymorphic_value or owner._meta.db_table
    return HasPlan((id_column,), referenced, ((type_column, value),))


def _unknown(field: Declared, option: str, name: str, child: Model) -> Problem:
    known = list(
        dict.fromkeys(
            [
                *(relation.name for relation in relations(child) if option == "foreignKey"),
                *(column.attname for column in table_fields(child)),
            ]
        )
    )
    near = nearest(name, known) or nearest(conf.naming().column_name(name), known)
    return Problem(
        "unknown_field",
        f"{_label(field)} says {option}:{name}, but the table of {child._meta.label} has no such field.",
        f"Did you mean {near!r}?" if near else f"It has: {', '.join(known)}.",
    )


def _label(field: Declared) -> str:
    return f"{field.model._meta.label}.{field.name}"
