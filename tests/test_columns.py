"""Keys and extra columns of every sort, in statements short and long."""

from __future__ import annotations

import datetime
import decimal
import json
from contextlib import ExitStack
from unittest import mock

import pytest
from django.db import connection, connections, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Now, Upper
from django.test import TestCase
from django.test.utils import CaptureQueriesContext, isolate_apps

from example_project.guides.models import Language, SpokenLanguage
from gorm_assoc import relationship
from gorm_assoc.kinds import as_json, batches, given, insertion, object_columns, plain
from gorm_assoc.kinds.base import Links
from gorm_assoc.kinds.conditions import Columns, Sql, typed
from gorm_assoc.kinds.join_rows import JoinRows
from gorm_assoc.models import Association, Changes
from tests.checking import CheckTestCase
from tests.factories import MemberFactory, UserFactory
from tests.testapp.models import Book, Disc, Loan, Rack, Reader, Slot


def discs(count: int) -> list[Disc]:
    day, price = datetime.date(2020, 1, 1), decimal.Decimal("9.50")
    return Disc.objects.bulk_create(
        Disc(published=day + datetime.timedelta(days=number), price=price + number) for number in range(count)
    )


@pytest.mark.parametrize("count", [3, 150])
class TestKeys:
    """150 values go in as one parameter, 3 as a list."""

    @pytest.fixture(autouse=True)
    def _database(self, db):
        pass

    def test_uuids_dates_and_decimals(self, count):
        rack, other = Rack.objects.create(), Rack.objects.create()
        found = discs(count)

        assert Association(rack, "discs").append(*found) == Changes(added=count)
        assert Association(rack, "discs").append(*(disc.pk for disc in found)) == Changes(kept=count)
        assert Association([rack, other], "discs").replace(found[1:], found[:1]) == Changes(
            added=1, removed=1, kept=count - 1
        )
        assert Association(rack, "discs").replace(*found[2:]) == Changes(removed=1, kept=count - 2)
        assert Association(rack, "discs").delete(*found) == Changes(removed=count - 2)
        assert rack.discs.count() == 0

    def test_a_column_gets_what_save_would_give_it(self, count):
        rack = Rack.objects.create()

        Association(rack, "discs").append(*discs(count))

        slots = Slot.objects.all()
        assert len({slot.pk for slot in slots}) == count
        assert {slot.copies for slot in slots} == {1}
        assert [slot.notes for slot in slots] == [{}] * count
        assert not any(slot.made_at is None or slot.is_lent for slot in slots)

    def test_given_columns_that_are_the_same_in_every_row(self, count):
        rack, member = Rack.objects.create(), MemberFactory()
        extra = {"notes": {"a": ["b'%s"]}, "is_lent": True, "copies": 7, "lent_to": member}

        Association(rack, "discs").append(*discs(count), through_defaults=extra)

        assert set(Slot.objects.values_list("is_lent", "copies", "lent_to_id")) == {(True, 7, member.pk)}
        assert [slot.notes for slot in Slot.objects.all()] == [{"a": ["b'%s"]}] * count

    def test_given_columns_that_differ_by_row(self, count):
        rack = Rack.objects.create()

        def extra(disc):
            number = (disc.published - datetime.date(2020, 1, 1)).days
            return {"notes": [number], "copies": number} if number % 2 else {"notes": [number]}

        Association(rack, "discs").append(*discs(count), through_defaults=extra)

        assert sorted(Slot.objects.values_list("copies", flat=True)) == sorted(
            number if number % 2 else 1 for number in range(count)
        )
        assert sorted(slot.notes[0] for slot in Slot.objects.all()) == list(range(count))

    def test_given_columns_of_linked_targets_that_differ_by_row(self, count):
        rack, found = Rack.objects.create(), discs(count)
        numbers = {disc.pk: number for number, disc in enumerate(found)}
        Association(rack, "discs").append(*found)

        def extra(disc):
            return {"notes": [{"number": numbers[disc.pk]}], "copies": numbers[disc.pk]}

        changes = Association(rack, "discs").append(*found, through_defaults=extra, update=True)

        assert changes == Changes(kept=count)
        assert {slot.copies: slot.notes for slot in Slot.objects.all()} == {
            number: [{"number": number}] for number in range(count)
        }

    def test_given_expressions_of_linked_targets_that_differ_by_row(self, count):
        rack, found = Rack.objects.create(), discs(count)
        numbers = {disc.pk: number for number, disc in enumerate(found)}
        Association(rack, "discs").append(*found, through_defaults={"copies": 1000})

        def extra(disc):
            number = numbers[disc.pk]
            return [{"copies": F("copies") + 1}, {"copies": F("copies") + 2}, {"is_lent": True}][number % 3]

        changes = Association(rack, "discs").append(*found, through_defaults=extra, update=True)

        assert changes == Changes(kept=count)
        assert {
            numbers[slot.disc_published, slot.disc_price]: (slot.copies, slot.is_lent) for slot in Slot.objects.all()
        } == {number: [(1001, False), (1002, False), (1000, True)][number % 3] for number in range(count)}

    def test_columns_that_all_rows_get_alike_are_one_update_and_others_one_for_each_set_of_columns(self, count):
        rack, found = Rack.objects.create(), discs(count)
        Association(rack, "discs").append(*found)

        def written(extra):
            with CaptureQueriesContext(connection) as queries:
                Association(rack, "discs").append(*found, through_defaults=extra, update=True)
            return sum(query["sql"].startswith("UPDATE") and "slots" in query["sql"] for query in queries)

        assert written(lambda disc: {"copies": 5}) == 1
        assert written(lambda disc: {"copies": disc.published.day}) == 1
        assert written(lambda disc: {"copies": F("copies") + 1}) == 1
        assert written(lambda disc: {"copies": 5} if disc.published.day == 1 else {"is_lent": True}) == 2

    def test_a_queryset_of_targets(self, count):
        rack = Rack.objects.create()
        discs(count)

        assert Association(rack, "discs").append(Disc.objects.all()) == Changes(added=count)
        assert len(set(Slot.objects.values_list("pk", flat=True))) == count

    def test_expressions(self, count):
        rack, found = Rack.objects.create(), discs(count)
        Association(rack, "discs").append(*found, through_defaults={"made_at": Now(), "copies": 3})

        changes = Association(rack, "discs").append(*found, through_defaults={"copies": F("copies") + 1}, update=True)

        assert changes == Changes(kept=count)
        assert set(Slot.objects.values_list("copies", flat=True)) == {4}

    def test_beside_expressions_a_column_gets_what_save_would_give_it(self, count):
        rack, found = Rack.objects.create(), discs(count)

        with CaptureQueriesContext(connection) as ran:
            changes = Association(rack, "discs").append(*found, through_defaults={"copies": Value(1) + Value(1)})

        assert changes == Changes(added=count)
        assert len([query for query in ran if query["sql"].startswith("INSERT")]) == 1
        slots = Slot.objects.all()
        assert {slot.copies for slot in slots} == {2}
        assert len({slot.pk for slot in slots}) == count
        assert not any(slot.made_at is None for slot in slots)


