"""The guides' models in the admin: join rows below either end, and links as a form field."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db import models

from example_project.guides.models import Address, Language, Person, Profile, SpokenLanguage, User
from gorm_assoc.admin import AssociationAdmin, JoinRowInline, StackedJoinRowInline

# Go's string is a TextField, and most of them are one line.
ONE_LINE = {models.TextField: {"widget": AdminTextInputWidget}}


class LanguageRows(JoinRowInline):
    """Without extra columns: a row is a choice."""

    model = User.languages.through
    extra = 0
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


@admin.register(User)
class UserAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
    fields = ("name", "refer", "profiles")
    filter_horizontal = ("profiles",)
    search_fields = ("name",)
    inlines = (LanguageRows, SpeaksRows, FriendRows, FluencyRows)


@admin.register(Language)
class LanguageAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
    fields = ("name",)
    search_fields = ("name",)
    inlines = (UserRows,)


@admin.register(Person)
class PersonAdmin(AssociationAdmin):
    formfield_overrides = ONE_LINE
    fields = ("name",)
    inlines = (AddressRows,)


admin.site.register(Address)
admin.site.register(Profile)
admin.site.register(SpokenLanguage)
