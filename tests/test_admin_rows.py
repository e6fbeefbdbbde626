"""The inline of join rows, through the admin's own pages."""

from __future__ import annotations

from unittest import mock

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as Account
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client, TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from example_project.guides.admin import PersonAdmin, UserAdmin
from example_project.guides.models import Address, Person, PersonAddress, Profile, SpokenLanguage, User
from gorm_assoc.admin import JoinRowInline, StackedJoinRowInline
from gorm_assoc.forms import write_key
from tests.factories import LanguageFactory, UserFactory
from tests.pages import Page, add_row, errors, open_page, row_of
from tests.testapp.models import (
    Club,
    Course,
    Enrolment,
    Member,
    Membership,
    Poster,
    Seat,
    Shelf,
    Shouter,
    Student,
    Volume,
)

USER_FIELDS = {
    "name": "ann",
    "refer": "1",
    **{
        f"{prefix}-{name}_FORMS": "0"
        for prefix in ("languages", "speaks", "friends", "fluent_in")
        for name in ("TOTAL", "INITIAL")
    },
}


class AdminTestCase(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.account = Account.objects.create_superuser("admin")

    def setUp(self):
        self.client.force_login(self.account)

    def url(self, row):
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])

    def open(self, row):
        return open_page(self.client, self.url(row))

    def send(self, row, page, **more):
        return self.client.post(self.url(row), page.data | more)

    def messages(self, response):
        return [str(message) for message in get_messages(response.wsgi_request)]


