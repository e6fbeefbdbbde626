"""Saving objects together with what is assigned to their relations."""

from __future__ import annotations

import copy
import pickle

import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, connection, transaction
from django.test import TestCase, TransactionTestCase

from gorm_assoc.exceptions import UnsupportedRelation, ValueTypeMismatch
from gorm_assoc.models import ALL
from gorm_assoc.signals import association_changed
from tests.test_hooks_and_signals import received
from tests.testapp.models import Flight, Leg, Member, Pilot, Plane, Rating, Wing

TRANSACTION = 2  # SAVEPOINT and RELEASE, inside the test's transaction
# MariaDB reads the pairs before it inserts links.
MYSQL = connection.vendor == "mysql"


@pytest.fixture(autouse=True)
def _forget_hooks():
    Pilot.calls.clear()
    yield
    Pilot.refuses = Flight.refuses = ""


def graph(**kwargs) -> Pilot:
    return Pilot(
        name="ann",
        plane=Plane(name="jumbo"),
        wing=Wing(metal="gold"),
        flights=[Flight(code="a", legs=[Leg(to="rome"), Leg(to="oslo")]), Flight(code="b")],
        ratings=[Rating(name="night"), Rating(name="sea")],
        **kwargs,
    )


class CreateTests(TestCase):
    def test_a_graph_is_stored_with_its_keys(self):
        ann = graph()

        ann.save()

        ann = Pilot.objects.get()
        assert ann.plane.name == "jumbo"
        assert ann.wing.metal == "gold"
        assert {flight.code: flight.legs.count() for flight in ann.flights.all()} == {"a": 2, "b": 0}
        assert set(ann.ratings.values_list("name", flat=True)) == {"night", "sea"}

    def test_objects_know_each_other_afterwards(self):
        ann = graph()
        flight, plane = Flight(code="c"), ann.plane
        ann.flights = [flight]

        ann.save()

        with self.assertNumQueries(0):
            assert ann.plane is plane
            assert ann.plane_id == plane.pk
            assert flight.pilot is ann
            assert ann.wing.pilot_id == ann.pk

    def test_create_takes_relations(self):
        ann = Pilot.objects.create(
            name="ann", ratings=[Rating(name="night")], plane=Plane(name="jumbo"), wing=Wing(metal="gold")
        )

        assert Wing.objects.get().pilot_id == ann.pk
        assert ann.ratings.get().name == "night"
        assert Plane.objects.get().name == "jumbo"

    def test_a_graph_is_one_statement_a_class_and_one_for_links(self):
        ann = graph()

        # planes, pilots, wings, flights, legs, ratings, links
        with self.assertNumQueries(7 + TRANSACTION + MYSQL):
            ann.save()

    def test_stored_targets_are_linked_and_not_written(self):
        night, plane = Rating.objects.create(name="night"), Plane.objects.create(name="jumbo")
        night.name, plane.name = "changed", "changed"

        Pilot(name="ann", ratings=[night, night.pk], plane=plane).save()

        ann = Pilot.objects.get()
        assert ann.ratings.get().name == "night"
        assert ann.plane.name == "jumbo"

    def test_a_stored_child_moves_and_keeps_its_columns(self):
        flight = Flight.objects.create(code="a", pilot=Pilot.objects.create(name="bob"))
        flight.code = "changed"

        ann = Pilot.objects.create(name="ann", flights=[flight])

        assert list(Flight.objects.values_list("code", "pilot_id")) == [("a", ann.pk)]

    def test_full_save_writes_what_stored_targets_carry(self):
        night, flight = Rating.objects.create(name="night"), Flight.objects.create(code="a")
        night.name, flight.code = "dark", "z"
        ann = Pilot(name="ann", ratings=[night], flights=[flight])

        ann.save(full_save=True)

        assert ann.ratings.get().name == "dark"
        assert ann.flights.get().code == "z"

    def test_dicts_and_keys_are_values_too(self):
        night = Rating.objects.create(name="night")

        ann = Pilot.objects.create(name="ann", ratings=[night.pk, {"name": "sea"}])

        assert set(ann.ratings.values_list("name", flat=True)) == {"night", "sea"}

    def test_one_object_reached_twice_is_stored_once(self):
        night, plane = Rating(name="night"), Plane(name="jumbo")
        bob = Pilot(name="bob", ratings=[night], plane=plane)

        Pilot(name="ann", ratings=[night], plane=plane, mates=[bob]).save()

        assert Rating.objects.count() == 1
        assert Plane.objects.count() == 1
        assert set(Rating.objects.get().pilot_set.values_list("name", flat=True)) == {"ann", "bob"}

    def test_circles_end(self):
        ann, bob = Pilot(name="ann"), Pilot(name="bob")
        ann.mates, bob.mates = [bob], [ann]

        ann.save()

        assert list(ann.mates.all()) == [bob]
        assert list(bob.mates.all()) == [ann]

    def test_keys_that_lead_round_in_a_circle_are_both_stored(self):
        ann, plane = Pilot(name="ann"), Plane(name="jumbo")
        ann.plane, plane.chief = plane, ann

        ann.save()

        assert Plane.objects.get().chief == ann
        assert Pilot.objects.get().plane == plane
        assert plane.chief is ann

    def test_values_of_a_wrong_type_raise_before_any_sql(self):
        with pytest.raises(TypeError, match=r"testapp.Pilot.ratings takes a list, not Rating"):
            Pilot(name="ann", ratings=Rating(name="night"))
        with pytest.raises(ValueTypeMismatch, match="ratings"):
            Pilot(name="ann", ratings=[Plane(name="jumbo")]).save()
        with pytest.raises(TypeError):
            Pilot(name="ann", nothing=[])
        with pytest.raises(TypeError):
            Member(name="no mixin", clubs=[])

    def test_a_clash_on_a_unique_column_names_it_and_leaves_nothing(self):
        Rating.objects.create(name="night")
        ann = graph()
        night = ann.__dict__["_pending_associations"]["ratings"][0]

        with pytest.raises(IntegrityError, match="name|night"), transaction.atomic():
            ann.save()

        assert not Pilot.objects.exists()
        assert ann.pk is None
        assert night.pk is None
        assert ann.plane.pk is None
        assert ann.plane_id is None
        night.name = "day"
        ann.save()
        assert ann.ratings.count() == 2

    def test_m2m_changes_are_announced(self):
        with received(association_changed, sender=Pilot.ratings.through) as calls:
            ann = Pilot.objects.create(name="ann", ratings=[Rating(name="night")])

        assert [pair[0] for pair in calls[0]["added"]] == [ann.pk]


