"""The many-to-many as a form field, in ordinary forms and in the admin; and what the admin's checks say."""

from __future__ import annotations

from unittest import mock

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User as Account
from django.test import SimpleTestCase, TestCase, override_settings
from django.urls import reverse

from example_project.blog.models import User as Writer
from example_project.guides.models import Address, Blog, Language, Person, PersonAddress, Profile, Tag, User
from gorm_assoc.admin import AssociationAdmin, JoinRowInline, StackedJoinRowInline
from gorm_assoc.forms import AssociationModelForm, read_key, write_key
from tests import documentation
from tests.admin_site import fields_site, site
from tests.factories import LanguageFactory, UserFactory
from tests.pages import errors, open_page
from tests.testapp.models import Author, Essay, Member, Poster, Seat, Shouter


class ModelFormTests(TestCase):
    """A plain ModelForm, outside the admin."""

    def form(self, model, *names, **kwargs):
        return forms.modelform_factory(model, fields=names)(**kwargs)

    def test_saves_links_of_an_automatic_join_model(self):
        languages = LanguageFactory.create_batch(3)
        user = UserFactory()
        user.languages.add(*languages[:2])
        form = self.form(
            User,
            "name",
            "languages",
            instance=user,
            data={"name": "x", "languages": [each.pk for each in languages[1:]]},
        )

        form.save()

        assert set(user.languages.all()) == set(languages[1:])

    def test_saves_links_of_a_written_join_model(self):
        person, address = Person.objects.create(name="x"), Address.objects.create(name="home")

        self.form(Person, "name", "addresses", instance=person, data={"name": "x", "addresses": [address.pk]}).save()

        assert PersonAddress.objects.get().note == "before-create"

    def test_a_new_owner_gets_its_links(self):
        language = LanguageFactory()

        user = self.form(User, "name", "languages", data={"name": "x", "languages": [language.pk]}).save()

        assert list(user.languages.all()) == [language]

    def test_save_m2m_later(self):
        language = LanguageFactory()
        form = self.form(User, "name", "languages", data={"name": "x", "languages": [language.pk]})

        user = form.save(commit=False)
        user.save()
        form.save_m2m()

        assert list(user.languages.all()) == [language]

    def test_from_the_side_that_refers_back(self):
        language, user = LanguageFactory(), UserFactory()

        self.form(Language, "name", "users", instance=language, data={"name": "x", "users": [user.pk]}).save()

        assert list(user.languages.all()) == [language]

    def test_links_are_optional_unless_blank_is_false(self):
        form = self.form(User, "name", "languages", data={"name": "x"})

        assert form.is_valid()

    def test_dead_links_are_not_initial_and_one_that_is_chosen_again_is_revived(self):
        person, home, work = Person.objects.create(), *(Address.objects.create(name=name) for name in "ab")
        person.addresses.add(home, work, through_defaults={"note": "kept"})
        person.addresses.remove(home)
        form = self.form(Person, "addresses", instance=person)
        sent = self.form(Person, "addresses", instance=person, data={"addresses": [home.pk]})

        sent.save()

        assert form.initial["addresses"] == [work]
        rows = {row.address: (row.note, row.deleted_at is None) for row in PersonAddress._base_manager.all()}
        assert rows == {home: ("kept", True), work: ("kept", False)}

    def test_a_link_to_a_dead_target_is_not_shown_and_stays(self):
        user, dead, live = UserFactory(), *LanguageFactory.create_batch(2)
        user.languages.add(dead, live)
        dead.delete()
        form = self.form(User, "languages", instance=user, data={"languages": []})

        form.save()
        dead.restore()

        assert list(user.languages.all()) == [dead]

    def test_an_owner_whose_reference_is_empty(self):
        user = User.objects.create(name="ann")
        profile = Profile.objects.create(name="p", user_refer=5)
        form_class = forms.modelform_factory(User, form=AssociationModelForm, fields=["refer", "profiles"])

        shown = form_class(instance=user)
        refused = form_class(instance=user, data={"profiles": [profile.pk]})
        empty = form_class(instance=user, data={"profiles": []})
        given = form_class(instance=user, data={"refer": "7", "profiles": [profile.pk]})

        assert shown.initial["profiles"] == []
        assert refused.errors == {"profiles": ["Links are stored by “refer”, which is empty here: fill it in first."]}
        empty.save()
        given.save()
        assert list(user.profiles.all()) == [profile]


class CompositeTargetTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.shouter = Shouter.objects.create(slug="ANN")
        cls.seats = [Seat.objects.create(hall=hall, number=number) for hall in ("a", 'b"') for number in (1, 2)]
        cls.shouter.seats.add(cls.seats[0])

    def form(self, *texts):
        data = {"slug": "ANN", "seats": texts}
        return forms.modelform_factory(Shouter, fields=["slug", "seats"])(instance=self.shouter, data=data)

    def test_choices_are_keys_as_json_and_what_is_linked_is_chosen(self):
        html = str(forms.modelform_factory(Shouter, fields=["seats"])(instance=self.shouter)["seats"])

        assert '<option value="[&quot;a&quot;, 1]" selected>' in html
        assert html.count(" selected") == 1
        assert "[&quot;b\\&quot;&quot;, 2]" in html

    def test_saves(self):
        form = self.form('["a", 2]', '["b\\"", 1]')

        form.save()

        assert form.changed_data == ["seats"]
        assert set(self.shouter.seats.all()) == {self.seats[1], self.seats[2]}

    def test_an_unchanged_choice_is_no_change(self):
        assert self.form('["a", 1]').changed_data == []

    def test_what_is_no_choice_is_an_error(self):
        for text in (
            "",
            "x",
            "[]",
            '["a"]',
            '["a", 3]',
            '["a", "x"]',
            '["a", null]',
            '[["a"], 1]',
            '["a", 1e400]',
            "{}",
        ):
            form = self.form(text)

            assert not form.is_valid(), text
            assert "is not one of the available choices" in form.errors["seats"][0]

    def test_thousands_are_found_with_one_query(self):
        Seat.objects.bulk_create([Seat(hall="big", number=number) for number in range(3000)])
        form = self.form(*(f'["big", {number}]' for number in range(3000)))

        with self.assertNumQueries(2):  # the unique slug; the seats
            valid = form.is_valid()

        assert valid
        assert len(form.cleaned_data["seats"]) == 3000


class KeyTests(SimpleTestCase):
    def test_a_key_is_read_as_it_was_written(self):
        for seat in (Seat(hall="", number=0), Seat(hall="(1, 'x')", number=-5), Seat(hall="ü\"'<", number=2**31 - 1)):
            assert read_key(Seat, write_key(seat)) == seat.pk

    def test_a_key_of_one_column_is_a_list_too(self):
        assert write_key(User(pk=5)) == "[5]"
        assert read_key(User, "[5]") == (5,)

    def test_anything_else_is_an_error(self):
        for text in (None, 5, "", "(1, 2)", "__import__('os')", '{"a": 1}', "[" * 100_000, "[1" + "0" * 5000 + ", 1]"):
            with self.assertRaisesMessage(forms.ValidationError, "This is no key of a seat."):
                read_key(Seat, text)


@override_settings(ROOT_URLCONF="tests.admin_site")
class AdminFieldTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.account = Account.objects.create_superuser("admin")
        cls.shouter = Shouter.objects.create(slug="ANN")
        cls.seat, cls.other = (Seat.objects.create(hall="a", number=number) for number in (1, 2))
        cls.shouter.seats.add(cls.seat)

    def setUp(self):
        self.client.force_login(self.account)

    def test_the_field_saves_and_the_log_says_so(self):
        url = reverse("fields:testapp_shouter_change", args=[self.shouter.pk])
        page = open_page(self.client, url)
        assert page.data["seats"] == ['["a", 1]']
        assert page.unlabelled == []
        page.data["seats"] = ['["a", 2]']

        response = self.client.post(url, page.data)

        assert errors(response) == []
        assert list(self.shouter.seats.all()) == [self.other]
        assert admin.models.LogEntry.objects.get().get_change_message() == "Changed Seats."

    def test_without_fields_the_relations_are_shown(self):
        page = open_page(self.client, reverse("fields:testapp_member_add"))

        assert "clubs" in page.inputs

    def test_without_fields_a_relation_with_an_inline_is_not_shown_twice(self):
        page = open_page(self.client, reverse("admin:testapp_shouter_add"))

        assert "seats" not in page.inputs
        assert "seats-TOTAL_FORMS" in page.inputs


