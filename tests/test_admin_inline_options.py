"""Django's options of an inline, on join rows: ordering, autocomplete_fields, raw_id_fields, readonly_fields."""

from __future__ import annotations

from unittest import mock

from django.contrib import admin
from django.contrib.auth.models import User as Account
from django.test import SimpleTestCase, TestCase
from django.urls import reverse

from example_project.guides.admin import FluencyRows, LanguageRows, UserAdmin, UserRows
from example_project.guides.models import User
from gorm_assoc.admin import AssociationAdmin, JoinRowInline
from tests.factories import LanguageFactory, UserFactory
from tests.pages import add_row, errors, open_page
from tests.testapp.models import Member


class InlineTestCase(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.account = Account.objects.create_superuser("admin")
        cls.user = UserFactory(name="ann")
        cls.english, cls.french, cls.german = (LanguageFactory(name=name) for name in ("English", "French", "German"))
        cls.user.languages.add(cls.english, cls.french)
        cls.url = reverse("admin:guides_user_change", args=[cls.user.pk])

    def setUp(self):
        self.client.force_login(self.account)

    def spoken(self):
        return sorted(self.user.languages.values_list("name", flat=True))


class OrderingTests(InlineTestCase):
    def test_by_a_column_of_the_join_row(self):
        for language, fluency in ((self.english, "a"), (self.french, "c"), (self.german, "b")):
            self.user.fluent_in.add(language, through_defaults={"fluency": fluency})

        with mock.patch.object(FluencyRows, "ordering", ("-fluency",)):
            page = open_page(self.client, self.url)

        assert [page.data[f"fluent_in-{number}-fluency"] for number in range(3)] == ["c", "b", "a"]

    def test_by_a_column_of_the_target_and_what_is_changed_is_stored(self):
        with mock.patch.object(LanguageRows, "ordering", ("-language__name",)):
            page = open_page(self.client, self.url)
            shown = [page.data[f"languages-{number}-language"] for number in range(2)]
            page.data["languages-0-language"] = str(self.german.pk)
            response = self.client.post(self.url, page.data)

        assert shown == [str(self.french.pk), str(self.english.pk)]
        assert errors(response) == []
        assert self.spoken() == ["English", "German"]


class AutocompleteTests(InlineTestCase):
    def open(self, inline=LanguageRows, name="language", url=None):
        with mock.patch.object(inline, "autocomplete_fields", (name,)):
            return open_page(self.client, url or self.url)

    def test_only_what_is_chosen_is_an_option_and_the_url_finds_the_others(self):
        page = self.open()
        attrs = page.inputs["languages-0-language"]
        names = {name: attrs[f"data-{name.replace('_', '-')}"] for name in ("app_label", "model_name", "field_name")}

        found = self.client.get(attrs["data-ajax--url"], {**names, "term": "germ"}).json()

        chosen = {int(page.data[f"languages-{number}-language"]) for number in range(2)}
        assert chosen == {self.english.pk, self.french.pk}
        assert all(len(page.choices[f"languages-{number}-language"]) <= 2 for number in range(2))
        assert found["results"] == [{"id": str(self.german.pk), "text": "German"}]
        assert page.unlabelled == []

    def test_what_is_chosen_is_stored(self):
        page = self.open()
        add_row(page, "languages", language=self.german.pk)

        with mock.patch.object(LanguageRows, "autocomplete_fields", ("language",)):
            response = self.client.post(self.url, page.data)

        assert errors(response) == []
        assert self.spoken() == ["English", "French", "German"]

    def test_a_dead_target_stays_chosen(self):
        self.french.delete()

        page = self.open()

        assert str(self.french.pk) in [page.data[f"languages-{number}-language"] for number in range(2)]

    def test_from_the_other_side(self):
        page = self.open(UserRows, "user", reverse("admin:guides_language_change", args=[self.english.pk]))
        attrs = page.inputs["users-0-user"]
        names = {name: attrs[f"data-{name.replace('_', '-')}"] for name in ("app_label", "model_name", "field_name")}

        found = self.client.get(attrs["data-ajax--url"], {**names, "term": "an"}).json()

        assert found["results"] == [{"id": str(self.user.pk), "text": "ann"}]


class RawIdTests(InlineTestCase):
    def test_keys_are_shown_with_the_target_beside_and_stored(self):
        with mock.patch.object(LanguageRows, "raw_id_fields", ("language",)):
            html = self.client.get(self.url).content.decode()
            page = open_page(self.client, self.url)
            add_row(page, "languages", language=self.german.pk)
            response = self.client.post(self.url, page.data)
            add_row(page, "languages", language="x")
            refused = self.client.post(self.url, page.data)

        url = reverse("admin:guides_language_change", args=[self.english.pk])
        assert f'<a href="{url}">English</a>' in html
        assert "languages-0-language" not in page.choices
        assert errors(response) == []
        assert self.spoken() == ["English", "French", "German"]
        assert "Select a valid choice. That choice is not one of the available choices." in errors(refused)


class ReadonlyTests(InlineTestCase):
    def test_a_column_is_text_and_nothing_that_is_sent_for_it_is_stored(self):
        self.user.fluent_in.add(self.english, through_defaults={"fluency": "poor"})
        with mock.patch.object(FluencyRows, "readonly_fields", ("fluency", "created_at")):
            page = open_page(self.client, self.url)
            response = self.client.post(self.url, page.data | {"fluent_in-0-fluency": "good"})

        assert "fluent_in-0-fluency" not in page.inputs
        assert errors(response) == []
        assert User.fluent_in.through.objects.get().fluency == "poor"

    def test_a_target_is_text_and_no_row_can_be_added(self):
        with mock.patch.object(LanguageRows, "readonly_fields", ("language",)):
            page = open_page(self.client, self.url)
            page.data["languages-0-language"] = str(self.german.pk)
            add_row(page, "languages", language=self.german.pk)
            response = self.client.post(self.url, page.data)

        assert "languages-0-language" not in page.inputs
        assert errors(response) == []
        assert self.spoken() == ["English", "French"]


class ChecksTests(SimpleTestCase):
    def errors(self, model, site, **attrs):
        rows = type("Rows", (JoinRowInline,), {"model": model.clubs.through, **attrs})
        return [error.id for error in type("Admin", (AssociationAdmin,), {"inlines": [rows]})(model, site).check()]

    def test_autocomplete_asks_for_a_registered_target_with_search_fields(self):
        def site(**options):
            found = admin.AdminSite()
            if options:
                found.register(Member.clubs.rel.model, **options)
            return found

        assert self.errors(Member, site(), autocomplete_fields=["club"]) == ["admin.E039"]
        assert self.errors(Member, site(ordering=("name",)), autocomplete_fields=["club"]) == ["admin.E040"]
        assert self.errors(Member, site(search_fields=("name",)), autocomplete_fields=["club"]) == []

    def test_other_fields_are_checked_as_ever(self):
        assert self.errors(Member, admin.site, autocomplete_fields=["role"]) == ["admin.E038"]
        assert self.errors(Member, admin.site, raw_id_fields=["role"]) == ["admin.E003"]
        assert self.errors(Member, admin.site, raw_id_fields=["club"]) == []

    def test_the_example_project_is_clean(self):
        assert isinstance(admin.site.get_model_admin(User), UserAdmin)
        assert [error for model_admin in admin.site._registry.values() for error in model_admin.check()] == []
