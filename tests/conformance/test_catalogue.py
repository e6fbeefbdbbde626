"""`associations --check-db` on the tables of the recorded sets: as this library makes them, and changed by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import SimpleTestCase

from gorm_assoc.catalogue import comparing, live, mending
from gorm_assoc.catalogue.relations import usable_declarations
from gorm_assoc.catalogue.sqlite_text import CreateTable
from tests.conformance.rules import not_expressible
from tests.conformance.stage import Stage, Stages
from tests.conformance.test_schema import NAMES


@pytest.fixture
def own(worker_id: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[Stages]:
    """Tables that a test may change."""
    with django_db_blocker.unblock():
        name = os.environ.get("TEST_DATABASE_NAME") or "test_gorm_assoc"
        stages = Stages(f"{name}_own_{worker_id}")
        try:
            yield stages
        finally:
            stages.drop()
            for stage in stages.made.values():
                if stages.default.vendor == "sqlite":
                    stage.connection.connection.close()  # Django keeps a database in memory open


def differences(stage: Stage, *, strict: bool = False) -> list[str]:
    return [str(each) for each in _found(stage, strict)]


def _found(stage: Stage, strict: bool = False) -> list[comparing.Difference]:
    declared = usable_declarations(stage.models.values())
    with stage.entered():
        return comparing.differences(stage.connection, declared, strict=strict)


def execute(stage: Stage, *statements: str) -> None:
    with stage.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.replace('"', "`") if stage.connection.vendor == "mysql" else statement)


def mend(stage: Stage) -> None:
    with stage.entered():
        script = mending.statements(stage.connection, _found(stage))
    with stage.connection.cursor() as cursor:
        for statement in script:
            cursor.execute(statement)


@pytest.mark.parametrize("name", NAMES)
def test_the_tables_this_library_makes_do_not_differ(name: str, database: Stages) -> None:
    if reason := not_expressible(name, database.default.vendor):
        pytest.skip(f"not on this database: {reason} (docs/differences.md)")

    assert differences(database[name], strict=True) == []


def test_a_missing_join_table_and_its_end_are_made(own: Stages) -> None:
    stage = own["lang"]
    execute(stage, 'DROP TABLE "user_languages"', 'DROP TABLE "languages"')

    assert differences(stage) == ["languages: the table is missing.", "user_languages: the table is missing."]
    mend(stage)
    assert differences(stage, strict=True) == []


@dataclass(frozen=True)
class Case:
    """
    A join table that is otherwise than declared.

    old, new -- what in TABLE is otherwise
    found -- the differences, {d} for what a deferrable key has at its end
    strict -- whether only `strict` sees them
    by_hand -- whether no SQL is printed for them
    """

    old: str
    new: str
    found: tuple[str, ...]
    strict: bool = False
    by_hand: bool = False
    not_on: tuple[str, ...] = ()


DEFERRED = "DEFERRABLE INITIALLY DEFERRED"
TABLE = """
    CREATE TABLE "user_languages" ("user_id" bigint NOT NULL, "language_id" bigint NOT NULL,
    "created_at" {time} NULL, "fluency" text NOT NULL, PRIMARY KEY ("user_id", "language_id"),
    CONSTRAINT "fk_user_languages_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id") {d},
    CONSTRAINT "fk_user_languages_language" FOREIGN KEY ("language_id") REFERENCES "languages" ("id") {d},
    CHECK ("user_id" % 7 <> 8))
