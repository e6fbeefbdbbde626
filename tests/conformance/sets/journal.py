from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, HasMany, HasOne, Many2Many, Model
from tests.conformance.sets.base import key_text, text, unique


class User(Model):
    name = text()
    posts = HasMany("Post")
    profile = HasOne("Profile")


class Profile(Model):
    user_id = models.BigIntegerField(default=0, null=True)
    bio = text()


class Post(Model):
    title = text()
    body = text()
    user = BelongsTo("User", default=0, null=True)
    tags = Many2Many("Tag", "many2many:post_tags;", back_reference=True)


class Tag(Model):
    name = key_text(default="")
    posts = Many2Many("Post", "many2many:post_tags;")

    class Meta:
        constraints = [unique("tags", "name")]


class Comment(Model):
    body = text()
    post_id = models.BigIntegerField(default=0)
    user_id = models.BigIntegerField(default=0)
