from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo
from tests.conformance.sets.base import GoModel, key_text, text, unique


class Brand(GoModel):
    id = models.BigAutoField(primary_key=True)
    code = key_text(default="")
    name = text()

    class Meta:
        constraints = [unique("brands", "code")]


class Item(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    brand = BelongsTo("Brand", "references:Code;constraint:OnUpdate:CASCADE,OnDelete:SET NULL;", null=True)


class Part(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    brand = BelongsTo("Brand", "constraint:OnDelete:CASCADE;", null=True)