class AutomaticJoinRowsTests(AdminTestCase):
    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.user = UserFactory(name="ann")
        cls.english, cls.french, cls.german = (LanguageFactory(name=name) for name in ("English", "French", "German"))
        cls.user.languages.add(cls.english, cls.french)

    def spoken(self):
        return sorted(self.user.languages.values_list("name", flat=True))

    def test_the_page_names_rows_by_their_key_as_json(self):
        page = self.open(self.user)

        assert page.data["languages-INITIAL_FORMS"] == "2"
        assert page.data[f"{row_of(page, 'languages', 'language', self.french.pk)}-pk"] == (
            f"[{self.user.pk}, {self.french.pk}]"
        )

    def test_every_input_has_a_label(self):
        assert self.open(self.user).unlabelled == []

    def test_an_unchanged_page_changes_nothing(self):
        page = self.open(self.user)

        response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == ["English", "French"]

    def test_adds_a_row(self):
        page = self.open(self.user)
        add_row(page, "languages", language=self.german.pk)

        response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == ["English", "French", "German"]

    def test_adds_rows_together_with_their_owner(self):
        page = open_page(self.client, reverse("admin:guides_user_add"))
        page.data |= {"name": "bob"}
        add_row(page, "languages", language=self.german.pk)
        add_row(page, "speaks", spoken_language=SpokenLanguage.objects.create(code="x").pk)

        response = self.client.post(reverse("admin:guides_user_add"), page.data)

        assert errors(response) == []
        bob = User.objects.get(name="bob")
        assert list(bob.languages.all()) == [self.german]
        assert [spoken.code for spoken in bob.speaks.all()] == ["x"]

    def test_a_changed_target_is_an_update_of_that_row(self):
        page = self.open(self.user)
        page.data[f"{row_of(page, 'languages', 'language', self.french.pk)}-language"] = self.german.pk

        with CaptureQueriesContext(connection) as ran:
            response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == ["English", "German"]
        writes = [query["sql"] for query in ran if "user_languages" in query["sql"] and "SELECT" not in query["sql"]]
        assert [sql.split()[0] for sql in writes] == ["UPDATE"]

    def test_deletes_a_row(self):
        page = self.open(self.user)
        page.data[f"{row_of(page, 'languages', 'language', self.french.pk)}-DELETE"] = "on"

        response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == ["English"]

    def test_adds_changes_and_deletes_at_once(self):
        italian, spanish = LanguageFactory(name="Italian"), LanguageFactory(name="Spanish")
        page = self.open(self.user)
        page.data[f"{row_of(page, 'languages', 'language', self.french.pk)}-DELETE"] = "on"
        page.data[f"{row_of(page, 'languages', 'language', self.english.pk)}-language"] = spanish.pk
        add_row(page, "languages", language=italian.pk)
        add_row(page, "languages", language=self.german.pk)

        response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == ["German", "Italian", "Spanish"]

    def test_a_row_takes_the_target_of_one_that_is_deleted(self):
        page = self.open(self.user)
        page.data[f"{row_of(page, 'languages', 'language', self.french.pk)}-DELETE"] = "on"
        page.data[f"{row_of(page, 'languages', 'language', self.english.pk)}-language"] = self.french.pk

        response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == ["French"]

    def test_a_row_takes_the_target_of_one_that_moves_on(self):
        page = self.open(self.user)
        english = row_of(page, "languages", "language", self.english.pk)
        french = row_of(page, "languages", "language", self.french.pk)
        page.data[f"{english}-language"] = self.french.pk
        page.data[f"{french}-language"] = self.german.pk
        add_row(page, "languages", language=self.english.pk)

        response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == ["English", "French", "German"]

    def test_rows_that_swap_their_targets_are_refused(self):
        page = self.open(self.user)
        english = row_of(page, "languages", "language", self.english.pk)
        french = row_of(page, "languages", "language", self.french.pk)
        page.data |= {f"{english}-language": self.french.pk, f"{french}-language": self.english.pk}

        response = self.send(self.user, page)

        assert errors(response) == ["Rows cannot swap their places in one step: change one of them first."]
        assert self.spoken() == ["English", "French"]

    def test_a_pair_that_exists_is_a_form_error(self):
        page = self.open(self.user)
        add_row(page, "languages", language=self.english.pk)

        response = self.send(self.user, page)

        assert errors(response) == ["This pair is in the list already."]

    def test_a_pair_given_twice_is_a_form_error(self):
        page = self.open(self.user)
        add_row(page, "languages", language=self.german.pk)
        add_row(page, "languages", language=self.german.pk)

        response = self.send(self.user, page)

        assert errors(response) == ["This pair is in the list already."]
        assert self.spoken() == ["English", "French"]

    def test_a_pair_stored_by_somebody_else_meanwhile_is_a_form_error(self):
        page = self.open(self.user)
        add_row(page, "languages", language=self.german.pk)
        self.user.languages.add(self.german)

        response = self.send(self.user, page)

        assert errors(response) == ["This pair is in the list already."]

    def test_a_row_removed_by_somebody_else_meanwhile_is_a_form_error(self):
        page = self.open(self.user)
        self.user.languages.remove(self.english)

        response = self.send(self.user, page)

        assert errors(response) == ["A row was removed by somebody else in the meantime. Please open this page again."]

    def test_keys_that_are_no_json_or_of_other_owners_reach_no_row(self):
        other = UserFactory()
        other.languages.add(self.german)
        for text in ("", "[", "1", "[1]", '["a", "b"]', "[null, 1]", f"[{other.pk}, {self.german.pk}]", "[" * 5000):
            page = self.open(self.user)
            row = row_of(page, "languages", "language", self.french.pk)
            page.data |= {f"{row}-pk": text, f"{row}-DELETE": "on"}

            response = self.send(self.user, page)

            assert response.status_code in (200, 302)
            assert self.spoken() == ["English", "French"]
            assert list(other.languages.all()) == [self.german]

    def test_a_target_that_is_no_choice_is_a_form_error(self):
        for value in ("999999", "x", "[1]", "9" * 30):
            page = self.open(self.user)
            add_row(page, "languages", language=value)

            response = self.send(self.user, page)

            assert errors(response) == ["Select a valid choice. That choice is not one of the available choices."]

    def test_a_row_without_a_target_is_not_stored(self):
        page = self.open(self.user)
        add_row(page, "languages", language="")
        page.data[f"{row_of(page, 'languages', 'language', self.french.pk)}-language"] = ""

        response = self.send(self.user, page)

        assert errors(response) == ["This field is required."]
        assert self.spoken() == ["English", "French"]

    def test_dead_targets_are_no_choice_but_a_row_keeps_its_own(self):
        self.german.delete()
        self.french.delete()

        page = self.open(self.user)
        response = self.send(self.user, page)

        row = row_of(page, "languages", "language", self.french.pk)
        assert list(page.choices[f"{row}-language"]) == ["", str(self.english.pk), str(self.french.pk)]
        assert errors(response) == []
        assert User.languages.through.objects.filter(user=self.user).count() == 2

    def test_the_log_lists_the_rows(self):
        page = self.open(self.user)
        page.data[f"{row_of(page, 'languages', 'language', self.french.pk)}-DELETE"] = "on"
        page.data[f"{row_of(page, 'languages', 'language', self.english.pk)}-language"] = self.german.pk
        add_row(page, "speaks", spoken_language=SpokenLanguage.objects.create(code="x").pk)

        self.send(self.user, page)

        said = LogEntry.objects.get().get_change_message()
        assert "Changed Language for user language “ann – German”." in said
        assert "Deleted user language “ann – French”." in said
        assert "Added user speak “ann – x”." in said

    def test_the_same_rows_from_the_other_side(self):
        bob = UserFactory(name="bob")
        page = self.open(self.french)
        page.data[f"{row_of(page, 'users', 'user', self.user.pk)}-user"] = bob.pk

        response = self.send(self.french, page)

        assert errors(response) == []
        assert self.spoken() == ["English"]
        assert list(bob.languages.all()) == [self.french]

    def test_a_self_reference_shows_what_the_owner_points_at(self):
        bob, cat = UserFactory(name="bob"), UserFactory(name="cat")
        self.user.friends.add(bob)
        cat.friends.add(self.user)
        page = self.open(self.user)
        assert page.data["friends-INITIAL_FORMS"] == "1"
        page.data[f"{row_of(page, 'friends', 'friend', bob.pk)}-friend"] = cat.pk
        add_row(page, "friends", friend=self.user.pk)

        response = self.send(self.user, page)

        assert errors(response) == []
        assert sorted(friend.name for friend in self.user.friends.all()) == ["ann", "cat"]
        assert list(cat.friends.all()) == [self.user]

    def test_a_string_key_with_quotes_and_markup(self):
        plain = SpokenLanguage.objects.create(code="en")
        odd = SpokenLanguage.objects.create(code="""<b>"it's", [1]</b>""")
        self.user.speaks.add(odd)
        page = self.open(self.user)
        row = row_of(page, "speaks", "spoken_language", odd.pk)
        assert page.data[f"{row}-pk"] == write_key(User.speaks.through.objects.get())
        page.data[f"{row}-spoken_language"] = plain.pk
        add_row(page, "speaks", spoken_language=odd.pk)

        response = self.send(self.user, page)

        assert errors(response) == []
        assert sorted(spoken.code for spoken in self.user.speaks.all()) == sorted([odd.code, "en"])

    def test_an_extra_column_is_edited(self):
        self.user.fluent_in.add(self.english, through_defaults={"fluency": "poor"})
        page = self.open(self.user)
        row = row_of(page, "fluent_in", "language", self.english.pk)
        assert page.data[f"{row}-fluency"] == "poor"
        page.data[f"{row}-fluency"] = "good"
        add_row(page, "fluent_in", language=self.german.pk, fluency="fair")

        response = self.send(self.user, page)

        assert errors(response) == []
        rows = User.fluent_in.through.objects.order_by("language_id").values_list("language__name", "fluency")
        assert list(rows) == [("English", "good"), ("German", "fair")]

    def test_created_at_survives_a_changed_target(self):
        self.user.fluent_in.add(self.english, through_defaults={"fluency": "poor"})
        before = User.fluent_in.through.objects.get()
        page = self.open(self.user)
        row = row_of(page, "fluent_in", "language", self.english.pk)
        assert f"{row}-created_at" not in page.inputs
        page.data[f"{row}-language"] = self.german.pk

        self.send(self.user, page)

        after = User.fluent_in.through.objects.get()
        assert (after.language, after.fluency, after.created_at) == (self.german, "poor", before.created_at)

    def test_a_csrf_token_is_asked_for(self):
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.account)
        page = open_page(client, self.url(self.user))
        add_row(page, "languages", language=self.german.pk)

        response = client.post(self.url(self.user), page.data)
        del page.data["csrfmiddlewaretoken"]
        refused = client.post(self.url(self.user), page.data)

        assert (response.status_code, refused.status_code) == (302, 403)


