"""The join model: one that was given, the class that is to be made, and JoinTable's own key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db import models

from gorm_assoc import soft_delete, through
from gorm_assoc.checks.declared import Model, all_many2many, ends, join_model, label, speaks_for_both
from gorm_assoc.exceptions import nearest
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.has_plan import is_polymorphic
from gorm_assoc.join_key import JoinKey, JoinTableKey
from gorm_assoc.relationship import same_model


def check_join_model_has_columns(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E010"""
    model, plan = join_model(field), field.plan
    if is_polymorphic(field.options):
        return []  # E004 says it
    waiting = any(not each.settled for each in getattr(model, "belongs_to_fields", ()))  # for a missing model
    if ends(field) or plan is None or field.taken_by is not None or field.given_ends is not None or waiting:
        return []
    columns = ", ".join(map(repr, through.lacking_columns(field, plan, model)))
    owner, target = (f'{end.name} = BelongsTo("{end.model._meta.object_name}")' for end in (plan.owner, plan.target))
    return [
        Error(
            f"{model._meta.label} is the join model of {label(field)}, but has no column {columns}.",
            hint=f"Declare {owner} and {target}, or name the columns it has with joinForeignKey and joinReferences.",
            obj=field,
            id="gorm_assoc.E010",
        )
    ]


