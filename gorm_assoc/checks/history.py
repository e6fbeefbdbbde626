"""
Changes of a declaration that stock migrations would get wrong: the models against the last migration on disk.

Reads the migrations' files and no database. Silent for apps without migrations, and where migrations
cannot be read, which Django says itself.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.management.commands.makemigrations import Command as Makemigrations
from django.db.migrations import AddField, AlterField, CreateModel, Migration, SeparateDatabaseAndState
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import resolve_relation
from django.db.migrations.writer import MigrationWriter

from gorm_assoc.checks.declared import Model, join_model, label, speaks_for_both
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.join_key import JoinKey
from gorm_assoc.operations import AlterJoinKey
from gorm_assoc.relationship import same_model
from gorm_assoc.through import join_app_label, join_model_name


@dataclass(frozen=True)
class History:
    """The last migration of each app, and the state of all models after them."""

    loader: MigrationLoader
    state: ProjectState

    def model(self, model: Model) -> ModelState | None:
        return self.state.models.get((model._meta.app_label, model._meta.model_name or ""))

    def last(self, app_label: str) -> tuple[str, str] | None:
        return next(iter(self.loader.graph.leaf_nodes(app_label)), None)


def history(fields: Iterable[Many2Many]) -> History | None:
    """None if no join model of these relations is in an app with migrations, or they cannot be read."""
    models = [join_model(field) for field in fields]
    labels = {model._meta.app_label for model in models if model._meta.apps is apps and model._meta.managed}
    if not labels:
        return None
    try:
        loader = MigrationLoader(None)
        nodes = [node for node in loader.graph.leaf_nodes() if node[0] in labels]
        for migration in loader.graph.nodes.values():
            migration.operations = [_own(operation) for operation in migration.operations]
        return History(loader, loader.project_state(nodes)) if nodes else None
    except Exception:  # whatever is wrong with migrations, their own commands say it
        return None


def _own(operation: Any) -> Any:
    """
    The operation with relations and keys of its own.

    A state changes names in place, in fields that it shares with the migration's module: the command
    that runs these checks is still to use that.
    """
    if isinstance(operation, CreateModel):
        operation = copy.copy(operation)
        operation.fields = [(name, _own_field(field)) for name, field in operation.fields]
    elif isinstance(operation, AddField | AlterField):
        operation = copy.copy(operation)
        operation.field = _own_field(operation.field)
    elif isinstance(operation, SeparateDatabaseAndState):
        operation = copy.copy(operation)
        operation.state_operations = [_own(each) for each in operation.state_operations]
    return operation


def _own_field(field: Any) -> Any:
    return field.clone() if field.remote_field or field.primary_key else field


# The key


def check_key_is_that_of_the_last_migration(field: Many2Many, past: History) -> list[CheckMessage]:
    """gorm_assoc.E026"""
    model = join_model(field)
    old = past.model(model)
    if old is None or not speaks_for_both(field):
        return []
    new = ModelState.from_model(model)
    old_key, new_key = _key(old), _key(new)
    if old_key == new_key or _is_renamed(model, set(new_key) - set(old_key), past):
        return []
    app_label = model._meta.app_label
    last = past.last(app_label)
    if last is None:
        return []
    name = f"alter_{model._meta.model_name}_key"
    return [
        Error(
            f"The key of {model._meta.label} is ({', '.join(new_key)}); in the last migration, "
            f"{'.'.join(last)}, it is ({', '.join(old_key)}). makemigrations cannot change a key.",
            hint=(
                f"Run makemigrations --empty {app_label} --skip-checks --name {name} and put this into its file:\n\n"
                f"{_migration(model, old, new, past, last, name)}"
            ),
            obj=field,
            id="gorm_assoc.E026",
        )
    ]


def _key(state: ModelState) -> tuple[str, ...]:
    for name, field in state.fields.items():
        if field.primary_key:
            return tuple(getattr(field, "field_names", (name,)))
    return ("id",)


def _is_renamed(model: Model, columns: set[str], past: History) -> bool:
    """Whether these columns refer to what the last migration does not know: makemigrations asks about its name."""
    for key in model._meta.local_fields:
        if isinstance(key, JoinKey):
            for column, referenced in key.related_fields:
                if column.name in columns:
                    state = past.model(referenced.model)
                    if state is None or referenced.name not in state.fields:
                        return True
    return False


def _migration(model: Model, old: ModelState, new: ModelState, past: History, last: tuple[str, str], name: str) -> str:
    operation: Any = AlterJoinKey(new.name, _key_fields(old, new))
    app_label = model._meta.app_label
    before = past.state.clone()
    operation.state_forwards(app_label, before)
    found = MigrationAutodetector(before, ProjectState.from_apps(apps)).changes(past.loader.graph)
    # Foreign keys and indexes over the new columns; what else has changed is for makemigrations.
    after = [
        each
        for migration in found.get(app_label, ())
        for each in migration.operations
        if getattr(each, "model_name", "").lower() == new.name_lower
    ]
    referred = {key.remote_field.model._meta.app_label for key in model._meta.local_fields if isinstance(key, JoinKey)}
    others = [past.last(each) for each in sorted(referred - {app_label})]
    migration = type("Migration", (Migration,), {})(name, app_label)
    migration.operations = [operation, *after]
    migration.dependencies = [last, *(each for each in others if each)]
    return MigrationWriter(migration, include_header=False).as_string()


def _key_fields(old: ModelState, new: ModelState) -> list[tuple[str, Any]]:
    """The key with its relations, of the new state; and the columns of the old one, which would go else."""
    columns = (set(_key(old)) | set(_key(new))) & set(new.fields)
    relations = {
        name: field
        for name, field in new.fields.items()
        if isinstance(field, JoinKey) and columns & set(field.from_fields)
    }
    columns.update(*(field.from_fields for field in relations.values()))
    return [
        (name, field)
        for name, field in new.fields.items()
        if name in columns or name in relations or field.primary_key
    ]


# The model


def check_join_model_is_that_of_the_last_migration(field: Many2Many, past: History) -> list[CheckMessage]:
    """gorm_assoc.E027, gorm_assoc.E028, gorm_assoc.E029"""
    model = join_model(field)
    if not speaks_for_both(field) or past.model(model) is not None or not model._meta.managed:
        return []
    if past.last(model._meta.app_label) is None:
        return []
    for state in _vanishing(past):
        name = f"{state.app_label}.{state.name}"
        other = field.partner
        if other is not None and field.has_made_join_model and _would_be(other) == (state.app_label, state.name_lower):
            return [_primary_changes(field, other, name)]
        if state.options.get("db_table") == model._meta.db_table:
            owner = _owner(state, past)
            ends = _state_key(field.model), _state_key(field.remote_field.model)
            if field.has_made_join_model and owner != ends[0] and owner == ends[1]:
                return [_primary_is_gone(field, name)]
            if field.has_made_join_model and owner == ends[0] == ends[1] and _was_the_way_back(field, state, past):
                return [_primary_is_gone(field, name)]
            return [] if _is_asked(state, model) else [_vanishes(field, model, name)]
    return []


def _vanishing(past: History) -> Iterator[ModelState]:
    """The models of the last migrations that are no more."""
    for (app_label, name), state in past.state.models.items():
        if app_label not in past.loader.migrated_apps or app_label not in apps.app_configs:
            continue
        if name not in apps.all_models[app_label]:
            yield state


def _would_be(field: Many2Many) -> tuple[str, str]:
    return join_app_label(field), join_model_name(field).lower()


def _state_key(model: Model) -> tuple[str, str]:
    return model._meta.app_label, str(model._meta.model_name)


def _owner(through: ModelState, past: History) -> tuple[str, str] | None:
    """The model whose relation came with this join model: the one at the head of its key."""
    columns = _key(through)[:1]
    for field in through.fields.values():
        if isinstance(field, JoinKey) and tuple(field.from_fields[:1]) == columns:
            return resolve_relation(field.remote_field.model, through.app_label, through.name_lower)
    return None


def _was_the_way_back(field: Many2Many, through: ModelState, past: History) -> bool:
    """Whether this self-reference was there over that join model, beside another that is gone."""
    owner = past.model(field.model)
    sides = {
        name
        for name, each in (owner.fields if owner else {}).items()
        if resolve_relation(getattr(each.remote_field, "through", None) or "", through.app_label)
        == (through.app_label, through.name_lower)
    }
    return field.name in sides and len(sides) > 1


def _is_asked(state: ModelState, model: Model) -> bool:
    """Whether makemigrations takes the new join model for the old one under another name, and asks."""
    if not _is_interactive() or state.app_label != model._meta.app_label:
        return False
    compare = MigrationAutodetector(ProjectState(), ProjectState()).only_relation_agnostic_fields
    return bool(compare(state.fields) == compare(ModelState.from_model(model).fields))


def _is_interactive() -> bool:
    """Whether makemigrations, if that is what runs, may ask; system checks are not told."""
    if sys.argv[1:2] != ["makemigrations"]:
        return True
    parser = Makemigrations().create_parser(sys.argv[0], "makemigrations")
    return bool(parser.parse_known_args(sys.argv[2:])[0].interactive)


def _primary_changes(field: Many2Many, other: Many2Many, name: str) -> Error:
    moved = f", and remove it from {label(other)}" if other.back_reference else ""
    return Error(
        f"The last migration has the join model {name} of {label(other)}; now {label(field)} would decide, and "
        f"its table would be made again.",
        hint=f"Write back_reference=True on {label(field)}{moved}.",
        obj=field,
        id="gorm_assoc.E027",
    )


def _primary_is_gone(field: Many2Many, name: str) -> Error:
    hint = f'Write join_model="{name}", back_reference=True on {label(field)}: the table stays as it is.'
    if same_model(field.model, field.remote_field.model):
        # One end is called after the relation that is gone.
        hint = (
            f"Write {name} as a JoinTable over this table, and through= on {label(field)}: the table stays as it is."
        )
    return Error(
        f"The last migration has the join model {name}, and the relation that decided it is gone; "
        f"{label(field)} would make its table again.",
        hint=hint,
        obj=field,
        id="gorm_assoc.E028",
    )


def _vanishes(field: Many2Many, model: Model, name: str) -> Error:
    table = model._meta.db_table
    given = not field.has_made_join_model
    return Error(
        f"The last migration has the join model {name} with the table {table!r}; now {model._meta.label} would make "
        f"this table again.",
        hint=(
            f"Give {model._meta.label} the name {name}, or rename it in a migration before it changes."
            if given
            else f'Write join_model="{name}" on {label(field)}: the table keeps its rows.'
        ),
        obj=field,
        id="gorm_assoc.E029",
    )
