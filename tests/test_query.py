"""Querysets and managers that hide dead rows: scope and unscoped(), in every kind of query."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest
from asgiref.sync import async_to_sync
from django.db import models
from django.db.models import (
    Case,
    Count,
    Exists,
    FilteredRelation,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
    sql,
)
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan
from django.test import SimpleTestCase, TestCase
from django.test.utils import isolate_apps
from django.utils import timezone

from example_project.guides.models import User
from gorm_assoc.exceptions import ScopeError
from gorm_assoc.models import (
    AssociationManager,
    AssociationModel,
    AssociationQuerySet,
    SoftDeleteModel,
    TimestampedModel,
)
from gorm_assoc.soft_delete import is_unscoped
from tests.factories import HandFactory
from tests.testapp.models import (
    Book,
    Branch,
    Gadget,
    Genre,
    Hand,
    Loan,
    Memo,
    Note,
    PlainDeleted,
    Reader,
    ReaderProxy,
    Review,
    Shelving,
    SoftThenTimes,
    Task,
    TimesThenSoft,
)

DEAD = {"deleted_at": timezone.now()}


def names(rows):
    return sorted(getattr(row, "name", None) or row.title for row in rows)


def make_world():
    """
    Readers ann, bob and a dead cid; books x (en), x (fr), y. Dead links in brackets.

        ann: x-en [y]     bob: y [x-en]     cid: x-fr     genres: x-en prose, [x-fr prose]
        reviews: ann of x-en 5, [ann of y 1], bob of y 3
    """
    ann, bob = Reader.objects.create(name="ann", age=1), Reader.objects.create(name="bob", age=2)
    cid = Reader.objects.create(name="cid", age=3, **DEAD)
    x_en, x_fr, y = (
        Book.objects.create(id=number, locale=locale, title=title, year=year)
        for number, locale, title, year in ((1, "en", "x-en", 1), (1, "fr", "x-fr", 2), (2, "en", "y", 3))
    )
    prose = Genre.objects.create(name="prose")
    for reader, book, dead in (
        (ann, x_en, {}),
        (ann, y, DEAD),
        (bob, y, {}),
        (bob, x_en, DEAD),
        (cid, x_fr, {}),
    ):
        Loan.objects.create(reader=reader, book=book, note=f"{reader.name} {book.title}", **dead)
    Shelving.objects.create(book=x_en, genre=prose)
    Shelving.objects.create(book=x_fr, genre=prose, **DEAD)
    Review.objects.create(reader=ann, book=x_en, stars=5)
    Review.objects.create(reader=ann, book=y, stars=1, **DEAD)
    Review.objects.create(reader=bob, book=y, stars=3)


class WorldTestCase(TestCase):
    @classmethod
    def setUpTestData(cls):
        make_world()

    def setUp(self):
        self.ann, self.bob, self.cid = Reader._base_manager.order_by("name")


class ManagerTests(TestCase):
    def test_hides_because_the_model_has_deleted_at_in_whatever_order_its_bases_stand(self):
        for model in (SoftThenTimes, TimesThenSoft, PlainDeleted):
            model.objects.create(name="live")
            model.objects.create(name="dead", **DEAD)

            assert names(model.objects.all()) == ["live"], model
            assert names(model._default_manager.all()) == ["live"], model
            assert names(model._base_manager.all()) == ["dead", "live"], model
            assert names(model.objects.unscoped()) == ["dead", "live"], model

    @isolate_apps("tests.testapp")
    def test_a_mixin_may_be_named_before_those_that_bring_it(self):
        class Note(AssociationModel, TimestampedModel, SoftDeleteModel):
            class Meta:
                app_label = "testapp"

        assert [field.name for field in Note._meta.fields] == ["id", "created_at", "updated_at", "deleted_at"]
        assert Note._meta.db_table == "testapp_note"

    def test_hides_nothing_of_a_model_without_deleted_at(self):
        Book.objects.create(id=1, locale="en", title="x")

        assert Book.objects.count() == Book.objects.unscoped().count() == 1

    def test_hides_rows_of_a_proxy(self):
        ReaderProxy.objects.create(name="live")
        ReaderProxy.objects.create(name="dead", **DEAD)

        assert names(ReaderProxy.objects.all()) == ["live"]
        assert names(ReaderProxy.objects.unscoped()) == ["dead", "live"]

    def test_hides_rows_whose_deleted_at_is_in_the_parents_table_or_in_the_childs(self):
        branch = Branch.objects.create(name="main")
        Gadget.objects.create(name="live", branch=branch)
        Gadget.objects.create(name="dead", branch=branch, **DEAD)
        Memo.objects.create(name="live")
        Memo.objects.create(name="dead", **DEAD)

        for model in (Gadget, Memo):
            assert names(model.objects.all()) == ["live"]
            assert names(model.objects.unscoped()) == ["dead", "live"]

    def test_raw_sees_all_rows(self):
        Reader.objects.create(name="dead", **DEAD)

        assert names(Reader.objects.raw("SELECT * FROM testapp_reader")) == ["dead"]


class OwnManagerTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        for text, published, dead in (
            ("live", True, None),
            ("dead", True, timezone.now()),
            ("draft", False, None),
            ("a b", True, None),
        ):
            Note.objects.create(text=text, published=published, deleted_at=dead)

    def texts(self, rows):
        return sorted(row.text for row in rows)

    def test_made_of_a_queryset_class_hides(self):
        assert self.texts(Note.objects.short()) == ["draft", "live"]
        assert self.texts(Note.objects.unscoped().short()) == ["dead", "draft", "live"]

    def test_made_with_as_manager_hides(self):
        assert self.texts(Note.as_manager.short()) == ["draft", "live"]
        assert self.texts(Note.as_manager.unscoped()) == ["a b", "dead", "draft", "live"]

    def test_with_a_filter_of_its_own_keeps_it_when_unscoped(self):
        assert self.texts(Note.public.all()) == ["a b", "live"]
        assert self.texts(Note.public.unscoped()) == ["a b", "dead", "live"]
        assert self.texts(Note.public.all().unscoped()) == ["a b", "dead", "live"]

    def test_as_manager_is_one_of_ours_and_says_where_it_is_from(self):
        class Rows(AssociationQuerySet):
            pass

        manager = Rows.as_manager()

        assert isinstance(manager, AssociationManager)
        assert manager._queryset_class is Rows
        assert manager.deconstruct()[:2] == (True, None)
        assert AssociationManager.from_queryset(Rows).__name__ == "AssociationManagerFromRows"
        assert AssociationManager.from_queryset(Rows, "Managed").__name__ == "Managed"

    def test_a_condition_on_another_empty_column_is_kept_when_unscoped(self):
        class Aged(AssociationManager):
            def get_queryset(self):
                named = GreaterThan(Length("name"), 0)
                return super().get_queryset().filter(Q(age=1) | Q(age__gt=2), named, age__isnull=False).marked()

        manager = Aged()
        manager.model = Reader
        for name, age, dead in (("ann", 1, {}), ("bob", None, {}), ("cid", 3, DEAD)):
            Reader.objects.create(name=name, age=age, **dead)

        assert names(manager.all()) == ["ann"]
        assert names(manager.unscoped()) == names(manager.all().unscoped()) == ["ann", "cid"]

    def test_cannot_be_made_of_a_plain_queryset_class(self):
        class Plain(models.QuerySet):
            pass

        with pytest.raises(TypeError) as caught:
            AssociationManager.from_queryset(Plain)

        assert str(caught.value) == (
            "AssociationManager.from_queryset() takes a subclass of AssociationQuerySet; Plain is none. "
            "Derive it from AssociationQuerySet, which is a QuerySet."
        )


class ScopeTests(WorldTestCase):
    def test_every_way_to_read_hides_dead_rows(self):
        rows = Reader.objects.all()

        assert names(rows) == ["ann", "bob"]
        assert rows.count() == 2
        assert rows.aggregate(n=Count("pk"))["n"] == 2
        assert not rows.filter(name="cid").exists()
        assert not rows.contains(self.cid)
        assert set(rows.in_bulk()) == {self.ann.pk, self.bob.pk}
        assert sorted(rows.values_list("name", flat=True)) == ["ann", "bob"]
        assert names(rows.iterator()) == ["ann", "bob"]
        assert rows.order_by("name").last() == self.bob
        assert names(rows.order_by("name")[1:]) == ["bob"]
        with pytest.raises(Reader.DoesNotExist):
            rows.get(name="cid")

    def test_every_way_to_read_sees_dead_rows_when_unscoped(self):
        rows = Reader.objects.unscoped()

        assert names(rows) == ["ann", "bob", "cid"]
        assert rows.is_unscoped
        assert rows.count() == 3
        assert rows.aggregate(n=Count("pk"))["n"] == 3
        assert rows.filter(name="cid").exists()
        assert rows.contains(self.cid)
        assert len(rows.in_bulk()) == 3
        assert sorted(rows.values_list("name", flat=True)) == ["ann", "bob", "cid"]
        assert names(rows.iterator()) == ["ann", "bob", "cid"]
        assert rows.get(name="cid") == self.cid

    def test_conditions_on_links_see_live_ones_only(self):
        rows = Reader.objects

        assert names(rows.filter(books__title="y")) == ["bob"]
        assert names(rows.exclude(books__title="y")) == ["ann"]
        assert names(rows.filter(~Q(books__title="y"))) == ["ann"]
        assert names(rows.filter(books__isnull=True)) == []
        assert names(rows.filter(loans__note="ann y")) == []
        assert names(rows.filter(reviews__stars=1)) == []
        assert names(rows.filter(books=(2, "en"))) == ["bob"]
        assert list(rows.order_by("name").annotate(n=Count("books__pk")).values_list("n", flat=True)) == [1, 1]

    def test_conditions_on_links_see_dead_ones_when_unscoped(self):
        rows = Reader.objects.unscoped()

        assert names(rows.filter(books__title="y")) == ["ann", "bob"]
        assert names(rows.exclude(books__title="y")) == ["cid"]
        assert names(rows.filter(loans__note="ann y")) == ["ann"]
        assert names(rows.filter(reviews__stars=1)) == ["ann"]
        assert list(rows.order_by("name").annotate(n=Count("books__pk")).values_list("n", flat=True)) == [2, 2, 1]
        case = Case(When(books__title="y", then=Value(1)), default=Value(0))
        assert sorted(rows.annotate(y=case).values_list("name", "y")) == [
            ("ann", 0),
            ("ann", 1),
            ("bob", 0),
            ("bob", 1),
            ("cid", 0),
        ]

    def test_a_filter_across_the_relation_sees_links_and_not_the_targets_state(self):
        assert [book.title for book in Book.objects.filter(readers__name="cid")] == ["x-fr"]
        assert not Book.objects.filter(readers__name="cid", readers__deleted_at=None).exists()

    def test_a_link_two_hops_away_is_hidden_behind_a_key(self):
        assert sorted(Review.objects.filter(reader__books__title="y").values_list("stars", flat=True)) == [3]
        assert sorted(Review.objects.exclude(reader__books__title="y").values_list("stars", flat=True)) == [5]
        assert sorted(Review.objects.unscoped().filter(reader__books__title="y").values_list("stars", flat=True)) == [
            1,
            3,
            5,
        ]
        assert names(Genre.objects.filter(books__readers__name="bob")) == []

    def test_dead_children_are_hidden_whose_deleted_at_is_in_a_parents_table(self):
        main, side = Branch.objects.create(name="main"), Branch.objects.create(name="side")
        Gadget.objects.create(name="live", branch=main)
        Gadget.objects.create(name="dead", branch=side, **DEAD)

        assert names(Branch.objects.filter(gadgets__name__isnull=False)) == ["main"]
        assert names(Branch.objects.exclude(gadgets__name="dead").filter(memo=None)) == ["main", "side"]
        assert names(Branch.objects.filter(gadgets=None)) == ["side"]
        assert sorted(Branch.objects.annotate(n=Count("gadgets")).values_list("name", "n")) == [
            ("main", 1),
            ("side", 0),
        ]
        assert names(main.gadgets.all()) == ["live"]
        assert names(side.gadgets.unscoped()) == ["dead"]

    def test_children_are_asked_once_whether_they_are_dead(self):
        for rows in (self.ann.reviews.all(), Review.objects.all()):
            assert str(rows.query).count("IS NULL") == 1

    def test_select_related_gives_a_dead_target_as_its_accessor_does(self):
        review = Review.objects.create(reader=self.cid)

        with self.assertNumQueries(1):
            assert Review.objects.select_related("reader").get(pk=review.pk).reader == self.cid
        assert Review.objects.get(pk=review.pk).reader == self.cid

    def test_update_reaches_live_rows_through_live_links(self):
        assert Reader.objects.update(age=9) == 2
        assert Reader.objects.filter(books__title="y").update(age=8) == 1
        assert Reader.objects.unscoped().filter(books__title="y").update(age=7) == 2
        assert Reader.objects.unscoped().update(age=6) == 3

    def test_bulk_update_and_in_bulk_keep_the_scope(self):
        self.cid.age = 9

        assert Reader.objects.bulk_update([self.cid], ["age"]) == 0
        assert Reader.objects.unscoped().bulk_update([self.cid], ["age"]) == 1

    def test_a_subquery_keeps_its_own_scope(self):
        scoped, unscoped = Reader.objects, Reader.objects.unscoped()
        lent_y = Q(books__title="y")

        assert names(unscoped.filter(pk__in=scoped.filter(lent_y))) == ["bob"]
        assert names(scoped.filter(pk__in=unscoped.filter(lent_y))) == ["ann", "bob"]
        assert names(unscoped.filter(Exists(scoped.filter(lent_y, pk=OuterRef("pk"))))) == ["bob"]
        assert names(scoped.filter(Exists(unscoped.filter(lent_y, pk=OuterRef("pk"))))) == ["ann", "bob"]
        assert names(scoped.filter(lent_y).union(unscoped.filter(lent_y, name="ann"))) == ["ann", "bob"]
        assert names(unscoped.filter(lent_y).intersection(scoped.filter(lent_y))) == ["bob"]
        assert unscoped.filter(pk__in=scoped.filter(pk__in=unscoped.filter(lent_y))).count() == 2

    def test_pickling_keeps_the_scope(self):
        for rows, found in ((Reader.objects.all(), ["bob"]), (Reader.objects.unscoped(), ["ann", "bob"])):
            rows = rows.filter(books__title="y")
            loaded = Reader.objects.all()
            loaded.query = pickle.loads(pickle.dumps(rows.query))

            assert names(loaded) == found
            assert names(pickle.loads(pickle.dumps(rows))) == found
            assert names(pickle.loads(pickle.dumps(rows)).exclude(age=None)) == found

    def test_a_query_that_updates_or_deletes_can_be_pickled(self):
        for klass in (sql.UpdateQuery, sql.DeleteQuery):
            query = Reader.objects.all().query.chain(klass)

            copy = pickle.loads(pickle.dumps(query))

            assert type(copy) is type(query)
            assert type(copy).__name__ == f"Scoped{klass.__name__}"

    def test_a_condition_in_a_prefetch_is_about_the_link_that_is_followed(self):
        self.bob.books.append((1, "fr"))  # bob: y, x-fr
        readers = Reader.objects.filter(books__title="x-fr")

        books = Book.objects.prefetch_related(Prefetch("readers", readers))

        assert {book.title: names(book.readers.all()) for book in books} == {"x-en": [], "x-fr": ["bob"], "y": []}

    def test_copies_keep_the_scope(self):
        for rows, found in ((Reader.objects.all(), ["bob"]), (Reader.objects.unscoped(), ["ann", "bob"])):
            rows = rows.filter(books__title="y")

            assert names(copy.deepcopy(rows)) == found
            assert names(copy.copy(rows)) == found
            assert names(rows.all().order_by("name").using("default")) == found

    def test_the_database_chosen_stays(self):
        assert Reader.objects.using("other").unscoped().db == "other"
        assert Reader.objects.db_manager("other").unscoped().db == "other"
        assert self.ann.books.using("other").unscoped().db == "other"
        assert self.ann.books.db_manager("other").unscoped().db == "other"


class UnscopedTests(WorldTestCase):
    def test_raises_after_a_condition_or_annotation_of_the_callers(self):
        for rows in (
            Reader.objects.filter(name="ann"),
            Reader.objects.exclude(books__title="y"),
            Reader.objects.annotate(n=Count("books__pk")),
            Reader.objects.alias(n=Count("books__pk")),
            Reader.objects.annotate(found=FilteredRelation("books", condition=Q(books__title="y"))),
            Reader.objects.extra(where=["1=1"]),
            Reader.objects.all()[:1],
            Reader.objects.union(Reader.objects.all()),
            Reader.objects.none(),
            self.ann.books.filter(title="y"),
        ):
            with pytest.raises(ScopeError):
                rows.unscoped()

    def test_says_what_to_do(self):
        with pytest.raises(ScopeError) as caught:
            Reader.objects.filter(name="ann").unscoped()

        assert str(caught.value) == (
            "unscoped() on a queryset of testapp.Reader cannot reach the conditions it already has. "
            "Call unscoped() before filter(), exclude() and annotate()."
        )

    def test_comes_after_what_holds_no_condition(self):
        rows = Reader.objects.order_by("name").distinct().select_related(None).prefetch_related("books").only("name")

        assert names(rows.unscoped()) == ["ann", "bob", "cid"]
        assert sorted(Reader.objects.values_list("books__title", flat=True).unscoped()) == [
            "x-en",
            "x-en",
            "x-fr",
            "y",
            "y",
        ]

    def test_comes_twice(self):
        assert names(Reader.objects.unscoped().filter(name="cid").unscoped()) == ["cid"]

    def test_leaves_the_queryset_it_was_called_on(self):
        rows = Reader.objects.all()

        assert rows.unscoped().count() == 3
        assert rows.count() == 2
        assert Reader.objects.count() == 2

    def test_of_a_related_manager_keeps_the_owner(self):
        assert names(self.ann.books.unscoped()) == ["x-en", "y"]
        assert names(self.ann.books.all().unscoped()) == ["x-en", "y"]
        assert sorted(self.ann.reviews.unscoped().values_list("stars", flat=True)) == [1, 5]
        assert sorted(self.ann.reviews.all().unscoped().values_list("stars", flat=True)) == [1, 5]

    def test_of_a_related_manager_passes_what_was_prefetched(self):
        ann = Reader.objects.prefetch_related("books", "reviews").get(name="ann")

        assert names(ann.books.unscoped()) == ["x-en", "y"]
        assert names(ann.books.all().unscoped()) == ["x-en", "y"]
        assert names(ann.books.all().unscoped()) == ["x-en", "y"]
        assert ann.reviews.unscoped().count() == ann.reviews.all().unscoped().count() == 2
        assert len(ann.reviews.unscoped()) == 2
        hand = HandFactory()
        for title in ("live", "dead"):
            Task.objects.create(title=title, worker=hand, **(DEAD if title == "dead" else {}))
        hand = Hand.objects.prefetch_related("tasks").get()
        assert sorted(task.title for task in hand.tasks.unscoped()) == ["dead", "live"]

    def test_after_a_prefetch_with_conditions_raises(self):
        lookup = Prefetch("books", Book.objects.filter(title="y"))
        ann = Reader.objects.prefetch_related(lookup).get(name="ann")

        with pytest.raises(ScopeError):
            ann.books.all().unscoped()

    def test_cannot_be_combined_with_a_scoped_queryset(self):
        with pytest.raises(TypeError) as caught:
            Reader.objects.unscoped() | Reader.objects.all()

        assert str(caught.value) == "Cannot combine a queryset that is unscoped() with one that is not."
        assert names(Reader.objects.unscoped() | Reader.objects.unscoped()) == ["ann", "bob", "cid"]
        assert names(Reader.objects.filter(age=1) | Reader.objects.filter(books__title="y")) == ["ann", "bob"]

    def test_can_be_combined_with_a_queryset_of_djangos(self):
        plain = QuerySet(Reader).filter(name="cid")

        assert names(Reader.objects.filter(name="ann") | plain) == ["ann", "cid"]
        assert names(Reader.objects.unscoped().filter(name="ann") | plain) == ["ann", "cid"]

    def test_opens_prefetched_relations_at_every_level(self):
        def seen(readers):
            return {r.name: {b.title: names(b.genres.all()) for b in r.books.all()} for r in readers}

        rows = Reader.objects.prefetch_related("books__genres")
        everything = {
            "ann": {"x-en": ["prose"], "y": []},
            "bob": {"x-en": ["prose"], "y": []},
            "cid": {"x-fr": ["prose"]},
        }

        assert seen(rows) == {"ann": {"x-en": ["prose"]}, "bob": {"y": []}}
        assert seen(rows.unscoped()) == everything
        assert seen(rows.unscoped().iterator(chunk_size=2)) == everything
        assert seen(rows.iterator(chunk_size=1)) == {"ann": {"x-en": ["prose"]}, "bob": {"y": []}}

    def test_opens_prefetched_children(self):
        rows = Reader.objects.unscoped().prefetch_related("reviews")

        assert sorted(review.stars for reader in rows for review in reader.reviews.all()) == [1, 3, 5]

    def test_leaves_a_queryset_given_to_a_prefetch_in_its_own_scope(self):
        scoped, unscoped = Book.objects.all(), Book.objects.unscoped()

        hidden = Reader.objects.unscoped().prefetch_related(Prefetch("books", scoped)).get(name="ann")
        seen = Reader.objects.prefetch_related(Prefetch("books", unscoped, to_attr="found")).get(name="ann")

        assert names(hidden.books.all()) == ["x-en"]
        assert names(seen.found) == ["x-en", "y"]
        assert names(seen.books.all()) == ["x-en"]

    def test_leaves_a_queryset_of_children_given_to_a_prefetch_in_its_own_scope(self):
        dead = Review.objects.create(reader=self.ann, stars=9, **DEAD)

        hidden = Reader.objects.unscoped().prefetch_related(Prefetch("reviews", Review.objects.all())).get(name="ann")
        seen = Reader.objects.prefetch_related(
            Prefetch("reviews", Review.objects.unscoped(), to_attr="found"),
            Prefetch("review", Review.objects.unscoped()),
        ).get(name="ann")

        assert dead not in hidden.reviews.all()
        assert dead in seen.found
        assert seen.review == dead


class LeakTests(WorldTestCase):
    """The switch is off wherever the caller's own code runs."""

    def test_not_between_rows_of_an_iterator(self):
        rows = Reader.objects.unscoped().prefetch_related("books").iterator(chunk_size=1)

        for _ in rows:
            assert not is_unscoped()
            assert Reader.objects.count() == 2
            break
        rows.close()

        assert not is_unscoped()

    def test_not_when_a_query_fails(self):
        with pytest.raises(Exception, match="no_such"):
            list(Reader.objects.unscoped().prefetch_related("no_such"))

        assert not is_unscoped()

    def test_not_in_another_thread(self):
        found = []

        def look():
            found.append(str(Reader.objects.filter(books__title="y").query))

        rows = iter(Reader.objects.unscoped().prefetch_related("books").iterator(chunk_size=1))
        next(rows)
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

        assert "deleted_at" in found[0].split("WHERE")[0]


