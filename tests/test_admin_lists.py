"""The list page: columns with counts, a filter on a relation; and the delete page: what the database does."""

from __future__ import annotations

from unittest import mock

from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as Account
from django.db import connection
from django.test import SimpleTestCase, TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from example_project.guides.models import Address, Blog, Language, Person, PersonAddress, SpokenLanguage, User
from gorm_assoc.admin import AssociationAdmin, AssociationCount
from gorm_assoc.admin.deleting import referring_rows
from gorm_assoc.admin.lists import AssociationChangeList
from tests.admin_site import site as test_site
from tests.factories import BlogFactory, LanguageFactory, TagFactory, UserFactory
from tests.testapp.models import Member, Petal, Shelf, Shoot, Stem, Volume


class ListTestCase(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.account = Account.objects.create_superuser("admin")
        cls.ann, cls.ben, cls.cat = (UserFactory(name=name) for name in ("ann", "ben", "cat"))
        cls.english, cls.french = LanguageFactory(name="English"), LanguageFactory(name="French")
        cls.ann.languages.add(cls.english, cls.french)
        cls.ben.languages.add(cls.english)

    def setUp(self):
        self.client.force_login(self.account)

    def rows(self, name="user", **parameters):
        response = self.client.get(reverse(f"admin:guides_{name}_changelist"), parameters)
        assert response.status_code == 200, response
        return list(response.context["cl"].result_list)


class CountTests(ListTestCase):
    def counts(self, column, name="user", **parameters):
        return {str(row): column(row) for row in self.rows(name, **parameters)}

    def test_each_row_has_its_count_and_several_columns_do_not_multiply(self):
        self.ann.friends.add(self.ben, self.cat)

        assert self.counts(AssociationCount("languages")) == {"ann": 2, "ben": 1, "cat": 0}
        assert self.counts(AssociationCount("friends")) == {"ann": 2, "ben": 0, "cat": 0}

    def test_dead_targets_and_dead_join_rows_do_not_count(self):
        self.french.delete()
        mia, home, work = Person.objects.create(name="mia"), *(Address.objects.create(name=name) for name in "ab")
        mia.addresses.add(home, work)
        mia.addresses.remove(home)

        assert self.counts(AssociationCount("languages")) == {"ann": 1, "ben": 1, "cat": 0}
        assert self.counts(AssociationCount("addresses"), "person") == {"mia": 1}
        assert self.counts(AssociationCount("people"), "address") == {"a": 0, "b": 1}

    def test_count_is_what_the_verb_says_also_where_half_a_key_is_referred_to(self):
        blog = BlogFactory(id=1, locale="en")
        tags = [TagFactory(id=1, locale=locale) for locale in ("en", "fr")]
        blog.locale_tags.append(tags[0])
        blog.tags.append(tags)

        for name in ("tags", "locale_tags"):
            with mock.patch.object(admin.site.get_model_admin(Blog), "list_display", (AssociationCount(name),)):
                assert list(self.counts(AssociationCount(name), "blog").values()) == [blog.association(name).count()]

    def test_the_list_takes_as_many_queries_for_many_rows_as_for_few(self):
        def queries():
            with CaptureQueriesContext(connection) as ran:
                self.rows()
            return len(ran)

        self.rows()
        few = queries()
        for user in UserFactory.create_batch(30):
            user.languages.add(self.english, self.french)

        assert queries() == few

    def test_the_column_sorts(self):
        assert [user.name for user in self.rows(o="3")] == ["cat", "ben", "ann"]
        assert [user.name for user in self.rows(o="-3")] == ["ann", "ben", "cat"]

    def test_the_heading_is_the_relations_name_or_the_one_given(self):
        page = self.client.get(reverse("admin:guides_user_changelist")).content.decode()

        assert ">Languages<" in page.replace("\n", "")
        assert AssociationCount("fluent_in").short_description == "fluent in"
        assert AssociationCount("blog_set", "blogs").short_description == "blogs"

    def test_a_changelist_of_the_projects_own_is_kept(self):
        class Own(AssociationChangeList):
            pass

        class Other(admin.views.main.ChangeList):
            pass

        for given, expected in ((Own, (Own,)), (Other, (AssociationChangeList, Other))):
            base = type("Base", (admin.ModelAdmin,), {"get_changelist": lambda self, request, given=given: given})
            found = type("Admin", (AssociationAdmin, base), {})(User, admin.site).get_changelist(None)

            assert all(issubclass(found, each) for each in expected)


class FilterTests(ListTestCase):
    def names(self, **parameters):
        return sorted(str(row) for row in self.rows(**parameters))

    def test_the_rows_with_a_target_and_those_without_any(self):
        assert self.names(languages=f"[{self.english.pk}]") == ["ann", "ben"]
        assert self.names(languages=f"[{self.french.pk}]") == ["ann"]
        assert self.names(languages__isnull="True") == ["cat"]

    def test_the_page_offers_live_targets_and_none(self):
        LanguageFactory(name="Dead").delete()

        response = self.client.get(reverse("admin:guides_user_changelist"), {"languages": f"[{self.french.pk}]"})

        (spec,) = response.context["cl"].filter_specs
        choices = [(each["display"], each["selected"]) for each in spec.choices(response.context["cl"])]
        assert choices == [("All", False), ("English", False), ("French", True), ("Empty", False)]

    def test_facets_count(self):
        page = self.client.get(reverse("admin:guides_user_changelist"), {"_facets": "True"})

        for text in ("English (2)", "French (1)", "Empty (1)"):
            self.assertContains(page, text)

    def test_a_composite_target(self):
        blog, _ = BlogFactory(id=1, locale="en"), BlogFactory(id=2, locale="en")
        blog.tags.add(TagFactory(id=1, locale="en"))

        assert self.rows("blog", tags='[1, "en"]') == [blog]
        assert self.rows("blog", tags='[1, "fr"]') == []

    def test_a_dead_link_does_not_count(self):
        mia, home = Person.objects.create(name="mia"), Address.objects.create(name="home")
        mia.addresses.add(home)
        mia.addresses.remove(home)

        with mock.patch.object(admin.site.get_model_admin(Person), "list_filter", ("addresses",)):
            assert self.rows("person", addresses=f"[{home.pk}]") == []
            assert self.rows("person", addresses__isnull="True") == [mia]

    def test_from_the_other_side(self):
        with mock.patch.object(admin.site.get_model_admin(Language), "list_filter", ("users",)):
            assert self.rows("language", users=f"[{self.ben.pk}]") == [self.english]

    def test_what_is_no_key_shows_no_rows_but_the_list(self):
        for text in ("x", "[]", "1", "[" * 3000):
            response = self.client.get(reverse("admin:guides_user_changelist"), {"languages": text})

            assert (response.status_code, response["Location"]) == (302, "/admin/guides/user/?e=1")


class DeletePageTests(ListTestCase):
    def page(self, row):
        url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])
        return self.client.get(url)

    def test_why_a_row_is_protected_and_dead_rows_too(self):
        mia, home = Person.objects.create(name="mia"), Address.objects.create(name="home")
        mia.addresses.add(home)
        mia.addresses.remove(home)

        response = self.page(home)
        refused = self.client.post(response.request["PATH_INFO"], {"post": "yes"})

        constraint = next(c for c in PersonAddress._meta.constraints if c.fields == ("address_id",))
        self.assertContains(
            response,
            f"Person addresss: 1. The foreign key {constraint.name} on person_addresses (address_id) has ON DELETE "
            "NO ACTION: remove these rows first, or declare the relation with constraint:OnDelete:CASCADE. "
            "Deleted before and kept: 1.",
        )
        assert refused.status_code == 200
        assert Address.objects.get() == home

    def test_what_the_database_deletes_along(self):
        english = SpokenLanguage.objects.create(code="en")
        self.ann.speaks.add(english)

        response = self.page(english)
        done = self.client.post(response.request["PATH_INFO"], {"post": "yes"})

        self.assertContains(response, "User speaks: 1")
        assert done.status_code == 302
        assert not self.ann.speaks.exists()

    def test_a_registered_join_model_asks_for_its_permission(self):
        english = SpokenLanguage.objects.create(code="en")
        self.ann.speaks.add(english)
        clerk = Account.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.add(
            Permission.objects.get(codename="delete_spokenlanguage", content_type__app_label="guides")
        )
        self.client.force_login(clerk)
        url = reverse("admin:guides_spokenlanguage_delete", args=["en"])
        through = User.speaks.through

        with mock.patch.dict(admin.site._registry, {through: AssociationAdmin(through, admin.site)}):
            shown = self.client.get(url)
            refused = self.client.post(url, {"post": "yes"})
        allowed = self.client.post(url, {"post": "yes"})

        assert shown.context["perms_lacking"] == {"user speak"}
        assert (refused.status_code, allowed.status_code) == (403, 302)

    def test_rows_that_refer_to_each_other_in_a_ring_are_counted_once(self):
        first, second = Stem.objects.create(name="first"), Stem.objects.create(name="second")
        Stem.objects.filter(pk=first.pk).update(parent=second)
        Stem.objects.filter(pk=second.pk).update(parent=first)
        Shoot.objects.create(stem=second)

        found = [(each.model, each.count) for each in referring_rows(Stem, [first])]

        assert found == [(Stem, 1), (Shoot, 1)]

    def test_columns_that_the_database_empties(self):
        stem = Stem.objects.create(name="first")
        Petal.objects.create(stem=stem)

        assert [each.effect() for each in referring_rows(Stem, [stem])] == ["Petals: 1 (stem_id = NULL)"]

    @override_settings(ROOT_URLCONF="tests.admin_site")
    def test_the_list_of_several(self):
        shelves = [Shelf.objects.create(code=code) for code in "ab"]
        volume = Volume.objects.create(title="one")
        for shelf in shelves:
            shelf.volumes.add(volume)

        response = self.client.post(
            reverse("admin:testapp_shelf_changelist"),
            {"action": "delete_selected", "_selected_action": [shelf.pk for shelf in shelves]},
        )

        assert test_site.is_registered(Shelf)
        self.assertContains(response, "Shelf volumes: 2")


