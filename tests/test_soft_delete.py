"""Deleting softly, for good, and bringing back."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Count, ProtectedError
from django.db.models.signals import post_delete, pre_delete
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from django.test.utils import isolate_apps
from django.utils import timezone

from example_project.guides.models import Language, SpokenLanguage, User
from gorm_assoc.soft_delete import delete_rows, deleted_at_field
from tests.testapp.models import (
    Book,
    Branch,
    Gadget,
    Genre,
    Keepsake,
    Loan,
    Memo,
    PlainDeleted,
    Product,
    Reader,
    Review,
    Shelving,
    Stamp,
    Ticket,
)

DEAD = {"deleted_at": timezone.now()}


def names(rows):
    return sorted(row.name for row in rows)


@contextmanager
def deletions(model):
    """What pre_delete and post_delete are sent for, in order."""
    told = []

    def before(instance, **kwargs):
        told.append(("pre", instance.pk, type(instance)._base_manager.get(pk=instance.pk).deleted_at is None))

    def after(instance, **kwargs):
        told.append(("post", instance.pk, type(instance)._base_manager.get(pk=instance.pk).deleted_at is None))

    pre_delete.connect(before, sender=model)
    post_delete.connect(after, sender=model)
    try:
        yield told
    finally:
        pre_delete.disconnect(before, sender=model)
        post_delete.disconnect(after, sender=model)


@contextmanager
def received(model):
    """What the receivers of both signals are called with."""
    calls = []

    def receive(**kwargs):
        calls.append(kwargs)

    pre_delete.connect(receive, sender=model)
    post_delete.connect(receive, sender=model)
    try:
        yield calls
    finally:
        pre_delete.disconnect(receive, sender=model)
        post_delete.disconnect(receive, sender=model)


class InstanceTests(TestCase):
    def test_delete_marks_the_row_with_one_update(self):
        reader = Reader.objects.create(name="ann")

        with self.assertNumQueries(1):
            deleted = reader.delete()

        assert deleted == (1, {"testapp.Reader": 1})
        assert reader.pk
        assert reader.deleted_at == Reader._base_manager.get().deleted_at
        assert not Reader.objects.exists()

    def test_delete_of_a_dead_row_changes_nothing(self):
        reader = Reader.objects.create(name="ann", **DEAD)

        assert reader.delete() == (0, {})
        assert Reader._base_manager.get().deleted_at == DEAD["deleted_at"]

    def test_delete_goes_by_the_field_and_not_by_the_mixin(self):
        PlainDeleted.objects.create(name="a").delete()

        assert PlainDeleted._base_manager.count() == 1

    def test_delete_of_a_model_without_deleted_at_is_for_good(self):
        Book.objects.create(id=1, locale="en", title="x").delete()

        assert not Book.objects.exists()

    def test_delete_unscoped_is_for_good(self):
        reader = Reader.objects.create(name="ann")

        assert reader.delete(unscoped=True) == (1, {"testapp.Reader": 1})
        assert not Reader._base_manager.exists()

    def test_a_dead_row_can_be_deleted_for_good(self):
        Reader.objects.create(name="ann", **DEAD).delete(unscoped=True)

        assert not Reader._base_manager.exists()

    def test_restore_brings_back(self):
        reader = Reader.objects.create(name="ann", **DEAD)

        with self.assertNumQueries(1):
            reader.restore()

        assert reader.deleted_at is None
        assert Reader.objects.get() == reader

    def test_what_was_never_saved_can_be_neither_deleted_nor_restored(self):
        for unsaved in (Reader(name="ann"), Loan(note="x")):
            with pytest.raises(ValueError, match="cannot be deleted: it was never saved"):
                unsaved.delete()
            with pytest.raises(ValueError, match="cannot be restored: it was never saved"):
                unsaved.restore()

    def test_signals_come_before_and_after(self):
        reader = Reader.objects.create(name="ann")

        with deletions(Reader) as told:
            reader.delete()

        assert told == [("pre", reader.pk, True), ("post", reader.pk, False)]

    def test_awaited(self):
        reader = Reader.objects.create(name="ann")

        async_to_sync(reader.adelete)()
        assert not Reader.objects.exists()
        async_to_sync(reader.arestore)()
        assert Reader.objects.exists()
        async_to_sync(reader.adelete)(unscoped=True)
        assert not Reader._base_manager.exists()

    def test_saving_a_dead_row_stores_it_and_leaves_it_dead(self):
        reader = Reader.objects.create(name="ann", **DEAD)

        reader.name = "bea"
        reader.save()
        reader.refresh_from_db()

        assert reader.name == "bea"
        assert reader.deleted_at


class QuerySetTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        for number, name in enumerate(("ann", "bob", "cid")):
            Reader.objects.create(name=name, age=number, deleted_at=DEAD["deleted_at"] if name == "cid" else None)

    def test_delete_is_one_update_of_the_live_rows(self):
        with self.assertNumQueries(1):
            deleted = Reader.objects.all().delete()

        assert deleted == (2, {"testapp.Reader": 2})
        assert Reader._base_manager.get(name="cid").deleted_at == DEAD["deleted_at"]
        assert not Reader.objects.exists()

    def test_delete_of_nothing(self):
        assert Reader.objects.filter(name="dan").delete() == (0, {})
        assert Reader.objects.none().delete() == (0, {})

    def test_delete_sends_signals_when_connected(self):
        ann, bob = Reader.objects.order_by("name")

        with deletions(Reader) as told, self.assertNumQueries(2 + 4):  # SELECT, UPDATE; four of the receivers
            assert Reader.objects.order_by("name").delete() == (2, {"testapp.Reader": 2})

        assert told == [
            ("pre", ann.pk, True),
            ("pre", bob.pk, True),
            ("post", ann.pk, False),
            ("post", bob.pk, False),
        ]

    def test_delete_with_signals_reaches_every_row_of_many(self):
        books = [Book(id=number, locale="en", title="x") for number in range(900)]
        Book.objects.bulk_create(books)
        ann = Reader.objects.get(name="ann")
        Loan.objects.bulk_create(Loan(reader=ann, book=book) for book in books)
        sent = []

        def receive(instance, **kwargs):
            sent.append(instance.pk)

        pre_delete.connect(receive, sender=Loan)
        try:
            assert Loan.objects.all().delete() == (900, {"testapp.Loan": 900})
        finally:
            pre_delete.disconnect(receive, sender=Loan)

        assert len(sent) == 900
        assert not Loan.objects.exists()

    def test_delete_forgets_the_rows_it_had_read(self):
        rows = Reader.objects.all()
        assert len(rows) == 2

        rows.delete()

        assert len(rows) == 0

    def test_delete_takes_joins_annotations_and_order(self):
        ann = Reader.objects.get(name="ann")
        Loan.objects.create(reader=ann, book=Book.objects.create(id=1, locale="en", title="x"))

        assert Reader.objects.filter(books__title="x").order_by("books__title").delete()[0] == 1
        assert Reader.objects.annotate(n=Count("books__pk")).filter(n=0).delete()[0] == 1

    def test_delete_refuses_what_djangos_refuses(self):
        rows = Reader.objects.all()

        with pytest.raises(TypeError, match="Cannot use 'limit' or 'offset' with delete"):
            rows[:1].delete()
        with pytest.raises(TypeError, match=r"Cannot call delete\(\) after .values\(\) or .values_list\(\)"):
            rows.values("name").delete()
        with pytest.raises(TypeError, match=r"Cannot call delete\(\) after .distinct"):
            rows.distinct("name").delete()
        with pytest.raises(Exception, match=r"Calling QuerySet.delete\(\) after union\(\) is not supported"):
            rows.union(rows).delete()

    def test_delete_unscoped_is_for_good(self):
        assert Reader.objects.filter(name="ann").delete(unscoped=True)[0] == 1
        assert names(Reader._base_manager.all()) == ["bob", "cid"]

    def test_delete_of_an_unscoped_queryset_is_for_good_and_takes_dead_rows(self):
        assert Reader.objects.unscoped().filter(age__gte=1).delete() == (2, {"testapp.Reader": 2})
        assert names(Reader._base_manager.all()) == ["ann"]

    def test_delete_of_an_unscoped_queryset_follows_dead_links(self):
        ann, bob = Reader.objects.order_by("name")
        book = Book.objects.create(id=1, locale="en", title="x")
        Review.objects.create(reader=ann, book=book, stars=1)
        Review.objects.create(reader=bob, book=book, stars=2, **DEAD)
        Loan.objects.create(reader=ann, book=book, **DEAD)

        assert Review.objects.filter(reader__books__title="x").delete()[0] == 0
        assert Review.objects.unscoped().filter(reader__books__title="x").delete()[0] == 1
        assert [review.stars for review in Review._base_manager.all()] == [2]

    def test_delete_awaited(self):
        async_to_sync(Reader.objects.filter(name="ann").adelete)()
        assert names(Reader._base_manager.all()) == ["ann", "bob", "cid"]
        async_to_sync(Reader.objects.filter(name="bob").adelete)(unscoped=True)
        assert names(Reader._base_manager.all()) == ["ann", "cid"]

    def test_no_manager_can_delete_all_rows_by_mistake(self):
        assert not hasattr(Reader.objects, "delete")
        assert not hasattr(Reader.objects, "adelete")

    def test_delete_rows_works_on_the_base_manager_too(self):
        assert delete_rows(Reader._base_manager.filter(name="ann"))[0] == 1
        assert names(Reader.objects.all()) == ["bob"]


class OtherDatabaseTests(TestCase):
    databases = {"default", "other"}

    def setUp(self):
        self.ann = Reader.objects.using("other").create(name="ann")

    def test_an_object_is_deleted_and_restored_where_it_is_stored(self):
        with self.assertNumQueries(0, using="default"):
            self.ann.delete()
            assert not Reader.objects.using("other").exists()
            self.ann.restore()
            assert Reader.objects.using("other").get().deleted_at is None

    def test_signals_say_where_and_what_was_deleted(self):
        rows = Reader.objects.using("other").all()
        with received(Reader) as calls, self.assertNumQueries(0, using="default"):
            self.ann.delete()
            self.ann.restore()
            rows.delete()

        assert [(call["signal"], call["instance"], call["using"]) for call in calls] == [
            (pre_delete, self.ann, "other"),
            (post_delete, self.ann, "other"),
        ] * 2
        assert [call["origin"] for call in calls[:2]] == [self.ann, self.ann]
        assert [(type(call["origin"]), call["origin"].db) for call in calls[2:]] == [(type(rows), "other")] * 2


class UndoneTests(TransactionTestCase):
    databases = {"default", "other"}

    def test_a_receiver_that_raises_afterwards_undoes_it(self):
        def refuse(**kwargs):
            raise PermissionError

        ann = Reader.objects.using("other").create(name="ann")
        post_delete.connect(refuse, sender=Reader)
        try:
            for delete in (ann.delete, Reader.objects.using("other").all().delete):
                with pytest.raises(PermissionError):
                    delete()
                assert Reader.objects.using("other").exists()
        finally:
            post_delete.disconnect(refuse, sender=Reader)


class ParentTableTests(TestCase):
    """deleted_at in the parent's table (Product, Gadget) and in the child's (Branch, Memo)."""

    def test_delete_and_restore_where_the_parent_has_it(self):
        gadget = Gadget.objects.create(name="a", branch=Branch.objects.create(name="main"))

        assert gadget.delete() == (1, {"testapp.Gadget": 1})
        assert not Gadget.objects.exists()
        assert not Product.objects.exists()
        gadget.restore()
        assert Product.objects.count() == Gadget.objects.count() == 1
        assert Gadget.objects.all().delete() == (1, {"testapp.Gadget": 1})
        assert Gadget._base_manager.count() == Product._base_manager.count() == 1

    def test_delete_for_good_where_the_parent_has_it(self):
        gadget = Gadget.objects.create(name="a", branch=Branch.objects.create(name="main"))

        gadget.delete(unscoped=True)

        assert not Product._base_manager.exists()

    def test_delete_where_the_child_has_it_leaves_the_parent(self):
        memo = Memo.objects.create(name="a")

        memo.delete()

        assert not Memo.objects.exists()
        assert Branch.objects.count() == 1
        Branch.objects.get().delete()
        assert not Memo._base_manager.exists()


class UniqueTests(TestCase):
    def test_a_value_of_a_dead_row_is_taken(self):
        Ticket.objects.create(code="one").delete()
        again = Ticket(code="one")

        with pytest.raises(ValidationError) as caught:
            again.full_clean()

        assert caught.value.message_dict == {"code": ["Ticket with this Code already exists."]}
        with pytest.raises(IntegrityError), transaction.atomic():
            Ticket.objects.get_or_create(code="one")
        assert Ticket.objects.unscoped().get_or_create(code="one")[1] is False

    def test_a_pair_of_a_dead_join_row_is_taken(self):
        ann, book = Reader.objects.create(name="ann"), Book.objects.create(id=1, locale="en", title="x")
        Loan.objects.create(reader=ann, book=book, **DEAD)
        again = Loan(reader=ann, book=book)

        with pytest.raises(ValidationError, match="already exists"):
            again.full_clean()


class LinkTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ann = Reader.objects.create(name="ann")
        cls.book = Book.objects.create(id=1, locale="en", title="x")
        Loan.objects.create(reader=cls.ann, book=cls.book)
        Loan.objects.create(reader=cls.ann, book=Book.objects.create(id=2, locale="en", title="y"), **DEAD)

    def test_a_soft_delete_touches_no_join_row(self):
        before = list(Loan._base_manager.order_by("book_id").values())

        self.ann.delete()

        assert list(Loan._base_manager.order_by("book_id").values()) == before
        self.ann.restore()
        assert [book.title for book in self.ann.books.all()] == ["x"]

    def test_a_hard_delete_of_a_linked_row_says_what_is_in_the_way_and_what_to_do(self):
        message = (
            "testapp.Reader is still referenced by rows of other tables: 2 in loans. Remove them first, with "
            "unscoped().clear() or unscoped().delete() of their relation, or declare it with "
            "constraint:OnDelete:CASCADE."
        )
        for delete in (
            lambda: self.ann.delete(unscoped=True),
            lambda: Reader.objects.unscoped().delete(),
            lambda: Reader.objects.filter(name="ann").delete(unscoped=True),
        ):
            with pytest.raises(ProtectedError) as caught:
                delete()

            assert caught.value.args[0] == message
            assert len(caught.value.protected_objects) == 2
        assert Reader.objects.get() == self.ann
        self.ann.association("books").unscoped().clear()
        self.ann.delete(unscoped=True)
        assert not Reader._base_manager.exists()

    def test_a_hard_delete_is_refused_for_a_link_made_from_a_tag(self):
        user = User.objects.create(name="ann")
        user.languages.append(Language(name="en"), Language(name="fr"))

        with pytest.raises(ProtectedError, match=r"User is .*: 2 in user_languages. .*, with clear\(\) or delete"):
            user.delete(unscoped=True)

    def test_a_hard_delete_is_refused_for_a_link_to_its_own_kind(self):
        user = User.objects.create(name="ann")
        user.friends.append(User(name="bob"))

        with pytest.raises(ProtectedError, match=r"1 in user_friends\. Remove them first, with clear\(\) or delete"):
            user.delete(unscoped=True)

    def test_with_cascade_the_database_removes_the_join_rows(self):
        user = User.objects.create(name="ann")
        user.speaks.append(SpokenLanguage(code="en"), SpokenLanguage(code="fr"))
        prose = Genre.objects.create(name="prose")
        Shelving.objects.create(book=self.book, genre=prose)
        Shelving.objects.create(book=Book.objects.get(id=2), genre=prose, **DEAD)

        user.delete(unscoped=True)
        prose.delete()

        assert not User.speaks.through._base_manager.exists()
        assert not Shelving._base_manager.exists()

    def test_join_rows_are_deleted_softly_by_hand_too(self):
        loan = Loan.objects.get()

        loan.delete()

        assert Loan._base_manager.filter(deleted_at=None).count() == 0
        assert not self.ann.books.exists()
        loan.restore()
        assert self.ann.books.get() == self.book

    def test_a_python_cascade_removes_for_good(self):
        keepsake = Keepsake.objects.create(name="ring")
        Stamp.objects.create(keepsake=keepsake)
        Stamp.objects.create(keepsake=keepsake, **DEAD)

        keepsake.delete()
        assert Stamp._base_manager.count() == 2
        keepsake.delete(unscoped=True)

        assert not Stamp._base_manager.exists()


class FieldTests(SimpleTestCase):
    @isolate_apps("tests.testapp")
    def test_only_a_column_of_that_name_marks_rows_as_dead(self):
        class Thing(models.Model):
            class Meta:
                app_label = "testapp"

        class Log(models.Model):
            thing = models.ForeignKey(Thing, models.CASCADE, related_name="deleted_at")
            deleted_at = models.ForeignObject(Thing, models.CASCADE, ["thing"], ["id"], related_name="+")

            class Meta:
                app_label = "testapp"

        assert deleted_at_field(Thing) is None
        assert deleted_at_field(Log) is None
        assert deleted_at_field(Reader) is Reader._meta.get_field("deleted_at")