class AsyncTests(WorldTestCase):
    def test_iteration_opens_prefetched_relations_and_nothing_else(self):
        async def read(rows):
            found = {}
            async for reader in rows:
                assert not is_unscoped()
                found[reader.name] = sorted([book.title async for book in reader.books.all()])
            return found

        rows = Reader.objects.unscoped().prefetch_related("books")
        everything = {"ann": ["x-en", "y"], "bob": ["x-en", "y"], "cid": ["x-fr"]}

        assert async_to_sync(read)(rows) == everything
        assert async_to_sync(read)(rows.aiterator(chunk_size=2)) == everything
        assert async_to_sync(read)(rows.aiterator(chunk_size=100)) == everything
        assert async_to_sync(read)(Reader.objects.prefetch_related("books").aiterator()) == {
            "ann": ["x-en"],
            "bob": ["y"],
        }

    def test_iteration_can_be_left_early(self):
        async def first(rows):
            async for reader in rows.aiterator(chunk_size=1):
                return reader.name

        assert async_to_sync(first)(Reader.objects.unscoped().prefetch_related("books").order_by("name")) == "ann"
        assert not is_unscoped()

    def test_single_reads_keep_the_scope(self):
        async def read():
            rows = Reader.objects.unscoped()
            return (
                await Reader.objects.acount(),
                await rows.acount(),
                await rows.filter(name="cid").aexists(),
                await Reader.objects.filter(name="cid").aexists(),
                (await rows.aget(name="cid")).name,
                await Reader.objects.filter(books__title="y").aupdate(age=5),
                await rows.filter(books__title="y").aupdate(age=5),
                await self.ann.books.acount(),
                await self.ann.books.unscoped().acount(),
            )

        assert async_to_sync(read)() == (2, 3, True, False, "cid", 1, 2, 1, 2)


