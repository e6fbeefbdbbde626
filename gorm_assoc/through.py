"""
From a JoinPlan to join rows: the model of a join table.

    build()          makes the model that a tag asks for
    attach()         finds (or lays) the two relations on a join model the project wrote itself
    key_column()     the plain column that holds a key of another table
    add_foreign_key()  puts GORM's foreign key beside a relation

All real models, none auto_created: migrations, admin and dumpdata treat them as anybody's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.migrations.state import StateApps
from django.db.models.fields.related import resolve_relation

from gorm_assoc import conf
from gorm_assoc.constraints import ForeignKeyConstraint, Index
from gorm_assoc.has_plan import is_polymorphic
from gorm_assoc.join_key import JoinKey, settle_key
from gorm_assoc.join_plan import Declared, End, JoinPlan
from gorm_assoc.naming import camel_case, singular
from gorm_assoc.options import ConstraintOptions
from gorm_assoc.relationship import Model, are_unique_together, column_type, final_field, same_model

# What a field says about its own row, not about the type of its column.
_OWN = frozenset(
    "auto_created auto_now auto_now_add blank choices db_column db_comment db_default db_index db_tablespace default "
    "editable help_text null primary_key serialize unique unique_for_date unique_for_month unique_for_year "
    "validators verbose_name error_messages".split()
)
_PLAIN = {
    "AutoField": models.IntegerField,
    "BigAutoField": models.BigIntegerField,
    "SmallAutoField": models.SmallIntegerField,
}


def key_column(referenced: models.Field[Any, Any], column: str = "", name: str = "", **options: Any) -> Any:
    """
    A plain column of the type, length, sign and collation of the referenced one.

    column -- its name in the database, where that is not its field name
    """
    final = final_field(referenced)
    field_class = _PLAIN.get(final.get_internal_type(), type(final))
    kept = {option: value for option, value in final.deconstruct()[3].items() if option not in _OWN}
    if column and column != name:
        options["db_column"] = column
    return field_class(**kept, **options)


def python_on_delete(constraint: ConstraintOptions, enforced: bool) -> Any:
    """What Python does when a referenced row is deleted; the rest is the database's."""
    refuses = constraint.on_delete in ("", "RESTRICT", "NO ACTION")
    return models.PROTECT if constraint.enabled and enforced and refuses else models.DO_NOTHING


def foreign_key(constraint: ConstraintOptions, name: str, end: End, fields: tuple[str, ...]) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        name=name,
        fields=fields,
        to_table=end.model._meta.db_table,
        to_columns=[str(field.column) for field in end.fields],
        types=[column_type(field) for field in end.fields],
        on_delete=constraint.on_delete,
        on_update=constraint.on_update,
        deferrable=conf.deferrable(),
    )


def is_enforced(constraint: ConstraintOptions, end: End) -> bool:
    """Whether the database gets a key for this end: databases refuse one to columns that are not unique together."""
    return constraint.enabled and are_unique_together(end.model, end.fields)


def join_model_name(field: Declared) -> str:
    """Class name of a tag's join model: from owner and relation, never from the table, which can be renamed."""
    if field.join_model:
        return field.join_model.rpartition(".")[2]
    if is_polymorphic(field.options):
        options = field.options
        name = options.polymorphic or options.polymorphic_id.removesuffix("ID").removesuffix("_id")
        return camel_case(conf.naming().column_name(name))
    return f"{field.model.__name__}{camel_case(singular(field.name))}"


def join_app_label(field: Declared) -> str:
    if "." in field.join_model:
        return field.join_model.rpartition(".")[0]
    # A polymorphic one's table is shared by owners of any app.
    model = field.remote_field.model if is_polymorphic(field.options) else field.model
    return str(model._meta.app_label)


