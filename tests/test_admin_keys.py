"""Models with a composite primary key in the admin: registered, listed, added, changed, deleted, logged, chosen."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from django.contrib import admin
from django.contrib.admin.exceptions import AlreadyRegistered
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as Account
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import SimpleTestCase, TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from example_project.guides.admin import BlogAdmin, TagRows
from example_project.guides.models import Blog, Language
from gorm_assoc.admin import AssociationAdmin, register
from gorm_assoc.forms import write_key
from tests.factories import BlogFactory, TagFactory
from tests.pages import add_row, errors, open_page, row_of

ODD = """a"/b_2F<c>?#'..,"""


class RegisterTests(SimpleTestCase):
    def test_a_composite_key_and_a_plain_one_are_registered_alike(self):
        site = admin.AdminSite()

        @register(Blog, Language, site=site)
        class Admin(AssociationAdmin):
            pass

        assert {type(site._registry[model]) for model in (Blog, Language)} == {Admin}

    def test_the_default_site_is_the_admins(self):
        assert admin.site.is_registered(Blog)

    def test_a_composite_key_asks_for_our_admin(self):
        with self.assertRaisesMessage(
            ImproperlyConfigured,
            "guides.Blog has a composite primary key: derive ModelAdmin from gorm_assoc.admin.AssociationAdmin.",
        ):
            register(Blog, site=admin.AdminSite())(admin.ModelAdmin)

    def test_twice_is_refused(self):
        with pytest.raises(AlreadyRegistered, match="guides.Blog is registered already"):
            register(Blog)(AssociationAdmin)

    def test_no_model_is_refused(self):
        with self.assertRaisesMessage(ValueError, "At least one model must be passed to register."):
            register()(AssociationAdmin)