class CompositeKeyTests(WorldTestCase):
    """exclude() compares all columns of a key (test_whole_keys.py: through Django's managers too)."""

    def test_exclude_tells_rows_apart_that_share_a_key_column(self):
        assert names(Book.objects.exclude(readers__name="ann")) == ["x-fr", "y"]
        assert names(Book.objects.exclude(reviews__stars=5)) == ["x-fr", "y"]
        assert names(Book.objects.exclude(genres__name="prose")) == ["x-fr", "y"]
        assert names(Book.objects.filter(~Q(readers__name="cid"))) == ["x-en", "y"]

    def test_exclude_tells_them_apart_behind_a_key_that_may_be_null(self):
        homeless = Review.objects.create(reader=self.ann, stars=2)

        assert sorted(Review.objects.exclude(book__readers__name="ann").values_list("stars", flat=True)) == [2, 3]
        assert homeless in Review.objects.exclude(book__readers__name="bob")

    def test_exclude_with_a_value_of_the_outer_query(self):
        inner = Book.objects.exclude(readers__name=OuterRef("name")).filter(id=1)
        found = Reader.objects.filter(Exists(inner.filter(locale="en")))

        assert names(found) == ["bob"]
        assert names(Book.objects.exclude(readers__age=models.F("year"))) == ["x-fr", "y"]

    def test_exclude_is_djangos_own_where_keys_have_one_column(self):
        def shapes(manager):
            rows = manager.all()
            named = rows.annotate(x=FilteredRelation("languages", condition=Q(languages__name="a")))
            return [
                rows.exclude(languages__name="a"),
                rows.exclude(languages=None),
                rows.exclude(languages__name=models.F("name")),
                rows.exclude(friends__languages__name="a"),
                rows.exclude(Q(languages__name="a") | Q(friends__name="b")),
                rows.filter(~(Q(languages__name="a") & Q(name="b"))),
                rows.filter(Exists(manager.exclude(languages__name=OuterRef("name")).filter(pk=OuterRef("pk")))),
                named.exclude(x__name="a"),
                named.filter(~Q(x__isnull=True)),
            ]

        for ours, djangos in zip(shapes(User.objects.unscoped()), shapes(User._base_manager), strict=True):
            assert str(ours.query) == str(djangos.query)

    def test_a_condition_and_its_negation_on_the_same_link(self):
        assert names(Reader.objects.filter(Q(books__title="x-en") & ~Q(books__year=1))) == []
        assert names(Reader.objects.filter(Q(books__title="x-en") & ~Q(books__year=2))) == ["ann"]
        assert names(Reader.objects.unscoped().filter(Q(books__title="y") & ~Q(books__year=1))) == ["ann", "bob"]
        inner = Reader.objects.filter(Q(books__title="x-en") & ~Q(books__year=2))
        assert names(Reader.objects.filter(pk__in=inner)) == ["ann"]

    def test_exclude_on_a_related_manager_by_the_way_back(self):
        assert names(self.ann.books.exclude(readers__name="ann")) == []
        assert names(self.ann.books.exclude(readers__name="bob")) == ["x-en"]
        book = Book.objects.get(pk=(1, "en"))
        assert names(book.genres.exclude(books__title="x-en")) == []
        assert names(book.genres.exclude(books__title="y")) == ["prose"]


class MigrationTests(SimpleTestCase):
    def test_no_manager_of_ours_goes_into_migrations(self):
        state = models.manager.Manager
        from django.db.migrations.state import ModelState

        assert [manager for _, manager in ModelState.from_model(Reader).managers if type(manager) is not state] == []
