from __future__ import annotations

from django.db import models

from gorm_assoc.models import HasMany, HasOne
from tests.conformance.sets.base import GoModel, key_text, text, unique


class Owner(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    items = HasMany("Item")
    badge = HasOne("Badge")


class Item(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = key_text(default="")
    owner_id = models.BigIntegerField(default=0)

    class Meta:
        constraints = [unique("items", "name")]


class Badge(GoModel):
    id = models.BigAutoField(primary_key=True)
    code = text()
    owner_id = models.BigIntegerField(default=0)

    class Meta:
        constraints = [unique("badges", "owner_id")]
