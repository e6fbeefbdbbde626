"""The number of statements stays the same from one link to a million."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from example_project.guides.models import Language
from gorm_assoc.models import Changes
from tests.factories import UserFactory

# MariaDB's driver writes values into the statement; a chunk of it holds 10,000.
CHUNK = 10_000 if connection.vendor == "mysql" else None


def make_languages(count: int) -> list[int]:
    """Keys of that many new languages, made inside the database."""
    table = connection.ops.quote_name(Language._meta.db_table)
    numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute("SET SESSION max_recursive_iterations = 4000000000")
            cursor.execute(f"INSERT INTO {table} (name) {numbers} SELECT 'x' FROM numbers", [count])
        else:
            cursor.execute(f"{numbers} INSERT INTO {table} (name) SELECT 'x' FROM numbers", [count])
    return list(Language.objects.values_list("pk", flat=True))


def statements(links: int, *, chunked: int, fixed: int) -> int:
    """How many statements: `chunked` for each chunk of values, `fixed` whatever happens."""
    return fixed + chunked * (1 if CHUNK is None else -(-links // CHUNK))


class StatementsTests(TestCase):
    def run_verbs(self, links: int) -> list[tuple[int, Changes]]:
        keys = make_languages(links)
        association = UserFactory().association("languages")
        done = []
        for verb in (
            lambda: association.append(*keys),
            lambda: association.replace(*keys),
            lambda: association.delete(*keys),
            lambda: association.append(Language.objects.all()),
            lambda: association.clear(),
        ):
            with CaptureQueriesContext(connection) as queries:
                changes = verb()
            done.append((len(queries), changes))
        return done

    def check(self, links: int) -> None:
        mysql = connection.vendor == "mysql"
        lock = 1 if connection.features.has_select_for_update else 0  # SELECT ... FOR UPDATE of the owner

        done = self.run_verbs(links)

        assert [changes for _, changes in done] == [
            Changes(added=links),
            Changes(kept=links),
            Changes(removed=links),
            Changes(added=links),
            Changes(removed=links),
        ]
        savepoint_and_touch = 3
        assert [count for count, _ in done] == [
            # INSERT; MariaDB: a locking SELECT and an INSERT for each chunk
            statements(links, fixed=savepoint_and_touch, chunked=2 if mysql else 1),
            # DELETE and INSERT; MariaDB: DELETE, and a locking SELECT for each chunk
            statements(links, fixed=savepoint_and_touch + 1, chunked=1),
            lock + 1,  # DELETE
            savepoint_and_touch + (3 if mysql else 2),  # INSERT and COUNT; MariaDB: COUNT, INSERT, COUNT
            lock + 1,  # DELETE
        ]

    def test_one_link(self):
        self.check(1)

    def test_a_thousand_links(self):
        self.check(1_000)

    @pytest.mark.slow
    def test_a_hundred_thousand_links(self):
        self.check(100_000)

    @pytest.mark.scale
    def test_a_million_links(self):
        self.check(1_000_000)