class SoftDeletingOwnerTests(TestCase):
    def test_links_do_not_stand_in_the_way_of_a_soft_delete(self):
        self.client.force_login(Account.objects.create_superuser("admin"))
        user, language = UserFactory(name="ann"), LanguageFactory()
        user.languages.add(language)

        page = self.client.get(reverse("admin:guides_user_delete", args=[user.pk]))
        response = self.client.post(reverse("admin:guides_user_delete", args=[user.pk]), {"post": "yes"})

        self.assertContains(page, "User: ann")
        assert response.status_code == 302
        assert not User.objects.exists()
        assert User.languages.through.objects.count() == 1

    def test_without_the_permission_it_is_refused(self):
        clerk = Account.objects.create_user("clerk", is_staff=True)
        self.client.force_login(clerk)
        user = UserFactory()

        response = self.client.post(reverse("admin:guides_user_delete", args=[user.pk]), {"post": "yes"})

        assert response.status_code == 403


class ChecksTests(SimpleTestCase):
    def errors(self, model, *inlines, base=AssociationAdmin, **attrs):
        model_admin = type("ModelAdmin", (base,), {"inlines": inlines, **attrs})
        return [(error.id, error.msg, error.hint) for error in model_admin(model, admin.site).check()]

    def test_a_many2many_is_allowed_in_fields(self):
        assert self.errors(Member, fields=["name", "clubs"], filter_horizontal=["clubs"]) == []
        assert [error[0] for error in self.errors(Member, fields=["clubs"], base=admin.ModelAdmin)] == ["admin.E013"]

    def test_an_inline_is_allowed_under_any_admin(self):
        class Rows(StackedJoinRowInline):
            model = Member.clubs.through
            fields = ["club", "role"]
            readonly_fields = ["role"]

        assert self.errors(Member, Rows, base=admin.ModelAdmin) == []

    def test_E801_an_unknown_relation(self):  # noqa: N802
        class Rows(JoinRowInline):
            model = Member.clubs.through
            relation = "club"

        assert self.errors(Member, Rows) == [
            ("gorm_assoc.E801", "testapp.Member has no relation 'club'. Did you mean 'clubs'?", None)
        ]

    def test_E801_a_relation_of_another_join_model(self):  # noqa: N802
        class Rows(JoinRowInline):
            model = User.languages.through
            relation = "speaks"

        assert self.errors(User, Rows) == [
            (
                "gorm_assoc.E801",
                "guides.User.speaks joins by guides.UserSpeak, not by guides.UserLanguage.",
                "Say model = User.speaks.through.",
            )
        ]

    def test_E802_a_join_model_of_others(self):  # noqa: N802
        class Rows(JoinRowInline):
            model = User.languages.through

        assert self.errors(Member, Rows) == [
            (
                "gorm_assoc.E802",
                "testapp.Member has no many-to-many that joins by guides.UserLanguage.",
                "Say model = <Model>.<relation>.through, of a relation that this model is an end of.",
            )
        ]

    def test_E802_rows_of_a_has_many(self):  # noqa: N802
        class Rows(JoinRowInline):
            model = Essay

        assert self.errors(Author, Rows) == [
            (
                "gorm_assoc.E802",
                "testapp.Author has no many-to-many that joins by testapp.Essay.",
                "Rows of a has-one or has-many are Django's own: class Rows(admin.TabularInline).",
            )
        ]

    def test_E802_a_join_model_used_twice(self):  # noqa: N802
        class Rows(JoinRowInline):
            model = Poster.following.through

        assert self.errors(Poster, Rows) == [
            (
                "gorm_assoc.E802",
                "testapp.Poster joins by testapp.PosterFollowing more than once: 'following', 'followers'.",
                "Say which is meant: relation = 'following'.",
            )
        ]

    def test_the_registry_of_the_tests_is_clean(self):
        for model_admin in [*site._registry.values(), *fields_site._registry.values()]:
            assert model_admin.check() == []


class DocumentationTests(SimpleTestCase):
    def test_the_page_about_the_admin_runs_and_its_admins_pass_the_checks(self):
        site = admin.AdminSite()
        names = {}

        with mock.patch("django.contrib.admin.sites.site", site), mock.patch("django.contrib.admin.site", site):
            for block in documentation.blocks("docs/admin.md"):
                exec(block.compiled(block.code, "exec"), names)

        assert set(site._registry) == {User, Language, Person, Blog, Tag, Profile, Writer}
        assert [error for model_admin in site._registry.values() for error in model_admin.check()] == []
        assert "addresses" in names["PersonForm"].base_fields
