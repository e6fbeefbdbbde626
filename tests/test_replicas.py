"""
Reads on a replica, writes on the primary: the router of docs/scaling.md, with a replica that lags.

The replica is a database of its own here, so that it really has other rows. No verb may ask it anything.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from unittest import mock

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User as Account
from django.db import DEFAULT_DB_ALIAS, router
from django.forms import modelform_factory
from django.test import RequestFactory, TestCase, override_settings

from example_project.blog.models import Company, Post, Profile
from example_project.blog.models import User as Writer
from example_project.guides.models import Address, Language, Person, PersonAddress, User
from gorm_assoc.admin import JoinRowInline
from gorm_assoc.exceptions import NotPreloaded, RelationNotAllowed
from gorm_assoc.models import ALL, Association, Changes, preload
from gorm_assoc.signals import association_changed
from tests import documentation
from tests.test_hooks_and_signals import received
from tests.testapp.models import Club, Member

PRIMARY, REPLICA = DEFAULT_DB_ALIAS, "other"


def documented() -> dict:
    """What the page's blocks define."""
    names: dict = {}
    for block in documentation.blocks("docs/scaling.md"):
        if block.kind == "":
            documentation.run(block, names)
    return names


PAGE = documented()


class Router(PAGE["PrimaryAndReplica"]):
    replica = REPLICA


class NoRelations(Router):
    def allow_relation(self, one, other, **hints):
        return False


class ReplicaTestCase(TestCase):
    databases = {PRIMARY, REPLICA}

    def setUp(self):
        settings = override_settings(DATABASE_ROUTERS=[Router()])
        settings.enable()
        self.addCleanup(settings.disable)

    @contextmanager
    def asking_only(self, alias):
        """The other database gets no statement."""
        other = {PRIMARY: REPLICA, REPLICA: PRIMARY}[alias]
        with self.assertNumQueries(0, using=other):
            yield


def on_both(model, **values):
    """The row on the primary, and its copy on the replica as an object that was read there."""
    row = model._base_manager.using(PRIMARY).create(**values)
    model._base_manager.using(REPLICA).bulk_create(
        [model(**{f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields})]
    )
    return model._base_manager.using(REPLICA).get(pk=row.pk)


def names(targets):
    return sorted(str(target) for target in targets)