class PermissionTests(AdminTestCase):
    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.user = UserFactory(name="ann")
        cls.english, cls.french = LanguageFactory(name="English"), LanguageFactory(name="French")
        cls.user.languages.add(cls.english)
        cls.clerk = Account.objects.create_user("clerk", is_staff=True)

    def setUp(self):
        self.allow("change_user")
        self.client.force_login(self.clerk)

    def allow(self, *names):
        found = Permission.objects.filter(codename__in=names, content_type__app_label="guides")
        assert len(found) == len(names)
        self.clerk.user_permissions.add(*found)

    def forged(self):
        """A page that tries everything, whatever it was shown."""
        return {
            **USER_FIELDS,
            "languages-TOTAL_FORMS": "2",
            "languages-INITIAL_FORMS": "1",
            "languages-0-pk": f"[{self.user.pk}, {self.english.pk}]",
            "languages-0-language": str(self.french.pk),
            "languages-1-language": str(self.french.pk),
        }

    def spoken(self):
        return sorted(self.user.languages.values_list("name", flat=True))

    def test_without_permissions_nothing_is_shown_and_nothing_stored(self):
        page = self.open(self.user)
        response = self.client.post(self.url(self.user), self.forged() | {"languages-0-DELETE": "on"})

        assert not [name for name in page.data if name.startswith("languages")]
        assert response.status_code == 302
        assert self.spoken() == ["English"]

    def test_view_shows_the_rows_as_text(self):
        self.allow("view_userlanguage")

        response = self.client.get(self.url(self.user))
        page = Page(response.content.decode())
        posted = self.client.post(self.url(self.user), page.data)
        forged = self.client.post(self.url(self.user), self.forged() | {"languages-0-DELETE": "on"})

        self.assertContains(response, "<p>English</p>", html=True)
        assert "languages-0-language" not in page.inputs
        assert page.data["languages-TOTAL_FORMS"] == "1"
        assert (posted.status_code, forged.status_code) == (302, 302)
        assert self.spoken() == ["English"]

    def test_who_may_only_view_the_owner_sees_text(self):
        viewer = Account.objects.create_user("viewer", is_staff=True)
        found = Permission.objects.filter(
            codename__in=["view_user", "view_userlanguage"], content_type__app_label="guides"
        )
        viewer.user_permissions.add(*found)
        self.client.force_login(viewer)
        User.objects.filter(pk=self.user.pk).update(refer=None)

        response = self.client.get(self.url(self.user))

        self.assertContains(response, "<p>English</p>", html=True)
        assert [name for name in Page(response.content.decode()).inputs if name.endswith("-language")] == []

    def test_add_alone_shows_only_new_rows(self):
        self.allow("add_userlanguage")
        page = self.open(self.user)
        assert page.data["languages-INITIAL_FORMS"] == "0"
        add_row(page, "languages", language=self.french.pk)

        response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == ["English", "French"]

    def test_change_alone_adds_and_deletes_nothing(self):
        self.allow("change_userlanguage")
        page = self.open(self.user)
        page.data |= {"languages-0-DELETE": "on", "languages-0-language": str(self.french.pk)}
        add_row(page, "languages", language=LanguageFactory().pk)

        response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == ["French"]

    def test_delete_with_view_deletes(self):
        self.allow("view_userlanguage", "delete_userlanguage")
        page = self.open(self.user)
        page.data["languages-0-DELETE"] = "on"

        response = self.send(self.user, page)

        assert errors(response) == []
        assert self.spoken() == []


