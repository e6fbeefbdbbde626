"""Two change pages with the same join rows: Django's inline, and this library's (example_project/guides/admin.py)."""

from __future__ import annotations

from django.contrib import admin

from benchmarks.models import OwnReader
from example_project.guides.models import User
from gorm_assoc.admin import JoinRowInline, register

django_site = admin.AdminSite(name="django_site")
our_site = admin.AdminSite(name="our_site")


class SubjectRows(admin.TabularInline):
    model = OwnReader.subjects.through
    extra = 0


class LanguageRows(JoinRowInline):
    model = User.languages.through
    extra = 0


@admin.register(OwnReader, site=django_site)
class OwnReaderAdmin(admin.ModelAdmin):
    fields = ["name"]
    inlines = [SubjectRows]


@register(User, site=our_site)
class UserAdmin(admin.ModelAdmin):
    fields = ["name"]
    inlines = [LanguageRows]
