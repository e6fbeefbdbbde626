"""The DDL of foreign keys and indexes for each kind of server, which need not be there: it is only written."""

from __future__ import annotations

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import models

from gorm_assoc.constraints import ForeignKeyConstraint, Index
from tests.editors import editor_for, sql, with_catalogue
from tests.testapp.models import Book, Loan, Petal, Reader, Stem


def key(**options):
    return ForeignKeyConstraint(
        **{
            "name": "fk_loans_book",
            "fields": ["book_id", "book_locale"],
            "to_table": "elsewhere",
            "to_columns": ["id", "locale"],
            **options,
        }
    )


# Foreign keys

BOOK = 'FOREIGN KEY ("book_id", "book_locale") REFERENCES "testapp_book" ("id", "locale")'


def test_on_sqlite_a_foreign_key_is_part_of_the_table():
    editor = editor_for("sqlite")
    constraint = key(on_delete="CASCADE", on_update="SET NULL")

    assert constraint.constraint_sql(Loan, editor) == (
        f'CONSTRAINT "fk_loans_book" {BOOK} ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED'
    )
    assert (constraint.create_sql(Loan, editor), constraint.remove_sql(Loan, editor)) == (None, None)
    assert editor.deferred_sql == []


@pytest.mark.parametrize(
    ("kind", "added", "removed"),
    [
        (
            "postgresql",
            f'ADD CONSTRAINT "fk_loans_book" {BOOK} ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED',
            'DROP CONSTRAINT IF EXISTS "fk_loans_book"',
        ),
        (
            "mariadb",
            f'ADD CONSTRAINT "fk_loans_book" {BOOK} ON DELETE CASCADE'.replace("KEY (", "KEY IF NOT EXISTS ("),
            'DROP FOREIGN KEY IF EXISTS "fk_loans_book"',
        ),
        (
            "mysql",
            f'ADD CONSTRAINT "fk_loans_book" {BOOK} ON DELETE CASCADE',
            'DROP FOREIGN KEY "fk_loans_book"',
        ),
    ],
)
def test_on_servers_a_foreign_key_is_added_to_the_table_and_removed(kind, added, removed):
    editor = editor_for(kind)
    constraint = key(on_delete="CASCADE")

    assert sql(kind, constraint.create_sql(Loan, editor)) == f'ALTER TABLE "loans" {added}'
    assert sql(kind, constraint.remove_sql(Loan, editor)) == f'ALTER TABLE "loans" {removed}'


def test_of_another_database_what_the_standard_has_is_expected():
    editor = editor_for("postgresql")
    editor.connection.vendor = "oracle"

    assert str(key().remove_sql(Loan, editor)) == 'ALTER TABLE "loans" DROP CONSTRAINT "fk_loans_book"'
    assert "ON UPDATE" not in str(key(on_update="CASCADE").create_sql(Loan, editor))


def test_in_a_new_table_it_waits_for_the_end_of_the_migration():
    editor = editor_for("postgresql")

    assert key().constraint_sql(Loan, editor) is None

    assert [str(each) for each in editor.deferred_sql] == [str(key().create_sql(Loan, editor))]


def test_one_that_waits_is_dropped_when_it_is_removed_and_no_other():
    editor = editor_for("postgresql")
    editor.deferred_sql.append("text")
    for model, name in ((Loan, "fk_loans_book"), (Loan, "fk_other"), (Reader, "fk_loans_book")):
        fields = {} if model is Loan else {"fields": ["name"], "to_columns": ["id"]}
        key(name=name, **fields).constraint_sql(model, editor)

    key().remove_sql(Loan, editor)

    waiting = [getattr(each, "foreign_key", each) for each in editor.deferred_sql]
    assert waiting == ["text", ("loans", "fk_other"), ("testapp_reader", "fk_loans_book")]


def test_a_statement_follows_names_that_change():
    editor = editor_for("postgresql")
    statement = key().create_sql(Loan, editor)

    assert statement.references_table("loans")
    assert statement.references_table("testapp_book")
    assert statement.references_column("loans", "book_locale")
    assert statement.references_column("testapp_book", "locale")
    statement.rename_table_references("loans", "lendings")
    statement.rename_column_references("testapp_book", "locale", "language")
    assert str(statement).startswith('ALTER TABLE "lendings" ADD CONSTRAINT "fk_loans_book" FOREIGN KEY ("book_id"')
    assert 'REFERENCES "testapp_book" ("id", "language")' in str(statement)
    assert key().remove_sql(Loan, editor).references_table("loans")


