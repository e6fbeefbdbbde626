"""HasOne and HasMany: the child's part of it, and names that two relations claim."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db import models

from gorm_assoc.checks.declared import declarations, label
from gorm_assoc.fields.belongs_to import BelongsTo
from gorm_assoc.fields.has import Has
from gorm_assoc.relationship import final_field

_TEXTS = ("CharField", "TextField", "SlugField")


def check_type_column_holds_the_type(field: Has) -> list[CheckMessage]:
    """gorm_assoc.E034"""
    found: list[CheckMessage] = []
    for column, value in field.plan.fixed if field.plan else ():
        final: Any = final_field(column)
        if final.get_internal_type() not in _TEXTS:
            message = f"{label(column)} is no text column, but holds {value!r} for {label(field)}."
            hint = f"Write {column.name} = models.CharField(max_length={max(len(value), 50)})."
        elif final.max_length and len(value) > final.max_length:
            message = f"{label(column)} holds {final.max_length} characters, but {value!r} for {label(field)}."
            hint = f"Give it max_length={len(value)} or more, or write a shorter polymorphicValue."
        else:
            continue
        found.append(Error(message, hint=hint, obj=field, id="gorm_assoc.E034"))
    return found


def check_way_back_has_one_name(field: Has) -> list[CheckMessage]:
    """gorm_assoc.E035"""
    name = getattr(field.relation, "_related_name", None)
    if name is None or name.endswith("+") or name == field.name or field.is_of_somebody_else:
        return []
    return [
        Error(
            f"{label(field)} and related_name={name!r} of {label(field.relation)} are two names for one way back.",
            hint=f"Remove related_name from {label(field.relation)}.",
            obj=field,
            id="gorm_assoc.E035",
        )
    ]


def check_name_is_free(field: Has) -> list[CheckMessage]:
    """gorm_assoc.E036"""
    if field.key is None:
        return []
    others: list[Any] = [
        relation.field
        for relation in field.owner._meta.related_objects
        if relation.field is not field.key and field.name in (relation.accessor_name, relation.name)
    ]
    return [
        Error(
            f"{label(field)} is also what the way back of {label(other)} is called.",
            hint=f'Write related_name="..." in {label(other)}, or give {label(field)} another name.',
            obj=field,
            id="gorm_assoc.E036",
        )
        for other in others
    ]


def check_child_is_the_projects(field: Has) -> list[CheckMessage]:
    """gorm_assoc.E037"""
    child = field.target()
    if child is None or not field.constraint.enabled or not field.plan or not field.plan.columns:
        return []
    if not field.is_of_somebody_else or field.plan.fixed or getattr(field.relation, "db_constraint", False):
        return []
    return [
        Error(
            f"{label(field)} would put a foreign key on {child._meta.label}, whose migrations are those of the "
            f"installed app {child._meta.app_label!r}.",
            hint="Write constraint:- to read and write it without one.",
            obj=field,
            id="gorm_assoc.E037",
        )
    ]


def check_constraint_reaches_child(field: Has) -> list[CheckMessage]:
    """gorm_assoc.W008"""
    option = field.options.constraint
    if option is None or not option.enabled or field.relation is None or field.is_of_somebody_else:
        return []
    if field.is_asked_for_foreign_key:
        return []
    to = field.model._meta.object_name
    if getattr(field.relation, "db_constraint", False):
        message = "a ForeignKey has Django's own foreign key."
        hint = f'Write {field.relation.name} = BelongsTo("{to}") in its place.'
    else:
        message = "a join model has the foreign keys of its own relations."
        hint = f"Write the option on {label(field.relation)}."
    return [
        CheckWarning(
            f"{label(field)} has a constraint option, which does not reach {label(field.relation)}: {message}",
            hint=hint,
            obj=field,
            id="gorm_assoc.W008",
        )
    ]


def check_belongs_to_says_the_same(field: Has) -> list[CheckMessage]:
    """gorm_assoc.W009"""
    child = field.target()
    if child is None:
        return []
    return [
        CheckWarning(
            f"{label(declared)} has a constraint option of its own, but that of {label(field)} holds for both.",
            hint=f"Write what is meant in {label(field)}, and remove it from {label(declared)}.",
            obj=field,
            id="gorm_assoc.W009",
        )
        for declared in _belongs_to(child)
        if declared.replaced_by is field and declared.options.constraint not in (None, field.constraint)
    ]


def _belongs_to(model: type[models.Model]) -> list[BelongsTo]:
    return [each for each in declarations([model]) if isinstance(each, BelongsTo)]