class SoftDeletedRowsTests(AdminTestCase):
    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.person = Person.objects.create(name="ann")
        cls.home, cls.work = Address.objects.create(name="home"), Address.objects.create(name="work")
        cls.person.addresses.add(cls.home, through_defaults={"note": "first"})

    def rows(self):
        rows = PersonAddress._base_manager.order_by("address_id")
        return [(row.address.name, row.note, row.deleted_at is None) for row in rows]

    def test_an_empty_note_is_filled_in_by_the_hook(self):
        page = self.open(self.person)
        assert not [name for name in page.inputs if name.endswith("_at")]
        add_row(page, "addresses", address=self.work.pk, note="")

        response = self.send(self.person, page)

        assert errors(response) == []
        assert self.rows() == [("home", "first", True), ("work", "before-create", True)]

    def test_delete_marks_the_row_as_dead_and_it_is_shown_no_more(self):
        page = self.open(self.person)
        page.data["addresses-0-DELETE"] = "on"

        response = self.send(self.person, page)

        assert errors(response) == []
        assert self.rows() == [("home", "first", False)]
        assert self.open(self.person).data["addresses-TOTAL_FORMS"] == "0"

    def test_a_dead_pair_is_a_form_error_that_says_so(self):
        self.person.addresses.remove(self.home)
        page = self.open(self.person)
        add_row(page, "addresses", address=self.home.pk, note="again")

        response = self.send(self.person, page)

        (said,) = errors(response)
        assert said.startswith("This pair was deleted before and its row is kept: restore that row instead.")
        assert self.rows() == [("home", "first", False)]

    def test_the_error_of_a_dead_pair_offers_to_restore_it_with_what_was_filled_in(self):
        self.person.addresses.remove(self.home)
        page = self.open(self.person)
        add_row(page, "addresses", address=self.home.pk, note="again")
        refused = Page(self.send(self.person, page).content.decode())
        assert "addresses-0-RESTORE" in refused.inputs
        assert "addresses-0-RESTORE" not in refused.data

        response = self.send(self.person, refused, **{"addresses-0-RESTORE": "on"})

        assert errors(response) == []
        assert self.rows() == [("home", "again", True)]
        assert "Added person address" in LogEntry.objects.get().get_change_message()

    def test_a_restored_row_keeps_the_columns_that_were_not_filled_in(self):
        self.person.addresses.remove(self.home)
        page = self.open(self.person)
        add_row(page, "addresses", address=self.home.pk, note="")

        response = self.send(self.person, page, **{"addresses-0-RESTORE": "on"})

        assert errors(response) == []
        assert self.rows() == [("home", "first", True)]

    def open_with_dead(self):
        return open_page(self.client, f"{self.url(self.person)}?_dead_rows=addresses")

    def test_dead_rows_are_counted_and_shown_on_request_and_cannot_be_edited(self):
        self.person.addresses.add(self.work)
        self.person.addresses.remove(self.home)

        plain = self.client.get(self.url(self.person))
        page = self.open_with_dead()

        self.assertContains(plain, '<a href="?_dead_rows=addresses">Show deleted addresses (1)</a>', html=True)
        self.assertNotContains(plain, "RESTORE")
        self.assertContains(self.client.get(f"{self.url(self.person)}?_dead_rows=addresses"), "Restore\n", count=1)
        assert page.data["addresses-INITIAL_FORMS"] == "2"
        dead = row_of(page, "addresses", "address", self.home.pk)
        assert [name for name, attrs in page.inputs.items() if name.startswith(dead) and "disabled" not in attrs] == [
            f"{dead}-pk",
            f"{dead}-RESTORE",
        ]
        assert page.unlabelled == []

    def test_a_dead_row_is_restored(self):
        self.person.addresses.add(self.work)
        self.person.addresses.remove(self.home)
        page = self.open_with_dead()
        dead = row_of(page, "addresses", "address", self.home.pk)

        response = self.send(self.person, page, **{f"{dead}-RESTORE": "on"})

        assert errors(response) == []
        assert self.rows() == [("home", "first", True), ("work", "before-create", True)]
        assert "Changed Restore for person address" in LogEntry.objects.get().get_change_message()

    def test_a_page_with_dead_rows_changes_nothing_else_by_itself(self):
        self.person.addresses.remove(self.home)
        page = self.open_with_dead()

        response = self.send(self.person, page)
        forged = self.send(self.person, page, **{"addresses-0-note": "x", "addresses-0-DELETE": "on"})

        assert errors(response) == errors(forged) == []
        assert self.rows() == [("home", "first", False)]

    def test_a_dead_row_that_is_restored_is_not_added_as_well(self):
        self.person.addresses.remove(self.home)
        page = self.open_with_dead()
        add_row(page, "addresses", address=self.home.pk, note="again")

        response = self.send(self.person, page, **{"addresses-0-RESTORE": "on"})

        assert errors(response) == ["This pair is in the list already."]
        assert self.rows() == [("home", "first", False)]

    def test_dead_rows_of_others_are_not_reached(self):
        other = Person.objects.create(name="ben")
        other.addresses.add(self.home)
        other.addresses.remove(self.home)
        self.person.addresses.remove(self.home)
        page = self.open_with_dead()
        page.data["addresses-0-pk"] = f"[{other.pk}, {self.home.pk}]"

        self.send(self.person, page, **{"addresses-0-RESTORE": "on"})

        assert not PersonAddress.objects.exists()

    def test_who_may_not_change_rows_is_not_offered_to_restore_them_and_cannot(self):
        self.person.addresses.remove(self.home)
        clerk = Account.objects.create_user("clerk", is_staff=True)
        names = ["change_person", "view_personaddress", "add_personaddress"]
        clerk.user_permissions.add(*Permission.objects.filter(codename__in=names))
        self.client.force_login(clerk)

        page = self.open_with_dead()
        add_row(page, "addresses", address=self.home.pk)
        response = self.send(self.person, page, **{"addresses-0-RESTORE": "on", "addresses-1-RESTORE": "on"})

        assert not [name for name in page.inputs if name.endswith("RESTORE")]
        assert errors(response) == ["This pair was deleted before and its row is kept: restore that row instead."]
        assert self.rows() == [("home", "first", False)]

    def test_who_may_not_see_rows_is_shown_and_restores_none(self):
        self.person.addresses.remove(self.home)
        clerk = Account.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="change_person", content_type__app_label="guides"))
        sent = self.open_with_dead().data | {"addresses-0-RESTORE": "on"}
        self.client.force_login(clerk)

        shown = self.client.get(f"{self.url(self.person)}?_dead_rows=addresses")
        response = self.client.post(f"{self.url(self.person)}?_dead_rows=addresses", sent)

        self.assertNotContains(shown, "home")
        assert errors(response) == []
        assert self.rows() == [("home", "first", False)]

    def test_the_other_layout_shows_dead_rows_too(self):
        self.person.addresses.remove(self.home)
        rows = type("Rows", (StackedJoinRowInline,), {"model": PersonAddress, "extra": 0})

        with mock.patch.object(PersonAdmin, "inlines", (rows,)):
            page = self.open_with_dead()
            response = self.send(self.person, page, **{"addresses-0-RESTORE": "on"})

        assert page.unlabelled == []
        assert errors(response) == []
        assert self.rows() == [("home", "first", True)]

    def test_a_row_cannot_be_moved_onto_a_dead_pair(self):
        self.person.addresses.add(self.work)
        self.person.addresses.remove(self.home)
        page = self.open(self.person)
        page.data[f"{row_of(page, 'addresses', 'address', self.work.pk)}-address"] = self.home.pk

        response = self.send(self.person, page)

        assert errors(response) == ["This pair was deleted before and its row is kept: restore that row instead."]

    def test_a_pair_cannot_be_deleted_and_added_in_one_step(self):
        page = self.open(self.person)
        page.data["addresses-0-DELETE"] = "on"
        add_row(page, "addresses", address=self.home.pk, note="again")

        response = self.send(self.person, page)

        assert errors(response) == ["This pair is being deleted in another row: leave that row as it is instead."]
        assert self.rows() == [("home", "first", True)]

    def test_a_changed_target_moves_the_row(self):
        page = self.open(self.person)
        page.data |= {"addresses-0-address": self.work.pk, "addresses-0-note": "moved"}

        response = self.send(self.person, page)

        assert errors(response) == []
        assert self.rows() == [("work", "moved", True)]