class DefaultTests(TestCase):
    """Of the rows of one verb, some are given a column and others get its default."""

    def test_defaults_of_django(self):
        reader = Reader.objects.create(name="ann")
        books = [Book.objects.create(id=number, locale="en", title="x") for number in range(3)]
        given = [{"note": "first"}, {"weight": 7}, {}]

        reader.books.append(*books, through_defaults=lambda book: given[book.id])

        assert list(Loan.objects.order_by("book_id").values_list("note", "weight")) == [
            ("first", None),
            ("", 7),
            ("", None),
        ]

    def test_defaults_of_the_database(self):
        rack, (one, two) = Rack.objects.create(), discs(2)

        rack.discs.append(one, two, through_defaults=lambda disc: {"copies": 5} if disc is one else {})

        assert dict(Slot.objects.values_list("disc_price", "copies")) == {one.price: 5, two.price: 1}


class TextKeyTests(TestCase):
    def test_quotes_percent_signs_and_backslashes(self):
        user = UserFactory()
        codes = ["it's", '"q"', "50%", "%s", "a\\b", "ü", "  x", "x;--", *(f"code{number}" for number in range(150))]
        SpokenLanguage.objects.bulk_create(SpokenLanguage(code=code) for code in codes)

        assert user.speaks.append(*codes) == Changes(added=len(codes))
        assert user.speaks.replace(*codes[1:]) == Changes(removed=1, kept=len(codes) - 1)
        assert user.speaks.delete(*codes) == Changes(removed=len(codes) - 1)

    @pytest.mark.skipif(connection.vendor == "postgresql", reason="PostgreSQL has no texts with a null character")
    def test_a_text_with_a_null_character_is_not_cut(self):
        user = UserFactory()
        codes = ["a", "a\0b", *(f"code{number}" for number in range(150))]
        SpokenLanguage.objects.bulk_create(SpokenLanguage(code=code) for code in codes)

        user.speaks.append(*codes[1:])

        assert set(user.speaks.values_list("code", flat=True)) == set(codes[1:])

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="the servers answer or refuse by themselves")
    def test_a_number_that_is_too_large_is_refused_among_many_as_it_is_alone(self):
        user = UserFactory()

        for keys in ([2**63], [*range(1, 150), 2**63], [*range(1, 150), -(2**63) - 1]):
            with pytest.raises(OverflowError), transaction.atomic():
                user.languages.delete(*keys)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="the servers' drivers refuse it by themselves")
    def test_half_a_character_is_refused_among_many_as_it_is_alone(self):
        user = UserFactory()

        for codes in (["\ud800"], [*(f"code{number}" for number in range(150)), "\ud800"]):
            with pytest.raises(UnicodeEncodeError), transaction.atomic():
                user.speaks.delete(*codes)

    def test_a_text_that_is_too_long_is_not_cut_to_one_that_is_there(self):
        user = UserFactory()
        SpokenLanguage.objects.create(code="x" * 191)
        user.speaks.append("x" * 191)

        for count in (1, 150):
            others = [f"code{number}" for number in range(count - 1)]

            assert not user.speaks.delete(*others, "x" * 192)

        assert user.speaks.count() == 1

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has arrays")
    @isolate_apps("tests.testapp")
    def test_rows_of_arrays_are_given_with_their_type(self):
        from django.contrib.postgres.fields import ArrayField  # where its driver is installed

        class Labelled(models.Model):
            labels = ArrayField(models.TextField())

            class Meta:
                app_label = "testapp"

        with connection.schema_editor() as editor:
            editor.create_model(Labelled)

        values = given.numbered(Columns([Labelled._meta.get_field("labels")], "default"), [[["a", "b"], ["c"]]])

        with connection.cursor() as cursor:
            cursor.execute(values.text, values.params)
            assert cursor.fetchall() == [(0, ["a", "b"]), (1, ["c"])]