class UpdateTests(TestCase):
    def setUp(self):
        self.ann = graph()
        self.ann.save()
        self.ann = Pilot.objects.get()

    def test_assignment_adds_and_never_removes(self):
        self.ann.ratings = [Rating(name="ice")]
        self.ann.flights = [Flight(code="c")]
        self.ann.name = "anna"

        self.ann.save()

        assert Pilot.objects.get().name == "anna"
        assert self.ann.ratings.count() == 3
        assert self.ann.flights.count() == 3

    def test_another_has_one_leaves_the_old_one_there_and_is_the_one(self):
        self.ann.wing = Wing(metal="silver")

        self.ann.save()

        assert Wing.objects.filter(pilot_id=self.ann.pk).count() == 2
        assert Pilot.objects.get().wing.metal == "silver"

    def test_what_is_loaded_and_untouched_is_not_sent_again(self):
        ann = Pilot.objects.prefetch_related("ratings", "flights").select_related("plane").get()

        with self.assertNumQueries(1 + TRANSACTION):
            ann.save()

    def test_full_save_writes_what_is_loaded(self):
        ann = Pilot.objects.prefetch_related("flights").select_related("plane").get()
        ann.plane.name, ann.flights.all()[0].code = "tiny", "z"

        ann.save(full_save=True)

        assert Plane.objects.get().name == "tiny"
        assert Flight.objects.filter(code="z").exists()

    def test_nothing_waits_after_a_save(self):
        self.ann.ratings = [Rating(name="ice")]
        self.ann.save()
        self.ann.ratings.clear()

        self.ann.save()

        assert not self.ann.ratings.exists()

    def test_update_fields_while_something_waits_raises(self):
        self.ann.ratings = [Rating(name="ice")]

        with pytest.raises(ValueError, match=r"testapp.Pilot.save\(\) got update_fields, but also 'ratings'"):
            self.ann.save(update_fields=["name"])

    def test_refresh_from_db_forgets_what_waits(self):
        self.ann.ratings = [Rating(name="ice")]

        self.ann.refresh_from_db()
        self.ann.save()

        assert self.ann.ratings.count() == 2

    def test_deferred_columns_stay_as_they_are(self):
        ann = Pilot.objects.only("name").get()
        ann.ratings = [Rating(name="ice")]

        ann.save()

        assert Pilot.objects.get().rank == "second"
        assert ann.ratings.count() == 3


