from __future__ import annotations

from django.db import models

from gorm_assoc.models import Many2Many
from tests.conformance.sets.base import GoModel, key_text, text


class Shelf(GoModel):
    pk = models.CompositePrimaryKey("hall", "row")
    hall = key_text()
    row = models.BigIntegerField()
    label = text()
    boxes = Many2Many("Box", "many2many:shelf_boxes;", back_reference=True)


class Box(GoModel):
    pk = models.CompositePrimaryKey("hall", "code")
    hall = key_text()
    code = key_text()
    shelves = Many2Many("Shelf", "many2many:shelf_boxes;")