class InsertionTests(TestCase):
    """How many rows go into a statement, on SQLite."""

    def setUp(self):
        if connection.vendor != "sqlite":
            self.skipTest("only SQLite chooses by the number of values")
        self.key, self.name = (Language._meta.get_field(name) for name in ("id", "name"))

    def texts(self, columns):
        return [piece.text for piece in insertion.pieces(columns, {}, "default")]

    def test_a_single_column_is_one_parameter_from_a_hundred_rows_on(self):
        few, many = ([f"language {number}" for number in range(count)] for count in (100, 101))

        assert "VALUES" in self.texts({self.name: few})[0]
        assert "json_each" in self.texts({self.name: many})[0]

    @mock.patch.object(insertion, "_most_rows", return_value=150)
    def test_several_columns_are_listed_as_long_as_a_statement_takes_them(self, most_rows):
        for count, word in ((150, "VALUES"), (151, "json_each")):
            (text,) = self.texts(
                {self.key: range(count), self.name: [f"language {number}" for number in range(count)]}
            )

            assert word in text

    def test_a_list_has_no_more_values_than_a_statement_takes(self):
        numbers = [number + 0.5 for number in range(500)]  # of which JSON makes others
        fields = [*Language._meta.concrete_fields][:4]

        for takes, sizes in ((1_000, [1_000, 1_000]), (3, [4] * 500)):
            with mock.patch.object(batches, "most_values", return_value=takes):
                pieces = list(insertion.pieces(dict.fromkeys(fields, numbers), {}, "default"))

            assert [len(piece.params) for piece in pieces] == sizes

    @mock.patch.object(insertion, "_most_rows", return_value=150)
    def test_what_all_rows_share_is_sent_once(self, most_rows):
        (piece,) = insertion.pieces({self.key: [*range(151)], self.name: ["x"] * 151}, {}, "default")

        assert piece.params == ("x", json.dumps([*range(151)]))


