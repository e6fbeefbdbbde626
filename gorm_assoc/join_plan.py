"""
What a many2many declaration asks for, before its join model exists.

    partner(field, target)      the field that declares the same join table from the other end
    is_primary(field, other)    which of the two decides
    join_plan(field, target)    the join table: its name, columns, keys, constraints

All only read. A declaration that makes no sense still gets a plan (its wrong part is left
out), so that Django can start and the system checks can say what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from django.db import models
from django.db.backends.utils import strip_quotes, truncate_name

from gorm_assoc import conf
from gorm_assoc.exceptions import nearest
from gorm_assoc.naming import camel_case, go_name, singular
from gorm_assoc.options import TAG_KEYS, ConstraintOptions, RelationOptions
from gorm_assoc.relationship import Model, find_field, key_fields, same_model, table_fields, to_fields

# What an option of one side is called on the other.
TURNED = {
    "foreign_key": "references",
    "references": "foreign_key",
    "join_foreign_key": "join_references",
    "join_references": "join_foreign_key",
}


class Declared(Protocol):
    """What this module reads of a declared many2many field."""

    name: str
    model: Model
    remote_field: Any
    options: RelationOptions
    back_reference: bool
    join_model: str
    through_name: Any
    given_ends: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a declaration got wrong; `rule` names the system check that reports it."""

    rule: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class End:
    """
    One end of a join table.

    model -- the model at this end
    name -- the relation field on the join model
    fields -- the fields of `model` that are referenced
    columns -- the join table's columns, in the same order
    """

    model: Model
    name: str
    fields: tuple[models.Field[Any, Any], ...]
    columns: tuple[str, ...]

    @property
    def field_names(self) -> tuple[str, ...]:
        """The join model's plain fields. They follow the end and never the column, so a column can be renamed."""
        return tuple(f"{self.name}_{field.attname}" for field in self.fields)

    @property
    def all_names(self) -> set[str]:
        """What this end puts on the join model."""
        return {self.name, *self.field_names}

    @property
    def to_fields(self) -> tuple[str | None, ...]:
        return to_fields(self.model, self.fields)


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """The join table a declaration asks for."""

    table: str
    owner: End
    target: End
    constraint: ConstraintOptions
    constraint_names: tuple[str, str]
    problems: tuple[Problem, ...] = ()

    def turned(self) -> JoinPlan:
        """The same table seen from the other side."""
        return JoinPlan(
            self.table, self.target, self.owner, self.constraint, self.constraint_names[::-1], self.problems
        )


# The two sides of one join table


def given_through(field: Declared) -> Model | None:
    """The join model that the declaration was given; None if none was, or it does not exist yet."""
    given = field.through_name
    if not isinstance(given, str):
        return given  # type: ignore[no-any-return]
    app_label, _, name = given.rpartition(".")
    app_label = app_label or field.model._meta.app_label
    return field.model._meta.apps.all_models[app_label].get(name.lower())


def join_table(field: Declared) -> str:
    """The table's name as this side alone asks for it."""
    owner = field.model
    naming = conf.naming()
    through = given_through(field)
    if through is not None:
        return through._meta.db_table
    if field.options.many2many:
        return naming.join_table_name(_expanded(field.options.many2many, owner))
    if getattr(owner, "gorm_table_names", False):
        return naming.join_table_name(f"{naming.column_name(owner.__name__)}_{naming.column_name(field.name)}")
    return truncate_name(f"{strip_quotes(owner._meta.db_table)}_{field.name}", 63)


def candidates(field: Declared, target: Model) -> list[Declared]:
    """The target's many2many fields that lead back to this field's owner."""
    declared: list[Any] = list(target._meta.many_to_many)
    return [
        other
        for other in declared
        if other is not field
        and hasattr(other, "options")
        and (
            same_model(other.remote_field.model, field.model)
            or _names(other.remote_field.model, field.model, other.model)
        )
    ]