class VerbsTests(ReplicaTestCase):
    """The replica has the rows and none of the links: those are younger."""

    def setUp(self):
        super().setUp()
        self.ann, self.bob = (on_both(User, name=name, refer=refer) for refer, name in enumerate(("ann", "bob")))
        self.english, self.french, self.german = (
            on_both(Language, name=name) for name in ("English", "French", "German")
        )
        self.links = self.ann.association("languages").using(PRIMARY)
        self.links.append(self.english, self.french)

    def test_a_verb_decides_by_the_links_on_the_primary(self):
        with self.asking_only(PRIMARY):
            assert self.ann.languages.append(self.english, self.german) == Changes(added=1, kept=1)
            assert self.ann.languages.replace(self.french) == Changes(removed=2, kept=1)
            assert self.ann.languages.toggle(self.french, self.german) == Changes(added=1, removed=1)
            assert self.ann.languages.delete(self.german) == Changes(removed=1)
            self.ann.languages.set([self.english])
            self.ann.languages.add(self.french)
            self.ann.languages.remove(self.english)
            assert self.ann.languages.clear() == Changes(removed=1)

    def test_so_do_pairs_and_a_dry_run(self):
        with self.asking_only(PRIMARY):
            planned = self.ann.languages.replace(self.german, dry_run=True, pairs=True)
            done = self.ann.languages.replace(self.german, pairs=True)

        assert planned == done == Changes(added=1, removed=2)
        assert planned.pairs == done.pairs

    def test_new_targets_are_stored_on_the_primary(self):
        dutch = Language(name="Dutch")

        with self.asking_only(PRIMARY):
            assert self.ann.languages.append(dutch, {"name": "Greek"}) == Changes(added=2)
            self.ann.languages.create(name="Finnish")

        assert dutch._state.db == PRIMARY
        assert self.ann._state.db == REPLICA
        assert not Language.objects.using(REPLICA).filter(name__in=["Dutch", "Greek", "Finnish"]).exists()

    def test_what_a_target_refers_to_is_read_there(self):
        user, profile = on_both(User, name="eve", refer=5), on_both(User.profiles.rel.model, name="p", user_refer=7)

        with self.asking_only(PRIMARY):
            assert user.profiles.append(profile.pk) == Changes(added=1)

    def test_a_queryset_of_targets_is_read_there(self):
        Language.objects.using(PRIMARY).create(name="Young")

        with self.asking_only(PRIMARY):
            assert self.ann.languages.append(Language.objects.all()) == Changes(added=2, kept=2)
            self.ann.languages.clear()
            assert self.ann.languages.append(Language.objects.all(), pairs=True) == Changes(added=4)
            self.ann.languages.clear()
            assert self.ann.languages.append(Language.objects.filter(name="Young"), self.english) == Changes(added=2)
            assert self.ann.languages.delete(Language.objects.filter(name="Young"), self.french) == Changes(removed=1)
            assert self.ann.languages.toggle([Language.objects.all()]) == Changes(added=3, removed=1)
            assert self.ann.languages.replace(Language.objects.order_by("pk")[:2], dry_run=True).added == 1
            young = Language.objects.filter(name="Young")
            assert self.ann.languages.delete(self.english, [[young.all()]]) == Changes(removed=1)
            assert self.ann.languages.append(self.english, [[young.all()]]) == Changes(added=2)
            self.ann.languages.set(Language.objects.all())
        assert self.links.count() == 4

    def test_a_queryset_that_names_its_database_is_read_where_it_says(self):
        Language.objects.using(PRIMARY).create(name="Young")

        assert self.bob.languages.append(Language.objects.using(REPLICA)) == Changes(added=3)

    def test_a_queryset_that_was_read_already_is_taken_as_it_is(self):
        read = Language.objects.all()
        assert names(read) == ["English", "French", "German"]
        Language.objects.using(PRIMARY).create(name="Young")

        assert self.bob.languages.append(read, self.german) == Changes(added=3)

    def test_owners_in_a_queryset_are_read_there(self):
        User.objects.using(PRIMARY).create(name="young")

        with self.asking_only(PRIMARY):
            assert User.objects.association("languages").append(self.german, to_all=True) == Changes(added=3)
            owners = User.objects.filter(name__in=["ann", "young"])
            assert owners.association("languages").replace([self.german], [self.german]) == Changes(removed=2, kept=2)
            assert User.objects.order_by("name").association("languages").clear() == Changes(removed=3)

        owners = list(owners)
        assert {owner._state.db for owner in owners} == {PRIMARY}

    def test_to_read_owners_for_a_verb_moves_no_other_query_of_theirs(self):
        owners = User.objects.all()

        owners.association("languages").clear()

        assert owners.filter(name="ann").db == REPLICA
        assert User.objects.association("languages").find().db == REPLICA

    def test_owners_that_name_their_database_are_read_where_they_say(self):
        User.objects.using(PRIMARY).create(name="young")

        changes = User.objects.using(REPLICA).association("languages").append(self.german, to_all=True)

        assert changes == Changes(added=2)
        assert User.languages.through.objects.using(REPLICA).count() == 0

    def test_has_and_belongs_to(self):
        mia, noa = (on_both(Writer, name=name) for name in ("mia", "noa"))
        one, two = (on_both(Post, title=title) for title in ("one", "two"))
        press, books = (on_both(Company, name=name) for name in ("press", "books"))
        cv = on_both(Profile, bio="cv", user_id=mia.pk)

        with self.asking_only(PRIMARY):
            assert mia.posts.append(one) == Changes(added=1)
            assert mia.posts.append(one, Post.objects.filter(title="two")) == Changes(added=1, kept=1)
            assert mia.posts.replace(Post.objects.filter(title="two")) == Changes(removed=1, kept=1)
            assert noa.association("profile").append(cv) == Changes(added=1)
            assert mia.association("company").append(press) == Changes(added=1)
            assert mia.association("company").replace(Company.objects.filter(name="books")) == Changes(
                added=1, removed=1
            )
            assert mia.association("company").append(books.pk) == Changes(kept=1)
            mia.posts.get_or_create(title="two")
            assert mia.posts.toggle(two, one) == Changes(added=1, removed=1)
            assert mia.association("company").unscoped().clear() == Changes(removed=1)

    def test_what_waits_for_save(self):
        Language.objects.using(PRIMARY).create(name="Young")
        user = User(name="new", languages=Language.objects.filter(name="Young"))

        with self.asking_only(PRIMARY):
            user.save()
            User.objects.create_many([User(name="newer", languages=[self.english, {"name": "Dutch"}])])

        assert names(user.association("languages").using(PRIMARY).find()) == ["Young"]

    def test_what_is_deleted_along(self):
        with self.asking_only(PRIMARY):
            assert self.ann.delete(select=["languages"]) == (3, {"guides.UserLanguage": 2, "guides.User": 1})
            assert User.objects.filter(name="bob").delete(select=ALL) == (1, {"guides.User": 1})
            self.ann.restore()

        assert User.objects.using(REPLICA).count() == 2

    def test_a_form_removes_what_is_linked_on_the_primary(self):
        form = modelform_factory(User, fields=["name", "languages"])(
            {"name": "ann", "languages": [self.english.pk]}, instance=self.ann
        )
        assert form.is_valid(), form.errors

        form.save()

        assert names(self.links.find()) == ["English"]

    def test_receivers_are_told_of_the_primary(self):
        with received(association_changed, User.languages.through) as calls:
            self.ann.languages.replace(self.german)

        assert [call["using"] for call in calls] == [PRIMARY]

    def test_using_and_db_manager_name_another_database(self):
        with self.asking_only(REPLICA):
            assert self.ann.association("languages").using(REPLICA).append(self.german) == Changes(added=1)
            assert self.ann.languages.db_manager(REPLICA).replace(self.french) == Changes(added=1, removed=1)
            assert names(self.ann.languages.find()) == ["French"]
        with self.asking_only(PRIMARY):
            assert names(self.ann.languages.db_manager(PRIMARY).find()) == ["English", "French"]
            assert self.ann.association("languages").using(PRIMARY).count(name="English") == 1