class SelectTests(TestCase):
    def test_select_of_columns_leaves_the_rest_at_their_defaults(self):
        ann = graph(rank="first")

        ann.save(select=["name"])

        stored = Pilot.objects.get()
        assert (stored.name, stored.rank, stored.plane) == ("ann", "second", None)
        assert stored.created_at is not None
        assert not Rating.objects.exists()
        assert ann.rank == "first"
        ann.save()  # what was left out still waits
        assert ann.ratings.count() == 2
        assert Pilot.objects.get().rank == "first"

    def test_select_of_a_belongs_to_writes_its_key(self):
        graph().save(select=["name", "plane"])

        assert Pilot.objects.get().plane.name == "jumbo"
        assert not Flight.objects.exists()

    def test_select_of_a_relation_saves_its_targets_whole_and_not_theirs(self):
        graph().save(select=["name", "flights"])

        assert set(Flight.objects.values_list("code", "seats")) == {("a", 1), ("b", 1)}
        assert not Leg.objects.exists()

    def test_select_of_a_relations_column_writes_it_and_the_key(self):
        ann = Pilot(name="ann", flights=[Flight(code="a", seats=9)])

        ann.save(select=["name", "flights", "flights.code"])

        assert list(Flight.objects.values_list("code", "seats", "pilot_id")) == [("a", 1, ann.pk)]

    def test_select_of_nested_relations(self):
        graph().save(select=["name", "flights", "flights.code", "flights.legs"])

        assert Leg.objects.count() == 2

    def test_a_column_of_a_relation_that_is_not_selected_saves_nothing_of_it(self):
        graph().save(select=["name", "flights.code"])

        assert not Flight.objects.exists()

    def test_select_all_is_every_relation_and_no_column(self):
        graph().save(select=ALL)

        ann = Pilot.objects.get()
        assert ann.name == ""
        assert ann.plane.name == "jumbo"
        assert ann.ratings.count() == 2
        assert not Leg.objects.exists()

    def test_omit_of_relations_and_columns(self):
        graph(rank="first").save(omit=["rank", "plane", "ratings", "flights.legs", "flights.seats"])

        ann = Pilot.objects.get()
        assert (ann.rank, ann.plane) == ("second", None)
        assert not Rating.objects.exists()
        assert ann.flights.count() == 2
        assert not Leg.objects.exists()

    def test_omit_all_is_the_row_alone(self):
        graph().save(omit=ALL)

        assert Pilot.objects.get().name == "ann"
        assert not Flight.objects.exists()
        assert not Plane.objects.exists()

    def test_omit_of_targets_makes_links_to_stored_ones(self):
        night = Rating.objects.create(name="night")

        Pilot(name="ann", ratings=[night]).save(omit=["ratings.*"])

        assert Pilot.objects.get().ratings.get() == night
        with pytest.raises(ValueError, match=r"testapp.Pilot.ratings is saved without its targets"):
            Pilot(name="bob", ratings=[Rating(name="sea")]).save(omit="ratings.*")

    def test_select_on_an_update_writes_these_columns(self):
        ann = Pilot.objects.create(name="ann", rank="first")
        ann.name, ann.rank = "anna", "third"

        ann.save(select=["name"])

        assert list(Pilot.objects.values_list("name", "rank")) == [("anna", "first")]

    def test_an_unknown_name_raises_with_the_nearest(self):
        with pytest.raises(UnsupportedRelation, match="Did you mean 'ratings'"):
            Pilot(name="ann").save(select=["rating"])
        with pytest.raises(UnsupportedRelation, match="Did you mean 'code'"):
            Pilot(name="ann").save(omit=["flights.cod"])


