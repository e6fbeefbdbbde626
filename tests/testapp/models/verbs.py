"""Models for the verbs: hooks with a veto, extra unique columns, models with a save() of their own."""

from __future__ import annotations

import uuid

from django.db import models

from gorm_assoc.models import BelongsTo, JoinTable, Many2Many, Model, SoftDeleteModel

__all__ = "Club Course Disc Enrolment Member Membership Neighbour Rack Seat Shouter Slot Student".split()


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


class Rack(models.Model):
    """Keys that are no numbers, and a join model with every sort of extra column."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    discs = Many2Many("Disc", through="Slot", related_name="racks")


class Disc(models.Model):
    published = models.DateField()
    price = models.DecimalField(max_digits=8, decimal_places=2)
    pk = models.CompositePrimaryKey("published", "price")


class Slot(JoinTable):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    rack = BelongsTo("Rack")
    disc = BelongsTo("Disc")
    made_at = models.DateTimeField(auto_now_add=True)
    notes = models.JSONField(default=dict)
    is_lent = models.BooleanField(default=False)
    copies = models.IntegerField(db_default=1)
    lent_to = models.ForeignKey("Member", models.SET_NULL, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rack_id", "disc_published", "disc_price"], name="uni_slots_pair")
        ]
