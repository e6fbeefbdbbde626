"""The choices of an inline's rows: read once a page, whatever the number of rows, and as each form wants them."""

from __future__ import annotations

from datetime import date
from unittest import mock

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User as Account
from django.db import connection
from django.test import RequestFactory, TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from example_project.guides import admin as guides
from example_project.guides.models import Language, User
from gorm_assoc.admin import JoinRowInline, StackedJoinRowInline
from tests.factories import BlogFactory, LanguageFactory, TagFactory, UserFactory
from tests.pages import open_page
from tests.testapp.models import Disc, Member, Rack


def request():
    found = RequestFactory().get("/")
    found.user = Account(is_superuser=True)
    return found


class LanguageRows(JoinRowInline):
    model = User.languages.through
    relation = "languages"
    extra = 0


def formset(inline, owner):
    return inline(type(owner), AdminSite()).get_formset(request(), owner)(instance=owner)


def selects(rows, name="language"):
    """The HTML of each form's field."""
    return [str(form[name]) for form in rows.forms]


class PageTests(TestCase):
    """The admin's own pages."""

    @classmethod
    def setUpTestData(cls):
        cls.account = Account.objects.create_superuser("admin")

    def setUp(self):
        self.client.force_login(self.account)

    def statements(self, row):
        url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        with CaptureQueriesContext(connection) as found:
            page = open_page(self.client, url)
        return len(found), page

    def check(self, owner, manager, targets, prefix):
        manager.append(targets[0])
        self.statements(owner)  # what is remembered from then on
        one, _ = self.statements(owner)
        manager.append(targets)
        many, page = self.statements(owner)

        assert page.data[f"{prefix}-INITIAL_FORMS"] == str(len(targets))
        assert many == one

    def test_statements_do_not_grow_with_rows(self):
        user = UserFactory()
        languages = LanguageFactory.create_batch(6)
        user.fluent_in.append(languages)

        self.check(user, user.languages, languages, "languages")
        self.check(user, user.friends, UserFactory.create_batch(6), "friends")

    def test_nor_with_autocomplete_or_raw_ids(self):
        user, languages = UserFactory(), LanguageFactory.create_batch(6)
        for option in ("autocomplete_fields", "raw_id_fields"):
            with mock.patch.object(guides.LanguageRows, option, ("language",)):
                user.languages.clear()
                self.check(user, user.languages, languages, "languages")

    def test_nor_with_keys_of_two_columns(self):
        blog, tag = BlogFactory(), TagFactory()

        self.check(blog, blog.tags, TagFactory.create_batch(6), "tags")
        self.check(tag, tag.blog_set, BlogFactory.create_batch(6), "blog_set")

    def test_every_row_has_every_choice_and_its_own(self):
        user, languages = UserFactory(), LanguageFactory.create_batch(4)
        user.languages.append(languages[:3])

        _, page = self.statements(user)

        everyone = {"", *(str(language.pk) for language in languages)}
        assert [set(page.choices[f"languages-{number}-language"]) for number in range(3)] == [everyone] * 3
        chosen = {page.data[f"languages-{number}-language"] for number in range(3)}
        assert chosen == {str(language.pk) for language in languages[:3]}

    def test_a_dead_target_is_a_choice_of_its_own_row_alone(self):
        user, (english, french) = UserFactory(), LanguageFactory.create_batch(2)
        user.languages.append(english, french)
        french.delete()

        _, page = self.statements(user)

        has = [str(french.pk) in page.choices[f"languages-{number}-language"] for number in range(2)]
        assert sorted(has) == [False, True]

    def test_another_page_reads_anew(self):
        user = UserFactory()
        user.languages.append(LanguageFactory())
        self.statements(user)
        late = LanguageFactory()

        _, page = self.statements(user)

        assert str(late.pk) in page.choices["languages-0-language"]