@pytest.mark.parametrize(
    ("field", "values", "are"),
    [
        (models.IntegerField(), [1, 2], True),
        (models.IntegerField(), [1, "2"], False),
        (models.IntegerField(), [True], False),
        (models.CharField(), ["1"], True),
        (models.CharField(), [1], False),
        (models.DateField(), ["2026-01-01"], False),
        (models.DateField(), [None], False),
    ],
)
def test_values_that_are_a_columns_own(field, values, are):
    assert plain.are(field, values) is are


def test_some_of_the_links_keep_their_own_columns_and_which_are_new():
    links = Links([(1, 1), (1, 2)], [{"note": "a"}, {"note": "b"}], {}, {}, frozenset([(2,)]))

    only = links.only([1])

    assert (only.rows, only.defaults, only.new) == ([(1, 2)], [{"note": "b"}], {(2,)})


class ExtraRelationTests(CheckTestCase):
    def test_a_relation_over_two_columns_is_given_by_its_name(self):
        made = self.declare("""
            class Book(models.Model):
                pk = models.CompositePrimaryKey("number", "locale")
                number = models.IntegerField()
                locale = models.CharField(max_length=5)

            class Reader(Model):
                languages = Many2Many("Language", through="Reading")

            class Reading(JoinTable):
                reader = BelongsTo("Reader")
                language = BelongsTo("Language")
                book = BelongsTo("Book", null=True)
        """)
        rows = JoinRows.of(relationship.of(made.Reader, "languages"), "default")

        prepared = rows.extra.prepared({"book": made.Book(number=7, locale="en")})

        assert {field.attname: value for field, value in prepared.items()} == {"book_number": 7, "book_locale": "en"}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the other tests send it to the servers")
