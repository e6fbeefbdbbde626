from __future__ import annotations

from django.db import models

from gorm_assoc.models import Many2Many
from tests.conformance.sets.base import GoModel, key_text, text


class Band(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    venues = Many2Many("Venue", "many2many:band_venues;constraint:OnUpdate:CASCADE,OnDelete:SET NULL;")
    genres = Many2Many("Genre", "many2many:band_genres;constraint:OnDelete:RESTRICT;")


class Venue(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()


class Genre(GoModel):
    slug = key_text(primary_key=True)
    name = text()
