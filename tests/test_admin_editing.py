"""The action "edit associations": asked, previewed by a dry run, applied; without JavaScript."""

from __future__ import annotations

from unittest import mock

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as Account
from django.contrib.messages import get_messages
from django.test import TestCase, override_settings
from django.urls import reverse

from example_project.guides.models import Address, Blog, Person, PersonAddress, Profile, User
from gorm_assoc.forms import write_key
from tests.admin_site import site
from tests.factories import BlogFactory, LanguageFactory, TagFactory, UserFactory
from tests.pages import Page
from tests.testapp.models import Club, Member, Membership


class EditTestCase(TestCase):
    model = User

    @classmethod
    def setUpTestData(cls):
        cls.account = Account.objects.create_superuser("admin")
        cls.ann, cls.ben, cls.cat = (UserFactory(name=name) for name in ("ann", "ben", "cat"))
        cls.english, cls.french, cls.german = (LanguageFactory(name=name) for name in ("English", "French", "German"))
        cls.ann.languages.add(cls.english, cls.french)

    def setUp(self):
        self.client.force_login(self.account)

    @property
    def url(self):
        return reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_changelist")

    def start(self, *owners, **more):
        keys = [write_key(owner) if isinstance(owner, Blog) else owner.pk for owner in owners]
        return self.client.post(
            self.url, {"action": "edit_associations", "index": "0", "_selected_action": keys, **more}
        )

    def page(self, response):
        assert response.status_code == 200, response
        return Page(response.content.decode())

    def press(self, page, button, **values):
        """Send the form as a browser does."""
        return self.client.post(self.url, page.data | values | {button: "1"})

    def preview(self, *owners, **values):
        page = self.page(self.start(*owners))
        if page.data["relation"] != values.get("relation", page.data["relation"]):
            page = self.page(self.press(page, "_choose", relation=values["relation"]))
        return self.press(page, "_preview", **values)

    def apply(self, *owners, **values):
        return self.press(self.page(self.preview(*owners, **values)), "_apply")

    def said(self, response):
        return [str(message) for message in get_messages(response.wsgi_request)]

    def spoken(self):
        names = {user.name: sorted(user.languages.values_list("name", flat=True)) for user in User.objects.all()}
        return {name: languages for name, languages in names.items() if languages}


