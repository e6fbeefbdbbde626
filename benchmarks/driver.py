"""The bare driver: the connection that Django has opened, without Django. What it takes is the floor."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.harness import sent


class Driver:
    def __init__(self) -> None:
        from django.db import connection

        connection.ensure_connection()
        self.vendor = connection.vendor
        self._connection: Any = connection.connection
        self.ignoring = {
            "sqlite": "INSERT INTO {} ON CONFLICT DO NOTHING",
            "postgresql": "INSERT INTO {} ON CONFLICT DO NOTHING",
            "mysql": "INSERT INTO {} ON DUPLICATE KEY UPDATE user_id = user_languages.user_id",
        }[self.vendor]

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        cursor = self._connection.cursor()
        cursor.execute("BEGIN")
        yield cursor
        cursor.execute("COMMIT")
        cursor.close()

    def execute(self, cursor: Any, sql: str, params: Sequence[Any] = ()) -> Any:
        sent()
        cursor.execute(self._marked(sql), tuple(params))
        return cursor

    def executemany(self, cursor: Any, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        sent()
        cursor.executemany(self._marked(sql), rows)

    def _marked(self, sql: str) -> str:
        return sql.replace("%s", "?") if self.vendor == "sqlite" else sql

    # The work

    def link(self, rows: Sequence[tuple[int, int]]) -> None:
        with self.transaction() as cursor:
            self._link(cursor, rows)

    # One owner, one list of keys, one statement for what comes and one for what goes: the least that it can take.

    def link_at_once(self, owner: int, targets: Sequence[int]) -> None:
        with self.transaction() as cursor:
            self._link_at_once(cursor, owner, self._listed(targets))

    def replace_at_once(self, owner: int, targets: Sequence[int]) -> None:
        gone = f"NOT EXISTS (SELECT 1 FROM {self._list} WHERE value = language_id)"
        if self.vendor == "sqlite":
            gone = f"language_id NOT IN (SELECT value FROM {self._list})"
        listed = self._listed(targets)
        with self.transaction() as cursor:
            self.execute(cursor, f"DELETE FROM user_languages WHERE user_id = %s AND {gone}", (owner, listed))
            self._link_at_once(cursor, owner, listed)

    def _link_at_once(self, cursor: Any, owner: int, listed: Any) -> None:
        rows = f"user_languages (user_id, language_id) SELECT %s, value FROM {self._list} WHERE 1 = 1"
        self.execute(cursor, self.ignoring.format(rows), (owner, listed))

    @property
    def _list(self) -> str:
        return {"sqlite": "json_each(%s)", "postgresql": "unnest(%s::bigint[]) AS value"}[self.vendor]

    def _listed(self, targets: Sequence[int]) -> Any:
        return json.dumps(targets) if self.vendor == "sqlite" else list(targets)

    def unlink(self, rows: Sequence[tuple[int, int]]) -> None:
        with self.transaction() as cursor:
            self._unlink(cursor, rows)

    def clear(self, owner: int) -> None:
        with self.transaction() as cursor:
            self.execute(cursor, "DELETE FROM user_languages WHERE user_id = %s", (owner,))

    def replace(self, wanted: dict[int, list[int]]) -> None:
        """What is linked is read, and the difference written."""
        with self.transaction() as cursor:
            owners = ", ".join(["%s"] * len(wanted))
            read = f"SELECT user_id, language_id FROM user_languages WHERE user_id IN ({owners})"
            old = set(map(tuple, self.execute(cursor, read, list(wanted)).fetchall()))
            new = {(owner, target) for owner, targets in wanted.items() for target in targets}
            self._unlink(cursor, sorted(old - new))
            self._link(cursor, sorted(new - old))

    def _link(self, cursor: Any, rows: Sequence[tuple[int, int]]) -> None:
        insert = self.ignoring.format("user_languages (user_id, language_id) VALUES (%s, %s)")
        self.executemany(cursor, insert, rows)

    def _unlink(self, cursor: Any, rows: Sequence[tuple[int, int]]) -> None:
        self.executemany(cursor, "DELETE FROM user_languages WHERE user_id = %s AND language_id = %s", rows)

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        cursor = self._connection.cursor()
        found = list(self.execute(cursor, sql, params).fetchall())
        cursor.close()
        return found