@override_settings(ROOT_URLCONF="tests.admin_site")
class HooksTests(AdminTestCase):
    """Under an ordinary ModelAdmin."""

    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.member = Member.objects.create(name="ann")
        cls.chess, cls.golf, cls.polo = (Club.objects.create(name=name) for name in ("chess", "golf", "polo"))

    def setUp(self):
        super().setUp()
        Membership.calls.clear()

    def rows(self):
        return sorted(Membership.objects.values_list("club__name", "role"))

    def test_hooks_run_once_with_the_row(self):
        page = self.open(self.member)
        page.data |= {"clubs-0-club": self.chess.pk}
        self.send(self.member, page)
        page = self.open(self.member)
        page.data["clubs-0-DELETE"] = "on"
        self.send(self.member, page)

        pair = self.member.pk, self.chess.pk
        hooks = ("before_create", "after_create", "before_delete", "after_delete")
        assert Membership.calls == [(hook, *pair) for hook in hooks]

    def test_a_veto_of_a_new_row_is_a_message_and_other_rows_are_stored(self):
        page = self.open(self.member)
        page.data |= {"clubs-0-club": self.chess.pk, "clubs-0-role": "banned"}
        add_row(page, "clubs", club=self.golf.pk, role="guest")

        response = self.send(self.member, page)

        assert errors(response) == []
        assert self.rows() == [("golf", "guest")]
        assert any("was not added: banned" in message for message in self.messages(response))
        assert "chess" not in LogEntry.objects.get().get_change_message()

    def test_a_veto_of_a_delete_is_a_message(self):
        self.member.clubs.add(self.chess, through_defaults={"role": "founder"})
        page = self.open(self.member)
        page.data["clubs-0-DELETE"] = "on"

        response = self.send(self.member, page)

        assert self.rows() == [("chess", "founder")]
        assert any("was not deleted: founders stay" in message for message in self.messages(response))
        assert LogEntry.objects.get().get_change_message() == "No fields changed."

    def test_from_the_other_side(self):
        page = self.open(self.chess)
        page.data |= {"members-0-member": self.member.pk, "members-0-role": "chair"}

        response = self.send(self.chess, page)

        assert errors(response) == []
        assert self.rows() == [("chess", "chair")]