class VerbTests(EditTestCase):
    def test_the_first_page_names_the_owners_and_offers_relations_verbs_and_targets(self):
        response = self.start(self.ann, self.cat)
        page = self.page(response)

        self.assertContains(response, "ann, cat")
        assert page.data["_selected_action"] == [str(self.ann.pk), str(self.cat.pk)]
        assert list(page.choices["relation"]) == ["languages", "profiles", "friends", "speaks", "fluent_in"]
        assert list(page.choices["targets"].values()) == ["English", "French", "German"]
        assert page.data["verb"] == "append"
        assert page.unlabelled == []

    def test_append(self):
        preview = self.preview(self.ann, self.ben, verb="append", targets=[self.english.pk, self.german.pk])
        before = self.spoken()
        done = self.press(self.page(preview), "_apply")

        self.assertContains(preview, "3 added, 0 revived, 0 removed, 1 kept")
        self.assertContains(preview, "+ ben – German")
        assert before == {"ann": ["English", "French"]}
        assert self.spoken() == {"ann": ["English", "French", "German"], "ben": ["English", "German"]}
        assert self.said(done) == ["Languages of 2 users: 3 added, 0 revived, 0 removed, 1 kept."]

    def test_replace(self):
        self.apply(self.ann, self.ben, verb="replace", targets=[self.german.pk, self.french.pk])

        assert self.spoken() == {"ann": ["French", "German"], "ben": ["French", "German"]}

    def test_replace_without_targets_unlinks_all(self):
        preview = self.preview(self.ann, self.ben, verb="replace")
        self.press(self.page(preview), "_apply")

        self.assertContains(preview, "0 added, 0 revived, 2 removed, 0 kept")
        self.assertContains(preview, "− ann – French")
        assert self.spoken() == {}

    def test_delete(self):
        self.apply(self.ann, self.ben, verb="delete", targets=[self.french.pk])

        assert self.spoken() == {"ann": ["English"]}

    def test_another_relation(self):
        response = self.press(self.page(self.start(self.ann, self.ben)), "_choose", relation="friends")
        page = self.page(response)
        self.press(self.page(self.press(page, "_preview", targets=[self.cat.pk])), "_apply")

        assert list(page.choices["targets"].values()) == ["ann", "ben", "cat"]
        assert [list(user.friends.all()) for user in (self.ann, self.ben)] == [[self.cat], [self.cat]]

    def test_append_and_delete_ask_for_a_target(self):
        for verb in ("append", "delete"):
            response = self.preview(self.ann, verb=verb)

            self.assertContains(response, "Choose at least one.")
            self.assertNotContains(response, 'name="_apply"')

    def test_nothing_to_change_cannot_be_applied(self):
        response = self.preview(self.ann, verb="append", targets=[self.english.pk])

        self.assertContains(response, "0 added, 0 revived, 0 removed, 1 kept")
        self.assertNotContains(response, 'name="_apply"')

    def test_rows_that_changed_since_the_preview_are_previewed_again(self):
        page = self.page(self.preview(self.ann, verb="replace", targets=[self.german.pk]))
        self.ann.languages.remove(self.french)

        response = self.press(page, "_apply")
        after = self.spoken()
        self.press(self.page(response), "_apply")

        self.assertContains(response, "The rows have changed since the preview: look at it again.")
        assert after == {"ann": ["English"]}
        assert self.spoken() == {"ann": ["German"]}

    def test_apply_without_a_preview_applies_nothing(self):
        page = self.page(self.start(self.ann))

        response = self.press(page, "_apply", verb="replace")

        self.assertContains(response, "look at it again")
        assert self.spoken() == {"ann": ["English", "French"]}

    def test_all_owners_across_pages(self):
        page = self.page(self.start(self.ann, select_across="1"))
        preview = self.press(page, "_preview", targets=[self.german.pk])
        self.press(self.page(preview), "_apply")

        assert page.data["select_across"] == "1"
        assert set(self.spoken()) == {"ann", "ben", "cat"}

    def test_a_relation_verb_or_target_that_is_no_choice(self):
        for values in ({"relation": "x"}, {"verb": "clear"}, {"targets": ["x"]}, {"targets": ["999999"]}):
            page = self.page(self.start(self.ann))

            response = self.press(page, "_apply", **values)

            assert any(
                text in response.content.decode() for text in ("Select a valid choice.", "is not a valid value")
            )
            assert self.spoken() == {"ann": ["English", "French"]}

    def test_an_owner_without_the_value_that_its_links_name(self):
        User.objects.filter(pk=self.ben.pk).update(refer=None)
        profile = Profile.objects.create(name="p", user_refer=5)

        response = self.preview(self.ann, self.ben, relation="profiles", targets=[profile.pk])

        self.assertContains(response, "refer")
        self.assertNotContains(response, 'name="_apply"')

    def test_targets_by_their_keys_where_the_admin_lists_no_choices(self):
        with mock.patch.object(admin.site.get_model_admin(User), "raw_id_fields", ("languages",)):
            page = self.page(self.start(self.ben))
            keys = f"{self.english.pk},{self.german.pk}"
            self.press(self.page(self.press(page, "_preview", targets=keys)), "_apply")

        assert "targets" not in page.choices
        assert self.spoken()["ben"] == ["English", "German"]

    def test_the_log_has_an_entry_for_each_owner_that_changed(self):
        self.apply(self.ann, self.ben, self.cat, verb="replace", targets=[self.english.pk])

        said = {entry.object_repr: entry.get_change_message() for entry in LogEntry.objects.all()}
        assert said == {
            "ann": "Deleted user language “ann – French”.",
            "ben": "Added user language “ben – English”.",
            "cat": "Added user language “cat – English”.",
        }


class SoftDeletedTests(EditTestCase):
    model = Person

    def test_a_dead_pair_is_restored(self):
        mia, home = Person.objects.create(name="mia"), Address.objects.create(name="home")
        mia.addresses.add(home, through_defaults={"note": "kept"})
        mia.addresses.remove(home)

        preview = self.preview(mia, verb="append", targets=[home.pk])
        self.press(self.page(preview), "_apply")

        self.assertContains(preview, "0 added, 1 revived, 0 removed, 0 kept")
        self.assertContains(preview, "+ mia – home (restored)")
        assert PersonAddress.objects.get().note == "kept"