class RelationTests(ReplicaTestCase):
    def test_a_target_of_another_database_that_the_router_keeps_apart_is_refused(self):
        ann, english = on_both(User, name="ann"), on_both(Language, name="English")

        with override_settings(DATABASE_ROUTERS=[NoRelations()]):
            for verb in ("append", "replace", "toggle"):
                with pytest.raises(RelationNotAllowed, match="on database 'other'"):
                    getattr(ann.languages, verb)(english)
            with pytest.raises(RelationNotAllowed, match="on database 'other'"):
                Association([ann, ann], "languages").append(english, [english])
            assert ann.languages.append(english.pk) == Changes(added=1)
            assert ann.languages.delete(english) == Changes(removed=1)

    def test_so_is_one_without_any_router(self):
        with override_settings(DATABASE_ROUTERS=[]):
            ann = User.objects.using(PRIMARY).create(name="ann")
            english = Language.objects.using(REPLICA).create(name="English")

            with pytest.raises(RelationNotAllowed, match="guides.User.languages cannot take"):
                ann.languages.append(english)
            assert User.languages.through.objects.using(PRIMARY).count() == 0

    def test_a_router_keeps_join_tables_out_of_a_database(self):
        allowed = {alias: router.allow_migrate_model(alias, User.languages.through) for alias in (PRIMARY, REPLICA)}

        assert allowed == {PRIMARY: True, REPLICA: False}


class ReadingTests(ReplicaTestCase):
    """The replica has one link, the primary two others."""

    def setUp(self):
        super().setUp()
        self.ann = on_both(User, name="ann")
        self.english, self.french, self.german = (
            on_both(Language, name=name) for name in ("English", "French", "German")
        )
        self.ann.association("languages").using(PRIMARY).append(self.english, self.french)
        self.ann.association("languages").using(REPLICA).append(self.german)

    def test_find_count_and_the_accessor_read_the_replica(self):
        with self.asking_only(REPLICA):
            assert names(self.ann.languages.find()) == ["German"]
            assert self.ann.languages.count() == self.ann.association("languages").count() == 1
            assert names(self.ann.association("languages").find(join_rows=True)) == ["German"]
            assert names(self.ann.languages.all()) == ["German"]
            assert list(User.objects.filter(languages__name="German")) == [self.ann]
            assert Association(User.objects.all(), "languages").count() == 1

    def test_preload_reads_the_replica(self):
        with self.asking_only(REPLICA):
            (ann,) = User.objects.preload("languages.users", "friends").preload_count("languages")
            assert names(ann.languages.all()) == ["German"]
            assert ann.languages_count == 1
            (ann,) = User.objects.preload("languages", limit=1, order_by="-name")
            preload([ann], "languages", join_rows=True)

        assert ann.languages.all()[0]._state.db == REPLICA

    def test_an_owner_that_was_written_is_read_on_the_replica_too(self):
        ann = User.objects.using(PRIMARY).get()

        with self.asking_only(REPLICA):
            assert names(ann.languages.all()) == ["German"]

    def test_a_preload_follows_the_database_that_its_queryset_names(self):
        with self.asking_only(PRIMARY):
            (ann,) = User.objects.using(PRIMARY).preload("languages.users").preload_count("languages")

        assert names(ann.languages.all()) == ["English", "French"]
        assert ann.languages_count == 2

    def test_what_is_asked_of_a_loaded_accessor_later_goes_by_the_router_again(self):
        (ann,) = User.objects.using(PRIMARY).preload("languages")

        assert ann.languages.all().filter(name__gt="F").db == REPLICA
        (ann,) = User.objects.preload("languages", Language.objects.using(PRIMARY))
        assert ann.languages.all().filter(name__gt="F").db == PRIMARY

    def test_a_preload_of_targets_that_name_their_database_reads_them_there(self):
        (ann,) = User.objects.preload("languages", Language.objects.using(PRIMARY))

        assert names(ann.languages.all()) == ["English", "French"]

    def test_a_router_is_asked_once_for_each_level(self):
        # One that draws lots would part links from their targets.
        ann = User.objects.using(REPLICA).get()

        with mock.patch.object(Router, "db_for_read", return_value=REPLICA) as asked:
            preload([ann], "languages.users")

        assert [call.args for call in asked.call_args_list] == [(Language,), (User,)]

    def test_strict_loading(self):
        with self.asking_only(REPLICA):
            (ann,) = User.objects.strict()
            with pytest.raises(NotPreloaded):
                list(ann.languages.all())
            (ann,) = User.objects.strict("load")
            assert names(ann.languages.all()) == ["German"]
            (ann,) = User.objects.strict().preload("languages")
            assert names(ann.languages.all()) == ["German"]


