from __future__ import annotations

from django.db import models

from gorm_assoc.models import HasMany
from tests.conformance.sets.base import GoModel, text


class Dog(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    toys = HasMany("Toy", "polymorphic:Owner;")


class Cat(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    toys = HasMany("Toy", "polymorphic:Owner;")


class Toy(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    owner_id = models.BigIntegerField(default=0, null=True)
    owner_type = text()