def check_pairs_are_unique(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E011"""
    model = join_model(field)
    pair = [column.name for end in ends(field) for column in end.local_related_fields]  # type: ignore[attr-defined]
    pair += [column.name for end in ends(field)[:1] for column, _ in getattr(end, "fixed", ())]
    if not pair or field.taken_by is not None or any(names <= set(pair) for names in _unique(model)):
        return []
    if check_meta_names_columns(model):
        return []  # it has a unique key, wrongly written
    fields = ", ".join(f'"{name}"' for name in pair)
    return [
        Error(
            f"{model._meta.label} is the join model of {label(field)}, but nothing in it keeps a pair from being "
            f"linked twice.",
            hint=f"Add models.UniqueConstraint(fields=[{fields}], name=...) to its Meta.constraints, or make the "
            f"pair its primary key.",
            obj=field,
            id="gorm_assoc.E011",
        )
    ]


def check_class_name_is_free(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E012"""
    model = field.taken_by or _registered_later(field)
    if model is None:
        return []
    name = model._meta.label
    made_by = next((other for other in all_many2many(field) if join_model(other) is model and _made(other)), None)
    if made_by is not None:
        message = f"The join model of {label(field)} would be {name}, which is that of {label(made_by)}."
        hint = 'Name one of the two with join_model="...".'
    else:
        message = f"The join model of {label(field)} would be {name}, but there is a model of that name."
        hint = f'Write through="{name}" if it is the join model, else join_model="..." for another name.'
    return [Error(message, hint=hint, obj=field, id="gorm_assoc.E012")]


def check_join_model_option(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E013"""
    given = field.through_name or (field.partner and field.partner.through_name)
    apps = {config.label for config in field.model._meta.apps.get_app_configs()}
    if not field.join_model:
        return []
    if given:
        message = f"{label(field)} says join_model={field.join_model!r}, but its join model is given: through=."
        hint = "Remove join_model."
    elif (app := through.join_app_label(field)) not in apps:
        near = nearest(app, apps) or field.model._meta.app_label
        message = f"{label(field)} puts its join model into the app {app!r}, which is not installed."
        hint = f'Write join_model="{near}.{through.join_model_name(field)}".'
    else:
        return []
    return [Error(message, hint=hint, obj=field, id="gorm_assoc.E013")]


def check_through_fields(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E014"""
    model, plan = join_model(field), field.plan
    if field.given_ends is None or plan is None:
        return []
    relations: list[Any] = [each for each in model._meta.local_fields if each.remote_field]
    found: list[CheckMessage] = []
    for name, end in zip(field.given_ends, (plan.owner, plan.target), strict=True):
        fitting = [each.name for each in relations if same_model(each.remote_field.model, end.model)]
        if name not in fitting:
            found.append(
                Error(
                    f"{label(field)} says through_fields={field.given_ends!r}, but {model._meta.label} has no "
                    f"relation {name!r} to {end.model._meta.label}.",
                    hint=f"It has: {', '.join(fitting) or 'none'}.",
                    obj=field,
                    id="gorm_assoc.E014",
                )
            )
    return found


def check_join_table_has_a_key(model: Model) -> list[CheckMessage]:
    """gorm_assoc.E015"""
    key = model._meta.pk
    if not isinstance(key, JoinTableKey) or key.field_names:
        return []
    waiting = [field for field in getattr(model, "belongs_to_fields", ()) if not field.settled]
    relations = [field for field in model._meta.local_fields if field.remote_field]
    if len(relations) + len(waiting) > 1:
        return []  # its models are missing
    return [
        Error(
            f"{model._meta.label} is a JoinTable without a primary key: two relations make it, and it has "
            f"{len(relations + waiting)}.",
            hint="Declare two BelongsTo, or a primary key.",
            obj=model,
            id="gorm_assoc.E015",
        )
    ]


def check_meta_names_columns(model: Model) -> list[CheckMessage]:
    """gorm_assoc.E016"""
    relations = {field.name: field for field in model._meta.local_fields if isinstance(field, JoinKey)}
    return [
        Error(
            f"{where} of {model._meta.label} names the relation {name!r}, which has no column of its own.",
            hint=f"Write {', '.join(repr(column) for column in relations[name].from_fields)}.",
            obj=model,
            id="gorm_assoc.E016",
        )
        for where, names in _names_in_meta(model)
        for name in names
        if name in relations
    ]


def check_dead_join_rows_are_hidden(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.W007"""
    model = join_model(field)
    deleted_at = soft_delete.deleted_at_field(model)
    if field.has_made_join_model or deleted_at is None or _hides(model, deleted_at):
        return []
    return [
        CheckWarning(
            f"{model._meta.label} has {deleted_at.name}, but its default manager shows dead rows, which the relations "
            f"over it hide.",
            hint="Derive it from SoftDeleteModel, or write objects = AssociationManager().",
            obj=model,
            id="gorm_assoc.W007",
        )
    ]


def check_constraint_reaches_join_model(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.W008"""
    if field.options.constraint is None:
        return []
    return [
        CheckWarning(
            f"{label(field)} has a constraint option, which does not reach {label(end)}: a ForeignKey has Django's "
            f"own foreign key.",
            hint=f'Write {end.name} = BelongsTo("{end.related_model._meta.object_name}") in its place.',  # type: ignore[union-attr]
            obj=field,
            id="gorm_assoc.W008",
        )
        for end in ends(field)
        if not hasattr(end, "has_own_constraint")
    ]


def _made(field: Many2Many) -> bool:
    return field.has_made_join_model and speaks_for_both(field)


def _registered_later(field: Many2Many) -> Model | None:
    """A model that took the join model's place in the registry."""
    model = join_model(field)
    if not _made(field):
        return None
    registered = model._meta.apps.all_models[model._meta.app_label].get(str(model._meta.model_name))
    return registered if registered is not model else None


def _unique(model: Model) -> Iterator[set[str]]:
    """Sets of fields of which no two rows have the same values."""
    yield {field.name for field in model._meta.pk_fields}
    yield from (set(names) for names in model._meta.unique_together)
    yield from ({field.name} for field in model._meta.local_fields if field.unique)
    yield from (set(constraint.fields) for constraint in model._meta.total_unique_constraints)


def _names_in_meta(model: Model) -> Iterator[tuple[str, tuple[str, ...]]]:
    options = model._meta
    if isinstance(options.pk, models.CompositePrimaryKey):
        yield "The primary key", tuple(options.pk.field_names)
    yield from (("unique_together", tuple(names)) for names in options.unique_together)
    yield from (
        (f"The index {index.name!r}", tuple(name.lstrip("-") for name in index.fields)) for index in options.indexes
    )
    yield from (
        (f"The constraint {constraint.name!r}", tuple(getattr(constraint, "fields", ())))
        for constraint in options.constraints
    )


def _hides(model: Model, deleted_at: models.Field[Any, Any]) -> bool:
    """Whether the default manager filters by the column; so also where the manager cannot be asked."""
    try:
        conditions = model._default_manager.get_queryset().query.where.leaves()
        return any(getattr(getattr(each, "lhs", None), "target", None) == deleted_at for each in conditions)
    except Exception:  # The project's own code: whatever it raises is not for this rule to say.
        return True
