"""Models whose links are held in a row's own key: belongs to, has one, has many."""

from __future__ import annotations

from django.db import models

from gorm_assoc.models import AssociationModel, BelongsTo, Model

__all__ = "Contract Bench Employer Room Site Task Hand".split()


class Employer(Model):
    name = models.CharField(max_length=50)


class Hand(Model):
    name = models.CharField(max_length=50)
    firm = BelongsTo("Employer", null=True, related_name="hands")


class Bench(models.Model):
    """Django's own one-to-one: a key that is unique and may be NULL."""

    name = models.CharField(max_length=50)
    worker = models.OneToOneField("Hand", models.SET_NULL, null=True, related_name="desk")


class Task(Model):
    """Django's own key on rows that can be dead."""

    title = models.CharField(max_length=50)
    worker = models.ForeignKey("Hand", models.CASCADE, null=True, related_name="tasks")


class Contract(models.Model):
    """A key that may not be NULL, and rows that others refer to."""

    title = models.CharField(max_length=50)
    worker = models.ForeignKey("Hand", models.CASCADE, related_name="contracts")
    replaces = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")


class Site(AssociationModel):
    pk = models.CompositePrimaryKey("code", "region")
    code = models.CharField(max_length=20)
    region = models.IntegerField()


class Room(AssociationModel):
    name = models.CharField(max_length=50)
    site = BelongsTo("Site", null=True, related_name="rooms")
