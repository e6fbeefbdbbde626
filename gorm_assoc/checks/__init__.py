"""
System checks: what is wrong with a declaration, before a migration or a verb runs into it.

One rule, one function, one id. Six sorts, by what a rule looks at:

    DECLARED   a relation as it was written
    MANY       a Many2Many whose two models exist
    HAS        a HasOne or HasMany
    MODELS     a model
    KEYS       one end of a relation as it stands on a model
    CHANGES    a Many2Many whose two models exist, and the last migrations

MANY_IN_DATABASE and KEYS_IN_DATABASE are given also the vendors of the databases they will stand in.

A rule returns a list and never raises; it is silent where a model is missing, which Django itself
reports. docs/checks.md has a heading for each id.

Rules about a database look at those that Django names (`check --database x`, `migrate`, from 6.1 on all),
else at the default one, and at none that a router keeps the model out of. They go by vendor and open no
connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.core.checks import CheckMessage
from django.db import DEFAULT_DB_ALIAS

from gorm_assoc.checks import has, history, join_models, keys, names, options, sides
from gorm_assoc.checks.declared import Model, declarations, declared_keys, join_model, vendors
from gorm_assoc.fields.has import Has
from gorm_assoc.fields.many2many import Many2Many

DECLARED: Final = (
    options.check_options,
    options.check_target_exists,
    options.check_fields_exist,
    options.check_counts,
    options.check_no_field_twice,
    options.check_columns_are_apart,
    options.check_key_is_found,
    options.check_key_is_whole,
    options.check_polymorphic_key_is_whole,
    keys.check_there_is_a_constraint,
)
MANY: Final = (
    sides.check_sides_agree,
    sides.check_one_side_is_primary,
    sides.check_primary_is_not_by_alphabet,
    sides.check_there_is_another_side,
    sides.check_polymorphic_owners_agree,
    join_models.check_join_model_has_columns,
    join_models.check_pairs_are_unique,
    join_models.check_class_name_is_free,
    join_models.check_join_model_option,
    join_models.check_through_fields,
    join_models.check_dead_join_rows_are_hidden,
    join_models.check_constraint_reaches_join_model,
    names.check_table_is_free,
    names.check_table_of_abstract_base,
)
HAS: Final = (
    has.check_type_column_holds_the_type,
    has.check_way_back_has_one_name,
    has.check_name_is_free,
    has.check_child_is_the_projects,
    has.check_constraint_reaches_child,
    has.check_belongs_to_says_the_same,
)
MANY_IN_DATABASE: Final = (keys.check_key_fits,)
MODELS: Final = (
    join_models.check_join_table_has_a_key,
    join_models.check_meta_names_columns,
)
KEYS: Final = (
    names.check_foreign_key_name_is_free,
    keys.check_referenced_columns_are_unique,
)
KEYS_IN_DATABASE: Final = (
    keys.check_types_fit,
    keys.check_key_can_be_indexed,
    keys.check_references_are_in_order,
    keys.check_set_null,
    keys.check_set_null_on_mariadb,
    keys.check_set_default,
    keys.check_set_default_on_mariadb,
    keys.check_on_update,
)
CHANGES: Final = (
    history.check_key_is_that_of_the_last_migration,
    history.check_join_model_is_that_of_the_last_migration,
)


def check_gorm_assoc(
    app_configs: Iterable[Any] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every rule over the models of the apps given, or of all."""
    models = list(
        apps.get_models() if app_configs is None else (model for app in app_configs for model in app.get_models())
    )
    found: list[CheckMessage] = []
    for message in (*options.check_settings(), *_messages(models, databases or [DEFAULT_DB_ALIAS])):
        if message not in found:  # what two relations say about one join model
            found.append(message)
    return found


def _messages(models: Sequence[Model], aliases: Sequence[str]) -> Iterator[CheckMessage]:
    declared = declarations(models)
    for declaration in declared:
        for declared_rule in DECLARED:
            yield from declared_rule(declaration)
        if isinstance(declaration, Has):
            for has_rule in HAS:
                yield from has_rule(declaration)
        if isinstance(declaration, Many2Many) and declaration.plan is not None:
            for many_rule in MANY:
                yield from many_rule(declaration)
            for joined_rule in MANY_IN_DATABASE:
                yield from joined_rule(declaration, vendors(join_model(declaration), aliases))
    for model in models:
        for model_rule in MODELS:
            yield from model_rule(model)
    for key in declared_keys(declared):
        for key_rule in KEYS:
            yield from key_rule(key)
        for made_rule in KEYS_IN_DATABASE:
            yield from made_rule(key, vendors(key.model, aliases))
    joined = [each for each in declared if isinstance(each, Many2Many) and each.plan is not None]
    past = history.history(joined)
    if past is not None:
        for field in joined:
            for change_rule in CHANGES:
                yield from change_rule(field, past)