def build(field: Declared, plan: JoinPlan) -> Model:
    """
    Make the join model of a declaration: GORM's columns, key, foreign keys, and an index for the way back.

    The class is set on the owner's module when the name is free there, so that its rows can be pickled.
    """
    owner = field.model
    name = join_model_name(field)
    app_label = join_app_label(field)
    attrs: dict[str, Any] = {"__module__": owner.__module__, "__qualname__": name, "__str__": row_text}
    attrs["is_made_join_model"] = True
    constraints = []
    for end, constraint_name in zip((plan.owner, plan.target), plan.constraint_names, strict=True):
        for referenced, field_name, column in zip(end.fields, end.field_names, end.columns, strict=True):
            attrs[field_name] = key_column(referenced, column, field_name)
        enforced = is_enforced(plan.constraint, end)
        attrs[end.name] = join_key(end, end.field_names, plan.constraint, enforced)
        if enforced:
            constraints.append(foreign_key(plan.constraint, constraint_name, end, end.field_names))
    attrs["pk"] = models.CompositePrimaryKey(*plan.owner.field_names, *plan.target.field_names)
    attrs["Meta"] = type(
        "Meta",
        (),
        {
            "app_label": app_label,
            "apps": owner._meta.apps,
            "db_table": plan.table,
            "constraints": constraints,
            "indexes": [back_index(plan.table, plan.target)],
            **({} if owner._meta.managed else {"managed": False}),
        },
    )
    make_model: Any = type(models.Model)
    model: Model = make_model(name, (models.Model,), attrs)
    module = sys.modules.get(owner.__module__)
    if module is not None and owner.__module__ == getattr(module, "__name__", "") and not hasattr(module, name):
        setattr(module, name, model)
    return model


def row_text(row: models.Model) -> str:
    """A join row in words, "ann – English"; an end that is not at hand by its key, as this runs no query."""
    texts = []
    for field in row._meta.local_fields:
        if isinstance(field, JoinKey):
            end = field.get_cached_value(row, default=None)
            values = (str(getattr(row, column.attname)) for column in field.local_related_fields)
            texts.append(", ".join(values) if end is None else str(end))
    return " – ".join(texts) or f"{row._meta.object_name} object ({row.pk})"


def join_key(end: End, from_fields: tuple[str, ...], constraint: ConstraintOptions, enforced: bool) -> JoinKey:
    return JoinKey(
        end.model,
        on_delete=python_on_delete(constraint, enforced),
        from_fields=from_fields,
        to_fields=end.to_fields,
    )


def back_index(table: str, end: End) -> Index:
    """The index for reading from the target's side; the primary key begins with the owner's columns."""
    name = end.columns[0] if len(end.columns) == 1 else end.name
    return Index(fields=end.field_names, name=conf.naming().index_name(table, name))


def attach(field: Declared, plan: JoinPlan, through: Model) -> tuple[str, str] | None:
    """
    The names of a given join model's relations to owner and target.

    A relation is found by its columns (or, where the declaration names none, as the first ones to either end).
    Plain columns, as in GORM's own join models, get a JoinKey and a foreign key laid over them.
    None if the model lacks a column; a system check says which.
    """
    names: list[str] = []
    laid: list[JoinKey] = []
    # Between the steps of a migration a relation may be missing; what a state's table has is what the state says.
    is_historical = isinstance(through._meta.apps, StateApps)
    for end, constraint_name in zip((plan.owner, plan.target), plan.constraint_names, strict=True):
        name = _relation_of(field, end, through, taken=names, second=end is plan.target)
        if name is None:
            columns = plain_columns(through, end)
            if columns is None or field.given_ends:
                return None
            name = end.name if not _has_field(through, end.name) else f"{end.name}_reference"
            enforced = is_enforced(plan.constraint, end)
            key = join_key(end, columns, plan.constraint, enforced)
            key.contribute_to_class(through, name)
            if enforced and not is_historical:
                add_foreign_key(through, foreign_key(plan.constraint, constraint_name, end, columns))
            laid.append(key)
        elif field.options.constraint is not None:
            _constrain(through, name, end, constraint_name, plan.constraint)
        names.append(name)
    settle_key(through)
    for key in () if is_historical else laid:
        index_key(through, key)
    return names[0], names[1]


def lacking_columns(field: Declared, plan: JoinPlan, through: Model) -> list[str]:
    """The columns that a given join model has neither as such nor under a relation; attach() needs them."""
    lacking: list[str] = []
    taken: list[str] = []
    for end in (plan.owner, plan.target):
        name = _relation_of(field, end, through, taken=taken, second=end is plan.target)
        if name is None:
            present = {field.column for field in through._meta.local_concrete_fields}
            lacking += [column for column in end.columns if column not in present]
        else:
            taken.append(name)
    return lacking


def _relation_of(field: Declared, end: End, through: Model, taken: list[str], second: bool) -> str | None:
    if field.given_ends:
        return field.given_ends[second] if _has_field(through, field.given_ends[second]) else None
    # By the place of their columns: migrations sort the relations themselves by name.
    places = {column: place for place, column in enumerate(through._meta.local_concrete_fields)}
    relations: list[Any] = [
        f for f in through._meta.local_fields if f.remote_field and not isinstance(f.remote_field.model, str)
    ]
    relations.sort(key=lambda relation: places.get(relation.local_related_fields[0], -1))
    options = field.options
    for relation in relations:
        columns = tuple(f.column for f in relation.local_related_fields)
        if columns == end.columns and relation.name not in taken and not _is_ambiguous(field, end):
            return str(relation.name)
    if options.join_foreign_key or options.join_references:
        return None
    fitting: list[str] = [f.name for f in relations if same_model(f.remote_field.model, end.model)]
    if not fitting:
        return None
    if same_model(field.model, field.remote_field.model):
        # A self-reference: the first relation is the owner's, unless this is the reference back.
        return fitting[second != field.back_reference] if len(fitting) > 1 else None
    return fitting[0]