class CreateManyTests(TestCase):
    def test_a_graph_takes_the_same_number_of_statements_however_many_objects(self):
        def pilots(count: int) -> list[Pilot]:
            plane = Plane(name="shared")
            return [
                Pilot(
                    name=f"p{number}",
                    plane=plane,
                    wing=Wing(metal=f"{count}"),
                    flights=[Flight(code=f"{count}-{number}-{n}", legs=[Leg(to="x")]) for n in range(3)],
                    ratings=[Rating(name=f"{count}-{number}-{n}") for n in range(3)],
                )
                for number in range(count)
            ]

        for count in (1, 40):
            with self.subTest(count), self.assertNumQueries(7 + TRANSACTION + MYSQL):
                created = Pilot.objects.create_many(pilots(count))
            assert all(pilot.pk for pilot in created)
            assert created[-1].flights.count() == 3
            assert created[-1].ratings.count() == 3
        assert Plane.objects.count() == 2
        assert Leg.objects.count() == 3 + 120

    def test_bulk_create_with_relations_raises(self):
        with pytest.raises(ValueError, match=r"bulk_create\(\) of testapp.Pilot would lose .* 'ratings'"):
            Pilot.objects.bulk_create([Pilot(name="ann", ratings=[Rating(name="night")])])

    def test_get_or_create_takes_relations_as_defaults_only(self):
        ann, is_new = Pilot.objects.get_or_create(name="ann", defaults={"ratings": [Rating(name="night")]})
        again, is_new_again = Pilot.objects.get_or_create(name="ann", defaults={"ratings": [Rating(name="sea")]})
        changed, _ = Pilot.objects.update_or_create(name="ann", defaults={"ratings": [Rating(name="ice")]})

        assert (is_new, is_new_again) == (True, False)
        assert set(ann.ratings.values_list("name", flat=True)) == {"night", "ice"}
        with pytest.raises(TypeError, match="Put it into defaults"):
            Pilot.objects.get_or_create(name="bob", ratings=[Rating(name="sea")])


class CopyTests(TestCase):
    def test_copies_have_waiting_lists_of_their_own(self):
        ann = Pilot(name="ann", ratings=[Rating(name="night")])

        for twin in (copy.copy(ann), copy.deepcopy(ann), pickle.loads(pickle.dumps(ann))):
            twin.ratings = []
            twin.save()
            assert not twin.ratings.exists()
        ann.save()
        assert ann.ratings.count() == 1


class HookTests(TestCase):
    def test_hooks_run_in_gorms_order(self):
        Pilot(name="ann", flights=[Flight(code="a")]).save()

        assert Pilot.calls == [
            "Pilot.before_save",
            "Pilot.before_create",
            "Flight.before_save",
            "Flight.before_create",
            "Flight.after_create",
            "Flight.after_save",
            "Pilot.after_create",
            "Pilot.after_save",
        ]

    def test_a_target_that_is_only_linked_has_no_hooks(self):
        flight = Flight.objects.create(code="a")
        Pilot.calls.clear()

        Pilot(name="ann", flights=[flight, Flight(code="b")]).save()

        assert Pilot.calls.count("Flight.before_create") == 1

    def test_an_update_has_hooks_of_its_own(self):
        ann = Pilot.objects.create(name="ann")
        Pilot.calls.clear()

        ann.save()

        assert Pilot.calls == [f"Pilot.{hook}" for hook in "before_save before_update after_update after_save".split()]

    def test_a_verb_calls_the_hooks_of_new_targets(self):
        ann = Pilot.objects.create(name="ann")
        Pilot.calls.clear()

        ann.flights.append(Flight(code="a", legs=[Leg(to="rome")]))

        assert Pilot.calls[:2] == ["Flight.before_save", "Flight.before_create"]
        assert Leg.objects.count() == 1

    def test_an_exception_anywhere_leaves_nothing(self):
        for model, hook in ((Pilot, "after_save"), (Flight, "before_create"), (Flight, "after_create")):
            with self.subTest(hook):
                model.refuses = hook
                ann = graph()

                with pytest.raises(PermissionError):
                    ann.save()

                model.refuses = ""
                assert not Pilot.objects.exists()
                assert not Plane.objects.exists()
                assert ann.pk is None
                assert ann.plane.pk is None
                assert ann._state.adding
                ann.save()
                assert ann.ratings.count() == 2
                Pilot.objects.all().delete(select=[ALL, "flights.legs"], unscoped=True)
                Rating.objects.all().delete(unscoped=True)
                Plane.objects.all().delete(unscoped=True)


class AsyncTests(TransactionTestCase):
    async def test_asave_and_acreate_many(self):
        ann = graph()

        await ann.asave()
        await Pilot.objects.acreate_many([Pilot(name="bob", ratings=[Rating(name="ice")])])

        assert await sync_to_async(ann.ratings.count)() == 2
        assert await Pilot.objects.acount() == 2
