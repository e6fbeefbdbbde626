"""What was written: settings, options, and the names in them."""

from __future__ import annotations

from django.core.checks import CheckMessage, Error

from gorm_assoc import conf
from gorm_assoc.checks.declared import Declaration, label, speaks_for_both
from gorm_assoc.exceptions import nearest
from gorm_assoc.fields.belongs_to import BelongsTo
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.options import TAG_KEYS

_MANY2MANY_ONLY = ("many2many", "join_foreign_key", "join_references")


def check_settings() -> list[CheckMessage]:
    """gorm_assoc.E001"""
    return [Error(mistake.message, hint=mistake.hint, id="gorm_assoc.E001") for mistake in conf.mistakes()]


def check_options(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E002"""
    found: list[CheckMessage] = [
        Error(mistake.message, hint=mistake.hint, obj=field, id="gorm_assoc.E002")
        for mistake in field.options.mistakes
    ]
    if isinstance(field, BelongsTo):
        found += [
            Error(
                f"{label(field)} has the option {TAG_KEYS[option]!r}, which is a Many2Many's.",
                hint="Remove it; a BelongsTo takes foreignKey, references and constraint.",
                obj=field,
                id="gorm_assoc.E002",
            )
            for option in _MANY2MANY_ONLY
            if getattr(field.options, option)
        ]
    return found


def check_target_exists(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E003"""
    if isinstance(field, Many2Many) or field.settled:
        return []  # fields.E300 says it of a Many2Many
    to = field.to if isinstance(field.to, str) else field.to._meta.label
    known = {model._meta.object_name: model._meta.label for model in field.model._meta.apps.get_models()}
    near = nearest(to.rpartition(".")[2], [name for name in known if name])
    return [
        Error(
            f"{label(field)} belongs to {to!r}, which is not an installed model.",
            hint=f"Did you mean {known[near]!r}?" if near else 'Write the name of one, "app.Class".',
            obj=field,
            id="gorm_assoc.E003",
        )
    ]


def check_fields_exist(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E004"""
    return _problems(field, "unknown_field", "gorm_assoc.E004")


def check_counts(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E005"""
    return _problems(field, "count_differs", "gorm_assoc.E005")


def check_no_field_twice(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E006"""
    return _problems(field, "named_twice", "gorm_assoc.E006")


def check_columns_are_apart(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E007"""
    return _problems(field, "columns_collapse", "gorm_assoc.E007")


def _problems(field: Declaration, rule: str, id: str) -> list[CheckMessage]:
    if isinstance(field, Many2Many):
        problems = field.plan.problems if field.plan is not None and speaks_for_both(field) else ()
    else:
        problems = tuple(field.problems) if field.settled else ()
    return [
        Error(problem.message, hint=problem.hint, obj=field, id=id) for problem in problems if problem.rule == rule
    ]