def _is_ambiguous(field: Declared, end: End) -> bool:
    """A self-reference without named columns (so in every migration) goes by the order of the relations."""
    options = field.options
    named = options.join_foreign_key or options.join_references
    return same_model(field.model, field.remote_field.model) and not named


def resolve_relations(through: Model) -> None:
    """
    Let the join model's relations know their targets now, where these exist.

    In a migration's state they wait for the same classes as the many2many, and may come after it.
    """
    fields: list[Any] = list(through._meta.local_fields)
    for field in fields:
        to = field.remote_field and field.remote_field.model
        if isinstance(to, str):
            app_label, _, name = str(resolve_relation(through, to)).rpartition(".")
            target = through._meta.apps.all_models[app_label].get(name.lower())
            if target is not None:
                field.remote_field.model = target
                field.do_related_class(target, through)


def plain_columns(through: Model, end: End) -> tuple[str, ...] | None:
    """The names of the join model's fields that hold this end's columns; None if one is missing."""
    by_column = {field.column: field.name for field in through._meta.local_concrete_fields}
    names = [by_column.get(column) for column in end.columns]
    return None if None in names else tuple(name for name in names if name)


def _constrain(through: Model, name: str, end: End, constraint_name: str, options: ConstraintOptions) -> None:
    """Give a relation of a written join model the constraint of the many2many, unless it declared one itself."""
    key: Any = through._meta.get_field(name)
    if getattr(key, "has_own_constraint", True):  # Django's own ForeignKey as well
        return
    enforced = is_enforced(options, end)
    key.remote_field.on_delete = python_on_delete(options, enforced)
    fields = tuple(f.name for f in key.local_related_fields)
    remove_foreign_key(through, fields)
    if enforced:
        add_foreign_key(through, foreign_key(options, constraint_name, end, fields))


def index_key(model: Model, key: Any) -> None:
    """Index a key's columns, for reading back, unless the model has an index or key that begins with them."""
    names = tuple(field.name for field in key.local_related_fields)
    if any(begin[: len(names)] == names for begin in _indexed(model)):
        return
    columns = [field.column for field in key.local_related_fields]
    name = conf.naming().index_name(model._meta.db_table, columns[0] if len(columns) == 1 else key.name)
    model._meta.indexes = [*model._meta.indexes, Index(fields=names, name=name)]
    model._meta.original_attrs["indexes"] = model._meta.indexes


def _indexed(model: Model) -> Iterator[tuple[str, ...]]:
    # By name: a key may name columns of relations that still wait for their model.
    yield getattr(model._meta.pk, "field_names", ())
    yield from model._meta.unique_together
    for constraint in model._meta.total_unique_constraints:
        yield tuple(constraint.fields)
    for index in model._meta.indexes:
        if index.condition is None:
            yield tuple(name.removeprefix("-") for name in index.fields)
    for field in model._meta.local_concrete_fields:
        if field.unique or getattr(field, "db_index", False):
            yield (field.name,)


def add_foreign_key(model: Model, constraint: ForeignKeyConstraint) -> None:
    """Declare a foreign key in the model's Meta, where migrations look for it."""
    _set_constraints(model, [*model._meta.constraints, constraint])


def drop_foreign_key(model: Model, constraint: ForeignKeyConstraint) -> None:
    _set_constraints(model, [each for each in model._meta.constraints if each is not constraint])


def remove_foreign_key(model: Model, fields: tuple[str, ...]) -> None:
    _set_constraints(
        model,
        [
            constraint
            for constraint in model._meta.constraints
            if not (isinstance(constraint, ForeignKeyConstraint) and constraint.fields == fields)
        ],
    )


def _set_constraints(model: Model, constraints: list[models.BaseConstraint]) -> None:
    # The migrations' ModelState reads an option only if Meta gave it.
    model._meta.constraints = constraints
    model._meta.original_attrs["constraints"] = constraints


def _has_field(model: Model, name: str) -> bool:
    return any(field.name == name for field in model._meta.local_fields)
