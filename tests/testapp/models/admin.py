"""
Models for the admin: a relation in two directions over one table, a referenced column that may change, and rows that
the database deletes or empties along.
"""

from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, Many2Many

__all__ = ["Petal", "Stem", "Poster", "Shelf", "Shoot", "Volume"]


class Poster(models.Model):
    name = models.CharField(max_length=50)
    following = Many2Many("self", "many2many:poster_follows;joinForeignKey:FollowerID;joinReferences:FollowedID")
    followers = Many2Many(
        "self", "many2many:poster_follows;joinForeignKey:FollowedID;joinReferences:FollowerID", back_reference=True
    )

    def __str__(self) -> str:
        return self.name


class Shelf(models.Model):
    code = models.CharField(max_length=50, unique=True)
    volumes = Many2Many(
        "Volume", "many2many:shelf_volumes;foreignKey:Code;constraint:OnUpdate:CASCADE,OnDelete:CASCADE"
    )


class Volume(models.Model):
    title = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.title


class Stem(models.Model):
    name = models.CharField(max_length=50)
    parent = BelongsTo("self", constraint="OnDelete:CASCADE", null=True)


class Shoot(models.Model):
    stem = BelongsTo("Stem", constraint="OnDelete:CASCADE")


class Petal(models.Model):
    stem = BelongsTo("Stem", constraint="OnDelete:SET NULL", null=True)