class TestWhatServersAreSent:
    """Their SQL, without a server."""

    ROWS = [[*range(101)], [f"l{number}" for number in range(101)]]
    PAIR = '"id", "locale"'
    UNNESTED = "unnest(%s::integer[], %s::varchar[])"
    SAME = 'AS found (found0, found1) WHERE found.found0 = "id" AND found.found1 = "locale")'
    NUMBERED = (
        'SELECT 0 AS given_number, "id" AS given0, "locale" AS given1 FROM "testapp_book" WHERE 1 = 0 UNION ALL {}'
    )

    @pytest.fixture
    def columns(self):
        return Columns([Book._meta.get_field("id"), Book._meta.get_field("locale")], "default")

    @pytest.fixture
    def vendor(self):
        with ExitStack() as patches:

            def use(name, **features):
                for feature, value in {"vendor": name, **features}.items():
                    patches.enter_context(mock.patch.object(connections["default"], feature, value, create=True))

            yield use

    def test_many_values_are_arrays_on_postgresql(self, columns, vendor):
        vendor("postgresql")

        among, not_among = (call(zip(*self.ROWS, strict=True)) for call in (columns.among, columns.not_among))

        assert among == Sql(f"({self.PAIR}) IN (SELECT * FROM {self.UNNESTED})", tuple(self.ROWS))
        assert not_among == Sql(f"NOT EXISTS (SELECT 1 FROM {self.UNNESTED} {self.SAME}", tuple(self.ROWS))

    def test_a_hundred_values_are_a_list_on_every_database(self, columns, vendor):
        rows = [*zip(*self.ROWS, strict=True)][:100]
        for name, values in (("postgresql", ""), ("mysql", ""), ("sqlite", "VALUES ")):
            vendor(name)

            listed = f"{values}{', '.join(['(%s, %s)'] * 100)}"
            params = tuple(value for row in rows for value in row)
            assert columns.among(rows) == Sql(f"({self.PAIR}) IN ({listed})", params)
            assert columns.not_among(rows) == Sql(f"({self.PAIR}) NOT IN ({listed})", params)

    def test_no_rows_are_none_of_all(self, columns):
        assert (columns.among([]), columns.not_among([])) == (Sql("1 = 0"), Sql("1 = 1"))

    def test_a_subquery_is_an_anti_join_on_postgresql(self, columns, vendor):
        found = Sql("SELECT %s, %s", (1, "en"))
        vendor("postgresql")

        assert columns.not_among_subquery(found) == Sql(
            f"NOT EXISTS (SELECT 1 FROM (SELECT %s, %s) {self.SAME}", (1, "en")
        )
        vendor("mysql")
        assert columns.not_among_subquery(found) == Sql(
            f"({self.PAIR}) NOT IN (SELECT * FROM (SELECT %s, %s) AS found)", (1, "en")
        )

    def test_arrays_are_listed_on_postgresql_which_would_take_them_apart(self, columns, vendor, monkeypatch):
        vendor("postgresql")
        assert columns.can_unfold([])

        monkeypatch.setattr(columns.fields[1], "base_field", None, raising=False)

        assert not columns.can_unfold([])

    def test_rows_with_their_numbers(self, columns, vendor):
        values, params = [[7, 8], ["en", "de"]], (0, 7, "en", 1, 8, "de")

        vendor("postgresql")
        unnested = (
            f"SELECT number - 1, found0, found1 FROM {self.UNNESTED} WITH ORDINALITY AS found (found0, found1, number)"
        )
        assert given.numbered(columns, values) == Sql(self.NUMBERED.format(unnested), ([7, 8], ["en", "de"]))
        vendor("mysql", mysql_is_mariadb=True)
        rows = "VALUES (%s, %s, %s), (%s, %s, %s)"
        assert given.numbered(columns, values) == Sql(self.NUMBERED.format(rows), params)
        vendor("mysql", mysql_is_mariadb=False)
        rows = "VALUES ROW(%s, %s, %s), ROW(%s, %s, %s)"
        assert given.numbered(columns, values) == Sql(self.NUMBERED.format(rows), params)
        vendor("sqlite")
        found = "SELECT key, json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(%s)"
        assert given.numbered(columns, values) == Sql(self.NUMBERED.format(found), ('[[7, "en"], [8, "de"]]',))

    @pytest.mark.parametrize(
        ("declared", "told"),
        [
            ("varchar(191)", "varchar"),
            ("numeric(8, 2)", "numeric"),
            ("timestamp (3) with time zone", "timestamp with time zone"),
            ("CHAR(5)", "bpchar"),
            ("character(5)", "bpchar"),
            ("bit(3)", "bit varying"),
            ("jsonb", "jsonb"),
        ],
    )
    def test_the_type_of_a_placeholder_on_postgresql_has_no_length(self, vendor, declared, told):
        field = mock.Mock(db_type=mock.Mock(return_value=declared))

        vendor("postgresql")

        assert typed(field, connection) == f"%s::{told}"
        field.db_type.assert_called_once_with(connection)
        vendor("mysql")
        assert typed(field, connection) == "%s"

    def test_columns_of_an_aliased_table_are_quoted_with_it(self):
        columns = Columns([Book._meta.get_field("id")], "default", alias="100% books")

        assert columns.among([(1,)]) == Sql('"100%% books"."id" = %s', (1,))


@pytest.mark.parametrize(
    ("column", "is_held"),
    [
        ([-(2**63), 2**63 - 1], True),
        ([1, 2**63], False),
        ([None, 2**63], False),
        ([None, -(2**63) - 1], False),
        ([None, "a"], True),
        ([None, "a\0"], False),
        ([1, 1.5], False),
    ],
)
def test_what_goes_to_sqlite_as_json_comes_out_as_it_was(column, is_held):
    assert as_json.can_hold(column) is is_held


class Shouted(models.CharField):
    """A field of a project, whose values become SQL."""

    def get_db_prep_save(self, value, connection):
        return Upper(Value(value))


@isolate_apps("tests")
def test_a_field_that_makes_an_expression_is_left_to_django():
    class Sign(models.Model):
        text = Shouted(max_length=9)

        class Meta:
            app_label = "tests"

    signs = [Sign(text=text) for text in ("stop", "go")]

    assert object_columns.of_objects([Sign._meta.get_field("text")], signs, connection) is None