@override_settings(ROOT_URLCONF="tests.admin_site")
class SurrogateKeyTests(AdminTestCase):
    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.student = Student.objects.create(name="ann")
        cls.art, cls.law = Course.objects.create(title="art"), Course.objects.create(title="law")
        cls.row = Enrolment.objects.create(student=cls.student, course=cls.art, badge="a")

    def test_a_changed_target_keeps_the_row(self):
        page = self.open(self.student)
        assert page.data["courses-0-id"] == f"[{self.row.pk}]"
        page.data["courses-0-course"] = self.law.pk

        response = self.send(self.student, page)

        assert errors(response) == []
        row = Enrolment.objects.get(pk=self.row.pk)
        assert (row.course, row.badge) == (self.law, "a")

    def test_a_pair_that_exists_is_a_form_error(self):
        page = self.open(self.student)
        add_row(page, "courses", course=self.art.pk, badge="b")

        response = self.send(self.student, page)

        assert errors(response) == ["This pair is in the list already."]

    def test_another_unique_column_is_a_form_error(self):
        page = self.open(self.student)
        add_row(page, "courses", course=self.law.pk, badge="a")

        response = self.send(self.student, page)

        assert errors(response) == ["Enrolment with this Badge already exists."]


@override_settings(ROOT_URLCONF="tests.admin_site")
class CompositeTargetTests(AdminTestCase):
    """And an owner that is referred to by another column than its key."""

    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.shouter = Shouter.objects.create(slug="ANN")
        cls.first = Seat.objects.create(hall='a "big" one', number=1)
        cls.second = Seat.objects.create(hall="b", number=2)
        cls.shouter.seats.add(cls.first)

    def seats(self):
        return sorted((seat.hall, seat.number) for seat in self.shouter.seats.all())

    def test_the_choices_are_keys_as_json(self):
        page = self.open(self.shouter)

        assert page.data["seats-0-seat"] == '["a \\"big\\" one", 1]'
        assert page.data["seats-0-pk"] == '["ANN", "a \\"big\\" one", 1]'
        assert sorted(page.choices["seats-0-seat"])[1:] == ['["a \\"big\\" one", 1]', '["b", 2]']

    def test_adds_and_changes(self):
        page = self.open(self.shouter)
        page.data["seats-0-seat"] = '["b", 2]'
        add_row(page, "seats", seat='["a \\"big\\" one", 1]')

        response = self.send(self.shouter, page)

        assert errors(response) == []
        assert self.seats() == [('a "big" one', 1), ("b", 2)]

    def test_deletes(self):
        page = self.open(self.shouter)
        page.data["seats-0-DELETE"] = "on"

        response = self.send(self.shouter, page)

        assert errors(response) == []
        assert self.seats() == []

    def test_what_is_no_key_is_a_form_error(self):
        for value in (
            "x",
            "[]",
            '["b"]',
            '["b", "x"]',
            '["b", 3]',
            '["b", 2, 3]',
            '["b", null]',
            '["\\u0000", 2]',
            "{}",
        ):
            page = self.open(self.shouter)
            page.data["seats-0-seat"] = value

            response = self.send(self.shouter, page)

            assert errors(response) == ["Select a valid choice. That choice is not one of the available choices."]

    def test_the_referenced_column_cannot_change_under_rows(self):
        page = self.open(self.shouter)
        page.data["slug"] = "BOB"

        response = self.send(self.shouter, page)

        assert errors(response) == ["Rows of this list name “slug”: it cannot be changed while there are any."]
        assert self.seats() == [('a "big" one', 1)]

    def test_the_referenced_column_can_be_given_together_with_rows(self):
        page = open_page(self.client, reverse("admin:testapp_shouter_add"))
        page.data["slug"] = "cat"
        add_row(page, "seats", seat='["b", 2]')

        response = self.client.post(reverse("admin:testapp_shouter_add"), page.data)

        assert errors(response) == []
        assert list(Shouter.objects.get(slug="CAT").seats.all()) == [self.second]


