from __future__ import annotations

from django.db import models

from gorm_assoc.models import Many2Many
from tests.conformance.sets.base import GoModel, text


class Article(GoModel):
    id = models.BigAutoField(primary_key=True)
    title = text()
    writers = Many2Many("Staff", "many2many:article_writers;", related_name="written")
    editors = Many2Many("Staff", "many2many:article_editors;", related_name="edited")


class Staff(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