class ChecksTests(SimpleTestCase):
    def errors(self, model, **attrs):
        found = type("Admin", (AssociationAdmin,), attrs)(model, admin.site).check()
        return [(error.id, error.msg, error.hint) for error in found]

    def test_E803_list_editable_of_a_composite_key(self):  # noqa: N802
        assert self.errors(Blog, list_display=["id", "subject"], list_editable=["subject"]) == [
            (
                "gorm_assoc.E803",
                "list_editable cannot edit guides.Blog: its primary key is composite.",
                "Leave list_editable out; each row's own page edits it.",
            )
        ]
        assert self.errors(Member, list_display=["id", "name"], list_editable=["name"]) == []

    def test_E804_a_count_of_nothing(self):  # noqa: N802
        assert self.errors(User, list_display=["name", AssociationCount("language")]) == [
            (
                "gorm_assoc.E804",
                "list_display: guides.User has no relation 'language'. Did you mean 'languages'?",
                None,
            )
        ]
        assert self.errors(User, list_display=["name", AssociationCount("languages")]) == []

    def test_E805_an_action_on_nothing(self):  # noqa: N802
        assert self.errors(User, edited_associations=["language"]) == [
            (
                "gorm_assoc.E805",
                "edited_associations: guides.User has no relation 'language'. Did you mean 'languages'?",
                None,
            )
        ]
        assert self.errors(PersonAddress, edited_associations=["person"]) == [
            (
                "gorm_assoc.E805",
                "edited_associations: guides.PersonAddress.person is a belongs_to, not a many2many.",
                None,
            )
        ]
        assert self.errors(User, edited_associations=[]) == []