class CompositeKeyTests(EditTestCase):
    model = Blog

    def test_owners_and_targets(self):
        blogs = [BlogFactory(id=number, locale="e'n") for number in (1, 2)]
        tag = TagFactory(id=1, locale='x"y')

        page = self.page(self.start(*blogs))
        self.press(self.page(self.press(page, "_preview", targets=[write_key(tag)])), "_apply")

        assert [list(blog.tags.all()) for blog in blogs] == [[tag], [tag]]
        entry = LogEntry.objects.first()
        assert entry.object_id in {write_key(blog) for blog in blogs}


class OtherSideTests(EditTestCase):
    model = Address

    def test_the_other_side_where_the_admin_names_it(self):
        home, mia = Address.objects.create(name="home"), Person.objects.create(name="mia")

        self.apply(home, verb="append", targets=[mia.pk])

        assert list(mia.addresses.all()) == [home]


@override_settings(ROOT_URLCONF="tests.admin_site")
class HooksTests(EditTestCase):
    model = Club

    def test_a_veto_changes_nothing_at_all_and_is_told(self):
        Membership.calls.clear()
        clubs = [Club.objects.create(name=name) for name in ("chess", "golf")]
        ann, ben = Member.objects.create(name="ann"), Member.objects.create(name="ben")
        clubs[0].members.add(ann)
        clubs[1].members.add(ann, through_defaults={"role": "founder"})

        with mock.patch.object(site.get_model_admin(Club), "edited_associations", ("members",)):
            response = self.apply(*clubs, verb="replace", targets=[ben.pk])

        assert self.said(response) == ["Nothing was changed: founders stay"]
        assert not ben.clubs.exists()
        assert ann.clubs.count() == 2
        assert not LogEntry.objects.exists()


class PermissionTests(EditTestCase):
    def setUp(self):
        self.clerk = Account.objects.create_user("clerk", is_staff=True)
        self.client.force_login(self.clerk)

    def allow(self, *names):
        found = Permission.objects.filter(codename__in=names, content_type__app_label="guides")
        assert len(found) == len(names)
        self.clerk.user_permissions.add(*found)

    def actions(self):
        response = self.client.get(self.url)
        assert response.status_code == 200
        return "edit_associations" in response.content.decode()

    def test_it_is_offered_to_who_may_change_owners_and_write_join_rows(self):
        self.allow("view_user", "add_userlanguage")
        assert not self.actions()
        self.allow("change_user")
        assert self.actions()
        self.clerk.user_permissions.remove(
            Permission.objects.get(codename="add_userlanguage", content_type__app_label="guides")
        )
        assert not self.actions()

    def test_only_relations_and_verbs_that_the_join_models_permissions_allow(self):
        self.allow("change_user", "add_userlanguage", "delete_userfriend")

        languages = self.page(self.start(self.ann))
        friends = self.press(languages, "_choose", relation="friends")

        assert list(languages.choices["relation"]) == ["languages", "friends"]
        assert languages.data["verb"] == "append"
        self.assertContains(friends, 'value="delete"')
        self.assertNotContains(friends, 'value="append"')

    def test_what_was_not_offered_is_refused(self):
        self.allow("change_user", "add_userlanguage")
        page = self.page(self.start(self.ann))

        for values in ({"verb": "replace"}, {"verb": "delete", "targets": [self.english.pk]}, {"relation": "friends"}):
            response = self.press(page, "_apply", **values)

            self.assertContains(response, "Select a valid choice.")
        assert self.spoken() == {"ann": ["English", "French"]}

    def test_without_permissions_nothing_is_shown_or_stored(self):
        for allowed in ([], ["view_user"], ["view_user", "add_userlanguage"], ["change_user"]):
            self.clerk.user_permissions.clear()
            self.allow(*allowed)
            data = {"relation": "languages", "verb": "replace", "targets": [], "_apply": "1", "previewed": "x"}

            response = self.start(self.ann, **data)

            assert "edit_associations_form" not in response.content.decode()
            assert response.status_code == (200 if allowed else 403)
            assert self.spoken() == {"ann": ["English", "French"]}

    def test_an_owner_that_this_user_may_not_change_is_refused(self):
        self.allow("change_user", "add_userlanguage")
        model_admin = admin.site.get_model_admin(User)

        def only_ann(request, obj=None):
            return obj is None or obj == self.ann

        with mock.patch.object(model_admin, "has_change_permission", only_ann):
            allowed, refused = self.start(self.ann), self.start(self.ann, self.ben)

        assert (allowed.status_code, refused.status_code) == (200, 403)