@pytest.mark.parametrize(("kind", "length"), [("sqlite", 64), ("postgresql", 63), ("mariadb", 64)])
def test_names_are_cut_for_the_database(kind, length):
    editor = editor_for(kind)
    constraint, index = key(name="f" * 70), Index(fields=["note"], name="i" * 70)

    if kind == "sqlite":
        written = [constraint.constraint_sql(Loan, editor)]
    else:
        written = [constraint.create_sql(Loan, editor), constraint.remove_sql(Loan, editor)]
    written += [index.create_sql(Loan, editor), index.remove_sql(Loan, editor)]

    names = [re.search(r"[\"`]((f|i){8}\w+)[\"`]", str(statement)).group(1) for statement in written]
    assert {len(name) for name in names} == {length}


def test_postgresql_counts_bytes():
    editor = editor_for("postgresql")

    assert "ü" * 40 not in str(key(name="ü" * 40).create_sql(Loan, editor))
    assert "ü" * 31 in str(key(name="ü" * 31).create_sql(Loan, editor))
    assert "ü" * 40 in str(key(name="ü" * 40).constraint_sql(Loan, editor_for("sqlite")))


def test_one_that_is_not_deferrable_is_checked_at_once():
    editor = editor_for("sqlite")

    assert key(deferrable=False).constraint_sql(Loan, editor) == f'CONSTRAINT "fk_loans_book" {BOOK}'


def test_the_table_is_that_of_the_relation_over_the_columns():
    editor = editor_for("sqlite")

    assert 'REFERENCES "testapp_book"' in key().constraint_sql(Loan, editor)
    assert 'REFERENCES "elsewhere"' in key(fields=["note"], to_columns=["id"]).constraint_sql(Loan, editor)
    assert key().relation(Loan) is Loan._meta.get_field("book")
    assert key(fields=["book_locale", "book_id"]).relation(Loan) is None
    assert key(fields=["book_id"]).relation(Loan) is None
    assert key(fields=["stem"]).relation(Petal) is Petal._meta.get_field("stem")


def test_a_relation_hands_its_table_over():
    book = Loan._meta.get_field("book")
    whole, half = key(), key(fields=["book_id"])

    whole.follow(book, Book)
    half.follow(book, Book)

    assert (whole.to_table, half.to_table) == ("testapp_book", "elsewhere")


@pytest.mark.parametrize("there", [True, False])
def test_mysql_is_asked_what_is_there(monkeypatch, there):
    found = {"fk_loans_book": {"foreign_key": ("testapp_book", "id")}, "idx": {"index": True}} if there else {}
    editor, asked = with_catalogue("mysql", monkeypatch, **found)
    index = Index(fields=["note"], name="idx")

    assert (key().create_sql(Loan, editor) is None) is there
    assert (key().remove_sql(Loan, editor) is None) is not there
    assert (str(index.create_sql(Loan, editor)) == "DO 0") is there
    assert (str(index.remove_sql(Loan, editor)) == "DO 0") is not there
    assert set(asked) == {"loans"}


def test_mysql_takes_an_index_for_no_key_and_a_key_for_no_index(monkeypatch):
    editor, _ = with_catalogue("mysql", monkeypatch, fk_loans_book={"index": True}, idx={"foreign_key": ("a", "b")})

    assert key().create_sql(Loan, editor) is not None
    assert str(Index(fields=["note"], name="idx").create_sql(Loan, editor)) != "DO 0"


# As Django sees them


def test_what_says_nothing_is_not_written_into_migrations():
    path, args, kwargs = key().deconstruct()

    assert (path, args) == ("gorm_assoc.constraints.ForeignKeyConstraint", ())
    assert kwargs == {
        "name": "fk_loans_book",
        "fields": ("book_id", "book_locale"),
        "to_table": "elsewhere",
        "to_columns": ("id", "locale"),
    }


