"""
Models for reading past dead rows.

    Reader   soft    -- Loan (soft) --        Book      single key to composite key
    Reader   soft    -- Friendship (soft) --  Reader    to itself
    Book             -- Shelving (soft) --    Genre     composite key to a model without our mixins
    Review   soft    belongs to Book (composite, may be NULL) and to Reader (a ForeignKey)
"""

from __future__ import annotations

from django.db import models

from gorm_assoc.models import (
    AssociationManager,
    AssociationModel,
    AssociationQuerySet,
    BelongsTo,
    HasMany,
    HasOne,
    JoinTable,
    Many2Many,
    SoftDeleteModel,
    TimestampedModel,
)

__all__ = [
    "Book",
    "Branch",
    "Friendship",
    "Gadget",
    "Genre",
    "Keepsake",
    "Loan",
    "Memo",
    "Note",
    "PlainDeleted",
    "Product",
    "Reader",
    "ReaderProxy",
    "Review",
    "Shelving",
    "SoftThenTimes",
    "Stamp",
    "Ticket",
    "TimesThenSoft",
]


class Reader(SoftDeleteModel):
    name = models.CharField(max_length=20)
    age = models.IntegerField(null=True)
    books = Many2Many("Book", through="Loan", related_name="readers")
    friends = Many2Many("self", through="Friendship")
    friend_of = Many2Many("self", through="Friendship", back_reference=True)
    reviews = HasMany("Review")
    review = HasOne("Review")

    def __str__(self) -> str:
        return self.name


class ReaderProxy(Reader):
    class Meta:
        proxy = True


class Book(AssociationModel):
    pk = models.CompositePrimaryKey("id", "locale")
    id = models.IntegerField()
    locale = models.CharField(max_length=5)
    title = models.CharField(max_length=20)
    year = models.IntegerField(null=True)
    genres = Many2Many("Genre", through="Shelving", related_name="books")
    reviews = HasMany("Review")
    review = HasOne("Review")

    def __str__(self) -> str:
        return self.title


class Genre(models.Model):
    name = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.name


class Loan(JoinTable, SoftDeleteModel):
    reader = BelongsTo("Reader", related_name="loans")
    book = BelongsTo("Book", related_name="loans")
    note = models.CharField(max_length=20, default="")
    weight = models.IntegerField(null=True)


class Friendship(JoinTable, SoftDeleteModel):
    reader = BelongsTo("Reader")
    friend = BelongsTo("Reader")


class Shelving(JoinTable, SoftDeleteModel):
    book = BelongsTo("Book")
    genre = BelongsTo("Genre", constraint="OnDelete:CASCADE")


class Review(SoftDeleteModel):
    book = BelongsTo("Book", null=True)
    reader = BelongsTo("Reader")
    stars = models.IntegerField(null=True)


# The same mixins in other orders, and a deleted_at of the model's own


class SoftThenTimes(SoftDeleteModel, TimestampedModel):
    name = models.CharField(max_length=20)


class TimesThenSoft(TimestampedModel, SoftDeleteModel):
    name = models.CharField(max_length=20)


class PlainDeleted(AssociationModel):
    name = models.CharField(max_length=20)
    deleted_at = models.DateTimeField(null=True)


# Managers of the project's own


class NoteQuerySet(AssociationQuerySet["Note"]):
    def short(self) -> NoteQuerySet:
        return self.exclude(text__contains=" ")


class PublishedManager(AssociationManager.from_queryset(NoteQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> NoteQuerySet:
        return super().get_queryset().filter(published=True)


class Note(SoftDeleteModel):
    text = models.CharField(max_length=20)
    published = models.BooleanField(default=True)
    reader = BelongsTo("Reader", related_name="notes", null=True)

    objects = AssociationManager.from_queryset(NoteQuerySet)()
    public = PublishedManager()
    as_manager = NoteQuerySet.as_manager()


# Tables with a parent: deleted_at above, deleted_at below


class Branch(models.Model):
    name = models.CharField(max_length=20)


class Product(SoftDeleteModel):
    name = models.CharField(max_length=20)


class Gadget(Product):
    branch = BelongsTo("Branch", related_name="gadgets")


class Memo(Branch, SoftDeleteModel):
    text = models.CharField(max_length=20, default="")


# Django's own cascade to a model that deletes softly


class Keepsake(SoftDeleteModel):
    name = models.CharField(max_length=20)


class Stamp(SoftDeleteModel):
    keepsake = models.ForeignKey("Keepsake", models.CASCADE, related_name="stamps")


class Ticket(SoftDeleteModel):
    """A column that is unique among dead rows too."""

    code = models.CharField(max_length=20, unique=True)
