"""The verbs where the owner's own row holds the link: belongs to."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection
from django.db.models.deletion import ProtectedError
from django.test import TestCase

from gorm_assoc.exceptions import PrimaryKeyRequired, ValuesLengthMismatch, ValueTypeMismatch
from gorm_assoc.models import Association, Changes
from gorm_assoc.signals import association_changed
from tests.factories import EmployerFactory, HandFactory, RoomFactory, TaskFactory
from tests.test_hooks_and_signals import received
from tests.testapp.models import Author, Contract, Employer, Hand, Letter, Site

SAVEPOINT = 2  # SAVEPOINT and RELEASE, around several statements inside the test's transaction
LOCK = 1 if connection.features.has_select_for_update else 0  # SELECT ... FOR UPDATE of the owner


def firms() -> dict:
    return dict(Hand._base_manager.values_list("pk", "firm_id"))


class BelongsToTests(TestCase):
    def setUp(self):
        self.acme, self.bolt = EmployerFactory.create_batch(2)
        self.ann, self.bob = HandFactory.create_batch(2)

    def test_append_sets_the_key_in_the_database_and_on_the_object(self):
        changes = self.ann.association("firm").append(self.acme)

        assert changes == Changes(added=1)
        assert self.ann.firm is self.acme
        assert firms() == {self.ann.pk: self.acme.pk, self.bob.pk: None}

    def test_replace_lets_go_of_the_one_before(self):
        self.ann.association("firm").append(self.acme)

        changes = self.ann.association("firm").replace(self.bolt, pairs=True)

        assert changes == Changes(added=1, removed=1)
        assert changes.pairs == {
            "added": ((self.ann.pk, self.bolt.pk),),
            "removed": ((self.ann.pk, self.acme.pk),),
            "revived": (),
        }
        assert self.ann.association("firm").append(self.bolt) == Changes(kept=1)

    def test_a_new_target_is_stored_and_the_last_of_several_counts(self):
        first, last = Employer(name="first"), Employer(name="last")

        self.ann.association("firm").append(first, last)

        assert first.pk is None
        assert self.ann.firm is last
        assert firms()[self.ann.pk] == last.pk

    def test_a_key_is_enough(self):
        self.ann.association("firm").append(self.acme.pk)

        assert self.ann.firm_id == self.acme.pk
        assert self.ann.firm == self.acme

    def test_delete_takes_away_the_linked_one_and_no_other(self):
        self.ann.association("firm").append(self.acme)

        assert self.ann.association("firm").delete(self.bolt) == Changes()
        assert self.ann.firm == self.acme
        assert self.ann.association("firm").delete(self.acme) == Changes(removed=1)
        assert self.ann.firm is None
        assert firms()[self.ann.pk] is None

    def test_clear_empties_the_key_in_the_database_and_on_the_object(self):
        self.ann.association("firm").append(self.acme)

        assert self.ann.association("firm").clear() == Changes(removed=1)
        assert self.ann.firm is None
        assert firms()[self.ann.pk] is None

    def test_clear_finds_a_link_that_the_object_does_not_know_of(self):
        Hand.objects.filter(pk=self.ann.pk).update(firm=self.acme)

        assert self.ann.association("firm").clear() == Changes(removed=1)
        assert firms()[self.ann.pk] is None

    def test_clear_empties_the_object_of_a_key_that_the_database_does_not_hold(self):
        self.ann.firm = self.acme

        assert self.ann.association("firm").clear() == Changes()
        assert (self.ann.firm_id, self.ann.firm) == (None, None)

    def test_clear_is_two_statements_and_no_savepoint(self):
        self.ann.association("firm").append(self.acme)

        with self.assertNumQueries(2 + LOCK):  # the keys before; the keys
            changes = self.ann.association("firm").clear()

        assert changes.pairs is None

    def test_delete_and_clear_tell_the_pairs(self):
        Association([self.ann, self.bob], "firm").append(self.acme, self.bolt)

        deleted = self.ann.association("firm").delete(self.acme, self.bolt, pairs=True)
        with received(association_changed, sender=Hand) as calls:
            cleared = Association([self.ann, self.bob], "firm").clear(pairs=True)

        assert deleted.pairs == {"added": (), "removed": ((self.ann.pk, self.acme.pk),), "revived": ()}
        assert cleared.pairs == {"added": (), "removed": ((self.bob.pk, self.bolt.pk),), "revived": ()}
        assert [call["removed"] for call in calls] == [cleared.pairs["removed"]]

    def test_updated_at_moves_with_append_and_not_with_clear(self):
        before = self.ann.updated_at
        self.ann.association("firm").append(self.acme)
        appended = self.ann.updated_at
        self.ann.association("firm").clear()

        assert appended > before
        assert Hand.objects.get(pk=self.ann.pk).updated_at == appended

    def test_find_and_count(self):
        Association([self.ann, self.bob], "firm").append(self.acme, self.bolt)
        self.bolt.delete()

        assert self.ann.association("firm").find().get() == self.acme
        assert self.ann.association("firm").count(name="none") == 0
        assert list(Association([self.ann, self.bob], "firm").find()) == [self.acme]
        assert Association([self.ann, self.bob], "firm").unscoped().count() == 2
        assert Hand.objects.get(pk=self.bob.pk).firm == self.bolt  # a dead target is still the one named

    def test_many_owners_get_one_target_or_each_its_own_in_a_fixed_number_of_statements(self):
        workers = HandFactory.create_batch(150)
        many = EmployerFactory.create_batch(150)

        with self.assertNumQueries(3 + SAVEPOINT):  # updated_at; the keys before; the keys
            same = Association(workers, "firm").append(self.acme, to_all=True)
        with self.assertNumQueries(3 + SAVEPOINT):
            each = Association(workers, "firm").append(*many)

        assert same == Changes(added=150)
        assert each == Changes(added=150, removed=150)
        assert {pk: firm for pk, firm in firms().items() if firm} == {
            worker.pk: firm.pk for worker, firm in zip(workers, many, strict=True)
        }

    def test_a_batch_replace_by_nothing_clears_that_owner(self):
        Association([self.ann, self.bob], "firm").append(self.acme, to_all=True)

        changes = Association([self.ann, self.bob], "firm").replace(self.bolt, [])

        assert changes == Changes(added=1, removed=2)
        assert firms() == {self.ann.pk: self.bolt.pk, self.bob.pk: None}
        assert self.bob.firm is None

    def test_a_dry_run_tells_and_changes_nothing(self):
        Association([self.ann, self.bob], "firm").append(self.acme, to_all=True)
        before = firms()

        changes = Association([self.ann, self.bob], "firm").replace(self.bolt, [], dry_run=True)

        assert changes == Changes(added=1, removed=2)
        assert firms() == before
        assert self.ann.association("firm").replace(Employer(name="new"), dry_run=True) == Changes(added=1, removed=1)

    def test_a_dry_run_knows_what_is_linked_already_and_what_was_not(self):
        self.ann.association("firm").append(self.acme)

        changes = Association([self.ann, self.bob], "firm").replace(self.acme, self.bolt, dry_run=True)

        assert changes == Changes(added=1, kept=1)
        assert changes.pairs is None

    def test_a_dry_run_tells_the_pairs_that_the_verb_then_makes(self):
        both = Association([self.ann, self.bob], "firm")
        both.append(self.acme, to_all=True)

        planned = both.replace(self.bolt, [], dry_run=True, pairs=True)

        assert planned.pairs["added"] == ((self.ann.pk, self.bolt.pk),)
        assert set(planned.pairs["removed"]) == {(self.ann.pk, self.acme.pk), (self.bob.pk, self.acme.pk)}
        made = both.replace(self.bolt, [], pairs=True)
        assert {name: set(pairs) for name, pairs in made.pairs.items()} == {
            name: set(pairs) for name, pairs in planned.pairs.items()
        }

    def test_toggle(self):
        assert self.ann.association("firm").toggle(self.acme) == Changes(added=1)
        assert self.ann.association("firm").toggle(self.acme) == Changes(removed=1)
        assert self.ann.firm is None

    def test_unscoped_deletes_the_previously_linked_target(self):
        self.ann.association("firm").append(self.acme)

        changes = self.ann.association("firm").unscoped().replace(self.bolt)

        assert changes == Changes(added=1, removed=1)
        assert set(Employer._base_manager.all()) == {self.bolt}
        self.ann.association("firm").unscoped().clear()
        assert not Employer._base_manager.exists()

    def test_an_unscoped_batch_replace_deletes_nothing_that_another_owner_gets(self):
        both = Association([self.ann, self.bob], "firm")
        both.append(self.acme, self.bolt)

        assert both.unscoped().replace(self.bolt, self.acme) == Changes(added=2, removed=2)
        assert firms() == {self.ann.pk: self.bolt.pk, self.bob.pk: self.acme.pk}
        assert both.unscoped().replace([], self.bolt) == Changes(added=1, removed=2)
        assert firms() == {self.ann.pk: None, self.bob.pk: self.bolt.pk}
        assert set(Employer._base_manager.all()) == {self.bolt}

    def test_a_target_that_others_name_stays_and_nothing_changes(self):
        Association([self.ann, self.bob], "firm").append(self.acme, to_all=True)

        with pytest.raises(ProtectedError):
            self.ann.association("firm").unscoped().clear()

        assert firms() == {self.ann.pk: self.acme.pk, self.bob.pk: self.acme.pk}
        assert self.ann.firm == self.acme

    def test_the_signal_comes_from_the_owners_model(self):
        with received(association_changed, sender=Hand) as calls:
            self.ann.association("firm").append(self.acme)

        assert calls[0]["added"] == ((self.ann.pk, self.acme.pk),)

    def test_an_error_leaves_objects_as_they_were(self):
        def refuse(**kwargs):
            raise PermissionError

        new = Employer(name="new")
        self.ann.association("firm").append(self.acme)
        association_changed.connect(refuse, sender=Hand)
        try:
            with pytest.raises(PermissionError):
                self.ann.association("firm").append(new)
        finally:
            association_changed.disconnect(refuse, sender=Hand)

        assert new.pk is None
        assert self.ann.firm is self.acme
        assert firms()[self.ann.pk] == self.acme.pk

    def test_guards_come_before_any_sql(self):
        with self.assertNumQueries(0):
            with pytest.raises(PrimaryKeyRequired):
                Association(Hand(name="new"), "firm").append(self.acme)
            with pytest.raises(ValueTypeMismatch):
                self.ann.association("firm").append(self.bob)
            with pytest.raises(ValuesLengthMismatch):
                Association([self.ann, self.bob], "firm").append(self.acme)

    def test_an_owner_that_is_not_stored_any_more_raises(self):
        Hand._base_manager.filter(pk=self.ann.pk)._raw_delete("default")

        with pytest.raises(IntegrityError, match=r"testapp.Hand.firm cannot link: 1 owners are not stored"):
            self.ann.association("firm").append(self.acme)


class NotNullTests(TestCase):
    def test_a_key_that_may_not_be_null_can_be_replaced_and_not_emptied(self):
        ann, bob = HandFactory.create_batch(2)
        contract = Contract.objects.create(title="first", worker=ann)

        assert Association(contract, "worker").replace(bob) == Changes(added=1, removed=1)
        with pytest.raises(IntegrityError, match="'worker' may not be NULL"):
            Association(contract, "worker").clear()  # in the test's transaction, which goes on
        assert contract.worker == bob
        assert Contract.objects.get().worker == bob

    def test_the_error_counts_the_owners_that_would_be_left_without(self):
        ann = HandFactory()
        contracts = [Contract.objects.create(title=title, worker=ann) for title in ("first", "second")]

        text = r"^testapp.Contract.worker cannot be left empty in 2 rows of testapp.Contract: 'worker' may not be NULL"
        with pytest.raises(IntegrityError, match=text):
            Association(contracts, "worker").clear()


class ReferencedColumnTests(TestCase):
    """A letter names its writer by another column than the key."""

    def setUp(self):
        self.ann, self.bob = (Author.objects.create(name=name, code=name.upper()) for name in ("ann", "bob"))
        self.letter = Letter.objects.create(text="x", writer_code="ANN")

    def test_pairs_are_primary_keys(self):
        association = Association(self.letter, "writer")

        planned = association.replace(self.bob, dry_run=True, pairs=True)
        changes = association.replace(self.bob, pairs=True)

        assert changes.pairs == planned.pairs
        assert changes.pairs == {
            "added": ((self.letter.pk, self.bob.pk),),
            "removed": ((self.letter.pk, self.ann.pk),),
            "revived": (),
        }
        assert Letter.objects.get().writer_code == "BOB"

    def test_the_keys_of_targets_are_looked_up_for_pairs_alone(self):
        association = Association(self.letter, "writer")

        with self.assertNumQueries(2):  # what is linked; what goes
            association.replace(self.bob, dry_run=True)
        assert association.clear(pairs=True).pairs["removed"] == ((self.letter.pk, self.ann.pk),)

    def test_the_linked_ones_are_found(self):
        assert list(Association(self.letter, "writer").find()) == [self.ann]

    def test_unscoped_deletes_the_previously_linked_target(self):
        assert Association(self.letter, "writer").unscoped().replace(self.bob) == Changes(added=1, removed=1)
        assert list(Author._base_manager.all()) == [self.bob]


class CompositeTests(TestCase):
    def test_both_columns_of_the_key_are_set_and_emptied(self):
        oslo, bergen = (Site.objects.create(code=code, region=1) for code in ("oslo", "bergen"))
        rooms = RoomFactory.create_batch(3)

        changes = Association(rooms, "site").append(oslo, bergen, oslo)

        assert changes == Changes(added=3)
        assert (rooms[1].site_code, rooms[1].site_region) == ("bergen", 1)
        assert rooms[1].site is bergen
        assert set(Association(rooms, "site").find()) == {oslo, bergen}
        assert Association(rooms, "site").delete(oslo) == Changes(removed=2)
        assert [room.site for room in rooms] == [None, bergen, None]


def test_a_related_managers_task_is_unlinked_from_its_side(db):
    worker = HandFactory()
    task = TaskFactory(worker=worker)

    assert task.association("worker").clear() == Changes(removed=1)
    assert worker.association("tasks").count() == 0
