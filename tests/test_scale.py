"""The number of statements stays the same from one link to a million."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from example_project.guides.models import Language, UserFluency
from gorm_assoc.models import Association, Changes
from tests.factories import MemberFactory, UserFactory
from tests.testapp.models import Club, Membership

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


class SlowerPathsTests(TestCase):
    """Where rows are objects, or each has values of its own, their number decides no more about statements."""

    def count(self, work) -> int:
        with CaptureQueriesContext(connection) as queries:
            work()
        return len(queries)

    def test_new_targets(self):
        association = UserFactory().association("languages")

        one = self.count(lambda: association.append(Language(name="x")))
        many = self.count(lambda: association.append(*(Language(name="x") for _ in range(3_000))))

        assert one == many
        assert association.count() == 3_001

    def test_new_targets_with_a_key(self):
        association = UserFactory().association("languages")

        one = self.count(lambda: association.append(Language(pk=1, name="x")))
        many = self.count(lambda: association.append(*(Language(pk=2 + pk, name="x") for pk in range(3_000))))

        assert one == many
        assert association.count() == 3_001

    def test_join_rows_with_hooks(self):
        Club.objects.bulk_create(Club(name=str(number)) for number in range(2_000))
        first, *others = Club.objects.values_list("pk", flat=True)
        association = Association(MemberFactory(), "clubs")

        one = self.count(lambda: association.append(first))
        many = self.count(lambda: association.append(*others))

        assert one == many
        assert association.count() == 2_000

    def test_extra_columns_that_differ_from_row_to_row(self):
        languages = make_languages(500)
        association = UserFactory().association("fluent_in")

        one = self.count(lambda: association.append(languages[0], through_defaults=named, update=True))
        many = self.count(lambda: association.append(*languages, through_defaults=named, update=True))
        again = self.count(lambda: association.append(*languages, through_defaults=named, update=True))

        assert one == many
        assert again == many - (1 if connection.vendor == "mysql" else 0)  # nothing to INSERT
        assert set(UserFluency.objects.values_list("fluency", flat=True)) == {f"of {key}" for key in languages}

    def test_dead_rows_with_extra_columns_that_differ(self):
        Club.objects.bulk_create(Club(name=str(number)) for number in range(300))
        first, *others = Club.objects.values_list("pk", flat=True)
        association = Association(MemberFactory(), "clubs")
        association.append(first, *others)
        association.clear()

        one = self.count(lambda: association.append(first, through_defaults=lambda key: {"role": f"r{key}"}))
        many = self.count(lambda: association.append(*others, through_defaults=lambda key: {"role": f"r{key}"}))

        assert one == many
        assert all(row.role == f"r{row.club_id}" for row in Membership.objects.all())


def named(key) -> dict[str, str]:
    return {"fluency": f"of {key}"}
