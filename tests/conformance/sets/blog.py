from __future__ import annotations

from django.db import models

from gorm_assoc.models import Many2Many
from tests.conformance.sets.base import GoModel, key_text, text


class Tag(GoModel):
    pk = models.CompositePrimaryKey("id", "locale")
    id = models.BigIntegerField()
    locale = key_text()
    value = text()


class Blog(GoModel):
    pk = models.CompositePrimaryKey("id", "locale")
    id = models.BigIntegerField()
    locale = key_text()
    subject = text()
    body = text()
    tags = Many2Many("Tag", "many2many:blog_tags;")
    locale_tags = Many2Many(
        "Tag", "many2many:locale_blog_tags;ForeignKey:id,locale;References:id", related_name="locale_blogs"
    )
    shared_tags = Many2Many(
        "Tag", "many2many:shared_blog_tags;ForeignKey:id;References:id", related_name="shared_blogs"
    )
