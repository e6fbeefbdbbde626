"""Join tables cut into partitions by their owner's column, as docs/scaling.md does it: the verbs do not notice."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import TestCase, TransactionTestCase

from example_project.guides.models import Address, Language, Person, PersonAddress, User
from gorm_assoc.models import Association, Changes
from tests import documentation

PARTITIONS = 4
LIKE_WHOLE = "LIKE whole_addresses INCLUDING DEFAULTS, PRIMARY KEY (person_id, address_id)"


def documented(heading):
    """The statements of the SQL block below a heading of the page."""
    page = (documentation.ROOT / "docs/scaling.md").read_text()
    block = page.split(f"### {heading}\n")[1].split("```sql\n")[1].split("```")[0]
    return [statement.strip() for statement in block.split(";") if statement.strip()]


def run(statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def partitions_with_rows(table, postgres=True):
    with connection.cursor() as cursor:
        if postgres:
            cursor.execute(f"SELECT DISTINCT tableoid::regclass::text FROM {table}")
        else:
            cursor.execute(
                "SELECT partition_name FROM information_schema.partitions "
                "WHERE table_schema = DATABASE() AND table_name = %s AND table_rows > 0",
                [table],
            )
        return {name for (name,) in cursor.fetchall()}


class VerbsMixin:
    def test_the_verbs_do_their_work(self):
        users = [User.objects.create(name=f"user {number}") for number in range(20)]
        english, french, german = (Language.objects.create(name=name) for name in ("English", "French", "German"))

        assert Association(users, "languages").append(english, to_all=True) == Changes(added=20)
        assert users[0].languages.append(english, french, {"name": "Dutch"}) == Changes(added=2, kept=1)
        assert users[0].languages.append(Language.objects.all()) == Changes(added=1, kept=3)
        assert users[0].languages.replace(german) == Changes(removed=3, kept=1)
        assert users[0].languages.toggle(german, french) == Changes(added=1, removed=1)
        assert users[1].languages.delete(english) == Changes(removed=1)
        assert User.objects.filter(languages=english).count() == 18
        assert len(list(User.objects.preload("languages", limit=1))) == 20
        assert Association(users, "languages").clear() == Changes(removed=19)

    def test_links_that_die_and_come_back(self):
        person, home = Person.objects.create(name="jinzhu"), Address.objects.create(name="home")

        assert person.addresses.append(home) == Changes(added=1)
        assert person.addresses.clear() == Changes(removed=1)
        assert person.addresses.append(home) == Changes(revived=1)
        assert PersonAddress.objects.get().note == "before-create"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own statements")
class PostgresTests(VerbsMixin, TestCase):
    def setUp(self):
        run(documented("PostgreSQL"))  # goes with the test's transaction
        run(
            [
                "ALTER TABLE person_addresses RENAME TO whole_addresses",
                f"CREATE TABLE person_addresses ({LIKE_WHOLE}) PARTITION BY HASH (person_id)",
                "CREATE TABLE only_one PARTITION OF person_addresses FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
            ]
        )

    def test_an_owners_links_are_in_one_partition_and_looked_for_in_no_other(self):
        ann, languages = User.objects.create(name="ann"), [Language(name=name) for name in "abcdefgh"]
        ann.languages.append(languages)

        (held,) = partitions_with_rows("user_languages")
        plan = User.languages.through.objects.filter(user=ann).explain()

        assert held in plan
        assert not any(f"user_languages_{n}" in plan for n in range(PARTITIONS) if f"user_languages_{n}" != held)

    def test_foreign_keys_hold_in_the_partitions(self):
        ann = User.objects.create(name="ann")
        ann.languages.append(Language(name="English"))

        with pytest.raises(DatabaseError), transaction.atomic():
            run(["DELETE FROM users", "SET CONSTRAINTS ALL IMMEDIATE"])

    def test_a_column_outside_the_key_cannot_cut_the_table(self):
        with pytest.raises(DatabaseError, match="partition"), transaction.atomic():
            run([f"CREATE TABLE by_time ({LIKE_WHOLE}) PARTITION BY RANGE (created_at)"])


@pytest.mark.skipif(connection.vendor != "mysql", reason="MariaDB's own statements")
class MariaDBTests(VerbsMixin, TransactionTestCase):
    def setUp(self):
        self.addCleanup(run, ["DROP TABLE user_languages", "RENAME TABLE whole TO user_languages"])
        run(documented("MariaDB and MySQL"))

    def test_an_owners_links_are_in_one_partition(self):
        ann, languages = User.objects.create(name="ann"), [Language(name=name) for name in "abcdefgh"]
        ann.languages.append(languages)
        run(["ANALYZE TABLE user_languages"])

        assert len(partitions_with_rows("user_languages", postgres=False)) == 1

    def test_with_foreign_keys_it_is_refused(self):
        with pytest.raises(DatabaseError, match="[Ff]oreign key"):
            run([f"ALTER TABLE person_addresses PARTITION BY KEY (person_id) PARTITIONS {PARTITIONS}"])