def test_a_deconstructed_one_is_made_again():
    options = {
        "types": ["IntegerField", "CharField(5)"],
        "on_delete": "CASCADE",
        "on_update": "SET NULL",
        "deferrable": False,
        "violation_error_code": "gone",
        "violation_error_message": "No such book.",
    }
    constraint = key(**options)

    _, _, kwargs = constraint.deconstruct()

    assert {name: kwargs[name] for name in options} == {**options, "types": ("IntegerField", "CharField(5)")}
    assert ForeignKeyConstraint(**kwargs) == constraint


def test_equality_leaves_out_the_table():
    assert key() == key(to_table="another")
    assert hash(key()) == hash(key(to_table="another"))
    assert len({key(), key(to_table="another"), key(name="fk")}) == 2
    for other in (
        {"name": "x"},
        {"fields": ["note"]},
        {"to_columns": ["x"]},
        {"types": ["x"]},
        {"on_delete": "CASCADE"},
    ):
        assert key() != key(**other)
    assert key() != key(on_update="CASCADE")
    assert key() != key(deferrable=False)
    assert key() != models.CheckConstraint(condition=models.Q(), name="fk_loans_book")
    assert repr(key()) == (
        "<ForeignKeyConstraint: name='fk_loans_book' fields=('book_id', 'book_locale') to='elsewhere'>"
    )


@pytest.mark.django_db(databases=["default", "other"])
class TestValidate:
    def test_a_row_that_does_not_exist_is_an_error(self):
        constraint = key(violation_error_code="gone", violation_error_message="No such book.")
        loan = Loan(book_id=1, book_locale="en")

        with pytest.raises(ValidationError) as caught:
            constraint.validate(Loan, loan)

        assert (caught.value.message, caught.value.code) == ("No such book.", "gone")
        Book.objects.create(id=1, locale="en", title="x")
        constraint.validate(Loan, loan)
        with pytest.raises(ValidationError):
            constraint.validate(Loan, Loan(book_id=1, book_locale="fr"))

    def test_the_database_is_the_one_that_is_named(self):
        Book.objects.using("other").create(id=1, locale="en", title="x")
        loan = Loan(book_id=1, book_locale="en")

        key().validate(Loan, loan, using="other")
        with pytest.raises(ValidationError):
            key().validate(Loan, loan)

    def test_nothing_is_asked_where_a_column_is_empty_or_left_out(self, django_assert_num_queries):
        lacking = Loan(book_id=1)
        lacking.book_locale = None

        with django_assert_num_queries(0):
            key().validate(Loan, lacking)
            key().validate(Loan, Loan(book_id=1, book_locale="en"), exclude={"book_locale"})
            key(fields=["note"], to_columns=["id"]).validate(Loan, Loan(note="x"))
        with pytest.raises(ValidationError):
            key().validate(Loan, Loan(book_id=1, book_locale="en"), exclude={"note"})

    def test_dead_rows_exist(self):
        reader = Reader.objects.create(name="ann")
        reader.delete()

        key(fields=["reader_id"], to_columns=["id"]).validate(Loan, Loan(reader_id=reader.pk))

    def test_a_single_column(self):
        stem = Stem.objects.create(name="x")

        key(fields=["stem"], to_columns=["id"]).validate(Petal, Petal(stem=stem))
        with pytest.raises(ValidationError):
            key(fields=["stem"], to_columns=["id"]).validate(Petal, Petal(stem_id=stem.pk + 1))


# Indexes


@pytest.mark.parametrize(
    ("kind", "made", "removed"),
    [
        ("sqlite", 'CREATE INDEX "idx" ON "loans" ("note", "weight")', 'DROP INDEX "idx"'),
        ("postgresql", 'CREATE INDEX "idx" ON "loans" ("note", "weight")', 'DROP INDEX IF EXISTS "idx"'),
        (
            "mariadb",
            'CREATE INDEX IF NOT EXISTS "idx" ON "loans" ("note", "weight")',
            'DROP INDEX IF EXISTS "idx" ON "loans"',
        ),
        ("mysql", 'CREATE INDEX "idx" ON "loans" ("note", "weight")', 'DROP INDEX "idx" ON "loans"'),
    ],
)
def test_an_index_is_made_and_removed(kind, made, removed):
    editor = editor_for(kind)
    index = Index(fields=["note", "weight"], name="idx")

    assert sql(kind, index.create_sql(Loan, editor)) == made
    assert sql(kind, index.remove_sql(Loan, editor)) == removed