def partner(field: Declared, target: Model) -> Declared | None:
    """The field that declares the same join table from the other end; None if there is none."""
    table = join_table(field)
    return next((other for other in candidates(field, target) if join_table(other) == table), None)


def is_primary(field: Declared, other: Declared | None) -> bool:
    """Whether this side decides the join model's app, class name and column order. Never by load order."""
    if other is None:
        return True
    if field.back_reference != other.back_reference:
        return other.back_reference
    mine, theirs = _prefix(field), _prefix(other)
    return mine > theirs if mine != theirs else _label(field) < _label(other)


def is_primary_by_alphabet(field: Declared, other: Declared) -> bool:
    return field.back_reference == other.back_reference and _prefix(field) == _prefix(other)


def _prefix(field: Declared) -> int:
    owner = conf.naming().column_name(field.model.__name__) + "_"
    table = join_table(field).removeprefix(conf.naming().table_prefix)
    return len(owner) if table.startswith(owner) else 0


def _label(field: Declared) -> str:
    return f"{field.model._meta.label}.{field.name}"


def _names(to: Any, model: Model, holder: Model) -> bool:
    """Whether an unresolved reference, written on `holder`, names `model`."""
    if not isinstance(to, str):
        return False
    if to == "self":
        return same_model(holder, model)
    label = to if "." in to else f"{holder._meta.app_label}.{to}"
    return label.lower() == model._meta.label_lower


def _expanded(name: str, owner: Model) -> str:
    return name.replace("%(class)s", owner.__name__.lower()).replace("%(app_label)s", owner._meta.app_label)


# The plan


def join_plan(field: Declared, target: Model, other: Declared | None = None) -> JoinPlan:
    """
    The join table that a declaration asks for, by GORM's rules, seen from `field`.

    other -- the field that declares the same table from the target; what only it says holds for both
    """
    owner, naming = field.model, conf.naming()
    options = field.options if other is None else _merged(field.options, other.options)
    problems: list[Problem] = []
    owner_fields = referenced_fields(*_said("foreign_key", field, other), owner, options.foreign_key, problems)
    target_fields = referenced_fields(*_said("references", field, other), target, options.references, problems)
    owner_columns = key_columns(
        *_said("join_foreign_key", field, other),
        options.join_foreign_key,
        [_default(owner, f) for f in owner_fields],
        problems,
    )
    owner_name = naming.column_name(owner.__name__)
    target_name = naming.column_name(target.__name__)
    self_name = naming.column_name(singular(field.name))
    names_itself = go_name(self_name) == target.__name__ or self_name == target_name
    defaults = []
    for referenced in target_fields:
        column = _default(target, referenced)
        if column in owner_columns:
            named = naming.join_column(camel_case(self_name), referenced.attname)
            column = f"{column}_reference" if field.name == target_name else named
        defaults.append(column)
    target_columns = key_columns(*_said("join_references", field, other), options.join_references, defaults, problems)
    if same_model(owner, target):
        target_name = f"{owner_name}_reference" if names_itself else self_name
    target_columns = tuple(_apart(field, owner_columns, target_columns, same_model(owner, target), problems))
    owner_end = End(owner, owner_name, owner_fields, owner_columns)
    target_end = End(target, target_name, target_fields, target_columns)
    if owner_end.all_names & target_end.all_names:
        # Two apps with one class name; or User and UserId, whose user_id is a column of the one and the other's name.
        target_end = replace(target_end, name=f"{target_name}_reference")
    table = join_table(field)
    constraint = options.constraint if options.constraint is not None else conf.default_constraint()
    owner_key = naming.foreign_key_name(table, owner.__name__)
    target_key = naming.foreign_key_name(table, field.name if same_model(owner, target) else target.__name__)
    if target_key == owner_key:
        target_key = f"{target_key}_reference"
    if constraint.name:
        owner_key, target_key = constraint.name, f"{constraint.name}_{target_end.name}"
    return JoinPlan(table, owner_end, target_end, constraint, (owner_key, target_key), tuple(problems))


