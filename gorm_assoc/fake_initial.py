"""
`migrate --fake-initial` over JoinKeys.

Django looks whether the column of each field that an initial migration adds is there. A JoinKey has
none: on SQLite and MariaDB Django stops with an AttributeError, on PostgreSQL it takes the migration
for one that has to run. (A JoinKey is added apart from its model where models point at each other.)
There is no hook for it, so this stands before the one method.
"""

from __future__ import annotations

import copy
from typing import Any

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import AddField

from gorm_assoc.join_key import JoinKey

_detect_soft_applied = MigrationExecutor.detect_soft_applied


def detect_soft_applied(self: Any, project_state: Any, migration: Any) -> tuple[bool, Any]:
    """Whether the tables and columns are there that an initial migration would make; JoinKeys need none."""
    with_columns = copy.copy(migration)
    with_columns.operations = [operation for operation in migration.operations if not _adds_join_key(operation)]
    if len(with_columns.operations) == len(migration.operations):
        return _detect_soft_applied(self, project_state, migration)
    is_applied, _ = _detect_soft_applied(self, project_state, with_columns)
    if not is_applied or project_state is None:
        return is_applied, project_state
    return True, migration.mutate_state(project_state)


def _adds_join_key(operation: Any) -> bool:
    return isinstance(operation, AddField) and isinstance(operation.field, JoinKey)


def install() -> None:
    MigrationExecutor.detect_soft_applied = detect_soft_applied  # type: ignore[method-assign]