def test_an_index_takes_djangos_options():
    editor = editor_for("postgresql")
    index = Index(fields=["-note"], name="idx", condition=models.Q(weight=1))

    assert str(index.create_sql(Loan, editor)) == 'CREATE INDEX "idx" ON "loans" ("note" DESC) WHERE "weight" = 1'
    upper = Index(models.functions.Upper("note"), name="idx")
    assert str(upper.create_sql(Loan, editor)) == 'CREATE INDEX "idx" ON "loans" ((UPPER("note")))'
    assert "USING hash" in str(index.create_sql(Loan, editor, using=" USING hash"))
    assert "CONCURRENTLY" in str(index.create_sql(Loan, editor, concurrently=True))
    assert "CONCURRENTLY" in str(index.remove_sql(Loan, editor, concurrently=True))


def test_without_a_name_an_index_is_called_as_gorm_calls_it():
    index = Index(fields=["book_locale", "note"])

    index.set_name_with_model(Loan)

    assert index.name == "idx_loans_book_locale"


class TestKeyThatNeedsAnIndex:
    """MariaDB and MySQL keep an index for each foreign key: a removed one leaves another, under the key's name."""

    KEY = {"columns": ["book_id", "book_locale"], "foreign_key": ("testapp_book", "id")}
    INDEX = {"columns": ["book_id", "book_locale", "note"], "index": True}

    def removed(self, monkeypatch, kind="mariadb", **found):
        editor, asked = with_catalogue(kind, monkeypatch, **{"idx": self.INDEX, **found})
        statement = sql(kind, Index(fields=["note"], name="idx").remove_sql(Loan, editor))
        assert kind == "postgresql" or set(asked) == {"loans"}
        return statement

    def test_the_index_is_replaced(self, monkeypatch):
        replaced = 'DROP INDEX IF EXISTS "idx", ADD INDEX "fk" ("book_id", "book_locale")'

        assert self.removed(monkeypatch, fk=self.KEY) == f'ALTER TABLE "loans" {replaced}'

    def test_its_columns_follow_names_that_change(self, monkeypatch):
        editor, _ = with_catalogue("mariadb", monkeypatch, idx=self.INDEX, fk=self.KEY)

        statement = Index(fields=["note"], name="idx").remove_sql(Loan, editor)

        assert statement.references_column("loans", "book_locale")

    def test_on_mysql_too(self, monkeypatch):
        assert self.removed(monkeypatch, "mysql", fk=self.KEY) == (
            'ALTER TABLE "loans" DROP INDEX "idx", ADD INDEX "fk" ("book_id", "book_locale")'
        )

    @pytest.mark.parametrize("sort", ["index", "unique", "primary_key"])
    def test_another_index_that_begins_so_serves_the_key(self, monkeypatch, sort):
        other = {"columns": ["book_id", "book_locale", "weight"], sort: True}

        assert "ADD INDEX" not in self.removed(monkeypatch, fk=self.KEY, other=other)

    def test_one_that_begins_otherwise_does_not(self, monkeypatch):
        other = {"columns": ["book_locale", "book_id"], "index": True}

        assert "ADD INDEX" in self.removed(monkeypatch, fk=self.KEY, other=other)

    def test_a_key_over_other_columns_needs_none(self, monkeypatch):
        other = {**self.KEY, "columns": ["reader_id"]}

        assert "ADD INDEX" not in self.removed(monkeypatch, fk=other)
        assert 'ADD INDEX "fk"' in self.removed(monkeypatch, reader=other, fk=self.KEY)

    def test_what_is_no_key_needs_none(self, monkeypatch):
        assert "ADD INDEX" not in self.removed(monkeypatch, check={"columns": ["book_id"]})

    def test_an_index_that_is_not_there_serves_no_key(self, monkeypatch):
        editor, _ = with_catalogue("mariadb", monkeypatch, fk=self.KEY)

        assert "ADD INDEX" not in str(Index(fields=["note"], name="idx").remove_sql(Loan, editor))

    def test_other_databases_need_none(self, monkeypatch):
        assert "ADD INDEX" not in self.removed(monkeypatch, "postgresql", fk=self.KEY)
