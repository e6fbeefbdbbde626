"""The example project is in step with itself."""

from __future__ import annotations

import io

from django.contrib.auth.models import User as Account
from django.core.management import call_command
from django.test import TestCase
from django.urls import reverse

from example_project.blog import data
from example_project.blog.models import Comment, Company, Post, Profile, Tag, User
from example_project.guides.models import Language

MODELS = (Company, User, Profile, Post, Tag, Comment, Post.tags.through)


class MigrationsTests(TestCase):
    def test_a_second_makemigrations_finds_nothing(self):
        out = io.StringIO()

        call_command("makemigrations", "guides", "blog", check_changes=True, dry_run=True, stdout=out)

        assert "No changes detected" in out.getvalue()


class BlogDataTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        data.fill()

    def rows(self):
        rows = {model._meta.label: sorted(model._base_manager.values_list("pk")) for model in MODELS}
        return rows | {"live": [model.objects.count() for model in MODELS]}

    def test_links_rows_of_every_kind(self):
        noah = User.objects.get(name="noah")

        assert noah.company.name == "Press"
        assert noah.manager.team.count() == 2
        assert noah.profile.bio == "Writes on databases"
        assert [post.title for post in noah.posts.order_by("title")] == ["A link is a row", "Keys of several columns"]
        assert Tag.objects.filter(post__author=noah).distinct().count() == 2
        assert Post.objects.get(title="Keys of several columns").comments.count() == 2
        assert noah.manager.profile.comments.get().text == "Welcome"
        assert Language.objects.get(name="English").posts.count() == 2

    def test_a_second_time_changes_nothing(self):
        before = self.rows()

        data.fill()

        assert self.rows() == before

    def test_brings_back_what_was_softly_deleted(self):
        before = self.rows()
        for model in (Company, User, Profile, Post, Tag, Comment):
            model.objects.all().delete()

        data.fill()

        assert self.rows() == before


class BlogAdminTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        data.fill()
        cls.account = Account.objects.create_superuser("admin")

    def setUp(self):
        self.client.force_login(self.account)

    def posted(self, page):
        """What the page's forms would post as they are."""
        forms = [page.context["adminform"].form]
        for inline in page.context["inline_admin_formsets"]:
            forms += [inline.formset.management_form, *inline.formset.forms]
        return {
            form.add_prefix(name): value
            for form in forms
            for name in form.fields
            if (value := form[name].value()) is not None
        }

    def test_every_page_of_every_model_opens(self):
        for model in (Company, User, Post, Tag, Comment):
            name = f"admin:blog_{model._meta.model_name}"
            with self.subTest(model=model._meta.label):
                assert self.client.get(reverse(f"{name}_changelist")).status_code == 200
                assert self.client.get(reverse(f"{name}_add")).status_code == 200
                row = model.objects.first()
                assert self.client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
                assert self.client.get(reverse(f"{name}_delete", args=[row.pk])).status_code == 200

    def test_posts_and_the_profile_are_rows_below_their_user(self):
        mara = User.objects.get(name="mara")
        address = reverse("admin:blog_user_change", args=[mara.pk])
        page = self.client.get(address)
        profile, posts = (inline.formset.prefix for inline in page.context["inline_admin_formsets"])
        posted = self.posted(page)
        posted |= {f"{profile}-0-bio": "Edits everything", f"{posts}-TOTAL_FORMS": "1", f"{posts}-0-title": "New here"}

        response = self.client.post(address, posted)

        assert response.status_code == 302, response.context["errors"]
        assert Profile.objects.get(user=mara).bio == "Edits everything"
        assert mara.posts.get().title == "New here"

    def test_a_new_profile_beside_a_dead_one_is_a_form_error(self):
        mara = User.objects.get(name="mara")
        mara.profile.delete()
        address = reverse("admin:blog_user_change", args=[mara.pk])
        page = self.client.get(address)
        profile = page.context["inline_admin_formsets"][0].formset.prefix

        posted = self.posted(page) | {f"{profile}-TOTAL_FORMS": "1", f"{profile}-0-bio": "Edits again"}
        response = self.client.post(address, posted)

        assert response.status_code == 200
        (errors,) = response.context["inline_admin_formsets"][0].formset.errors
        assert errors == {"user": ["Profile with this User already exists."]}

    def test_the_list_counts_children(self):
        response = self.client.get(reverse("admin:blog_user_changelist"))

        rows = {row.name: (row.count_of_posts, row.count_of_team) for row in response.context["cl"].result_list}
        assert rows == {"mara": (0, 2), "noah": (2, 0), "olga": (1, 0)}

    def test_a_tag_is_a_row_below_its_post(self):
        post, tag = Post.objects.get(title="A link is a row"), Tag.objects.get(name="go")
        address = reverse("admin:blog_post_change", args=[post.pk])
        page = self.client.get(address)
        posted = self.posted(page)
        prefix = page.context["inline_admin_formsets"][0].formset.prefix
        posted |= {f"{prefix}-TOTAL_FORMS": "3", f"{prefix}-2-tag": str(tag.pk)}

        response = self.client.post(address, posted)

        assert response.status_code == 302, response.context["errors"]
        assert post.tags.count() == 3
