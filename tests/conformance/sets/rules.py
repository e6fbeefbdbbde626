from __future__ import annotations

from django.db import models

from gorm_assoc.models import HasMany
from tests.conformance.sets.base import GoModel, text


class Depot(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    trucks = HasMany("Truck", "constraint:OnUpdate:CASCADE,OnDelete:SET NULL;")
    crates = HasMany("Crate", "constraint:OnDelete:RESTRICT;")
    keepers = HasMany("Keeper", "constraint:depot_keepers_rule,OnDelete:CASCADE;")
    visitors = HasMany("Visitor", "constraint:-;")


class Truck(GoModel):
    id = models.BigAutoField(primary_key=True)
    plate = text()
    depot_id = models.BigIntegerField(null=True)


class Crate(GoModel):
    id = models.BigAutoField(primary_key=True)
    mark = text()
    depot_id = models.BigIntegerField(null=True)


class Keeper(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    depot_id = models.BigIntegerField(null=True)


class Visitor(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    depot_id = models.BigIntegerField(null=True)
