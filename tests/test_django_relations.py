"""Association on relations that this library did not declare, and on other databases than the default."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.models import User as Account
from django.db import models
from django.db.models.signals import m2m_changed
from django.test import TestCase, override_settings

from example_project.guides.models import Language, Profile, User
from gorm_assoc.exceptions import PrimaryKeyRequired, UnsupportedRelation
from gorm_assoc.models import Association, Changes, preload
from tests.factories import LanguageFactory, UserFactory
from tests.test_hooks_and_signals import received
from tests.testapp.models import Neighbour, Seat, Shouter


class DjangosOwnManyToManyTests(TestCase):
    def setUp(self):
        self.account = Account.objects.create(username="ann")
        self.groups = [Group.objects.create(name=name) for name in "abc"]

    def test_every_verb_works(self):
        association = Association(self.account, "groups")

        assert association.append(*self.groups[:2]) == Changes(added=2)
        assert association.append(self.groups[0], {"name": "d"}) == Changes(added=1, kept=1)
        assert association.replace(self.groups[2]) == Changes(added=1, removed=3)
        assert association.toggle(self.groups[2], self.groups[0]) == Changes(added=1, removed=1)
        assert list(association.find(name="a")) == [self.groups[0]]
        assert association.delete(self.groups[0].pk) == Changes(removed=1)
        assert association.clear() == Changes()

    def test_from_the_reverse_accessor(self):
        assert Association(self.groups[0], "user_set").append(self.account) == Changes(added=1)
        assert list(self.account.groups.all()) == [self.groups[0]]

    def test_several_owners(self):
        others = [self.account, Account.objects.create(username="bob")]

        assert Association(others, "groups").append(self.groups[0], self.groups[1:]) == Changes(added=3)
        assert Association(others, "groups").replace(self.groups[1:], [self.groups[0]]) == Changes(added=3, removed=3)

    def test_a_queryset_of_targets(self):
        permissions = Permission.objects.all()

        changes = Association(self.groups[0], "permissions").append(permissions)

        assert changes == Changes(added=permissions.count())

    def test_m2m_changed_is_sent_as_for_add(self):
        with received(m2m_changed, Account.groups.through) as calls:
            Association(self.account, "groups").append(self.groups[0])

        assert [(call["action"], call["pk_set"]) for call in calls] == [
            ("pre_add", {self.groups[0].pk}),
            ("post_add", {self.groups[0].pk}),
        ]

    def test_an_unsaved_owner_and_an_unknown_name(self):
        with pytest.raises(PrimaryKeyRequired):
            Association(Account(username="new"), "groups").clear()
        with pytest.raises(UnsupportedRelation, match="Did you mean 'groups'"):
            Association(self.account, "group")


class SymmetricalTests(TestCase):
    def test_the_pairs_are_told_one_way(self):
        ann, bob = (Neighbour.objects.create(name=name) for name in ("ann", "bob"))

        changes = Association(ann, "neighbours").append(bob, pairs=True)

        assert changes.pairs == {"added": ((ann.pk, bob.pk),), "removed": (), "revived": ()}
        assert list(bob.neighbours.all()) == [ann]

    def test_each_link_holds_both_ways(self):
        ann, bob, eve = (Neighbour.objects.create(name=name) for name in ("ann", "bob", "eve"))

        assert Association(ann, "neighbours").append(bob, eve) == Changes(added=2)
        assert list(bob.neighbours.all()) == [ann]
        assert Association(ann, "neighbours").replace(eve) == Changes(removed=1, kept=1)
        assert list(bob.neighbours.all()) == []
        assert Association(eve, "neighbours").append(Neighbour.objects.filter(name="bob")) == Changes(added=1)
        assert Association(bob, "neighbours").clear() == Changes(removed=1)
        assert list(eve.neighbours.all()) == [ann]
        assert Association(eve, "neighbours").delete(ann) == Changes(removed=1)
        assert not models.QuerySet(Neighbour.neighbours.through).exists()

    def test_several_owners(self):
        ann, bob, eve = (Neighbour.objects.create(name=name) for name in ("ann", "bob", "eve"))
        both = Association([ann, bob], "neighbours")
        both.append([bob, eve], ann)

        assert both.replace([bob], [ann, eve]) == Changes(added=1, removed=1, kept=2)
        assert set(bob.neighbours.all()) == {ann, eve}
        assert set(eve.neighbours.all()) == {bob}
        assert both.toggle(eve) == Changes(added=1, removed=1)
        assert set(eve.neighbours.all()) == {ann}
        assert Neighbour.neighbours.through.objects.count() == 4


class Recorder:
    """A router that is asked, and answers the default database."""

    asked: list = []

    def db_for_write(self, model, **hints):
        self.asked.append(("write", model, hints.get("instance")))
        return "default"

    def db_for_read(self, model, **hints):
        self.asked.append(("read", model, hints.get("instance")))
        return "default"


class RouterTests(TestCase):
    def test_writes_ask_for_the_join_model_with_the_owner_as_hint(self):
        user, language = UserFactory(), LanguageFactory()
        Recorder.asked.clear()

        with override_settings(DATABASE_ROUTERS=["tests.test_django_relations.Recorder"]):
            user.association("languages").append(language)

        assert ("write", User.languages.through, user) in Recorder.asked


class SecondDatabaseTests(TestCase):
    databases = {"default", "other"}

    def setUp(self):
        self.user = User.objects.using("other").create(name="there", refer=1)
        self.languages = [Language.objects.using("other").create(name=name) for name in "abc"]

    def test_an_owner_is_read_and_written_where_it_came_from(self):
        changes = self.user.languages.append(*self.languages[:2], {"name": "new"})

        assert changes == Changes(added=3)
        assert sorted(language.name for language in self.user.languages.all()) == ["a", "b", "new"]
        assert User.languages.through.objects.using("other").count() == 3
        assert not User.languages.through.objects.using("default").exists()
        assert not Language.objects.using("default").exists()

    def test_preload_reads_where_the_owner_came_from(self):
        self.user.languages.append(*self.languages)

        with self.assertNumQueries(0, using="default"):
            preload(self.user, "languages", order_by="name")

        assert [language.name for language in self.user.languages.all()] == ["a", "b", "c"]
        deferred = User.objects.using("other").only("name").get()
        with self.assertNumQueries(0, using="default"):
            preload(deferred, "profiles")

    def test_using_names_the_database_of_every_verb(self):
        here = User(pk=self.user.pk, name="here")  # of no database yet
        association = here.association("languages").using("other")

        with self.assertNumQueries(0, using="default"):
            assert association.append(*self.languages) == Changes(added=3)
            assert association.replace(Language.objects.using("other").filter(name="a")) == Changes(removed=2, kept=1)
            assert association.count() == 1
            assert association.delete(self.languages[0].pk) == Changes(removed=1)
            assert association.toggle(self.languages[1]) == Changes(added=1)
            assert association.clear() == Changes(removed=1)

    def test_keys_are_looked_up_there(self):
        here, profile = (
            User(pk=self.user.pk, refer=1),
            Profile.objects.using("other").create(name="there", user_refer=7),
        )
        association = here.association("profiles").using("other")

        with self.assertNumQueries(0, using="default"):
            assert association.append(profile.pk, dry_run=True) == Changes(added=1)
            assert association.replace(profile.pk) == Changes(added=1)
            assert association.toggle(profile.pk) == Changes(removed=1)

    def test_new_targets_are_stored_there(self):
        seat = Seat.objects.using("other").create(hall="a", number=1)

        Association(seat, "shouters").append(Shouter(slug="quiet"))
        assert self.user.languages.append(Language(pk=self.languages[0].pk, name="stored already")) == Changes(added=1)

        assert Shouter.objects.using("other").get().slug == "QUIET"
        assert not Shouter.objects.exists()
        assert Language.objects.using("other").count() == 3

    def test_the_targets_of_a_queryset_on_another_database_are_read_there(self):
        for language in self.languages:
            Language(pk=language.pk, name="same key").save(using="default", force_insert=True)
        user = UserFactory()

        changes = user.association("languages").append(
            list(Language.objects.using("other").values_list("pk", flat=True))
        )

        assert changes == Changes(added=3)
        assert User.languages.through.objects.using("default").count() == 3

    def test_a_target_of_another_database_is_refused_by_add_as_djangos(self):
        with pytest.raises(ValueError, match="on database 'other'"):
            UserFactory().languages.add(self.languages[0])
