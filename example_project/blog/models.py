"""
The blog of GORM's guides: belongs to, has one, has many, polymorphic.

The tables have Django's names, as those of any app that takes up the mixins do.
"""

from __future__ import annotations

from django.db import models

from gorm_assoc.models import (
    BelongsTo,
    HasMany,
    HasOne,
    Many2Many,
    SoftDeleteModel,
    TimestampedModel,
)


class Base(TimestampedModel, SoftDeleteModel):
    class Meta:
        abstract = True


class Company(Base):
    name = models.TextField()
    employees = HasMany("User")

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class User(Base):
    name = models.TextField()
    company = BelongsTo("Company", null=True, blank=True)
    manager = BelongsTo("self", null=True, blank=True)
    team = HasMany("self", foreign_key="manager")
    profile = HasOne("Profile", "constraint:OnDelete:CASCADE")
    posts = HasMany("Post", "foreignKey:AuthorID;constraint:OnDelete:SET NULL")

    def __str__(self) -> str:
        return self.name


class Profile(Base):
    """One a user, and never without: the key is unique and may not be NULL."""

    user = BelongsTo("User", unique=True)
    bio = models.TextField()
    comments = HasMany("Comment", "polymorphic:Owner")

    def __str__(self) -> str:
        return self.bio


class Post(Base):
    title = models.TextField()
    author = BelongsTo("User", null=True, blank=True)
    language = BelongsTo("guides.Language", null=True, blank=True, related_name="posts")
    tags = Many2Many("Tag")
    comments = HasMany("Comment", "polymorphic:Owner")

    def __str__(self) -> str:
        return self.title


class Tag(Base):
    name = models.TextField()

    def __str__(self) -> str:
        return self.name


class Comment(Base):
    """Below a post or a profile: owner_type says which, by its table."""

    text = models.TextField()
    owner_type = models.CharField(max_length=191, null=True, blank=True)
    owner_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["owner_type", "owner_id"], name="idx_blog_comment_owner")]

    def __str__(self) -> str:
        return self.text
