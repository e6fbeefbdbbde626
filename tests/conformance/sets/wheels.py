from __future__ import annotations

from django.db import models

from gorm_assoc.models import HasOne
from tests.conformance.sets.base import GoModel, text


class Bike(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    front = HasOne("Wheel", "polymorphic:Mount;polymorphicValue:bike_front")
    rear = HasOne("Wheel", "polymorphic:Mount;polymorphicValue:bike_rear")


class Wheel(GoModel):
    id = models.BigAutoField(primary_key=True)
    size = text()
    mount_id = models.BigIntegerField(null=True)
    mount_type = text()
