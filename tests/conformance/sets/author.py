from __future__ import annotations

from django.db import models

from gorm_assoc.models import HasMany, Model
from tests.conformance.sets.base import text


class User(Model):
    name = text()
    posts = HasMany("Post", "foreignKey:AuthorID")


class Post(Model):
    title = text()
    author_id = models.BigIntegerField(default=0, null=True)
