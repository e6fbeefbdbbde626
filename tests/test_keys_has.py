"""The verbs where the target's own row holds the link: has one and has many."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection
from django.db.models.deletion import ProtectedError
from django.template import Context, Template
from django.test import TestCase

from gorm_assoc.exceptions import (
    NoJoinRows,
    PrimaryKeyRequired,
    TargetsNotShared,
    UnsupportedRelation,
    ValuesLengthMismatch,
    ValueTypeMismatch,
)
from gorm_assoc.models import Association, Changes
from gorm_assoc.signals import association_changed
from tests.factories import BenchFactory, EmployerFactory, HandFactory, RoomFactory, TaskFactory
from tests.test_hooks_and_signals import received
from tests.testapp.models import (
    Author,
    Bench,
    Book,
    Contract,
    Crate,
    Employer,
    Hand,
    Letter,
    Reader,
    Review,
    Room,
    Site,
    Sticker,
    Task,
    Tool,
)

SAVEPOINT = 2  # SAVEPOINT and RELEASE, around several statements inside the test's transaction
LOCK = 1 if connection.features.has_select_for_update else 0  # SELECT ... FOR UPDATE of the owner


def owners(model=Task, column="worker_id") -> dict:
    return dict(model._base_manager.values_list("pk", column))


class HasManyTests(TestCase):
    def setUp(self):
        self.ann, self.bob = HandFactory.create_batch(2)
        self.tasks = TaskFactory.create_batch(3)

    def test_append_sets_the_key_of_stored_and_new_targets(self):
        first, second, _ = self.tasks
        new = Task(title="new")

        changes = self.ann.association("tasks").append(first, second.pk, new, {"title": "dict"})

        assert changes == Changes(added=4)
        assert first.worker_id == self.ann.pk
        assert new.pk is not None
        assert new.worker == self.ann
        assert sorted(owners().values(), key=str) == sorted([self.ann.pk] * 4 + [None], key=str)

    def test_append_keeps_what_is_there_and_moves_what_another_owner_has(self):
        first, second, third = self.tasks
        self.ann.association("tasks").append(first)
        self.bob.association("tasks").append(second)

        changes = self.ann.association("tasks").append(first, second, third)

        assert changes == Changes(added=2, kept=1)
        assert set(owners().values()) == {self.ann.pk}

    def test_append_of_stored_targets_is_two_statements(self):
        association = self.ann.association("tasks")

        with self.assertNumQueries(2 + SAVEPOINT):  # updated_at of the owner; the key of the targets
            association.append(*self.tasks)

    def test_append_of_a_key_that_is_not_stored_raises_and_changes_nothing(self):
        for pairs in (False, True):
            with pytest.raises(
                IntegrityError, match=r"^testapp.Hand.tasks cannot link 1 of the keys: no testapp.Task"
            ):
                self.ann.association("tasks").append(self.tasks[0], 4711, pairs=pairs)

        assert set(owners().values()) == {None}
        assert self.tasks[0].worker_id is None

    def test_append_moves_the_owners_updated_at(self):
        before = self.ann.updated_at

        self.ann.association("tasks").append(self.tasks[0])

        assert self.ann.updated_at > before

    def test_replace_lets_go_of_the_others(self):
        first, second, third = self.tasks
        self.ann.association("tasks").append(first, second)

        changes = self.ann.association("tasks").replace(second, third)

        assert changes == Changes(added=1, removed=1, kept=1)
        assert owners() == {first.pk: None, second.pk: self.ann.pk, third.pk: self.ann.pk}

    def test_delete_lets_go_of_own_targets_only(self):
        first, second, third = self.tasks
        self.ann.association("tasks").append(first, second)
        self.bob.association("tasks").append(third)

        with self.assertNumQueries(1 + LOCK):
            changes = self.ann.association("tasks").delete(first, third)

        assert changes == Changes(removed=1)
        assert owners() == {first.pk: None, second.pk: self.ann.pk, third.pk: self.bob.pk}

    def test_clear_leaves_dead_targets_their_owner(self):
        first, second, _ = self.tasks
        self.ann.association("tasks").append(first, second)
        first.delete()

        changes = self.ann.association("tasks").clear()

        assert (changes, changes.pairs) == (Changes(removed=1), None)
        assert owners()[first.pk] == self.ann.pk
        assert owners()[second.pk] is None

    def test_unscoped_clear_deletes_targets_for_good_dead_ones_too(self):
        first, second, third = self.tasks
        self.ann.association("tasks").append(first, second)
        first.delete()

        with self.assertNumQueries(2 + SAVEPOINT + LOCK):  # the targets; DELETE
            changes = self.ann.association("tasks").unscoped().clear()

        assert changes == Changes(removed=2)
        assert set(owners()) == {third.pk}

    def test_find_and_count_hide_dead_targets(self):
        first, second, third = self.tasks
        self.ann.association("tasks").append(first, second)
        self.bob.association("tasks").append(third)
        first.delete()
        association = self.ann.association("tasks")

        assert list(association.find()) == [second]
        assert association.count() == 1
        assert association.count(title="none") == 0
        assert set(association.unscoped().find()) == {first, second}
        assert Association([self.ann, self.bob], "tasks").count() == 2

    def test_toggle_moves_and_lets_go(self):
        first, second, _ = self.tasks
        self.ann.association("tasks").append(first)

        changes = self.ann.association("tasks").toggle(first, second)

        assert changes == Changes(added=1, removed=1)
        assert owners()[first.pk] is None
        assert owners()[second.pk] == self.ann.pk

    def test_a_batch_gives_each_owner_its_own_in_a_fixed_number_of_statements(self):
        workers = HandFactory.create_batch(150)
        tasks = TaskFactory.create_batch(150)

        with self.assertNumQueries(2 + SAVEPOINT):
            changes = Association(workers, "tasks").append(*([task] for task in tasks))

        assert changes == Changes(added=150)
        assert owners() == {
            **dict.fromkeys((task.pk for task in self.tasks), None),
            **{task.pk: worker.pk for worker, task in zip(workers, tasks, strict=True)},
        }

    def test_a_batch_replace_of_few_and_many_values(self):
        first, second, third = self.tasks
        Association([self.ann, self.bob], "tasks").append([first, second], third)

        changes = Association([self.ann, self.bob], "tasks").replace([second], [first, third])

        assert changes == Changes(added=1, removed=1, kept=2)
        assert owners() == {first.pk: self.bob.pk, second.pk: self.ann.pk, third.pk: self.bob.pk}

    def test_an_unscoped_batch_replace_deletes_nothing_that_another_owner_gets(self):
        first, second, third = self.tasks
        both = Association([self.ann, self.bob], "tasks")
        both.append([first, second], third)

        changes = both.unscoped().replace([third], [first])

        assert changes == Changes(added=2, removed=3)
        assert owners() == {first.pk: self.bob.pk, third.pk: self.ann.pk}

    def test_the_same_targets_for_several_owners_raise(self):
        with self.assertNumQueries(0), pytest.raises(TargetsNotShared, match="2 owners: each has one"):
            Association([self.ann, self.bob], "tasks").append(*self.tasks, to_all=True)
        with pytest.raises(ValuesLengthMismatch):
            Association([self.ann, self.bob], "tasks").append(*self.tasks)

    def test_a_target_given_to_two_owners_goes_to_the_last(self):
        Association([self.ann, self.bob], "tasks").append(self.tasks[0], self.tasks[0])

        assert self.tasks[0].worker_id == self.bob.pk
        assert owners()[self.tasks[0].pk] == self.bob.pk

    def test_a_queryset_stays_in_the_database(self):
        # updated_at; what the queryset finds, kept in a temporary table; the keys; how many were there already
        with self.assertNumQueries(5 + SAVEPOINT):
            changes = self.ann.association("tasks").append(Task.objects.all())

        assert changes == Changes(added=3)
        assert self.ann.association("tasks").replace(Task.objects.filter(pk=self.tasks[0].pk)) == Changes(
            kept=1, removed=2
        )

    def test_a_dry_run_tells_and_changes_nothing(self):
        first, second, third = self.tasks
        self.ann.association("tasks").append(first)
        self.bob.association("tasks").append(second)
        before = owners()

        changes = self.ann.association("tasks").replace(second, third, Task(title="new"), dry_run=True, pairs=True)

        assert changes == Changes(added=3, removed=1)
        assert changes.pairs["removed"] == ((self.ann.pk, first.pk),)
        assert owners() == before

    def test_a_dry_run_knows_what_is_linked_already(self):
        first, second, _ = self.tasks
        self.ann.association("tasks").append(first)

        changes = self.ann.association("tasks").append(first, second, dry_run=True)

        assert changes == Changes(added=1, kept=1)
        assert changes.pairs is None
        assert self.ann.association("tasks").append(first, second, pairs=True) == changes

    def test_a_dry_run_tells_the_pairs_that_the_verb_then_makes(self):
        first, second, third = self.tasks
        both = Association([self.ann, self.bob], "tasks")
        both.append([first, second], third)

        planned = both.replace([second, third], [], dry_run=True, pairs=True)

        assert planned.pairs["added"] == ((self.ann.pk, third.pk),)
        assert planned.pairs["removed"] == ((self.ann.pk, first.pk), (self.bob.pk, third.pk))
        assert both.replace([second, third], [], pairs=True).pairs == planned.pairs

    def test_unscoped_verbs_tell_the_pairs_of_dead_targets_too(self):
        first, second, _ = self.tasks
        self.ann.association("tasks").append(first, second)
        first.delete()
        association = self.ann.association("tasks").unscoped()

        planned, changes = association.clear(dry_run=True, pairs=True), association.clear(pairs=True)

        assert changes.pairs == planned.pairs
        assert set(changes.pairs["removed"]) == {(self.ann.pk, first.pk), (self.ann.pk, second.pk)}

    def test_a_queryset_is_read_for_those_who_are_told_the_pairs(self):
        with received(association_changed, sender=Task) as calls:
            self.ann.association("tasks").append(Task.objects.all())

        assert set(calls[0]["added"]) == {(self.ann.pk, task.pk) for task in self.tasks}

    def test_pairs_and_the_signal_tell_who_was_linked_with_whom(self):
        first, second, _ = self.tasks
        self.ann.association("tasks").append(first)
        with received(association_changed, sender=Task) as calls:
            changes = self.ann.association("tasks").replace(second, pairs=True)

        assert changes.pairs == {
            "added": ((self.ann.pk, second.pk),),
            "removed": ((self.ann.pk, first.pk),),
            "revived": (),
        }
        assert calls[0]["added"] == ((self.ann.pk, second.pk),)
        assert calls[0]["removed"] == ((self.ann.pk, first.pk),)

    def test_guards_come_before_any_sql(self):
        with self.assertNumQueries(0):
            with pytest.raises(PrimaryKeyRequired):
                Association(Hand(name="new"), "tasks").append(self.tasks[0])
            with pytest.raises(ValueTypeMismatch):
                self.ann.association("tasks").append(self.bob)
            with pytest.raises(NoJoinRows, match="testapp.Hand.tasks has no join rows"):
                self.ann.association("tasks").append(self.tasks[0], through_defaults={"title": "x"})
            with pytest.raises(UnsupportedRelation, match="Did you mean 'tasks'"):
                self.ann.association("task")


class NotNullKeyTests(TestCase):
    def setUp(self):
        self.ann, self.bob = HandFactory.create_batch(2)
        self.contract = Contract.objects.create(title="first", worker=self.ann)

    def test_append_stores_a_new_target_with_its_owner(self):
        assert self.ann.association("contracts").append(Contract(title="second")) == Changes(added=1)
        assert self.ann.contracts.count() == 2

    def test_clear_fails_cleanly(self):
        for verb in (
            lambda: self.ann.association("contracts").clear(),
            lambda: self.ann.association("contracts").delete(self.contract),
            lambda: self.ann.association("contracts").replace(Contract(title="second")),
        ):
            with pytest.raises(IntegrityError, match="'worker' may not be NULL"):
                verb()  # in the test's transaction, which goes on

        assert list(self.ann.contracts.values_list("title")) == [("first",)]

    def test_clear_of_nothing_is_no_error(self):
        assert self.bob.association("contracts").clear() == Changes()

    def test_moving_a_target_works(self):
        assert self.bob.association("contracts").replace(self.contract) == Changes(added=1)
        assert owners(Contract) == {self.contract.pk: self.bob.pk}

    def test_owners_can_exchange_what_they_have(self):
        second = Contract.objects.create(title="second", worker=self.bob)

        changes = Association([self.ann, self.bob], "contracts").replace(second, self.contract)

        assert changes == Changes(added=2, removed=2)
        assert owners(Contract) == {self.contract.pk: self.bob.pk, second.pk: self.ann.pk}

    def test_unscoped_replace_deletes_the_old(self):
        changes = self.ann.association("contracts").unscoped().replace(Contract(title="second"))

        assert changes == Changes(added=1, removed=1)
        assert list(self.ann.contracts.values_list("title")) == [("second",)]

    def test_a_target_that_others_refer_to_stays_and_nothing_changes(self):
        Contract.objects.create(title="second", worker=self.bob, replaces=self.contract)
        third = Contract(title="third")

        with pytest.raises(ProtectedError):
            self.ann.association("contracts").unscoped().replace(third)

        assert third.pk is None
        assert third.worker_id is None
        assert list(self.ann.contracts.values_list("title")) == [("first",)]

    def test_a_dead_target_that_another_owner_gets_counts_as_removed_with_unscoped_only(self):
        readers = [Reader.objects.create(name=name) for name in ("ann", "bob")]
        review = Review.objects.create(reader=readers[0], stars=1)
        both = Association(readers, "reviews")

        assert both.replace([], review) == Changes(added=1, removed=1)
        review.delete()
        assert both.replace(review, []) == Changes(added=1)
        assert both.unscoped().replace([], review) == Changes(added=1, removed=1)
        assert owners(Review, "reader_id") == {review.pk: readers[1].pk}


class DeletedOwnerTests(TestCase):
    """What a ProtectedError says of children in the way: the way out must lose no row that can stay."""

    def setUp(self):
        self.firm = EmployerFactory()
        self.ann, self.bob = HandFactory.create_batch(2, firm=self.firm)

    def test_children_whose_key_may_be_null_are_let_go(self):
        with pytest.raises(ProtectedError) as caught:
            self.firm.delete(unscoped=True)

        assert caught.value.args[0] == (
            "testapp.Employer is still referenced by rows of other tables: 2 in hands. Let go of them first, with "
            "clear() or delete() of their relation, or declare it with constraint:OnDelete:SET NULL or "
            "constraint:OnDelete:CASCADE."
        )
        self.firm.hands.clear()
        assert self.firm.delete(unscoped=True)[0] == 1

    def test_dead_ones_go_with_unscoped(self):
        self.ann.delete()

        with pytest.raises(ProtectedError, match=r"relation \(of dead ones with unscoped\(\), which deletes them"):
            self.firm.delete(unscoped=True)

        self.firm.hands.clear()
        self.firm.hands.unscoped().get()
        self.firm.association("hands").unscoped().clear()
        assert self.firm.delete(unscoped=True)[0] == 1

    def test_children_whose_key_may_not_be_null_have_to_go(self):
        reader = Reader.objects.create(name="ann")
        Review.objects.create(reader=reader, book=Book.objects.create(id=1, locale="en", title="x"), stars=1)

        with pytest.raises(ProtectedError, match=r"Remove them first, with unscoped\(\)\.clear\(\) or"):
            reader.delete(unscoped=True)

        reader.association("reviews").unscoped().clear()
        assert reader.delete(unscoped=True)[0] == 1


class HasOneTests(TestCase):
    def setUp(self):
        self.ann, self.bob = HandFactory.create_batch(2)
        self.old = BenchFactory(worker=self.ann)

    def test_append_is_replace(self):
        new = Bench(name="new")

        changes = self.ann.association("desk").append(new)

        assert changes == Changes(added=1, removed=1)
        assert self.ann.desk == new
        assert owners(Bench) == {self.old.pk: None, new.pk: self.ann.pk}

    def test_the_last_of_several_values_counts(self):
        first, last = Bench(name="first"), Bench(name="last")

        self.bob.association("desk").append(first, last)

        assert first.pk is None
        assert self.bob.desk == last

    def test_the_last_of_a_queryset_counts(self):
        last = BenchFactory.create_batch(2)[-1]

        changes = self.ann.association("desk").append(Bench.objects.order_by("pk"))

        assert changes == Changes(added=1, removed=1)
        assert [bench for bench, worker in owners(Bench).items() if worker] == [last.pk]

    def test_the_last_counts_though_it_was_given_before_another(self):
        other, new = BenchFactory.create_batch(2)

        self.ann.association("desk").append(new.pk, other, new)

        assert owners(Bench) == {self.old.pk: None, other.pk: None, new.pk: self.ann.pk}
        assert new.worker == self.ann

    def test_the_last_of_several_keys_counts_though_it_was_given_before_another(self):
        other, new = BenchFactory.create_batch(2)

        self.ann.association("desk").append(new.pk, other.pk, new.pk)

        assert owners(Bench) == {self.old.pk: None, other.pk: None, new.pk: self.ann.pk}

    def test_delete_takes_any_of_several_values(self):
        other = BenchFactory()

        assert self.ann.association("desk").delete(self.old, other) == Changes(removed=1)

    def test_an_unscoped_replace_deletes_the_old_one_first(self):
        changes = self.ann.association("desk").unscoped().replace(Bench(name="new"))

        assert changes == Changes(added=1, removed=1)
        assert list(Bench.objects.values_list("name")) == [("new",)]

    def test_a_desk_moves_from_worker_to_worker(self):
        changes = self.bob.association("desk").replace(self.old)

        assert changes == Changes(added=1)
        assert owners(Bench) == {self.old.pk: self.bob.pk}

    def test_clear_find_and_count(self):
        association = self.ann.association("desk")

        assert association.find().get() == self.old
        assert association.clear() == Changes(removed=1)
        assert association.count() == 0
        assert not hasattr(Hand.objects.get(pk=self.ann.pk), "desk")

    def test_a_batch_gives_each_owner_one(self):
        new = Bench(name="new")

        changes = Association([self.ann, self.bob], "desk").replace(new, self.old)

        assert changes == Changes(added=2, removed=1)  # ann's old one is bob's now
        assert owners(Bench) == {new.pk: self.ann.pk, self.old.pk: self.bob.pk}


class CompositeTests(TestCase):
    def setUp(self):
        self.oslo, self.bergen = (Site.objects.create(code=code, region=1) for code in ("oslo", "bergen"))
        self.rooms = RoomFactory.create_batch(3)

    def test_both_columns_of_the_key_are_set_and_emptied(self):
        first, second, _ = self.rooms
        association = self.oslo.association("rooms")

        assert association.append(first, second) == Changes(added=2)
        assert set(association.find()) == {first, second}
        assert (first.site_code, first.site_region) == ("oslo", 1)
        assert association.replace(second) == Changes(kept=1, removed=1)
        assert set(Room.objects.filter(site_code=None, site_region=None)) == {first, self.rooms[2]}

    def test_a_batch_of_many_owners_is_written_and_read(self):
        sites = Site.objects.bulk_create(Site(code=f"s{n}", region=n) for n in range(1500))
        rooms = RoomFactory.create_batch(1500)

        assert Association(sites, "rooms").append(*rooms) == Changes(added=1500)
        assert Association(sites, "rooms").count() == 1500
        assert Association(sites, "rooms").find(name=rooms[7].name).get().site_code == "s7"
        assert Association(sites, "rooms").clear() == Changes(removed=1500)

    def test_the_related_manager_writes_and_reads(self):
        first, second, _ = self.rooms

        self.oslo.rooms.add(first, second)
        created = self.oslo.rooms.create(name="new")
        found, is_new = self.oslo.rooms.get_or_create(name="new")
        self.oslo.rooms.remove(second)

        assert set(self.oslo.rooms.all()) == {first, created}
        assert (found, is_new) == (created, False)
        self.oslo.rooms.set([second])
        assert list(self.oslo.rooms.all()) == [second]
        self.oslo.rooms.clear()
        assert self.oslo.rooms.count() == 0


class PolymorphicTests(TestCase):
    """A crate and a tool of the same key: a sticker is of the one that its type names."""

    def setUp(self):
        self.crate, self.other = Crate.objects.create(id=77, name="crate"), Crate.objects.create(id=78, name="other")
        self.tool = Tool.objects.create(id=77, name="tool")
        self.stickers = [Sticker.objects.create(text=text) for text in "abc"]
        self.tool.stickers.append(*self.stickers)

    def held(self):
        return list(Sticker.objects.order_by("text").values_list("owner_type", "owner_id"))

    def test_append_takes_it_from_the_owner_of_another_type(self):
        first, second, _ = self.stickers

        assert self.crate.stickers.append(first, second.pk) == Changes(added=2)
        assert self.crate.stickers.append(first, second, pairs=True) == Changes(kept=2)
        assert (first.owner_type, first.owner_id) == ("crates", 77)
        assert self.held() == [("crates", 77), ("crates", 77), ("tools", 77)]
        assert self.tool.stickers.count() == 1

    def test_a_queryset_and_owners_with_values_of_their_own(self):
        assert self.crate.stickers.append(Sticker.objects.filter(text__lt="c")) == Changes(added=2)
        changes = Association([self.crate, self.other], "stickers").replace(self.stickers[0], self.stickers[1:])

        assert changes == Changes(added=2, removed=1, kept=1)
        assert self.held() == [("crates", 77), ("crates", 78), ("crates", 78)]

    def test_toggle_and_dry_runs_know_the_type(self):
        first, second, _ = self.stickers
        self.crate.stickers.append(first)

        assert self.crate.stickers.append(first, second, dry_run=True) == Changes(added=1, kept=1)
        assert self.crate.stickers.toggle(first, second) == Changes(added=1, removed=1)
        assert self.crate.stickers.get() == second

    def test_clear_lets_go_of_its_own(self):
        self.crate.stickers.append(self.stickers[0])

        assert self.crate.stickers.clear() == Changes(removed=1)
        assert self.held() == [("crates", None), ("tools", 77), ("tools", 77)]


class ManagerTests(TestCase):
    def test_an_owner_whose_referenced_column_is_empty_has_no_targets(self):
        Letter.objects.create(text="nobody's")
        ann = Author.objects.create(name="ann", code=None)

        assert list(ann.letters.all()) == []
        assert [list(author.letters.all()) for author in Author.objects.prefetch_related("letters")] == [[]]
        with pytest.raises(PrimaryKeyRequired, match="'code'"):
            ann.letters.append(Letter(text="new"))
        with pytest.raises(PrimaryKeyRequired):
            Author(name="new").letters  # noqa: B018

    def test_a_template_writes_nothing(self):
        firm = EmployerFactory()
        writers = ("create", "get_or_create", "update_or_create", "acreate", "aget_or_create", "aupdate_or_create")

        written = {
            writer: Template(f"{{{{ firm.hands.{writer} }}}}").render(Context({"firm": firm})) for writer in writers
        }

        assert written == dict.fromkeys(writers, "")
        assert not Hand.objects.exists()

    def test_the_related_manager_has_the_verbs(self):
        firm = EmployerFactory()
        ann, bob = HandFactory.create_batch(2)

        assert firm.hands.append(ann, Hand(name="new")) == Changes(added=2)
        assert firm.hands.replace(bob).removed == 2
        assert firm.hands.count() == 1
        assert firm.hands.find(name=bob.name).get() == bob
        bob.delete()
        assert firm.hands.count() == 0
        assert list(firm.hands.unscoped()) == [bob]
        assert Employer.objects.filter(hands__name=bob.name).count() == 0