class KeyTestCase(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.account = Account.objects.create_superuser("admin")
        cls.blog = BlogFactory(id=1, locale="en", subject="first")
        cls.odd = BlogFactory(id=2, locale=ODD, subject="odd")
        cls.news = TagFactory(id=1, locale="en", value="news")
        cls.old = TagFactory(id=2, locale=ODD, value="old")
        cls.blog.tags.add(cls.news)

    def setUp(self):
        self.client.force_login(self.account)

    def url(self, row, page="change"):
        return reverse(f"admin:guides_{row._meta.model_name}_{page}", args=[quote(row.pk)])

    def list_url(self, name="blog"):
        return reverse(f"admin:guides_{name}_changelist")


class PagesTests(KeyTestCase):
    def test_the_key_stands_in_the_url_as_json(self):
        assert self.url(self.blog) == "/admin/guides/blog/_5B1_2C%20_22en_22_5D/change/"

    def test_every_row_is_linked_from_the_list_by_a_url_that_leads_to_it(self):
        page = self.client.get(self.list_url()).content.decode()

        for row in (self.blog, self.odd):
            assert escape(self.url(row)) in page
            response = self.client.get(self.url(row))
            assert response.context["original"] == row

    def test_the_pages_of_a_row_link_to_each_other(self):
        for row in (self.blog, self.odd):
            change = self.client.get(self.url(row)).content.decode()
            delete = self.client.get(self.url(row, "delete")).content.decode()
            history = self.client.get(self.url(row, "history")).content.decode()

            assert escape(self.url(row, "delete")) in change
            assert escape(self.url(row, "history")) in change
            assert escape(self.url(row)) in delete
            assert escape(self.url(row)) in history

    def test_what_is_no_key_or_no_row_is_told_and_redirected(self):
        for text in ("(1, 'en')", "1", "[1]", '[1, "xx"]', "x", "[" * 2000):
            for page in ("change", "delete", "history"):
                response = self.client.get(reverse(f"admin:guides_blog_{page}", args=[quote(text)]))

                assert (response.status_code, response["Location"]) == (302, "/admin/")

    def test_adds_a_row_with_its_links(self):
        url = reverse("admin:guides_blog_add")
        page = open_page(self.client, url)
        page.data |= {"id": "3", "locale": ODD, "subject": "new", "locale_tags": [write_key(self.old)]}
        add_row(page, "tags", tag=write_key(self.old))

        response = self.client.post(url, page.data | {"_continue": "1"})

        assert errors(response) == []
        blog = Blog.objects.get(id=3, locale=ODD)
        assert response["Location"] == self.url(blog)
        assert list(blog.tags.all()) == [self.old]
        assert list(blog.locale_tags.all()) == [self.old]

    def test_a_key_that_exists_is_a_form_error_and_no_row_is_overwritten(self):
        url = reverse("admin:guides_blog_add")
        page = open_page(self.client, url)
        page.data |= {"id": "1", "locale": "en", "subject": "again"}

        response = self.client.post(url, page.data)

        assert errors(response) == ["Blog with this Id and Locale already exists."]
        assert Blog.objects.get(id=1, locale="en").subject == "first"

    def test_changes_a_row_and_never_its_key(self):
        page = open_page(self.client, self.url(self.odd))
        assert "id" not in page.inputs
        page.data |= {"subject": "changed", "id": "7", "locale": "de"}

        response = self.client.post(self.url(self.odd), page.data)

        assert errors(response) == []
        assert list(Blog.objects.filter(id__gt=1).values_list("pk", "subject")) == [((2, ODD), "changed")]

    def test_deletes_a_row(self):
        response = self.client.post(self.url(self.odd, "delete"), {"post": "yes"})

        assert response.status_code == 302
        assert list(Blog.objects.all()) == [self.blog]

    def test_save_as_new_asks_for_another_key(self):
        with mock.patch.object(BlogAdmin, "save_as", True):
            page = open_page(self.client, self.url(self.odd))
            page.data["_saveasnew"] = "1"
            asked = self.client.post(self.url(self.odd), page.data)
            stored = self.client.post(self.url(self.odd), page.data | {"id": "9", "locale": "fr"})

        assert "This field is required." in errors(asked)
        assert errors(stored) == []
        assert Blog.objects.get(id=9, locale="fr").subject == "odd"

    def test_the_log_names_the_row_by_the_same_key_and_the_history_finds_it(self):
        url = self.url(self.odd)
        page = open_page(self.client, url)
        self.client.post(url, page.data | {"subject": "changed"})
        entry = LogEntry.objects.get()

        history = self.client.get(self.url(self.odd, "history"))
        spelt = self.client.get(
            reverse("admin:guides_blog_history", args=[quote(write_key(self.odd).replace(" ", ""))])
        )

        assert entry.object_id == write_key(self.odd)
        assert entry.get_admin_url() == url
        assert "Changed Subject." in history.content.decode()
        assert "Changed Subject." in spelt.content.decode()

    def test_a_deleted_row_is_in_the_log(self):
        key = write_key(self.odd)

        self.client.post(self.url(self.odd, "delete"), {"post": "yes"})

        entry = LogEntry.objects.get()
        assert (entry.object_id, entry.object_repr, entry.is_deletion()) == (key, str(self.odd), True)


class ListTests(KeyTestCase):
    def act(self, *rows, **data):
        keys = [write_key(row) for row in rows]
        return self.client.post(self.list_url(), {"_selected_action": keys, "index": "0", **data})

    def test_checkboxes_name_rows_by_their_keys(self):
        page = self.client.get(self.list_url())

        self.assertContains(
            page,
            '<input type="checkbox" name="_selected_action" value="[1, &quot;en&quot;]" class="action-select" '
            'aria-label="Select this object for an action - first (en)">',
            html=True,
        )

    def test_the_selected_rows_are_deleted_after_a_page_that_names_them(self):
        third = BlogFactory(id=5, locale="en")

        asked = self.act(self.odd, third, action="delete_selected")
        page = open_keys(asked)
        done = self.client.post(
            self.list_url(), {"action": "delete_selected", "post": "yes", "_selected_action": page}
        )

        assert page == [write_key(third), write_key(self.odd)]
        assert done.status_code == 302
        assert list(Blog.objects.all()) == [self.blog]

    def test_all_rows_are_selected_across_pages(self):
        self.blog.tags.clear()

        asked = self.act(self.odd, action="delete_selected", select_across="1")

        assert len(open_keys(asked)) == 2

    def test_keys_that_are_none_select_nothing(self):
        response = self.client.post(
            self.list_url(),
            {"_selected_action": ["x", "[1]", "(1, 'en')"], "index": "0", "action": "delete_selected", "post": "yes"},
        )

        assert response.status_code == 302
        assert Blog.objects.count() == 2

    def test_sorting_and_searching(self):
        tags = self.client.get(self.list_url("tag"), {"q": "old", "o": "-1"})
        blogs = self.client.get(self.list_url(), {"tags": write_key(self.news), "o": "3"})

        assert list(tags.context["cl"].result_list) == [self.old]
        assert list(blogs.context["cl"].result_list) == [self.blog]

    def test_facets_count_rows(self):
        page = self.client.get(self.list_url(), {"_facets": "True"})

        self.assertContains(page, "news (en) (1)")
        self.assertContains(page, "Empty (1)")

    def test_a_popup_hands_the_key_to_the_page_that_opened_it(self):
        page = self.client.get(self.list_url("tag"), {"_popup": "1", "_to_field": "pk"})

        self.assertContains(page, 'data-popup-opener=" [1, &quot;en&quot;]"')


def open_keys(response):
    assert response.status_code == 200, response
    response.render()
    text = response.content.decode()
    return [row.pk for row in response.context_data["queryset"] if f'value="{escape(row.pk)}"' in text]


class PopupTests(KeyTestCase):
    def told(self, response):
        return json.loads(response.context_data["popup_response_data"])

    def test_what_was_added_changed_or_deleted_is_named_by_its_key(self):
        add = reverse("admin:guides_tag_add")
        page = open_page(self.client, f"{add}?_popup=1")
        added = self.client.post(add, page.data | {"id": "7", "locale": "fr", "value": "n", "_popup": "1"})
        page = open_page(self.client, f"{self.url(self.old)}?_popup=1")
        changed = self.client.post(self.url(self.old), page.data | {"_popup": "1"})
        deleted = self.client.post(self.url(self.old, "delete"), {"post": "yes", "_popup": "1"})

        key = write_key(self.old)
        assert self.told(added)["value"] == '[7, "fr"]'
        assert self.told(changed) | {"obj": ""} == {"action": "change", "value": key, "new_value": key, "obj": ""}
        assert self.told(deleted) == {"action": "delete", "value": key}


class ChoosingTests(KeyTestCase):
    """Tags of a blog: below it by autocomplete, below the tag by raw keys, as a form field by autocomplete."""

    def test_autocomplete_finds_keys_as_json(self):
        page = open_page(self.client, self.url(self.blog))
        attrs = page.inputs["tags-0-tag"]
        names = {name: attrs[f"data-{name.replace('_', '-')}"] for name in ("app_label", "model_name", "field_name")}

        found = self.client.get(attrs["data-ajax--url"], {**names, "term": "old"}).json()

        assert names == {"app_label": "guides", "model_name": "blog", "field_name": "tags"}
        assert found["results"] == [{"id": write_key(self.old), "text": str(self.old)}]
        assert page.data["tags-0-tag"] == write_key(self.news)

    def test_autocomplete_answers_for_its_own_model_and_to_whom_may_see_it(self):
        url = reverse("admin:guides_tag_autocomplete")
        names = {"app_label": "guides", "model_name": "blog", "field_name": "tags", "term": ""}
        other = self.client.get(url, {**names, "model_name": "user", "field_name": "languages"})
        clerk = Account.objects.create_user("clerk", is_staff=True)
        self.client.force_login(clerk)
        refused = self.client.get(url, names)
        clerk.user_permissions.add(Permission.objects.get(codename="view_tag", content_type__app_label="guides"))
        allowed = self.client.get(url, names)
        self.client.logout()
        anonymous = self.client.get(url, names)

        assert [other.status_code, refused.status_code, allowed.status_code, anonymous.status_code] == [
            403,
            403,
            200,
            302,
        ]

    def test_a_form_field_by_autocomplete(self):
        page = open_page(self.client, self.url(self.blog))
        page.data["shared_tags"] = [write_key(self.old)]
        self.client.post(self.url(self.blog), page.data)

        again = open_page(self.client, self.url(self.blog))

        assert list(self.blog.shared_tags.all()) == [self.old]
        assert again.data["shared_tags"] == [write_key(self.old)]

    def test_a_form_field_by_raw_keys(self):
        with mock.patch.multiple(BlogAdmin, autocomplete_fields=(), raw_id_fields=("shared_tags",)):
            page = open_page(self.client, self.url(self.blog))
            assert page.data["shared_tags"] == ""
            page.data["shared_tags"] = f"{write_key(self.old)},{write_key(self.news)}"
            stored = self.client.post(self.url(self.blog), page.data)
            again = open_page(self.client, self.url(self.blog))
            page.data["shared_tags"] = "[1, "
            refused = self.client.post(self.url(self.blog), page.data)

        assert errors(stored) == []
        assert set(self.blog.shared_tags.all()) == {self.old, self.news}
        assert json.loads(f"[{again.data['shared_tags']}]") in ([[1, "en"], [2, ODD]], [[2, ODD], [1, "en"]])
        assert "is not one of the available choices" in errors(refused)[0]

    def test_join_rows_below_an_owner_with_a_composite_key(self):
        page = open_page(self.client, self.url(self.blog))
        assert page.data["tags-0-pk"] == '[1, "en", 1, "en"]'
        page.data["tags-0-tag"] = write_key(self.old)
        add_row(page, "tags", tag=write_key(self.news))

        response = self.client.post(self.url(self.blog), page.data)

        assert errors(response) == []
        assert set(self.blog.tags.all()) == {self.old, self.news}
        page = open_page(self.client, self.url(self.blog))
        page.data[f"{row_of(page, 'tags', 'tag', write_key(self.old))}-DELETE"] = "on"
        self.client.post(self.url(self.blog), page.data)
        assert list(self.blog.tags.all()) == [self.news]

    def test_join_rows_from_the_other_side_by_raw_keys(self):
        page = open_page(self.client, self.url(self.news))
        assert page.data["blog_set-0-blog"] == '[1, "en"]'
        page.data["blog_set-0-blog"] = write_key(self.odd)

        response = self.client.post(self.url(self.news), page.data)
        shown = self.client.get(self.url(self.news)).content.decode()

        assert errors(response) == []
        assert list(self.news.blog_set.all()) == [self.odd]
        assert escape(self.url(self.odd)) in shown

    def test_a_pair_that_exists_is_a_form_error(self):
        page = open_page(self.client, self.url(self.blog))
        add_row(page, "tags", tag=write_key(self.news))

        assert errors(self.client.post(self.url(self.blog), page.data)) == ["This pair is in the list already."]

    def test_a_target_that_is_only_shown_is_text(self):
        with mock.patch.multiple(TagRows, readonly_fields=("tag",), autocomplete_fields=()):
            page = self.client.get(self.url(self.blog))

        self.assertContains(page, "<p>news (en)</p>", html=True)

    def test_every_input_has_a_label(self):
        for row in (self.blog, self.news):
            assert open_page(self.client, self.url(row)).unlabelled == []


class PermissionTests(KeyTestCase):
    def test_without_permissions_no_page_is_shown_and_nothing_is_stored(self):
        self.client.force_login(Account.objects.create_user("clerk", is_staff=True))
        pages = [self.url(self.blog, page) for page in ("change", "delete", "history")]
        pages += [self.list_url(), reverse("admin:guides_blog_add")]

        for url in pages:
            data = {"post": "yes", "subject": "x", "id": "9", "locale": "en", "_selected_action": '[1, "en"]'}
            assert (url, self.client.get(url).status_code) == (url, 403)
            assert (url, self.client.post(url, data).status_code) == (url, 403)
        assert set(Blog.objects.values_list("id", "subject")) == {(1, "first"), (2, "odd")}


class QueryTests(KeyTestCase):
    def test_the_list_takes_as_many_queries_for_many_rows_as_for_few(self):
        def queries():
            with CaptureQueriesContext(connection) as ran:
                self.client.get(self.list_url())
            return len(ran)

        self.client.get(self.list_url())
        few = queries()
        for number in range(10, 40):
            BlogFactory(id=number).tags.add(self.news)

        assert queries() == few
