"""An admin of the tests' own models, and its urls."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from gorm_assoc.admin import AssociationAdmin, AssociationCount, JoinRowInline
from tests.testapp.models import (
    Club,
    Melody,
    Member,
    Membership,
    Mood,
    Picture,
    Poster,
    Seat,
    Shelf,
    Shouter,
    Student,
)


class MembershipInline(JoinRowInline):
    model = Membership
    extra = 1


class EnrolmentInline(JoinRowInline):
    model = Student.courses.through
    relation = "courses"
    extra = 0


class SeatInline(JoinRowInline):
    model = Shouter.seats.through
    extra = 0


class FollowingInline(JoinRowInline):
    model = Poster.following.through
    relation = "following"
    extra = 0


class FollowersInline(JoinRowInline):
    model = Poster.following.through
    relation = "followers"
    extra = 0


class MoodInline(JoinRowInline):
    model = Picture.moods.through
    relation = "moods"
    extra = 0


class MarkInline(JoinRowInline):
    model = Picture.marks.through
    relation = "marks"
    extra = 0


class VolumeInline(JoinRowInline):
    model = Shelf.volumes.through
    extra = 0


class PosterAdmin(AssociationAdmin):
    inlines = (FollowingInline, FollowersInline)


class ShelfAdmin(AssociationAdmin):
    inlines = (VolumeInline,)
    save_as = True


class OwnerOfMoodsAdmin(AssociationAdmin):
    list_display = ("name", AssociationCount("moods"), AssociationCount("marks"))
    list_filter = ("moods",)
    inlines = (MoodInline, MarkInline)


class MoodAdmin(AssociationAdmin):
    list_display = ("name", AssociationCount("melodies"))


class MemberAdmin(admin.ModelAdmin):
    """Not one of ours: the inline alone must do."""

    inlines = (MembershipInline,)


class ClubAdmin(AssociationAdmin):
    inlines = (MembershipInline,)


class StudentAdmin(AssociationAdmin):
    inlines = (EnrolmentInline,)


class ShouterAdmin(AssociationAdmin):
    inlines = (SeatInline,)


site = admin.AdminSite(name="admin")
site.register(Member, MemberAdmin)
site.register(Club, ClubAdmin)
site.register(Student, StudentAdmin)
site.register(Shouter, ShouterAdmin)
site.register(Poster, PosterAdmin)
site.register(Shelf, ShelfAdmin)
site.register([Picture, Melody], OwnerOfMoodsAdmin)
site.register(Mood, MoodAdmin)

fields_site = admin.AdminSite(name="fields")


@admin.register(Shouter, site=fields_site)
class ShouterFieldsAdmin(AssociationAdmin):
    """The many-to-many as a form field, with a composite key at its far end."""

    fields = ("slug", "seats")
    filter_horizontal = ("seats",)


@admin.register(Member, site=fields_site)
class MemberFieldsAdmin(AssociationAdmin):
    """A join model of the project's own behind a form field."""


urlpatterns = [path("admin/", site.urls), path("fields/", fields_site.urls)]

__all__ = ["Seat", "fields_site", "site", "urlpatterns"]
