"""Models for the verbs: hooks with a veto, extra unique columns, models with a save() of their own."""

from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, JoinTable, Many2Many, Model, SoftDeleteModel

__all__ = ["Club", "Course", "Enrolment", "Member", "Membership", "Neighbour", "Seat", "Shouter", "Student"]


class Member(models.Model):
    """Not one of our mixins: the field alone must do."""

    name = models.CharField(max_length=50)
    clubs = Many2Many("Club", through="Membership", related_name="members")


class Club(models.Model):
    name = models.CharField(max_length=50, unique=True)


class Membership(JoinTable, SoftDeleteModel):
    """A join model with every hook, a veto, an extra column, soft delete."""

    member = BelongsTo("Member")
    club = BelongsTo("Club", constraint="OnDelete:CASCADE")
    role = models.CharField(max_length=20, default="guest")
    calls: list[tuple[str, int, int]] = []

    def before_create(self) -> None:
        if self.role == "banned":
            raise PermissionError("banned")
        self.calls.append(("before_create", self.member_id, self.club_id))

    def after_create(self) -> None:
        self.calls.append(("after_create", self.member_id, self.club_id))

    def before_delete(self) -> None:
        if self.role == "founder":
            raise PermissionError("founders stay")
        self.calls.append(("before_delete", self.member_id, self.club_id))

    def after_delete(self) -> None:
        self.calls.append(("after_delete", self.member_id, self.club_id))


class Student(Model):
    name = models.CharField(max_length=50)
    courses = Many2Many("Course", through="Enrolment", related_name="students")


class Course(Model):
    title = models.CharField(max_length=50)


class Enrolment(JoinTable):
    """A surrogate key beside the unique pair, and another unique column."""

    id = models.BigAutoField(primary_key=True)
    student = BelongsTo("Student")
    course = BelongsTo("Course")
    badge = models.CharField(max_length=20, null=True, unique=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["student_id", "course_id"], name="uni_enrolments_pair")]


class Shouter(models.Model):
    """A target with a save() of its own, and a non-key reference."""

    slug = models.CharField(max_length=50, unique=True)
    seats = Many2Many("Seat", "many2many:shouter_seats;foreignKey:Slug")

    def save(self, *args: object, **kwargs: object) -> None:
        self.slug = self.slug.upper()
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class Seat(models.Model):
    pk = models.CompositePrimaryKey("hall", "number")
    hall = models.CharField(max_length=20)
    number = models.IntegerField()
    shouters = Many2Many("Shouter", "many2many:shouter_seats;references:Slug", back_reference=True)


class Neighbour(models.Model):
    """Django's own symmetrical relation."""

    name = models.CharField(max_length=20)
    neighbours = models.ManyToManyField("self")
