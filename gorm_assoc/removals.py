"""
A join model and a model it refers to, removed by one migration, on MariaDB and MySQL.

These drop no table that a foreign key refers to, and Django 5.2 deletes models by their names, an owner
before its join model. So `migrate` drops the foreign keys first, by an operation that is put into the
migration as django.contrib.contenttypes puts in its own.
"""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations import DeleteModel
from django.db.migrations.operations.base import Operation

from gorm_assoc.constraints import ForeignKeyConstraint


class DropForeignKeys(Operation):
    """Drop our foreign keys of a model that this migration deletes; the way back makes them with its table."""

    def __init__(self, model: str) -> None:
        self.model = model

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        is_known = (app_label, self.model.lower()) in from_state.models  # not, if it gets this name further on
        if schema_editor.connection.vendor != "mysql" or not is_known:
            return
        model = from_state.apps.get_model(app_label, self.model)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        for constraint in model._meta.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                schema_editor.remove_constraint(model, constraint)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass

    def describe(self) -> str:
        return f"Drop the foreign keys of {self.model}"


def drop_foreign_keys_first(plan: Any = None, **kwargs: Any) -> None:
    """A receiver of pre_migrate: before the first of several models is deleted, the foreign keys of the others go."""
    for migration, backward in plan or ():
        deletions = [operation for operation in migration.operations if isinstance(operation, DeleteModel)]
        if not backward and len(deletions) > 1:
            place = migration.operations.index(deletions[0])
            migration.operations[place:place] = [DropForeignKeys(each.name) for each in deletions[1:]]