class SoftDeleteTests(ReplicaTestCase):
    def test_what_is_dead_on_the_replica_is_hidden_there(self):
        person, home = on_both(Person, name="jinzhu"), on_both(Address, name="home")
        for alias in (PRIMARY, REPLICA):
            Association(person, "addresses").using(alias).append(home)
        Association(person, "addresses").using(REPLICA).clear()

        with self.asking_only(REPLICA):
            assert names(person.addresses.all()) == []
            assert names(person.addresses.unscoped()) == ["home"]
        assert person.addresses.db_manager(PRIMARY).count() == 1

    def test_a_dead_link_is_revived_where_the_primary_has_it(self):
        person, home = on_both(Person, name="jinzhu"), on_both(Address, name="home")
        person.addresses.append(home)

        with self.asking_only(PRIMARY):
            assert person.addresses.clear() == Changes(removed=1)
            assert person.addresses.append(home) == Changes(revived=1)
            assert person.addresses.delete(home) == Changes(removed=1)
            assert Association(person, "addresses").unscoped().clear() == Changes(removed=1)
        assert PersonAddress.objects.unscoped().using(PRIMARY).count() == 0

    def test_hooks_get_the_primarys_rows(self):
        member, club = on_both(Member, name="ann"), on_both(Club, name="chess")

        with self.asking_only(PRIMARY):
            assert member.clubs.append(club) == Changes(added=1)
            assert member.clubs.clear() == Changes(removed=1)


class AdminTests(ReplicaTestCase):
    """The rows below an owner: shown from the replica, judged and written on the primary."""

    def formset(self, owner, **data):
        request = RequestFactory().post("/") if data else RequestFactory().get("/")
        request.user = Account(is_superuser=True)
        made = self.Inline(User, AdminSite()).get_formset(request, owner)
        sent = {f"languages-{name}": value for name, value in data.items()}
        return made(sent or None, instance=owner)

    class Inline(JoinRowInline):
        model = User.languages.through
        relation = "languages"

    def test_the_page_shows_the_replica(self):
        ann, english = on_both(User, name="ann"), on_both(Language, name="English")
        ann.languages.append(english)

        with self.asking_only(REPLICA):
            assert self.formset(ann).initial_form_count() == 0

    def test_a_pair_that_only_the_primary_has_is_taken(self):
        ann, english = on_both(User, name="ann"), on_both(Language, name="English")
        ann.languages.append(english)

        formset = self.formset(ann, TOTAL_FORMS="1", INITIAL_FORMS="0", **{"0-language": str(english.pk)})

        assert not formset.is_valid()
        assert [error.code for error in formset.errors[0].as_data()["language"]] == ["duplicate"]

    def test_a_row_that_only_the_primary_has_can_be_deleted(self):
        ann, english = on_both(User, name="ann"), on_both(Language, name="English")
        ann.languages.append(english)
        sent = {"0-pk": json.dumps([ann.pk, english.pk]), "0-language": str(english.pk), "0-DELETE": "on"}

        formset = self.formset(ann, TOTAL_FORMS="1", INITIAL_FORMS="1", **sent)
        assert formset.is_valid(), formset.errors
        formset.save()

        assert ann.association("languages").using(PRIMARY).count() == 0


class StickyTests(ReplicaTestCase):
    """The page's second router: what wrote reads on the primary from then on."""

    def test_reads_after_a_write_go_to_the_primary(self):
        ann, english = on_both(User, name="ann"), on_both(Language, name="English")

        class Sticky(PAGE["StickyRouter"]):
            replica = REPLICA

        def view(request):
            before = names(ann.languages.all())
            ann.languages.append(english)
            return before, names(ann.languages.all())

        with override_settings(DATABASE_ROUTERS=[Sticky()]):
            answer = PAGE["reads_after_writes"](view)(None)
            assert answer == ([], ["English"])
            assert names(ann.languages.all()) == []
