"""Go's embedded structs: their columns are the model's own."""

from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, HasMany, Many2Many
from tests.conformance.sets.base import GoModel, text


class Shop(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    street = text(db_column="home_street")
    country = BelongsTo("Country", "foreignKey:home_country_id", null=True)
    labels = Many2Many("Label", "many2many:shop_labels;")
    phones = HasMany("Phone")


class Country(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()


class Label(GoModel):
    id = models.BigAutoField(primary_key=True)
    text = text()


class Phone(GoModel):
    id = models.BigAutoField(primary_key=True)
    number = text()
    shop_id = models.BigIntegerField(null=True)
