"""What a queryset writes: graphs, deletes along relations, and where."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import TestCase, override_settings

from gorm_assoc.exceptions import UnsupportedRelation
from tests.testapp.models import Crew, Flight, Pilot, Plane, Rating, Wing


class ReadsElsewhere:
    """A router: reads go to another database, writes to the usual one."""

    def db_for_read(self, model, **hints):
        return "other"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, one, other, **hints):
        return True


def graph(name, **more):
    return Pilot(name=name, ratings=[Rating(name=f"{name}'s")], flights=[Flight(code=f"{name}'s")], **more)


class CreateTests(TestCase):
    databases = {"default", "other"}

    def test_goes_to_the_database_that_is_named(self):
        with self.assertNumQueries(0, using="default"):
            ann = Pilot.objects.using("other").create(name="ann", wing=Wing(metal="gold"))

        assert Pilot.objects.using("other").get() == ann
        assert Wing.objects.using("other").get().pilot_id == ann.pk

    def test_never_overwrites(self):
        ann = Pilot.objects.create(name="ann")

        with pytest.raises(IntegrityError), transaction.atomic():
            Pilot.objects.create(pk=ann.pk, name="bob", wing=Wing(metal="gold"))

        assert Pilot.objects.get().name == "ann"


class CreateManyTests(TestCase):
    def test_select_names_what_is_stored(self):
        ann, bob = Pilot.objects.create_many([graph("ann"), graph("bob")], select=["name", "ratings"])

        assert [(pilot.ratings.count(), pilot.flights.count()) for pilot in (ann, bob)] == [(1, 0), (1, 0)]

    def test_omit_names_what_is_not(self):
        Pilot.objects.create_many([graph("ann", rank="first"), graph("bob", rank="first")], omit=["rank", "flights"])

        assert Rating.objects.count() == 2
        assert not Flight.objects.exists()
        assert not Pilot.objects.filter(rank="first").exists()

    def test_a_wrong_name_is_told(self):
        with pytest.raises(UnsupportedRelation, match="testapp.Pilot has no relation 'rating'"):
            Pilot.objects.create_many([graph("ann")], omit=["rating"])

    def test_stored_targets_are_written_only_if_asked_for(self):
        plane = Plane.objects.create(name="jumbo")
        plane.name = "jet"

        Pilot.objects.create_many([Pilot(name="ann", plane=plane)])
        assert Plane.objects.get().name == "jumbo"

        Pilot.objects.create_many([Pilot(name="bob", plane=plane)], full_save=True)
        assert Plane.objects.get().name == "jet"

    def test_objects_of_another_model_are_refused(self):
        with pytest.raises(TypeError) as caught:
            Pilot.objects.create_many([Pilot(name="ann"), Flight(code="a")])

        assert str(caught.value) == "create_many() of testapp.Pilot got Flight objects."
        assert not Pilot.objects.exists()

    async def test_awaited(self):
        ann, bob = await Pilot.objects.acreate_many([graph("ann"), graph("bob")], omit=["flights"])

        assert [await pilot.ratings.acount() for pilot in (ann, bob)] == [1, 1]
        assert not await Flight.objects.aexists()


class BulkCreateTests(TestCase):
    def test_takes_what_djangos_takes(self):
        ratings = [Rating(name=name) for name in "abc"]

        with self.assertNumQueries(3):
            Rating.objects.bulk_create(ratings, 1)
        Rating.objects.bulk_create([Rating(name="a"), Rating(name="d")], ignore_conflicts=True)

        assert Rating.objects.count() == 4
        with pytest.raises(IntegrityError):
            Rating.objects.bulk_create([Rating(name="a")])

    def test_every_relation_that_would_be_lost_is_named(self):
        with pytest.raises(ValueError, match="would lose") as caught:
            Pilot.objects.bulk_create([graph("ann")])

        assert str(caught.value) == (
            "bulk_create() of testapp.Pilot would lose what is assigned to 'ratings', 'flights'. Use create_many()."
        )


class GetOrCreateTests(TestCase):
    def test_a_relation_among_the_lookups_is_told_with_the_method(self):
        for method in ("get_or_create", "update_or_create"):
            with pytest.raises(TypeError) as caught:
                getattr(Pilot.objects, method)(name="ann", ratings=[])

            message = f"{method}() of testapp.Pilot cannot look for ratings=. Put it into defaults."
            assert str(caught.value) == message

    def test_what_is_only_for_a_new_object_is_not_written_to_a_stored_one(self):
        new = {"name": "ann", "rank": "new", "ratings": [Rating(name="night")]}

        ann, is_new = Pilot.objects.update_or_create({"rank": "first"}, new, name="ann")
        again, is_new_again = Pilot.objects.update_or_create({"rank": "first"}, new, name="ann")

        assert (is_new, is_new_again) == (True, False)
        assert (ann.rank, again.rank) == ("new", "first")
        assert ann.ratings.get().name == "night"


class DeleteTests(TestCase):
    def test_the_queryset_can_be_read_again(self):
        Pilot.objects.create(name="ann")
        pilots = Pilot.objects.all()
        assert len(pilots) == 1

        pilots.delete()
        bob = Pilot.objects.create(name="bob")

        assert list(pilots) == [bob]

    async def test_awaited_along_relations(self):
        await graph("ann").asave()

        await Pilot.objects.all().adelete(select=["flights"])

        assert not await Flight.objects.aexists()


class RouterTests(TestCase):
    """What is written goes to the database for writing, whatever reads are sent to."""

    databases = {"default", "other"}

    def setUp(self):
        routed = override_settings(DATABASE_ROUTERS=["tests.test_query_writes.ReadsElsewhere"])
        routed.enable()
        self.addCleanup(routed.disable)

    def stored(self, model):
        return [model.objects.using(name).count() for name in ("default", "other")]

    def test_create(self):
        with self.assertNumQueries(0, using="other"):
            Pilot.objects.create(name="ann", wing=Wing(metal="gold"))

        assert self.stored(Pilot) == self.stored(Wing) == [1, 0]

    def test_create_many(self):
        with self.assertNumQueries(0, using="other"):
            Pilot.objects.create_many([graph("ann"), graph("bob")])

        assert self.stored(Pilot) == self.stored(Rating) == [2, 0]

    def test_delete(self):
        for name in ("default", "other"):
            Pilot.objects.using(name).create(name="ann", flights=[Flight(code="a")])

        with self.assertNumQueries(0, using="other"):
            Pilot.objects.all().delete(select=["flights"])
        assert self.stored(Pilot) == self.stored(Flight) == [0, 1]

        with self.assertNumQueries(0, using="default"):
            Pilot.objects.using("other").delete()
        assert self.stored(Pilot) == [0, 0]

    def test_delete_of_what_goes_for_good(self):
        for name in ("default", "other"):
            Crew.objects.using(name).create(name="night")

        Crew.objects.all().delete()

        assert self.stored(Crew) == [0, 1]