def _merged(mine: RelationOptions, theirs: RelationOptions) -> RelationOptions:
    lists = {option: getattr(mine, option) or getattr(theirs, turned) for option, turned in TURNED.items()}
    return replace(mine, constraint=theirs.constraint if mine.constraint is None else mine.constraint, **lists)


def _said(option: str, field: Declared, other: Declared | None) -> tuple[str, str]:
    """Whose option it is that holds for both sides, and what it is called in that side's tag."""
    turned = TURNED[option]
    if other is not None and not getattr(field.options, option) and getattr(other.options, turned):
        return _label(other), TAG_KEYS[turned]
    return _label(field), TAG_KEYS[option]


def _default(model: Model, field: models.Field[Any, Any]) -> str:
    return conf.naming().join_column(model.__name__, field.attname)


def referenced_fields(
    label: str, option: str, model: Model, names: Sequence[str], problems: list[Problem]
) -> tuple[models.Field[Any, Any], ...]:
    """The fields of `model` that an option names; its primary key if it names none, or a wrong one."""
    found = []
    for name in names:
        match = find_field(model, name)
        if match is not None:
            found.append(match)
            continue
        known = [f.name for f in table_fields(model)]
        near = nearest(name, known)
        problems.append(
            Problem(
                "unknown_field",
                f"{label} says {option}:{name}, but the table of {model._meta.label} has no such field.",
                f"Did you mean {near!r}?" if near else f"It has: {', '.join(known)}.",
            )
        )
    different = list(dict.fromkeys(found))
    if len(different) < len(found):
        twice = next(field.name for field in found if found.count(field) > 1)
        right = ",".join(field.name for field in different)
        problems.append(
            Problem("named_twice", f"{label} names {twice!r} twice in {option}.", f"Write {option}:{right}.")
        )
    return tuple(different) if found and len(found) == len(names) else key_fields(model)


def key_columns(
    label: str,
    option: str,
    names: Sequence[str],
    defaults: Sequence[str],
    problems: list[Problem],
    model: Model | None = None,
) -> tuple[str, ...]:
    """
    The columns that an option names, the rest by default.

    model -- where a name may be that of a field the model already has
    """
    if len(names) > len(defaults):
        problems.append(
            Problem(
                "count_differs",
                f"{label} gives {len(names)} names in {option}; the key has {len(defaults)}.",
                f"Give {len(defaults)} or fewer: names replace the default columns ({', '.join(defaults)}) in order.",
            )
        )
    given: list[str] = []
    for name in names[: len(defaults)]:
        field = find_field(model, name) if model is not None else None
        given.append(str(field.column) if field is not None else join_column(name))
    columns = list(dict.fromkeys((*given, *defaults[len(given) :])))
    if len(columns) == len(defaults):
        return tuple(columns)
    twice = next(column for column in given if (*given, *defaults[len(given) :]).count(column) > 1)
    problems.append(
        Problem(
            "columns_collapse",
            f"{label} gives the column {twice!r} to two fields of the key with {option}.",
            f"Name {len(defaults)} different columns.",
        )
    )
    return tuple(defaults)


def join_column(name: str) -> str:
    """The column that joinForeignKey or joinReferences means by a name."""
    return conf.naming().column_name(name[:1].upper() + name[1:])


def _apart(
    field: Declared,
    owner_columns: Sequence[str],
    columns: Sequence[str],
    self_referential: bool,
    problems: list[Problem],
) -> Iterator[str]:
    """The target's columns, told apart from the owner's and from each other."""
    seen = set(owner_columns)
    for column in columns:
        if column in seen:
            problems.append(
                Problem(
                    "columns_collapse",
                    f"Both ends of {_label(field)} would use the join column {column!r}.",
                    "Name one of them with joinReferences (or joinForeignKey)"
                    + (", or give the relation another name than its model's." if self_referential else "."),
                )
            )
            column = f"{column}_reference"
        seen.add(column)
        yield column
