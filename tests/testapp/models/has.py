"""Models for has-one and has-many: over relations, plain columns, composite keys, and polymorphic ones."""

from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, HasMany, HasOne, JoinTable, Many2Many, Model, SoftDeleteModel

__all__ = (
    "Author Badge Crate Desk Essay Firm Jotting Keeper Letter Melody Mood MoodMark Office Picture Sticker Tool Worker"
).split()


class Author(Model):
    name = models.CharField(max_length=50)
    code = models.CharField(max_length=20, unique=True, null=True)
    essays = HasMany("Essay", "constraint:OnDelete:CASCADE")
    letters = HasMany("Letter", "foreignKey:WriterCode;references:Code")
    desk = HasOne("Desk")
    badge = HasOne("Badge", foreign_key="holder")
    jottings = HasMany("Jotting")


class Essay(Model):
    """The child has a BelongsTo of its own; its way back makes room."""

    title = models.CharField(max_length=50)
    author = BelongsTo("Author", null=True)


class Letter(SoftDeleteModel):
    """A plain column that refers to another field than the key."""

    writer_code = models.CharField(max_length=20, null=True)
    text = models.CharField(max_length=50)


class Desk(Model):
    """A plain column; nothing keeps an author from having two."""

    author_id = models.BigIntegerField(null=True)
    room = models.CharField(max_length=50)


class Badge(models.Model):
    """Django's own relation with Django's own constraint."""

    holder = models.OneToOneField(Author, models.CASCADE)
    number = models.IntegerField()


class Jotting(models.Model):
    """Django's own relation, and a field by which rows are dead, but no mixin."""

    author = models.ForeignKey(Author, models.CASCADE)
    text = models.CharField(max_length=50)
    deleted_at = models.DateTimeField(null=True)


class Worker(Model):
    """The guides' manager and team."""

    name = models.CharField(max_length=50)
    manager = BelongsTo("self", null=True)
    team = HasMany("self", "foreignKey:ManagerID")


class Firm(models.Model):
    """A composite key."""

    pk = models.CompositePrimaryKey("number", "country")
    number = models.IntegerField()
    country = models.CharField(max_length=2)
    name = models.CharField(max_length=50)
    offices = HasMany("Office")
    keeper = HasOne("Keeper")


class Office(Model):
    firm = BelongsTo("Firm", null=True)
    city = models.CharField(max_length=50)


class Keeper(Model):
    firm_number = models.IntegerField(null=True)
    firm_country = models.CharField(max_length=2, null=True)
    name = models.CharField(max_length=50)


class Crate(Model):
    name = models.CharField(max_length=50)
    stickers = HasMany("Sticker", "polymorphic:Owner")
    label = HasOne("Sticker", "polymorphicType:Kind;polymorphicId:SubjectID;polymorphicValue:crate_label")


class Tool(Model):
    name = models.CharField(max_length=50)
    stickers = HasMany("Sticker", polymorphic="owner")


class Sticker(Model):
    owner_id = models.BigIntegerField(null=True)
    owner_type = models.CharField(max_length=50, null=True)
    subject_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=50, null=True)
    text = models.CharField(max_length=50)


class Picture(Model):
    """Two owners share one join table."""

    name = models.CharField(max_length=50)
    moods = Many2Many("Mood", "many2many:moodables;polymorphic:Moodable")
    marks = Many2Many("Mood", polymorphic="subject", through="MoodMark", related_name="marked_pictures")


class Melody(Model):
    name = models.CharField(max_length=50)
    moods = Many2Many(
        "Mood", "many2many:moodables;polymorphic:Moodable;polymorphicValue:song", related_name="melodies"
    )
    marks = Many2Many("Mood", polymorphic="subject", through="MoodMark", related_name="marked_melodies")


class Mood(Model):
    name = models.CharField(max_length=50)


class MoodMark(JoinTable, SoftDeleteModel):
    """A written one, with soft delete and a column more."""

    pk = models.CompositePrimaryKey("subject_id", "subject_type", "mood_id")
    subject_id = models.BigIntegerField()
    subject_type = models.CharField(max_length=50)
    mood = BelongsTo("Mood", "constraint:OnDelete:CASCADE")
    strength = models.IntegerField(default=1)
