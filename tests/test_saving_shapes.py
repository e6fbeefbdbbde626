"""Graphs of every shape: circles, objects met twice, other keys, inherited tables; and what a failure leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django import forms
from django.db import DatabaseError, IntegrityError, transaction
from django.test import TestCase

from gorm_assoc.exceptions import PrimaryKeyRequired, ValueTypeMismatch
from gorm_assoc.signals import association_changed
from tests.test_hooks_and_signals import received
from tests.testapp.models import (
    Article,
    Author,
    Badge,
    Crate,
    Crew,
    CrewPilot,
    Employer,
    Flight,
    Hand,
    Journalist,
    Leg,
    Letter,
    Novel,
    Pilot,
    Plane,
    Rating,
    Remark,
    Room,
    Site,
    Sticker,
    Task,
    Wing,
    Worker,
)

LINKS = Pilot.ratings.through


@pytest.fixture(autouse=True)
def _forget_hooks():
    Pilot.calls.clear()
    yield
    Pilot.refuses = Flight.refuses = ""


class ValuesTests(TestCase):
    def test_create_takes_a_has_one(self):
        ann = Pilot.objects.create(name="ann", wing=Wing(metal="gold"))
        bob, is_new = Pilot.objects.get_or_create(name="bob", defaults={"wing": Wing(metal="tin")})

        assert ann.wing.pilot_id == ann.pk
        assert (is_new, Pilot.objects.get(name="bob").wing.metal) == (True, "tin")

    def test_nothing_given_is_nothing_done(self):
        ann = Pilot.objects.create(name="ann", ratings=[], flights=(), wing=None, plane=None)

        assert (ann.ratings.count(), ann.flights.count()) == (0, 0)
        with pytest.raises(ValueTypeMismatch, match=r"testapp.Pilot.ratings"):
            Pilot(name="bob", ratings=[None]).save()
        with pytest.raises(TypeError, match=r"takes a list, not NoneType"):
            Pilot(name="bob", ratings=None)
        with pytest.raises(TypeError, match=r"takes a list, not ManyRelatedManager. Write .all\(\)"):
            Pilot(name="bob", ratings=ann.ratings)

    def test_none_takes_back_an_assignment_and_removes_nothing(self):
        ann = Pilot.objects.create(name="ann", wing=Wing(metal="gold"))

        ann.wing = Wing(metal="tin")
        ann.wing = None
        ann.save()

        assert ann.wing.metal == "gold"
        assert Wing.objects.count() == 1

    def test_querysets_generators_and_sets(self):
        night = Rating.objects.create(name="night")
        Flight.objects.create(code="a")

        ann = Pilot.objects.create(name="ann", ratings=Rating.objects.all(), flights=Flight.objects.all())
        bob = Pilot.objects.create(name="bob", ratings={night}, flights=(Flight(code=code) for code in "bc"))
        eve = Pilot.objects.create(name="eve", ratings=ann.ratings.all(), flights=[bob.flights.filter(code="b")])

        assert [pilot.ratings.get() for pilot in (ann, bob, eve)] == [night] * 3
        assert [ann.flights.get().code, bob.flights.get().code, eve.flights.get().code] == ["a", "c", "b"]

    def test_a_relation_is_no_lookup_of_get_or_create(self):
        for value in ([Rating(name="night")], Rating.objects.all(), 5):
            with pytest.raises(TypeError, match="cannot look for ratings=. Put it into defaults"):
                Pilot.objects.get_or_create(name="ann", ratings=value)

    def test_a_key_nobody_has_is_stored_beside_a_new_one(self):
        ann = Pilot.objects.create(name="ann", ratings=[Rating(id=500, name="night"), Rating(name="sea")])

        assert Rating.objects.get(name="night").pk == 500
        assert set(ann.ratings.values_list("name", flat=True)) == {"night", "sea"}


class ShapesTests(TestCase):
    def test_a_row_can_name_itself(self):
        boss = Worker(name="boss")
        boss.manager = boss

        boss.save()

        assert Worker.objects.get().manager == boss

    def test_three_that_name_one_another(self):
        ann, bob, eve = (Worker(name=name) for name in ("ann", "bob", "eve"))
        ann.manager, bob.manager, eve.manager = bob, eve, ann

        ann.save()

        assert {one.name: one.manager.name for one in Worker.objects.all()} == {
            "ann": "bob",
            "bob": "eve",
            "eve": "ann",
        }

    def test_an_object_and_the_owner_whose_list_it_stands_in(self):
        for saved in ("owner", "object"):
            ann, flight = Pilot(name=saved), Flight(code=saved)
            ann.flights, flight.pilot = [flight], ann

            (ann if saved == "owner" else flight).save()

            assert Pilot.objects.get(name=saved).flights.get() == flight

    def test_links_to_an_object_that_waits_for_its_own_row(self):
        ann, night = Pilot(name="ann"), Rating(name="night")
        plane = Plane(name="jumbo", chief=Pilot(name="chief", mates=[ann], ratings=[night]))
        ann.plane, night.pilot_set = plane, [ann]

        ann.save()

        assert plane.chief.mates.get() == ann
        assert set(night.pilot_set.values_list("name", flat=True)) == {"ann", "chief"}

    def test_one_object_in_two_relations_of_an_owner(self):
        ann = Pilot(name="ann")
        plane = Plane(name="jumbo", chief=ann)
        plane.pilot_set = [ann]

        plane.save()

        assert Plane.objects.get().chief == ann
        assert Plane.objects.get().pilot_set.get() == ann

    def test_composite_keys(self):
        site = Site(code="a", region=1)
        room = Room(name="hall", site=site)
        site.rooms = [room, Room(name="attic")]

        room.save()
        Site(code="b", region=2, rooms=[Room(name="cellar")]).save(select=["rooms", "rooms.name"])

        assert set(Site.objects.get(code="a").rooms.values_list("name", flat=True)) == {"hall", "attic"}
        assert Room.objects.get(name="cellar").site.code == "b"

    def test_a_target_that_got_its_key_after_the_assignment(self):
        site = Site()
        room = Room(name="hall", site=site)
        site.code, site.region = "a", 1
        site.save()

        room.save()

        assert Room.objects.get().site == site

    def test_polymorphic_targets(self):
        crate = Crate(name="crate", stickers=[Sticker(text="fragile")], label=Sticker(text="1"))

        crate.save(select=["name", "stickers", "stickers.text", "label"])

        assert crate.stickers.get().text == "fragile"
        assert Crate.objects.get().label.text == "1"

    def test_a_reference_to_another_column_than_the_key(self):
        Author.objects.create(name="ann", code="x", letters=[Letter(text="dear")])

        assert Letter.objects.get().writer_code == "x"
        with pytest.raises(PrimaryKeyRequired, match=r"testapp.Author.letters .* no value in 'code'"):
            Author.objects.create(name="bob", letters=[Letter(text="dear")])
        assert Author.objects.count() == 1

    def test_djangos_own_relations_and_the_way_back(self):
        employer = Employer.objects.create(name="mill", hands=[Hand(name="ann"), Hand(name="bob")])
        task = Task.objects.create(title="saw", worker=Hand(name="eve"))
        author = Author.objects.create(name="ann", badge=Badge(number=1))

        assert employer.hands.count() == 2
        assert Task.objects.get().worker.name == task.worker.name == "eve"
        assert Badge.objects.get().holder == author

    def test_a_child_table(self):
        Novel(title="dune", author=Journalist(name="ann")).save()
        Novel.objects.create_many([Novel(title=title, author=Journalist(name=title)) for title in "ab"])

        assert {novel.title: novel.author.name for novel in Novel.objects.all()} == {"dune": "ann", "a": "a", "b": "b"}

    def test_a_join_row_brings_its_ends(self):
        CrewPilot(crew=Crew(name="crew"), pilot=Pilot(name="ann")).save()

        assert Crew.objects.get().pilots.get().name == "ann"

    def test_a_join_row_moves_to_an_end_that_is_saved_along(self):
        row = CrewPilot.objects.create(crew=Crew(name="crew"), pilot=Pilot(name="ann"))

        row.pilot = Pilot(name="bob")
        row.save()

        assert Crew.objects.get().pilots.get().name == "bob"

    def test_related_managers_create_graphs_of_their_owner(self):
        ann = Pilot.objects.create(name="ann")

        ann.flights.create(code="a", legs=[Leg(to="rome")])
        ann.flights.create_many([Flight(code="b", legs=[Leg(to="oslo")]), Flight(code="c")])
        ann.ratings.create_many([Rating(name="night")])

        assert {flight.code: flight.legs.count() for flight in ann.flights.all()} == {"a": 1, "b": 1, "c": 0}
        assert ann.ratings.get().name == "night"

    def test_forms_save_what_waits_and_then_their_own_choice(self):
        class PilotForm(forms.ModelForm):
            class Meta:
                model = Pilot
                fields = ("name", "ratings")

        night = Rating.objects.create(name="night")
        ann = Pilot(flights=[Flight(code="a")], ratings=[Rating(name="sea")])

        PilotForm({"name": "ann", "ratings": [night.pk]}, instance=ann).save()

        assert ann.flights.get().code == "a"
        assert ann.ratings.get() == night


class OptionsTests(TestCase):
    def test_update_fields_saves_only_targets_whose_key_it_names(self):
        ann = Pilot.objects.create(name="ann")
        ann.name, ann.plane = "anna", Plane(name="jumbo")

        ann.save(update_fields=["name"])
        assert not Plane.objects.exists()
        ann.save(update_fields={"plane_id"})

        assert Pilot.objects.get().plane.name == "jumbo"

    def test_force_insert_and_force_update(self):
        ann = Pilot.objects.create(name="ann")
        for save in (
            lambda: Pilot(id=ann.pk, name="bob", ratings=[Rating(name="night")]).save(force_insert=True),
            lambda: Pilot(id=ann.pk + 1, name="bob", ratings=[Rating(name="night")]).save(force_update=True),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                save()
        assert not Rating.objects.exists()

    def test_omit_of_a_keys_column(self):
        plane = Plane.objects.create(name="jumbo")

        Pilot(name="ann", plane=plane).save(omit=["plane_id"])
        Pilot(name="bob", plane=plane).save(omit=["plane"])
        Pilot(name="eve", plane=plane).save(select=["name", "plane_id"])

        assert {one.name: one.plane for one in Pilot.objects.all()} == {"ann": None, "bob": plane, "eve": plane}

    def test_a_selected_child_has_its_key_however_deep(self):
        ann = Pilot(name="ann", flights=[Flight(code="a", legs=[Leg(to="rome")])])

        ann.save(select=["name", "flights.code", "flights", "flights__legs.to", "flights.legs"])

        assert Leg.objects.get().to == "rome"
        assert ann.flights.get().legs.count() == 1

    def test_deferred_columns_are_not_read_to_be_written(self):
        Pilot.objects.create(name="ann", rank="first")
        ann = Pilot.objects.defer("rank").get()
        ann.name = "anna"

        ann.save(omit=["plane"])

        assert "rank" in ann.get_deferred_fields()
        assert list(Pilot.objects.values_list("name", "rank")) == [("anna", "first")]

    def test_full_save_keeps_the_time_of_creation_and_revives_what_is_carried_alive(self):
        ann = Pilot.objects.create(name="ann", flights=[Flight(code="a")])
        flight = ann.flights.get()
        Flight.objects.get().delete()

        ann.flights = [Flight(id=flight.pk, code="z")]
        ann.save(full_save=True)

        stored = Flight.objects.get()
        assert (stored.code, stored.created_at) == ("z", flight.created_at)

    def test_full_save_leaves_other_caches_alone(self):
        article = Article.objects.create(title="old")
        Remark.objects.create(text="yes", subject=article)
        Novel.objects.create(title="dune", author=Journalist(name="ann"))
        article = Article.objects.prefetch_related("remarks").get(title="old")
        novel = Article.objects.select_related("novel", "author").get(title="dune")
        assert novel.novel.pages == 0
        novel.author.name = "bob"

        article.save(full_save=True)
        novel.save(full_save=True)

        assert Journalist.objects.get().name == "bob"

    def test_refresh_from_db_of_some_fields_forgets_only_their_values(self):
        ann = Pilot.objects.create(name="ann")
        ann.ratings, ann.flights = [Rating(name="night")], [Flight(code="a")]

        ann.refresh_from_db(fields=["name", "ratings"])
        ann.save()

        assert (ann.ratings.count(), ann.flights.count()) == (0, 1)


class OtherDatabaseTests(TestCase):
    databases = {"default", "other"}

    def test_a_graph_goes_to_the_database_that_is_asked_for(self):
        ann = Pilot(name="ann", plane=Plane(name="jumbo"), flights=[Flight(code="a")], ratings=[Rating(name="night")])

        ann.save(using="other")
        Pilot.objects.using("other").create(name="bob", ratings=Rating.objects.using("other").all())
        Pilot.objects.using("other").create_many([Pilot(name="eve", wing=Wing(metal="tin"))])

        assert {one._state.db for one in (ann, ann.plane)} == {"other"}
        assert ann.flights.get()._state.db == "other"
        assert Rating.objects.using("other").get().pilot_set.count() == 2
        assert [model.objects.count() for model in (Pilot, Rating, Wing, Flight)] == [0] * 4

        ann.delete(using="other", select=["flights", "ratings"])

        assert not Flight.objects.using("other").exists()
        assert Rating.objects.using("other").get().pilot_set.count() == 1


class FailureTests(TestCase):
    def test_a_taken_unique_value_names_column_and_relation(self):
        Rating.objects.create(name="night")
        Author.objects.create(name="ann", badge=Badge(number=1))
        pilot = Pilot.objects.create(name="ann")
        author = Author.objects.get()
        author.badge = Badge(number=2)

        for relation, column, store in (
            ("Pilot.ratings", "name", lambda: Pilot(name="bob", ratings=[Rating(name="night")]).save()),
            ("Pilot.ratings", "name", lambda: pilot.ratings.append(Rating(name="night"))),
            ("Author.badge", "holder_id", author.save),
        ):
            with (
                self.subTest(relation),
                pytest.raises(IntegrityError, match=rf"testapp.{relation} cannot be saved: .*{column}") as error,
                transaction.atomic(),
            ):
                store()
            assert error.value.__cause__ is not None  # the driver's own error
        assert Pilot.objects.count() == 1

    def test_a_failure_deep_down_leaves_every_object_as_it_was(self):
        leg, flight = Leg(to="rome"), Flight(code="a")
        flight.legs = [leg]
        ann = Pilot(name="ann", plane=Plane(name="jumbo"), wing=Wing(metal="tin"), flights=[flight])
        Flight.refuses = "after_save"

        with pytest.raises(PermissionError):
            ann.save()

        objects = (ann, ann.plane, ann.wing, flight, leg)
        assert [one.pk for one in objects] == [None] * 5
        assert all(one._state.adding for one in objects)
        assert (ann.plane_id, ann.wing.pilot_id, flight.pilot_id, leg.flight_id) == (None,) * 4
        assert (ann.created_at, flight.created_at) == (None, None)
        Flight.refuses = ""
        ann.save()
        assert ann.flights.get().legs.get() == leg

    def test_a_failed_update_can_be_done_again(self):
        ann = Pilot.objects.create(name="ann")
        changed = ann.updated_at
        ann.flights = [Flight(code="a")]
        Pilot.refuses = "after_update"

        with pytest.raises(PermissionError):
            ann.save()

        assert ann.updated_at == changed
        Pilot.refuses = ""
        ann.save()
        assert ann.flights.count() == 1

    def test_a_failed_verb_takes_back_the_keys_of_nested_objects(self):
        ann, inner = Pilot.objects.create(name="ann"), Pilot(name="inner")
        night = Rating(name="night")
        night.pilot_set = [inner]

        def refuse(**_: object) -> None:
            raise PermissionError

        association_changed.connect(refuse, sender=LINKS)
        try:
            with pytest.raises(PermissionError):
                ann.ratings.append(night)
        finally:
            association_changed.disconnect(refuse, sender=LINKS)

        assert (night.pk, inner.pk) == (None, None)
        ann.ratings.append(night)
        assert set(night.pilot_set.values_list("name", flat=True)) == {"ann", "inner"}

    def test_what_a_hook_assigns_before_the_row_is_stored_is_saved(self):
        def before_create(self: Pilot) -> None:
            self.plane, self.flights = Plane(name="jumbo"), [Flight(code="a")]

        original, Pilot.before_create = Pilot.before_create, before_create
        try:
            ann = Pilot.objects.create(name="ann")
        finally:
            Pilot.before_create = original

        assert (ann.plane.name, ann.flights.get().code) == ("jumbo", "a")

    def test_m2m_receivers_are_told_once_of_links_made_late(self):
        ann, bob = Pilot(name="ann"), Pilot(name="bob")
        ann.mates, bob.mates = [bob], [ann]

        with received(association_changed, sender=Pilot.mates.through) as calls:
            ann.save()

        assert sorted(pair for call in calls for pair in call["added"]) == sorted([(ann.pk, bob.pk), (bob.pk, ann.pk)])


def test_hand_written_times_are_kept(db):
    then = datetime(2020, 1, 1, tzinfo=UTC)

    ann = Pilot.objects.create(name="ann", flights=[Flight(code="a", deleted_at=then)])

    assert ann.flights.count() == 0
    assert Flight.objects.unscoped().get().deleted_at == then
