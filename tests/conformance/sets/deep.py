from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, HasMany, HasOne, Many2Many
from tests.conformance.sets.base import GoModel, text


class Country(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    regions = HasMany("Region")
    capital = HasOne("City", "foreignKey:CapitalOfID")


class Region(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    country = BelongsTo("Country", null=True)
    cities = HasMany("City")


class City(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    region = BelongsTo("Region", null=True)
    capital_of_id = models.BigIntegerField(null=True)
    mayor = HasOne("Mayor")
    twins = Many2Many("self", "many2many:city_twins")
    events = Many2Many("Event", "many2many:city_events", back_reference=True)


class Mayor(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    city_id = models.BigIntegerField(null=True)


class Event(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    cities = Many2Many("City", "many2many:city_events")
    topics = Many2Many("Topic", "many2many:event_topics")


class Topic(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
