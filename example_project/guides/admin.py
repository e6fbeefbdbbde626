"""The guides' models in the admin: join rows below either end, and links as a form field."""

from __future__ import annotations

from django.contrib.admin.widgets import AdminTextInputWidget
from django.db import models

from example_project.guides.models import Address, Blog, Language, Person, Profile, SpokenLanguage, Tag, User
from gorm_assoc.admin import AssociationAdmin, AssociationCount, JoinRowInline, StackedJoinRowInline, register

# Go's string is a TextField, and most of them are one line.
ONE_LINE = {models.TextField: {"widget": AdminTextInputWidget}}


class LanguageRows(JoinRowInline):
    """Without extra columns: a row is a choice."""

    model = User.languages.through
    extra = 0
    ordering = ("language__name",)
    verbose_name = "language"


class SpeaksRows(JoinRowInline):
    """The target's key is a string."""

    model = User.speaks.through
    extra = 0
    verbose_name = "spoken language"


class FriendRows(JoinRowInline):
    """Both ends are users."""

    model = User.friends.through
    extra = 0
    verbose_name = "friend"


class FluencyRows(StackedJoinRowInline):
    """A join model of the project's own, with a column to fill in."""

    model = User.fluent_in.through
    extra = 0
    fields = ("language", "fluency", "created_at")
    readonly_fields = ("created_at",)
    formfield_overrides = ONE_LINE
    verbose_name = "fluency"
    verbose_name_plural = "fluencies"


class UserRows(JoinRowInline):
    """The same join rows as LanguageRows, from the other side."""

    model = Language.users.through
    extra = 0
    verbose_name = "user"


class AddressRows(JoinRowInline):
    """Join rows that are deleted softly; a hook fills in an empty note."""

    model = Person.addresses.through
    extra = 0
    formfield_overrides = ONE_LINE
    verbose_name = "address"
    verbose_name_plural = "addresses"


class TagRows(JoinRowInline):
    """Both ends have a key of two columns; the tag is found by typing."""

    model = Blog.tags.through
    extra = 0
    autocomplete_fields = ("tag",)
    verbose_name = "tag"


class BlogRows(JoinRowInline):
    """The same join rows as TagRows, from the other side; the blog is written by its key."""

    model = Blog.tags.through
    extra = 0
    raw_id_fields = ("blog",)
    verbose_name = "blog"


@register(User)
class UserAdmin(AssociationAdmin):
    """Counts in the list, a filter on a relation, the action "edit associations", a relation as a form field."""

    formfield_overrides = ONE_LINE
    list_display = ("name", "refer", AssociationCount("languages"), AssociationCount("friends"))
    list_filter = ("languages",)
    ordering = ("name",)
    fields = ("name", "refer", "profiles")
    filter_horizontal = ("profiles",)
    search_fields = ("name",)
    inlines = (LanguageRows, SpeaksRows, FriendRows, FluencyRows)


@register(Language)
class LanguageAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
    list_display = ("name", AssociationCount("users"))
    ordering = ("name",)
    fields = ("name",)
    search_fields = ("name",)
    inlines = (UserRows,)


@register(Person)
class PersonAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
    list_display = ("name", AssociationCount("addresses"))
    fields = ("name",)
    inlines = (AddressRows,)


@register(Blog)
class BlogAdmin(AssociationAdmin):
    """A composite key: django.contrib.admin.register() refuses it."""

    formfield_overrides = ONE_LINE
    list_display = ("subject", "locale", AssociationCount("tags"))
    list_filter = ("tags", "locale")
    fields = ("id", "locale", "subject", "body", "locale_tags", "shared_tags")
    filter_horizontal = ("locale_tags",)
    autocomplete_fields = ("shared_tags",)
    inlines = (TagRows,)


@register(Tag)
class TagAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
    list_display = ("value", "locale", AssociationCount("blog_set", "blogs"))
    search_fields = ("value",)
    edited_associations = ("blog_set",)
    inlines = (BlogRows,)


@register(Address)
class AddressAdmin(AssociationAdmin):
    """The delete page says why an address of somebody stays."""

    formfield_overrides = ONE_LINE
    list_display = ("name", AssociationCount("people"))
    edited_associations = ("people",)


@register(Profile, SpokenLanguage)
class OtherAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
