"""What was written: settings, options, and the names in them."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error

from gorm_assoc import conf
from gorm_assoc.checks.declared import Declaration, label, speaks_for_both
from gorm_assoc.exceptions import nearest
from gorm_assoc.fields.belongs_to import BelongsTo
from gorm_assoc.fields.has import Has
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.has_plan import half_polymorphic, is_polymorphic
from gorm_assoc.options import TAG_KEYS

# Options by what they are an option of; the others are every relation's.
_JOIN = ("many2many", "join_foreign_key", "join_references")
_POLYMORPHIC = ("polymorphic", "polymorphic_type", "polymorphic_id", "polymorphic_value")


def check_settings() -> list[CheckMessage]:
    """gorm_assoc.E001"""
    return [Error(mistake.message, hint=mistake.hint, id="gorm_assoc.E001") for mistake in conf.mistakes()]


def check_options(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E002"""
    found: list[CheckMessage] = [
        Error(mistake.message, hint=mistake.hint, obj=field, id="gorm_assoc.E002")
        for mistake in field.options.mistakes
    ]
    found += [
        Error(
            f"{label(field)} has the option {TAG_KEYS[option]!r}, {message}",
            hint=hint,
            obj=field,
            id="gorm_assoc.E002",
        )
        for option, message, hint in _misplaced(field)
        if getattr(field.options, option)
    ]
    return found


def _misplaced(field: Declaration) -> Iterator[tuple[str, str, str]]:
    """Options that mean nothing here, what is wrong with them, and what is right."""
    has_both = field.options.polymorphic_type or field.options.polymorphic_id  # one alone is E033
    if isinstance(field, Many2Many):
        if is_polymorphic(field.options):
            yield (
                "join_foreign_key",
                "which a polymorphic relation does not read.",
                "Name the column in polymorphicId.",
            )
        elif not has_both:
            yield "polymorphic_value", "but is not polymorphic.", "Write polymorphic too, or remove it."
        return
    taken = "foreignKey, references and constraint"
    if isinstance(field, BelongsTo):
        hint = f"Remove it; a BelongsTo takes {taken}."
        for option in _POLYMORPHIC:
            yield option, "which a BelongsTo does not have.", hint
    else:
        hint = f"Remove it; a {type(field).__name__} takes {taken}, and the polymorphic ones."
    for option in _JOIN:
        yield option, "which is a Many2Many's.", hint
    if isinstance(field, Has) and is_polymorphic(field.options):
        yield "references", "which a polymorphic relation does not read.", "Name the owner's field in foreignKey."
        if field.constraint.enabled:
            yield "constraint", "but a polymorphic relation has no foreign key.", "Remove it."
    elif isinstance(field, Has) and not has_both:
        yield "polymorphic_value", "but is not polymorphic.", "Write polymorphic too, or remove it."


def check_target_exists(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E003"""
    if isinstance(field, Many2Many) or field.settled:
        return []  # fields.E300 says it of a Many2Many
    target = field.target()
    if target is not None and not target._meta.abstract:
        return []  # it waits for another model, which is missing
    to = field.to if isinstance(field.to, str) else field.to._meta.label
    known = {model._meta.object_name: model._meta.label for model in field.model._meta.apps.get_models()}
    near = nearest(to.rpartition(".")[2], [name for name in known if name])
    return [
        Error(
            f"{label(field)} {'belongs to' if isinstance(field, BelongsTo) else 'leads to'} {to!r}, which is not an "
            f"installed model.",
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


def check_key_is_found(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E031"""
    return _problems(field, "no_key", "gorm_assoc.E031")


def check_key_is_whole(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E032"""
    return _problems(field, "half_key", "gorm_assoc.E032")


def check_polymorphic_key_is_whole(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.E033"""
    half = half_polymorphic(label(field), field.options)
    return [] if half is None else [Error(half.message, hint=half.hint, obj=field, id="gorm_assoc.E033")]


def _problems(field: Declaration, rule: str, id: str) -> list[CheckMessage]:
    if isinstance(field, Many2Many):
        problems = field.plan.problems if field.plan is not None and speaks_for_both(field) else ()
    else:
        problems = tuple(field.problems) if field.settled else ()
    return [
        Error(problem.message, hint=problem.hint, obj=field, id=id) for problem in problems if problem.rule == rule
    ]
