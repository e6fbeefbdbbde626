"""Without Category.Categories and Thread.Thread: a relation to itself is not called as its model."""

from __future__ import annotations

from django.db import models

from gorm_assoc.models import HasMany, Many2Many
from tests.conformance.sets.base import GoModel, text


class Person(GoModel):
    id = models.BigAutoField(primary_key=True)
    user_id = text()
    url = text()
    http_servers = Many2Many("HTTPServer", "many2many:person_servers")
    categories = Many2Many("Category", "many2many:person_categories")
    sheep = HasMany("Sheep")
    children = Many2Many("self", "many2many:person_children")


class HTTPServer(GoModel):
    id = models.BigAutoField(primary_key=True)
    base_url = text()
    api_key = text()


class Category(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()


class Sheep(GoModel):
    id = models.BigAutoField(primary_key=True)
    ear_tag_id = text()
    person_id = models.BigIntegerField(null=True)


class Thread(GoModel):
    id = models.BigAutoField(primary_key=True)
    title = text()
