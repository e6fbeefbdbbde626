"""delete() together with relations: select=."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models.deletion import ProtectedError
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from gorm_assoc.exceptions import UnsupportedRelation
from gorm_assoc.models import ALL
from gorm_assoc.signals import association_changed
from tests.test_hooks_and_signals import received
from tests.test_saving import graph
from tests.testapp.models import (
    Author,
    Branch,
    Crate,
    Crew,
    CrewPilot,
    Essay,
    Flight,
    Gadget,
    Leg,
    Pilot,
    Plane,
    Rating,
    Sticker,
    Tool,
    Wing,
    Worker,
)

LINKS = Pilot.ratings.through


@pytest.fixture(autouse=True)
def _forget_hooks():
    Pilot.calls.clear()
    yield
    Pilot.refuses = Flight.refuses = ""


class DeleteTests(TestCase):
    def setUp(self):
        self.ann = graph()
        self.ann.save()
        self.bob = Pilot.objects.create(name="bob", flights=[Flight(code="bobs")], ratings=list(Rating.objects.all()))

    def test_a_plain_delete_touches_no_relation(self):
        assert self.ann.delete() == (1, {"testapp.Pilot": 1})

        assert Flight.objects.filter(pilot_id=self.ann.pk).count() == 2
        assert LINKS.objects.filter(pilot_id=self.ann.pk).count() == 2

    def test_links_go_and_targets_stay(self):
        total, counts = self.ann.delete(select=["ratings"])

        assert (total, counts) == (3, {LINKS._meta.label: 2, "testapp.Pilot": 1})
        assert Rating.objects.count() == 2
        assert self.bob.ratings.count() == 2

    def test_has_one_and_has_many_targets_go_softly_where_they_can(self):
        self.ann.delete(select=["wing", "flights"])

        assert not Wing.objects.exists()
        assert not Flight.objects.filter(pilot_id=self.ann.pk).exists()
        assert Flight.objects.unscoped().filter(pilot_id=self.ann.pk).count() == 2
        assert self.bob.flights.count() == 1

    def test_all_is_every_relation_and_no_belongs_to(self):
        self.ann.delete(select=ALL)

        assert not Wing.objects.exists()
        assert not Flight.objects.filter(pilot_id=self.ann.pk).exists()
        assert not LINKS.objects.filter(pilot_id=self.ann.pk).exists()
        assert Plane.objects.exists()

    def test_nested_names_go_down(self):
        self.ann.delete(select=["flights.legs", "flights"])

        assert not Leg.objects.exists()
        assert Leg.objects.unscoped().count() == 2

    def test_a_nested_name_alone_does_nothing(self):
        self.ann.delete(select=["flights.legs"])

        assert Leg.objects.count() == 2

    def test_unscoped_deletes_all_of_it_for_good(self):
        Flight.objects.filter(code="a").get().delete()

        self.ann.delete(select=[ALL, "flights.legs"], unscoped=True)

        assert not Pilot.objects.unscoped().filter(name="ann").exists()
        assert list(Flight.objects.unscoped().values_list("code", flat=True)) == ["bobs"]
        assert not Leg.objects.unscoped().exists()

    def test_a_queryset_deletes_along_too(self):
        total, _ = Pilot.objects.filter(name__in=["ann", "bob"]).delete(select=["ratings", "flights"])

        assert total == 2 + 3 + 4
        assert not Flight.objects.exists()
        assert not LINKS.objects.exists()

    def test_a_row_that_is_still_referred_to_is_protected_and_nothing_changes(self):
        with pytest.raises(ProtectedError, match="flights"):
            self.ann.delete(select=["ratings"], unscoped=True)

        assert self.ann.ratings.count() == 2

    def test_a_belongs_to_or_unknown_name_raises(self):
        with pytest.raises(ValueError, match=r"testapp.Pilot.plane cannot be deleted along"):
            self.ann.delete(select=["plane"])
        with pytest.raises(UnsupportedRelation, match="Did you mean 'flights'"):
            self.ann.delete(select=["flight"])

    def test_hooks_run_around_it_and_can_refuse(self):
        Pilot.calls.clear()

        self.ann.delete(select=["flights"])

        assert Pilot.calls == [
            "Pilot.before_delete",
            "Flight.before_delete",
            "Flight.before_delete",
            "Flight.after_delete",
            "Flight.after_delete",
            "Pilot.after_delete",
        ]
        Flight.refuses = "before_delete"
        with pytest.raises(PermissionError):
            self.bob.delete(select=ALL)
        assert self.bob.ratings.count() == 2
        assert Pilot.objects.filter(pk=self.bob.pk).exists()

    def test_the_signal_tells_which_links_went(self):
        with received(association_changed, sender=LINKS) as calls:
            self.ann.delete(select=["ratings"])

        assert len(calls[0]["removed"]) == 2


class QuerysetTests(TestCase):
    def test_what_the_queryset_asks_for_may_go_along(self):
        Pilot.objects.create(name="ann", flights=[Flight(code="a")])

        total, _ = Pilot.objects.filter(flights__code="a").delete(select=["flights"])

        assert total == 2
        assert not Pilot.objects.exists()

    def test_the_number_of_statements_does_not_depend_on_the_rows(self):
        counts = set()
        for size in (1, 30):
            Pilot.objects.create_many(
                Pilot(name=f"size {size}", flights=[Flight(code="a")], ratings=[Rating(name=f"{size}-{number}")])
                for number in range(size)
            )
            with CaptureQueriesContext(connection) as ran:
                total, _ = Pilot.objects.filter(name=f"size {size}").delete(
                    select=["ratings", "flights.legs", "flights"]
                )
            assert total == 3 * size
            counts.add(len(ran))

        assert len(counts) == 1

    def test_an_unscoped_one_deletes_dead_rows_and_what_hangs_on_them(self):
        ann = Pilot.objects.create(name="ann", flights=[Flight(code="a", legs=[Leg(to="rome")])])
        ann.delete(select=[ALL, "flights.legs"])

        Pilot.objects.unscoped().delete(select=[ALL, "flights.legs"])

        assert not Pilot.objects.unscoped().exists()
        assert not Leg.objects.unscoped().exists()

    def test_what_cannot_be_deleted_is_refused_before_anything_goes(self):
        Pilot.objects.create(name="ann", flights=[Flight(code="a")])

        for rows in (Pilot.objects.all()[:1], Pilot.objects.values("name"), Pilot.objects.distinct("name")):
            with pytest.raises(TypeError, match="delete"):
                rows.delete(select=["flights"])

        assert Flight.objects.exists()

    def test_child_tables_die_with_their_parents_column(self):
        Gadget.objects.create(branch=Branch.objects.create())

        Gadget.objects.all().delete(select=ALL)

        assert not Gadget.objects.exists()
        assert Gadget.objects.unscoped().exists()


class FailureTests(TestCase):
    def test_a_hook_that_refuses_afterwards_leaves_the_object_alive(self):
        ann = Pilot.objects.create(name="ann", flights=[Flight(code="a")])
        Pilot.refuses = "after_delete"

        for unscoped in (False, True):
            with pytest.raises(PermissionError):
                ann.delete(select=["flights"], unscoped=unscoped)
            assert (ann.deleted_at, ann.pk) == (None, Pilot.objects.get().pk)

        assert ann.flights.count() == 1


class OtherShapesTests(TestCase):
    def test_links_from_the_other_side_of_a_self_reference_stay(self):
        bob = Pilot(name="bob")
        ann = Pilot.objects.create(name="ann", mates=[bob])
        bob.mates.append(ann)

        ann.delete(select=["mates"])

        assert Pilot.mates.through.objects.get().pilot_id == bob.pk

    def test_a_hard_delete_takes_dead_join_rows_along(self):
        ann, bob = Pilot(name="ann"), Pilot(name="bob")
        crew = Crew.objects.create(name="crew", pilots=[ann, bob])
        crew.pilots.delete(ann)

        crew.delete(select=["pilots"])

        assert not CrewPilot.objects.unscoped().exists()
        assert Pilot.objects.count() == 2

    def test_a_team_goes_with_its_boss_where_all_is_selected(self):
        boss = Worker.objects.create(name="boss", team=[Worker(name="one"), Worker(name="two")])

        boss.delete(select=ALL)

        assert not Worker.objects.exists()

    def test_polymorphic_targets_of_the_own_type_go(self):
        crate, tool = Crate.objects.create(name="crate"), Tool.objects.create(name="tool")
        crate.stickers = [Sticker(text="crates")]
        tool.stickers = [Sticker(text="tools")]
        crate.save()
        tool.save()

        crate.delete(select=["stickers"])

        assert list(Sticker.objects.values_list("text", flat=True)) == ["tools"]

    def test_what_the_database_cascades_is_left_to_it(self):
        ann = Author.objects.create(name="ann", essays=[Essay(title="one")])

        ann.delete(unscoped=True)

        assert not Essay.objects.unscoped().exists()
