"""
Polymorphic many2many: one join table for owners of several models, which GORM refuses.

    taggables: taggable_id, taggable_type, tag_id    all three are its key

The join model stands in the target's app, as no one owner's is its own, and is called after the `polymorphic` option.
Each relation has keys of its own laid over the id column and over the target's, which see only links of its type.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from django.db import models
from django.db.migrations.state import StateApps

from gorm_assoc import conf, join_plan, through
from gorm_assoc.has_key import HasKey
from gorm_assoc.has_plan import HasPlan, relation_over
from gorm_assoc.join_plan import Declared, End, JoinPlan, Problem
from gorm_assoc.relationship import Model, find_field

_TYPE_LENGTH = 191  # what MariaDB and MySQL take in any key


def table_name(field: Declared) -> str:
    given = join_plan.given_through(field)
    if given is not None:
        return given._meta.db_table
    naming = conf.naming()
    if field.options.many2many:
        return naming.join_table_name(field.options.many2many)
    return naming.table_name(through.join_model_name(field))


def plan(field: Declared, target: Model) -> JoinPlan:
    """The join table that a polymorphic many2many asks for; its owner's end is the id column."""
    owner, options, naming = field.model, field.options, conf.naming()
    label = f"{owner._meta.label}.{field.name}"
    problems: list[Problem] = []
    referenced = join_plan.referenced_fields(label, "foreignKey", owner, options.foreign_key, problems)
    if len(referenced) != 1:
        names = ", ".join(each.name for each in referenced)
        message = f"{label} is polymorphic and refers to {len(referenced)} fields of {owner._meta.label}: {names}."
        problems.append(Problem("count_differs", message, f'Name one: foreign_key="{referenced[0].name}".'))
    target_fields = join_plan.referenced_fields(label, "references", target, options.references, problems)
    target_name = naming.column_name(target.__name__)
    columns = join_plan.key_columns(
        label,
        "joinReferences",
        options.join_references,
        [naming.join_column(target.__name__, each.attname) for each in target_fields],
        problems,
    )
    id_column = naming.column_name(options.polymorphic_id or f"{options.polymorphic}ID")
    table = table_name(field)
    constraint = conf.default_constraint() if options.constraint is None else options.constraint
    name = constraint.name or naming.foreign_key_name(table, target.__name__)
    return JoinPlan(
        table,
        End(owner, f"_{owner._meta.app_label}_{owner._meta.model_name}_{field.name}", referenced[:1], (id_column,)),
        End(target, target_name, target_fields, columns),
        constraint,
        ("", name),
        tuple(problems),
    )


def type_column(field: Declared) -> str:
    return conf.naming().column_name(field.options.polymorphic_type or f"{field.options.polymorphic}Type")


def build(field: Declared, plan: JoinPlan) -> Model:
    """Make the join model; the first owner that comes makes it for all."""
    (referenced,), (id_column,), target = plan.owner.fields, plan.owner.columns, plan.target
    name = through.join_model_name(field)
    type_name = type_column(field)
    attrs: dict[str, Any] = {"__module__": target.model.__module__, "__qualname__": name, "__str__": through.row_text}
    attrs["is_made_join_model"] = True
    attrs[id_column] = through.key_column(referenced)
    attrs[type_name] = models.CharField(max_length=_TYPE_LENGTH)
    for each, field_name, column in zip(target.fields, target.field_names, target.columns, strict=True):
        attrs[field_name] = through.key_column(each, column, field_name)
    enforced = through.is_enforced(plan.constraint, target)
    attrs[target.name] = through.join_key(target, target.field_names, plan.constraint, enforced)
    attrs["pk"] = models.CompositePrimaryKey(id_column, type_name, *target.field_names)
    constraint = through.foreign_key(plan.constraint, plan.constraint_names[1], target, target.field_names)
    attrs["Meta"] = type(
        "Meta",
        (),
        {
            "app_label": through.join_app_label(field),
            "apps": field.model._meta.apps,
            "db_table": plan.table,
            "constraints": [constraint] if enforced else [],
            "indexes": [through.back_index(plan.table, target)],
        },
    )
    make_model: Any = type(models.Model)
    model: Model = make_model(name, (models.Model,), attrs)
    module = sys.modules.get(target.model.__module__)
    if module is not None and not hasattr(module, name):
        setattr(module, name, model)
    return model


def attach(field: Declared, plan: JoinPlan, model: Model) -> tuple[JoinPlan, tuple[str, str] | None]:
    """
    The plan as this join model has it, and the names of its relations to owner and target.

    They are laid here. None if the model lacks a column.
    """
    found = find_field(model, type_column(field)), find_field(model, plan.owner.columns[0])
    names = through.plain_columns(model, plan.target)
    if None in found or names is None:
        lacking = [
            name for name, each in zip((type_column(field), plan.owner.columns[0]), found, strict=True) if not each
        ]
        problem = Problem(
            "unknown_field",
            f"The join table of {field.model._meta.label}.{field.name} is that of {model._meta.label}, which has no "
            f"column {' and no '.join(map(repr, lacking or plan.target.columns))}.",
            "Declare it, or name the columns with polymorphicType, polymorphicId and joinReferences.",
        )
        return replace(plan, problems=(*plan.problems, problem)), None
    type_field, id_field = found
    assert type_field is not None
    assert id_field is not None
    target_columns: tuple[Any, ...] = tuple(model._meta.get_field(name) for name in names)
    if relation_over(model, target_columns, plan.target.model) is None:
        _lay(plan, model, names)
    fixed = ((type_field, field.options.polymorphic_value or field.model._meta.db_table),)
    ends = ((plan.owner, (id_field,)), (plan.target, target_columns))
    relations = f"{plan.owner.name}_owner", f"{plan.owner.name}_target"
    for name, (end, columns) in zip(relations, ends, strict=True):
        key = HasKey(model, end.model, "+", HasPlan(columns, end.fields, fixed))
        key.contribute_to_class(model, name)
    return plan, relations


def _lay(plan: JoinPlan, model: Model, names: tuple[str, ...]) -> None:
    """The relation to the target that migrations see, over plain columns."""
    enforced = through.is_enforced(plan.constraint, plan.target)
    relation = through.join_key(plan.target, names, plan.constraint, enforced)
    relation.contribute_to_class(model, plan.target.name)
    if not isinstance(model._meta.apps, StateApps):
        if enforced:
            constraint = through.foreign_key(plan.constraint, plan.constraint_names[1], plan.target, names)
            through.add_foreign_key(model, constraint)
        through.index_key(model, relation)