class FormsetTests(TestCase):
    """What a project may do with the field."""

    @classmethod
    def setUpTestData(cls):
        cls.user = UserFactory()
        cls.languages = [LanguageFactory(name=name) for name in ("English", "French", "German")]
        cls.user.languages.append(cls.languages)

    def test_a_form_that_narrows_its_queryset_has_its_own_choices(self):
        class NarrowForm(forms.ModelForm):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                field = self.fields["language"]
                field.queryset = field.queryset.filter(name__gte=self.instance.language.name)

        class Rows(LanguageRows):
            form = NarrowForm
            ordering = ("language__name",)

        with self.assertNumQueries(5):  # rows, their languages, and three different lists
            found = selects(formset(Rows, self.user))

        assert [html.count("<option") for html in found] == [4, 3, 2]

    def test_a_field_declared_on_the_form_keeps_nothing_for_the_next_page(self):
        class DeclaredForm(forms.ModelForm):
            language = forms.ModelChoiceField(Language.objects.order_by("name"))

        class Rows(LanguageRows):
            form = DeclaredForm

        with self.assertNumQueries(3):
            selects(formset(Rows, self.user))
        LanguageFactory(name="Dutch")

        assert all("Dutch" in html for html in selects(formset(Rows, self.user)))

    def test_formfield_for_foreignkey_says_which(self):
        class Rows(LanguageRows):
            def formfield_for_foreignkey(self, db_field, request, **kwargs):
                return super().formfield_for_foreignkey(
                    db_field, request, **{**kwargs, "queryset": Language.objects.filter(name="French")}
                )

        with self.assertNumQueries(3):
            found = selects(formset(Rows, self.user))

        assert ["French" in html for html in found] == [True] * 3
        assert sum("German" in html for html in found) == 1  # where it is chosen already

    def test_limit_choices_to_holds(self):
        class Rows(LanguageRows):
            def formfield_for_foreignkey(self, db_field, request, **kwargs):
                return super().formfield_for_foreignkey(
                    db_field, request, **{**kwargs, "limit_choices_to": lambda: {"name": "French"}}
                )

        with self.assertNumQueries(3):
            found = selects(formset(Rows, self.user))

        assert sum("German" in html for html in found) == 1

    def test_a_queryset_of_nothing(self):
        class Rows(LanguageRows):
            def formfield_for_foreignkey(self, db_field, request, **kwargs):
                return super().formfield_for_foreignkey(
                    db_field, request, **{**kwargs, "queryset": Language.objects.none()}
                )

        found = selects(formset(Rows, self.user))

        assert [html.count("<option") for html in found] == [2, 2, 2]  # nothing, and what is chosen

    def test_an_iterator_of_the_projects_own_stays(self):
        class Loud(forms.models.ModelChoiceIterator):
            def choice(self, obj):
                value, label = super().choice(obj)
                return value, label.upper()

        class LoudField(forms.ModelChoiceField):
            iterator = Loud

        class LoudForm(forms.ModelForm):
            language = LoudField(Language.objects.order_by("name"))

        class Rows(LanguageRows):
            form = LoudForm

        assert all("ENGLISH" in html for html in selects(formset(Rows, self.user)))

    def test_an_extra_column_that_refers_to_rows(self):
        class SlotRows(StackedJoinRowInline):
            model = Rack.discs.through
            extra = 0

        rack, members = Rack.objects.create(), [Member.objects.create(name=name) for name in ("ann", "bob")]
        discs = [Disc.objects.create(published=date(2000, 1, day), price=1) for day in range(1, 5)]
        rack.discs.append(discs, through_defaults={"lent_to": members[0]})

        with self.assertNumQueries(4):  # rows, their discs, all discs, all members
            found = formset(SlotRows, rack)
            html = [*selects(found, "disc"), *selects(found, "lent_to")]

        assert [text.count(" selected") for text in html] == [1] * 8

    def test_what_is_sent_is_looked_for_as_ever(self):
        rows = formset(LanguageRows, self.user)
        field = rows.forms[0].fields["language"]
        selects(rows)
        late = LanguageFactory()

        assert field.clean(str(late.pk)) == late
