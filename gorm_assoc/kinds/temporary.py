"""A subquery's rows, read once: statements that change what it reads would else each see something else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from gorm_assoc.kinds.conditions import Sql

TABLE = "gorm_assoc_found"


@contextmanager
def read_once(found: Sql, using: str) -> Iterator[Sql]:
    """The subquery's rows in a temporary table, as a subquery of that. They never come here. In a transaction."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {TABLE} AS {found.text}", found.params)
        try:
            yield Sql(f"SELECT * FROM {TABLE}")
        except BaseException:
            if connection.vendor == "mysql":  # elsewhere it goes with the transaction
                cursor.execute(f"DROP TEMPORARY TABLE {TABLE}")
            raise
        cursor.execute(f"DROP {'TEMPORARY ' if connection.vendor == 'mysql' else ''}TABLE {TABLE}")
