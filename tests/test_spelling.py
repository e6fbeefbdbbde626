"""Text keys that differ in case alone, where the database calls them equal: one key, one link, exact numbers."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from unittest import mock

import pytest
from django.db import connection, connections
from django.db.models.signals import m2m_changed
from django.test import TestCase

from gorm_assoc.kinds import spelling
from gorm_assoc.kinds.conditions import Columns
from gorm_assoc.models import Association, AssociationQuerySet, Changes, preload
from gorm_assoc.signals import association_changed
from tests.testapp.models import Airport, Country, Topic, Traveller, Trunk, Visit

MYSQL = connection.vendor == "mysql"
LOCK = 1 if connection.features.has_select_for_update else 0  # SELECT ... FOR UPDATE of the owner


@contextmanager
def heard(signal, sender):
    told = []

    def receiver(**kwargs):
        told.append(kwargs)

    signal.connect(receiver, sender=sender)
    try:
        yield told
    finally:
        signal.disconnect(receiver, sender=sender)


class SpellingTests(TestCase):
    def setUp(self):
        self.ann = Traveller.objects.create(handle="Ann")
        self.english, self.french = (Country.objects.create(code=code) for code in ("EN", "FR"))
        self.countries = Association(self.ann, "countries")

    def test_two_spellings_of_one_key_are_linked_once(self):
        assert self.countries.append("EN", "en", pairs=True).pairs["added"] == (("Ann", "EN"),)
        assert self.countries.count() == 1

    def test_a_link_is_known_in_every_spelling(self):
        self.countries.append("EN")

        # MariaDB: SELECT ... FOR UPDATE of the links, INSERT
        with self.assertNumQueries(LOCK + 2):
            changes = self.countries.append("en", "fr", "Fr")

        assert changes == Changes(added=1, kept=1)

    def test_append_tells_the_same_beforehand(self):
        self.countries.append("EN")

        assert self.countries.append("en", "fr", "Fr", dry_run=True) == Changes(added=1, kept=1)
        assert self.countries.replace("fr", "Fr", dry_run=True) == Changes(added=1, removed=1)

    def test_replace_keeps_what_is_spelled_in_another_way(self):
        self.countries.append("EN", "FR")

        assert self.countries.replace("en", "EN", pairs=True).pairs == {
            "added": (),
            "removed": (("Ann", "FR"),),
            "revived": (),
        }
        assert list(self.countries.find()) == [self.english]

    def test_toggle_takes_each_key_once(self):
        self.countries.append("EN")

        assert self.countries.toggle("en", "fr", "FR") == Changes(added=1, removed=1)

    def test_delete_finds_every_spelling(self):
        self.countries.append("EN", "FR")

        assert self.countries.delete("en", "EN") == Changes(removed=1)

    def test_an_object_whose_key_is_stored_is_linked_and_not_stored_again(self):
        other, again = Country(code="en", name="other"), Country(code="De")

        changes = self.countries.append(other, again, Country(code="DE"))

        assert changes == Changes(added=2)
        assert set(Country.objects.values_list("code", flat=True)) == {"EN", "FR", "De"}

    def test_an_owner_in_another_spelling_is_that_owner(self):
        self.countries.append("EN")
        ann = Traveller(handle="ann")

        with heard(association_changed, Traveller.countries.through) as told:
            assert Association(ann, "countries").append("en", "FR") == Changes(added=1, kept=1)
            assert Association([ann, self.ann], "countries").delete("en", "fr") == Changes(removed=2)

        assert [call["added"] for call in told] == [(("ann", "FR"),), ()]
        assert [len(call["removed"]) for call in told] == [0, 2]

    def test_m2m_changed_tells_each_key_once(self):
        self.countries.append("EN")

        with heard(m2m_changed, Traveller.countries.through) as told:
            self.countries.append("en", "fr", "FR")
            Association(Traveller(handle="ANN"), "countries").replace("fr")

        assert [(call["action"], call["pk_set"]) for call in told] == [
            ("pre_add", {"FR"}),
            ("post_add", {"FR"}),
            ("pre_remove", {"EN"}),
            ("post_remove", {"EN"}),
            ("pre_add", set()),
            ("post_add", set()),
        ]

    def test_a_dead_link_is_revived_in_every_spelling(self):
        visits = Association(self.ann, "visits")
        visits.append("EN", "FR")
        visits.clear()

        assert visits.append("en", "En", through_defaults={"stay": "long"}) == Changes(revived=1)
        assert Visit.objects.get().stay == "long"

    def test_join_rows_are_found_for_targets_spelled_in_another_way(self):
        visits = Association(Traveller(handle="ANN"), "visits")
        visits.append("en", "fr", through_defaults=lambda code: {"stay": f"in {code}"})

        found = Association([self.ann], "visits").find(join_rows=True, order_by_through="-stay")

        assert [(country.code, country.join_row.stay) for country in found] == [("FR", "in fr"), ("EN", "in en")]
        assert Association(self.ann, "visits").find(through={"stay": "in en"}).get() == self.english

    def test_keys_of_a_target_that_is_referenced_by_another_text(self):
        Airport.objects.create(code="CDG", city="Paris")
        airports = Association(self.ann, "airports")

        assert airports.append("cdg", "CDG") == Changes(added=1)
        Traveller.airports.through.objects.update(airport_city="PARIS")
        assert airports.append("Cdg") == Changes(kept=1)
        assert airports.delete("cDG", pairs=True).pairs["removed"] == (("Ann", "CDG"),)

    def test_a_dry_run_tells_pairs_of_primary_keys(self):
        Airport.objects.create(code="CDG", city="Paris")
        airports = Association(self.ann, "airports")
        airports.append("CDG")

        assert airports.clear(dry_run=True, pairs=True).pairs["removed"] == (("Ann", "CDG"),)

    def test_links_of_another_type_of_owner_are_not_taken_for_its_own(self):
        airport, (one, other) = Airport.objects.create(code="en"), (Topic.objects.create(name=name) for name in "ab")
        Association(airport, "topics").append(one)
        topics = Association(self.english, "topics")

        assert topics.append(one, other, dry_run=True) == Changes(added=2)
        assert topics.append(one, other) == Changes(added=2)
        assert topics.toggle(one) == Changes(removed=1)
        assert list(topics.find()) == [other]
        assert list(airport.topics.all()) == [one]

    def test_many_keys(self):
        codes = [f"c{number}" for number in range(300)]
        Country.objects.bulk_create(Country(code=code) for code in codes)

        assert self.countries.append(*codes, *map(str.upper, codes)) == Changes(added=300)
        assert self.countries.replace(*map(str.upper, codes[:200])) == Changes(kept=200, removed=100)


class UnderAllTests(TestCase):
    def test_the_database_is_asked_only_where_it_could_tell_something(self):
        codes = Columns([Country._meta.get_field("code")], "default")
        weights = Columns([Trunk._meta.get_field("weight")], "default")

        with self.assertNumQueries(0):
            assert spelling.under_all(codes, {("EN",): 1}, [("EN",)]) == {("EN",): 1}
            assert spelling.under_all(codes, {}, [("EN",)]) == {}
            assert spelling.under_all(weights, {(1,): 1}, [(2,)]) == {(1,): 1}
        with self.assertNumQueries(1):
            assert spelling.under_all(codes, {("EN",): 1}, [("en",)]) == {("EN",): 1, ("en",): 1}


class SpacesTests(TestCase):
    def test_spaces_at_the_end_are_the_databases_affair(self):
        ann = Traveller.objects.create(handle="ann")
        Country.objects.create(code="EN")
        same = Country.objects.filter(code="EN ").exists()

        changes = Association(ann, "countries").append("EN", Country(code="EN "))

        assert same == MYSQL
        assert changes == Changes(added=1 if MYSQL else 2)


class PreloadTests(TestCase):
    """ann is linked to EN and FR, and the join rows spell both ends otherwise."""

    def setUp(self):
        self.ann = Traveller.objects.create(handle="Ann")
        for code, name in (("EN", "England"), ("FR", "France")):
            Country.objects.create(code=code, name=name)
            Traveller.countries.through.objects.create(traveller_handle="ANN", country_code=code.lower())
            Visit.objects.create(traveller_handle="ann", country_code=code.title(), stay=f"in {name}")

    def found(self, name, **options):
        preload(self.ann, name, **options)
        with self.assertNumQueries(0):
            return [country.code for country in getattr(self.ann, name).all()]

    def test_links_in_other_spellings_lead_to_their_targets(self):
        assert self.found("countries", order_by="code") == ["EN", "FR"]

    def test_each_link_is_attached_to_its_target(self):
        preload(self.ann, "visits", join_rows=True, order_by="code")

        assert [(each.code, each.join_row.stay) for each in self.ann.visits.all()] == [
            ("EN", "in England"),
            ("FR", "in France"),
        ]

    def test_in_the_order_of_the_links(self):
        assert self.found("visits", order_by_through="-stay") == ["FR", "EN"]

    def test_rows_that_hold_the_key_in_another_spelling(self):
        for weight, handle in enumerate(("ANN", "ann", None, "Ann")):
            Trunk.objects.create(weight=weight, traveller_handle=handle)

        preload(self.ann, "trunks", order_by="weight")

        with self.assertNumQueries(0):
            assert [trunk.weight for trunk in self.ann.trunks.all()] == [0, 1, 3]

    def test_counts(self):
        Trunk.objects.create(weight=1, traveller_handle="ANN")
        Traveller.objects.create(handle="Bob")
        travellers = AssociationQuerySet(Traveller).order_by("handle")

        ann, bob = travellers.preload_count("countries", "visits", "trunks")

        assert (ann.countries_count, ann.visits_count, ann.trunks_count) == (2, 2, 1)
        assert (bob.countries_count, bob.visits_count, bob.trunks_count) == (0, 0, 0)


@pytest.mark.parametrize(
    ("vendor", "declared", "collation", "may"),
    [
        ("mysql", "varchar(10)", None, True),
        ("mysql", "longtext", None, True),
        ("mysql", "bigint", None, False),
        ("postgresql", "varchar(10)", None, False),
        ("postgresql", "varchar(10)", "ignoring_case", True),
        ("postgresql", "citext", None, True),
    ],
)
def test_which_columns_may_call_two_texts_equal(vendor, declared, collation, may):
    field = mock.Mock(db_parameters=lambda connection: {"type": declared, "collation": collation})

    assert spelling.may_differ(SimpleNamespace(fields=[field], connection=SimpleNamespace(vendor=vendor))) is may


@pytest.mark.parametrize(
    ("vendor", "lock", "is_locked"), [("mysql", True, True), ("mysql", False, False), ("postgresql", True, False)]
)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the other tests send it to the servers")
def test_rows_that_are_looked_up_are_locked_on_mariadb(monkeypatch, vendor, lock, is_locked):
    sent = []
    monkeypatch.setattr(spelling, "_fetch", lambda columns, sql: sent.append(sql.text) or [])
    monkeypatch.setattr(connections["default"], "vendor", vendor, raising=False)
    monkeypatch.setattr(connections["default"], "mysql_is_mariadb", True, raising=False)

    spelling.stored(Columns([Country._meta.pk], "default"), [("EN",)], lock=lock)

    assert [text.endswith(" FOR UPDATE") for text in sent] == [is_locked]
