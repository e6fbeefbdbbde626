"""Names in the database: is the table's, or the foreign key's, somebody else's?"""

from __future__ import annotations

from typing import cast

from django.core.checks import CheckMessage, Error
from django.db import connections, router

from gorm_assoc.checks.declared import (
    Key,
    Model,
    all_many2many,
    declarations,
    declared_keys,
    foreign_keys,
    join_model,
    label,
    speaks_for_both,
)
from gorm_assoc.fields.many2many import Many2Many


def check_table_is_free(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E017"""
    table = join_model(field)._meta.db_table
    found: list[CheckMessage] = []
    for model, maker in _others_with_table(field):
        if maker is None:
            message = (
                f"The join table of {label(field)} would be {table!r}, which is the table of {model._meta.label}."
            )
            hint = f'Give many2many another name, or write through="{model._meta.label}" if that is the join model.'
        elif _is_second(field, maker) and _abstract_base(field, maker) is None:
            message = f"The join table of {label(field)} would be {table!r}, which is that of {label(maker)}."
            hint = "Give one of the two another many2many."
        else:
            continue
        found.append(Error(message, hint=hint, obj=field, id="gorm_assoc.E017"))
    return found


def check_table_of_abstract_base(field: Many2Many) -> list[CheckMessage]:
    """gorm_assoc.E018"""
    table = join_model(field)._meta.db_table
    for _, maker in _others_with_table(field):
        base = _abstract_base(field, maker) if maker is not None and _is_second(field, maker) else None
        if maker is not None and base is not None:
            return [
                Error(
                    f"{label(maker)} and {label(field)} are one declaration of {base.__name__}, and both would make "
                    f"the join table {table!r}.",
                    hint=f"Write many2many:%(class)s_{field.name} in {base.__name__}.",
                    obj=field,
                    id="gorm_assoc.E018",
                )
            ]
    return []


def check_foreign_key_name_is_free(key: Key) -> list[CheckMessage]:
    """gorm_assoc.E019"""
    if key.constraint is None:
        return []
    name, table = key.constraint.name, key.model._meta.db_table
    for model in key.model._meta.apps.get_models():
        for constraint in foreign_keys(model):
            if constraint.name != name or constraint is key.constraint:
                continue
            one_table = model is not key.model and model._meta.db_table == table  # E017 and E018 say that
            if one_table or model._meta.proxy or (model._meta.label, constraint.fields) > _place(key):
                continue
            owners = declared_keys(declarations(model._meta.apps.get_models()))
            other = next((each.label for each in owners if each.constraint is constraint), model._meta.label)
            return [
                Error(
                    f"{key.label} and {other} both call a foreign key {name!r}; a database may allow each name once.",
                    hint="Give one of the two another name: constraint:<name>, before OnDelete and OnUpdate.",
                    obj=key.declaration,
                    id="gorm_assoc.E019",
                )
            ]
    return []


def _place(key: Key) -> tuple[str, tuple[str, ...]]:
    assert key.constraint is not None
    return key.model._meta.label, key.constraint.fields


def _others_with_table(field: Many2Many) -> list[tuple[Model, Many2Many | None]]:
    """Other models with the table that this declaration makes, and the relation that makes each, if one does."""
    mine = join_model(field)
    if not field.has_made_join_model or not speaks_for_both(field):
        return []
    makers = {
        join_model(other): other
        for other in all_many2many(field)
        if other.has_made_join_model and speaks_for_both(other)
    }
    return [
        (model, makers.get(model))
        for model in mine._meta.apps.get_models()
        if model is not mine
        and not model._meta.proxy
        and model._meta.db_table == mine._meta.db_table
        and _share_a_database(model, mine)
    ]


def _share_a_database(first: Model, second: Model) -> bool:
    return any(
        router.allow_migrate_model(alias, first) and router.allow_migrate_model(alias, second) for alias in connections
    )


def _is_second(field: Many2Many, other: Many2Many) -> bool:
    """Of two that clash, the one on which it is reported."""
    return label(field) > label(other)


def _abstract_base(field: Many2Many, other: Many2Many) -> Model | None:
    """The abstract model from which both declarations were inherited."""
    if field.name != other.name:
        return None
    for base in field.model.__mro__:
        options = getattr(base, "_meta", None)
        if options is None or not options.abstract or not issubclass(other.model, base):
            continue
        if any(each.name == field.name for each in options.local_many_to_many):
            return cast(Model, base)
    return None
