"""
The blog's models in the admin.

A child's key is an ordinary ForeignKey, so that Django's own inlines show children below their owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db import models

from example_project.blog.models import Comment, Company, Post, Profile, Tag, User
from gorm_assoc.admin import AssociationAdmin, AssociationCount, JoinRowInline

if TYPE_CHECKING:
    _Posts = admin.TabularInline[Post, User]
    _Profile = admin.StackedInline[Profile, User]
else:
    _Posts, _Profile = admin.TabularInline, admin.StackedInline

ONE_LINE = {models.TextField: {"widget": AdminTextInputWidget}}


class ProfileRow(_Profile):
    """Has one: at most one row."""

    model = Profile
    max_num = 1
    extra = 0
    formfield_overrides = ONE_LINE


class PostRows(_Posts):
    """Has many."""

    model = Post
    extra = 0
    fields = ("title", "language")
    formfield_overrides = ONE_LINE


class TagRows(JoinRowInline):
    """Many2many."""

    model = Post.tags.through
    extra = 0
    verbose_name = "tag"


@admin.register(User)
class UserAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
    list_display = ("name", "company", "manager", AssociationCount("posts"), AssociationCount("team"))
    list_filter = ("company",)
    list_select_related = ("company", "manager")
    fields = ("name", "company", "manager")
    inlines = (ProfileRow, PostRows)


@admin.register(Post)
class PostAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
    list_display = ("title", "author", AssociationCount("tags"), AssociationCount("comments"))
    list_filter = ("tags",)
    list_select_related = ("author",)
    fields = ("title", "author", "language")
    inlines = (TagRows,)


@admin.register(Comment)
class CommentAdmin(AssociationAdmin):
    """Polymorphic: the two columns as they are."""

    formfield_overrides = ONE_LINE
    list_display = ("text", "owner_type", "owner_id")
    list_filter = ("owner_type",)


@admin.register(Company, Tag)
class OtherAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