class ReferencesTests(AdminTestCase):
    def test_rows_of_an_owner_whose_reference_is_empty_are_a_form_error(self):
        class ProfileRows(JoinRowInline):
            model = User.profiles.through

        user = User.objects.create(name="ann")
        profile = Profile.objects.create(name="p", user_refer=5)
        with mock.patch.multiple(UserAdmin, inlines=(ProfileRows,), fields=("name", "refer"), filter_horizontal=()):
            page = self.open(user)
            page.data |= {"profiles-0-profile": profile.pk}
            refused = self.send(user, page)
            page.data["refer"] = "7"
            stored = self.send(user, page)

        assert errors(refused) == ["Links are stored by “refer”, which is empty here: fill it in first."]
        assert errors(stored) == []
        row = User.profiles.through.objects.get()
        assert (row.user_refer, row.profile_user_refer) == (7, 5)


@override_settings(ROOT_URLCONF="tests.admin_site")
class TwoDirectionsTests(AdminTestCase):
    def test_each_inline_shows_and_writes_its_own_direction(self):
        ann, bob, cat = (Poster.objects.create(name=name) for name in ("ann", "bob", "cat"))
        ann.following.add(bob)
        cat.following.add(ann)
        page = self.open(ann)
        following, followers = (
            next(name for name in page.inputs if name.startswith(f"{prefix}-0-") and page.data[name] == str(poster.pk))
            for prefix, poster in (("following", bob), ("followers", cat))
        )
        page.data |= {following: str(cat.pk), followers: str(bob.pk)}

        response = self.send(ann, page)

        assert errors(response) == []
        assert list(ann.following.all()) == [cat]
        assert list(ann.followers.all()) == [bob]


