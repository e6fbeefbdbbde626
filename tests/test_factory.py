"""Factories that take associations in a line."""

from __future__ import annotations

import factory
import pytest
from django.test import TestCase

from gorm_assoc.exceptions import UnsupportedRelation
from gorm_assoc.factory import Associated, AssociationFactory
from tests.testapp import models as testapp
from tests.testapp.models import Crew, Flight, Leg, Pilot, Plane, Rating, Wing


class RatingFactory(AssociationFactory):
    class Meta:
        model = Rating
        django_get_or_create = ("name",)

    name = factory.Sequence("rating{}".format)


class LegFactory(AssociationFactory):
    class Meta:
        model = Leg

    to = "rome"


class FlightFactory(AssociationFactory):
    class Meta:
        model = Flight

    code = factory.Sequence("f{}".format)
    legs = Associated(LegFactory, size=1)


class PilotFactory(AssociationFactory):
    class Meta:
        model = Pilot

    name = factory.Sequence("pilot{}".format)
    ratings = Associated(RatingFactory)
    flights = Associated(f"{__name__}.FlightFactory", seats=4)
    wing = Associated(f"{__name__}.WingFactory")
    plane = Associated(f"{__name__}.PlaneFactory")


class WingFactory(AssociationFactory):
    class Meta:
        model = Wing

    metal = "tin"


class PlaneFactory(AssociationFactory):
    class Meta:
        model = Plane

    name = "jumbo"


class CrewFactory(AssociationFactory):
    class Meta:
        model = Crew

    name = "crew"
    pilots = Associated(PilotFactory)


class CreateTests(TestCase):
    def test_nothing_is_made_if_nobody_asks(self):
        ann = PilotFactory()

        assert (ann.ratings.count(), ann.flights.count(), ann.plane) == (0, 0, None)

    def test_a_number_makes_as_many(self):
        ann = PilotFactory(ratings=2, flights=3, wing=1, plane=True)

        assert (ann.ratings.count(), ann.flights.count()) == (2, 3)
        assert (ann.wing.metal, ann.plane.name) == ("tin", "jumbo")
        assert Pilot.objects.get().plane == ann.plane

    def test_objects_and_dicts_are_taken_as_they_are(self):
        night = RatingFactory(name="night")

        ann = PilotFactory(ratings=[night, {"name": "sea"}, Rating(name="ice")], wing=Wing(metal="gold"))
        bob = PilotFactory(ratings=night, wing=None)

        assert set(ann.ratings.values_list("name", flat=True)) == {"night", "sea", "ice"}
        assert ann.wing.metal == "gold"
        assert bob.ratings.get() == night

    def test_arguments_for_the_targets(self):
        ann = PilotFactory(flights=2, flights__code="x", wing__metal="gold")

        assert set(ann.flights.values_list("code", "seats")) == {("x", 4)}
        assert ann.wing.metal == "gold"

    def test_the_targets_factories_have_associations_of_their_own(self):
        ann = PilotFactory(flights=2, flights__legs=3)
        crew = CrewFactory(pilots=2, pilots__ratings=1, pilots__ratings__name="night")

        assert [flight.legs.count() for flight in ann.flights.all()] == [3, 3]
        assert [pilot.ratings.get().name for pilot in crew.pilots.all()] == ["night", "night"]
        assert Rating.objects.count() == 1

    def test_batches(self):
        crews = CrewFactory.create_batch(2, pilots=2)

        assert [crew.pilots.count() for crew in crews] == [2, 2]

    def test_a_key_that_may_not_be_null_is_there_from_the_start(self):
        class ContractFactory(AssociationFactory):
            class Meta:
                model = testapp.Contract

            title = "one"

        class HandFactory(AssociationFactory):
            class Meta:
                model = testapp.Hand

            contracts = Associated(ContractFactory)

        assert HandFactory(contracts=2).contracts.count() == 2


class BuildTests(TestCase):
    def test_built_objects_are_stored_by_save(self):
        ann = PilotFactory.build(ratings=2, flights=1, wing=1, plane=1)

        assert not Pilot.objects.exists()
        assert not Rating.objects.exists()
        ann.save()

        assert (ann.ratings.count(), ann.flights.get().legs.count()) == (2, 1)
        assert (ann.wing.metal, ann.plane.name) == ("tin", "jumbo")

    def test_build_batch_and_create_many(self):
        pilots = Pilot.objects.create_many(PilotFactory.build_batch(3, flights=2))

        assert [pilot.flights.count() for pilot in pilots] == [2, 2, 2]

    def test_a_stub_has_none(self):
        assert not hasattr(PilotFactory.stub(ratings=2), "ratings")


class MistakeTests(TestCase):
    def test_what_is_no_target(self):
        for value in ("two", 2.5, [2]):
            with self.subTest(value), pytest.raises(TypeError, match="ratings= takes a number, targets or dicts"):
                PilotFactory(ratings=value)

    def test_what_is_no_relation(self):
        class WrongFactory(AssociationFactory):
            class Meta:
                model = Pilot

            rating = Associated(RatingFactory, size=1)

        with pytest.raises(UnsupportedRelation, match="Did you mean 'ratings'"):
            WrongFactory()