"""
INDEX = 'CREATE INDEX "idx_user_languages_language_id" ON "user_languages" ("language_id")'
KEY = "(user_id) to users (id)"
USER = f"fk_user_languages_user {KEY}"
CASES = {
    "index": Case(INDEX, "", ("index idx_user_languages_language_id (language_id) is missing.",)),
    "index on another column": Case(
        '("language_id")\n',
        '("fluency")\n',
        ("index idx_user_languages_language_id is on (fluency), declared on (language_id).",),
        by_hand=True,
        not_on=("mysql",),  # a text needs a length there
    ),
    "column": Case(', "fluency" text NOT NULL', "", ("column fluency is missing.",)),
    "column of another type": Case(
        '"fluency" text', '"fluency" bigint', ("column fluency is {bigint}, declared as {text}.",), by_hand=True
    ),
    "column not declared": Case(
        '"fluency" text NOT NULL',
        '"fluency" text NOT NULL, "more" bigint',
        ("column more ({bigint}) is not declared.",),
        by_hand=True,
    ),
    "NULL": Case(
        '"fluency" text NOT NULL',
        '"fluency" text',
        ("column fluency can be NULL, declared without null=True.",),
        strict=True,
    ),
    "NOT NULL": Case(
        '"created_at" {time} NULL',
        '"created_at" {time} NOT NULL',
        ("column created_at is NOT NULL, declared with null=True.",),
        by_hand=True,
    ),
    "primary key": Case(
        '"user_id", "language_id")',
        '"language_id", "user_id")',
        ("the primary key is (language_id, user_id), declared as (user_id, language_id).",),
        by_hand=True,
    ),
    "foreign key": Case(
        'CONSTRAINT "fk_user_languages_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id") {d},',
        "",
        (f"foreign key {USER}{{d}} is missing.",),
    ),
    "foreign key of another name": Case(
        '"fk_user_languages_user"',
        '"other"',
        (f"foreign key (user_id) is other {KEY}{{d}}, declared as {USER}{{d}}.",),
    ),
    "foreign key with another action": Case(
        '"users" ("id")',
        '"users" ("id") ON DELETE CASCADE ON UPDATE SET NULL',
        (f"foreign key (user_id) is {USER} ON DELETE CASCADE ON UPDATE SET NULL{{d}}, declared as {USER}{{d}}.",),
        not_on=("mysql",),  # SET NULL in a key
    ),
    "foreign key that is checked at once": Case(
        '"users" ("id") {d}',
        '"users" ("id")',
        (f"foreign key (user_id) is {USER}, declared as {USER}{{d}}.",),
        not_on=("mysql",),
    ),
    "foreign key not declared": Case(
        'CONSTRAINT "fk_user_languages_user"',
        'CONSTRAINT "more" FOREIGN KEY ("user_id") REFERENCES "users" ("id"), CONSTRAINT "fk_user_languages_user"',
        ("foreign key more (user_id) to users (id) is not declared.",),
        by_hand=True,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_sort_of_difference_is_said_and_mended_with_the_row_kept(case: Case, own: Stages) -> None:
    vendor = own.default.vendor
    if vendor in case.not_on:
        pytest.skip(f"{vendor} has no such thing")
    stage = own["fluency"]
    deferred = "" if vendor == "mysql" else DEFERRED
    script = f"{TABLE.strip()};{INDEX}\n"
    assert case.old in script
    time = "timestamptz" if vendor == "postgresql" else "timestamp"
    script = script.replace(case.old, case.new).replace("{d}", deferred).replace("{time}", time)
    execute(stage, 'DROP TABLE "user_languages"', *filter(str.strip, script.split(";")))
    fill(stage)
    names = {"bigint": "bigint(20)", "text": "longtext"} if vendor == "mysql" else {"bigint": "bigint", "text": "text"}
    expected = [f"user_languages: {text.format(d=f' {deferred}'.rstrip(), **names)}" for text in case.found]

    assert differences(stage, strict=True) == expected
    assert differences(stage) == ([] if case.strict else expected)
    mend(stage)
    assert differences(stage) == (expected if case.by_hand else [])
    with stage.connection.cursor() as cursor:
        cursor.execute("SELECT user_id, language_id FROM user_languages")
        assert list(cursor.fetchall()) == [(1, 2)]


def fill(stage: Stage) -> None:
    """One row in each table."""
    execute(stage, """INSERT INTO "users" ("id", "name") VALUES (1, 'ann')""")
    execute(stage, """INSERT INTO "languages" ("id", "name") VALUES (2, 'French')""")
    table = live.read(stage.connection, "user_languages")
    assert table is not None
    values = {"user_id": "1", "language_id": "2", "created_at": "'2024-01-02 03:04:05'", "fluency": "'0'"}
    there = [column.name for column in table.columns if column.name in values]
    columns, given = ", ".join(f'"{name}"' for name in there), ", ".join(values[name] for name in there)
    execute(stage, f'INSERT INTO "user_languages" ({columns}) VALUES ({given})')


def test_columns_that_nothing_keeps_unique_are_said_and_mended(own: Stages) -> None:
    stage = own["enrolment"]
    execute(
        stage,
        'DROP TABLE "enrolments"',
        'CREATE TABLE "enrolments" ("id" bigint NOT NULL PRIMARY KEY, "student_id" bigint NOT NULL, '
        '"course_id" bigint NOT NULL, "grade" text NOT NULL)',
    )

    found = [text for text in differences(stage) if "unique" in text]
    mend(stage)

    assert found == ["enrolments: nothing keeps (student_id, course_id) unique."]
    assert differences(stage) == []


def test_an_undeclared_column_at_an_end_counts_where_every_insert_would_fail(own: Stages) -> None:
    stage = own["person"]
    execute(stage, 'ALTER TABLE "people" ADD COLUMN "age" bigint')
    execute(stage, """ALTER TABLE "people" ADD COLUMN "born" varchar(20) NOT NULL DEFAULT ''""")

    assert differences(stage) == []
    assert len(differences(stage, strict=True)) == 2
    execute(stage, 'DROP TABLE "person_addresses"', 'DROP TABLE "people"')
    execute(stage, 'CREATE TABLE "people" ("id" bigint NOT NULL PRIMARY KEY, "name" text, "age" varchar(7) NOT NULL)')
    age = "varchar(7)" if stage.connection.vendor != "postgresql" else "character varying(7)"
    assert f"people: column age ({age}) is not declared." in differences(stage)


def test_a_table_made_anew_on_sqlite_keeps_all_that_hangs_on_it(own: Stages) -> None:
    if own.default.vendor != "sqlite":
        pytest.skip("only SQLite makes tables anew")
    stage = own["rulesbelongs"]
    execute(
        stage,
        "DROP TABLE parts",
        "CREATE TABLE parts (id integer PRIMARY KEY AUTOINCREMENT, name text, brand_id int, more text DEFAULT '%')",
        "CREATE TABLE log (id integer)",
        "CREATE TRIGGER logging AFTER INSERT ON parts BEGIN INSERT INTO log VALUES (new.id); END",
        "CREATE VIEW named AS SELECT name FROM parts",
        "CREATE INDEX by_name ON parts (name)",
        "INSERT INTO parts (id, name) VALUES (1, 'wheel'), (9, 'gone')",
        "DELETE FROM parts WHERE id = 9",
    )

    mend(stage)
    execute(stage, "INSERT INTO parts (name) VALUES ('bell')")

    assert differences(stage) == []
    with stage.connection.cursor() as cursor:
        cursor.execute("SELECT id, name, more FROM parts")
        assert cursor.fetchall() == [(1, "wheel", "%"), (10, "bell", "%")]
        cursor.execute("SELECT id FROM log")
        assert cursor.fetchall() == [(1,), (9,), (10,)]
        cursor.execute("SELECT name FROM named ORDER BY name DESC")
        assert cursor.fetchall() == [("wheel",), ("bell",)]
    assert "by_name" in [index.name for index in live.read(stage.connection, "parts").indexes]


class SqliteTextTests(SimpleTestCase):
    TEXT = """CREATE TABLE `t` (`a` integer PRIMARY KEY AUTOINCREMENT, -- first, of (all)
        "b" varchar(10) DEFAULT 'x,)' REFERENCES "u" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED NOT NULL,
        [c] int CONSTRAINT n REFERENCES u ON UPDATE NO ACTION, d decimal(3, 1) CHECK (d IN (1, 2)),
        CONSTRAINT `fk` FOREIGN KEY (`a`,"d") REFERENCES `v`(`x`,`y`) MATCH FULL NOT DEFERRABLE ON DELETE CASCADE,
        FOREIGN KEY (c) REFERENCES w(z)
    ) WITHOUT ROWID"""

    def test_foreign_keys_of_columns_and_of_the_table_are_found(self):
        keys = CreateTable(self.TEXT).foreign_keys()

        assert [(k.name, k.columns, k.to_table, k.to_columns) for k in keys] == [
            ("", ("b",), "u", ("id",)),
            ("n", ("c",), "u", ()),
            ("fk", ("a", "d"), "v", ("x", "y")),
            ("", ("c",), "w", ("z",)),
        ]
        assert [(k.on_delete, k.on_update, k.deferrable) for k in keys] == [
            ("SET NULL", "NO ACTION", True),
            ("NO ACTION", "NO ACTION", False),
            ("CASCADE", "NO ACTION", False),
            ("NO ACTION", "NO ACTION", False),
        ]

    def test_nothing_else_changes_when_keys_and_columns_do(self):
        text = CreateTable(self.TEXT)

        changed = text.changed('"new"', without=text.foreign_keys()[:3], columns=["e int"], constraints=["UNIQUE (e)"])

        assert " ".join(changed.split()) == (
            'CREATE TABLE "new" (`a` integer PRIMARY KEY AUTOINCREMENT, -- first, of (all) '
            """"b" varchar(10) DEFAULT 'x,)' NOT NULL, [c] int, d decimal(3, 1) CHECK (d IN (1, 2)), e int, """
            "FOREIGN KEY (c) REFERENCES w(z), UNIQUE (e)) WITHOUT ROWID"
        )
        assert text.has_sequence


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("integer", "bigint"),
        ("INTEGER UNSIGNED", "bigint(20) unsigned"),
        ("varchar(191)", "character varying(10)"),
        ("longtext", "char(32)"),
        ("timestamp with time zone", "timestamptz"),
        ("datetime(6)", "datetime"),
        ("numeric(10, 2)", "decimal(8,3)"),
        ("double precision", "real"),
        ("bool", "tinyint(1)"),
        ("time", "time without time zone"),
        ("varchar(10)[3]", "character varying(10)[]"),
    ],
)
def test_types_of_one_sort(first: str, second: str) -> None:
    assert live.type_class(first, "postgresql") == live.type_class(second, "postgresql")


def test_types_of_different_sorts() -> None:
    types = ("bigint", "text", "timestamp with time zone", "timestamp without time zone", "date", "uuid", "jsonb")
    more = (
        "boolean",
        "numeric",
        "bytea",
        "interval",
        "integer[]",
        "point",
        "time without time zone",
        "inet",
        "text[]",
    )

    classes = [live.type_class(type_, "postgresql") for type_ in (*types, *more)]

    assert len(set(classes)) == len(classes)
    assert live.type_class("numeric", "sqlite") == live.type_class("bool", "sqlite")
    assert live.type_class("longtext", "mysql") == live.type_class("json", "mysql")