@override_settings(ROOT_URLCONF="tests.admin_site")
class ReferencedColumnTests(AdminTestCase):
    """The rows name a column of the owner that the database changes along (ON UPDATE CASCADE)."""

    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.shelf = Shelf.objects.create(code="a")
        cls.first, cls.second, cls.third = (Volume.objects.create(title=title) for title in ("one", "two", "three"))
        cls.shelf.volumes.add(cls.first, cls.second)

    def test_the_column_and_its_rows_change_in_one_step(self):
        page = self.open(self.shelf)
        page.data["code"] = "b"
        page.data[f"{row_of(page, 'volumes', 'volume', self.first.pk)}-DELETE"] = "on"
        page.data[f"{row_of(page, 'volumes', 'volume', self.second.pk)}-volume"] = self.third.pk
        add_row(page, "volumes", volume=self.second.pk)

        response = self.send(self.shelf, page)

        assert errors(response) == []
        rows = Shelf.volumes.through.objects.order_by("volume_id").values_list("shelf_code", "volume__title")
        assert list(rows) == [("b", "two"), ("b", "three")]

    def test_save_as_new_copies_the_rows(self):
        page = self.open(self.shelf)
        page.data |= {"code": "b", "_saveasnew": "1"}

        response = self.send(self.shelf, page)

        assert errors(response) == []
        for shelf in Shelf.objects.all():
            assert set(shelf.volumes.all()) == {self.first, self.second}
        assert Shelf.objects.count() == 2

    def test_what_the_database_refuses_is_a_message(self):
        page = self.open(self.shelf)
        add_row(page, "volumes", volume=self.first.pk)
        with mock.patch("gorm_assoc.admin.row_checks.CheckedRows._clean_pairs"):
            response = self.send(self.shelf, page)

        assert errors(response) == []
        assert self.messages(response)[0].endswith(
            "was not added: the database refused it. It may have been stored or changed in the meantime."
        )
        assert self.shelf.volumes.count() == 2

    def test_the_delete_page_counts_the_rows_that_go_along(self):
        response = self.client.get(reverse("admin:testapp_shelf_delete", args=[self.shelf.pk]))

        self.assertContains(response, "Shelf volumes: 2")
