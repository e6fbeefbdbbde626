"""Both sides of one join table: do they agree, and which of them decides?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from gorm_assoc.checks.declared import all_many2many, join_model, label, speaks_for_both
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.has_plan import is_polymorphic
from gorm_assoc.join_plan import TURNED, candidates, is_primary_by_alphabet, join_column
from gorm_assoc.options import TAG_KEYS, ConstraintOptions
from gorm_assoc.relationship import find_field, same_model


def check_sides_agree(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E008"""
    other = field.partner
    if other is None or not speaks_for_both(field):
        return []
    return [
        Error(
            f"{label(field)} says {mine}, but {label(other)}, over the same join table, says {theirs}.",
            hint="Say the same on both, or remove it from one: it holds for both.",
            obj=field,
            id="gorm_assoc.E008",
        )
        for mine, theirs in _differences(field, other)
    ]


def check_one_side_is_primary(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E009"""
    other = field.partner
    if other is None or not speaks_for_both(field) or not (field.back_reference and other.back_reference):
        return []
    return [
        Error(
            f"{label(field)} and {label(other)} both say back_reference=True.",
            hint="Remove it from the side that decides the join model's app, class and order of columns.",
            obj=field,
            id="gorm_assoc.E009",
        )
    ]


def check_primary_is_not_by_alphabet(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.W005"""
    other = field.partner
    if other is None or not speaks_for_both(field) or field.back_reference or not is_primary_by_alphabet(field, other):
        return []
    if not field.has_made_join_model and not same_model(field.model, other.model):
        return []  # the join model is written, and its relations tell owner from target
    return [
        CheckWarning(
            f"Only the alphabet makes {label(field)}, and not {label(other)}, decide their join model.",
            hint=f"Write back_reference=True on {label(other)}, or on {label(field)} if the other is to decide.",
            obj=field,
            id="gorm_assoc.W005",
        )
    ]


def check_there_is_another_side(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.W006"""
    target = field.remote_field.model
    # With join_model it was the way back once, and the table is as the other side made it.
    if not field.back_reference or field.join_model or field.partner is not None or same_model(field.model, target):
        return []
    others = " or ".join(label(other) for other in candidates(field, target))
    return [
        CheckWarning(
            f"{label(field)} says back_reference=True, but no relation of {target._meta.label} is over its join "
            f"table {join_model(field)._meta.db_table!r}.",
            hint=f"Give it the join table of {others}." if others else "Declare the other side, or remove it.",
            obj=field,
            id="gorm_assoc.W006",
        )
    ]


def check_polymorphic_owners_agree(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E038"""
    if not is_polymorphic(field.options) or field.plan is None:
        return []
    others = [other for other in all_many2many(field) if join_model(other) is join_model(field)]
    first = min(others, key=label)
    if first.plan is None or first.plan.constraint == field.plan.constraint:
        return []
    return [
        Error(
            f"{label(field)} says {_written(field.plan.constraint)}, but {label(first)}, over the same join table, "
            f"says {_written(first.plan.constraint)}.",
            hint="Say the same on each: the table has one foreign key to the targets.",
            obj=field,
            id="gorm_assoc.E038",
        )
    ]


def _differences(field: Many2Many, other: Many2Many) -> Iterator[tuple[str, str]]:
    """What the two say, where both say something and not the same."""
    for option, turned in TURNED.items():
        mine, theirs = getattr(field.options, option), getattr(other.options, turned)
        if mine and theirs and _meant(option, mine, field) != _meant(option, theirs, field):
            yield f"{TAG_KEYS[option]}:{','.join(mine)}", f"{TAG_KEYS[turned]}:{','.join(theirs)}"
    mine, theirs = field.options.constraint, other.options.constraint
    if mine is not None and theirs is not None and mine != theirs:
        yield _written(mine), _written(theirs)
    if field.join_model and other.join_model and _app_class(field) != _app_class(other):
        yield f'join_model="{field.join_model}"', f'join_model="{other.join_model}"'


def _meant(option: str, names: tuple[str, ...], field: Many2Many) -> list[Any]:
    """Names as the plan reads them: Refer and refer are one field."""
    if option.startswith("join_"):
        return [join_column(name) for name in names]
    model = field.model if option == "foreign_key" else field.remote_field.model
    return [find_field(model, name) or name for name in names]


def _app_class(field: Many2Many) -> tuple[str, str]:
    app_label, _, name = field.join_model.rpartition(".")
    return app_label or field.model._meta.app_label, name


def _written(constraint: ConstraintOptions) -> str:
    if not constraint.enabled:
        return "constraint:-"
    actions = (("OnDelete", constraint.on_delete), ("OnUpdate", constraint.on_update))
    parts = [constraint.name, *(f"{event}:{action}" for event, action in actions if action)]
    return f"constraint:{','.join(part for part in parts if part)}" if any(parts) else "nothing of a constraint"
