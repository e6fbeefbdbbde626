from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, HasMany, HasOne
from tests.conformance.sets.base import GoModel, key_text, text


class Order(GoModel):
    pk = models.CompositePrimaryKey("region", "number")
    region = key_text()
    number = models.BigIntegerField()
    note = text()
    lines = HasMany("Line", "foreignKey:OrderRegion,OrderNumber;references:Region,Number")
    ticket = HasOne("Ticket")


class Line(GoModel):
    id = models.BigAutoField(primary_key=True)
    item = text()
    order = BelongsTo("Order", "foreignKey:OrderRegion,OrderNumber;references:Region,Number", null=True)


class Ticket(GoModel):
    id = models.BigAutoField(primary_key=True)
    code = text()
    order_region = key_text(null=True)
    order_number = models.BigIntegerField(null=True)
