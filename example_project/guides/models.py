"""
The models of GORM's guides on many-to-many, each declared as the guide does.

The tags are the guides' own. Where Go's `string` is a key, Django needs a length.
"""

from __future__ import annotations

from django.db import models

from gorm_assoc.models import (
    AssociationModel,
    BelongsTo,
    JoinTable,
    Many2Many,
    Model,
    SoftDeleteModel,
    TimestampedModel,
)

# Many to many, declared from both sides; override of foreign keys; self-reference; string key; constraint


class Language(Model):
    name = models.TextField()
    users = Many2Many("User", "many2many:user_languages", back_reference=True)

    def __str__(self) -> str:
        return self.name


class Profile(Model):
    name = models.TextField()
    user_refer = models.BigIntegerField(unique=True)

    def __str__(self) -> str:
        return self.name


class SpokenLanguage(models.Model):
    code = models.CharField(max_length=191, primary_key=True)
    name = models.TextField(default="")

    class Meta:
        db_table = "spoken_languages"

    def __str__(self) -> str:
        return self.name or self.code


class User(Model):
    name = models.TextField()
    refer = models.BigIntegerField(unique=True, null=True, blank=True)

    languages = Many2Many("Language", "many2many:user_languages")
    profiles = Many2Many(
        "Profile",
        "many2many:user_profiles;foreignKey:Refer;joinForeignKey:UserReferID;References:UserRefer;joinReferences:ProfileRefer",
    )
    friends = Many2Many("self", "many2many:user_friends")
    speaks = Many2Many("SpokenLanguage", "many2many:user_speaks;constraint:OnUpdate:CASCADE,OnDelete:CASCADE")
    fluent_in = Many2Many("Language", through="UserFluency", related_name="fluent_users")

    def __str__(self) -> str:
        return self.name


# A join table with an extra column


class UserFluency(JoinTable):
    user = BelongsTo("User")
    language = BelongsTo("Language")
    fluency = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True, null=True)


# A join table with soft delete and a hook


class Person(models.Model):
    name = models.TextField()
    addresses = Many2Many("Address", through="PersonAddress", related_name="people")

    class Meta:
        db_table = "people"

    def __str__(self) -> str:
        return self.name


class Address(models.Model):
    name = models.TextField()

    class Meta:
        db_table = "addresses"
        verbose_name_plural = "addresses"

    def __str__(self) -> str:
        return self.name


class PersonAddress(JoinTable, SoftDeleteModel, TimestampedModel):
    person = BelongsTo("Person")
    address = BelongsTo("Address")
    note = models.TextField(default="", blank=True)

    def before_create(self) -> None:
        self.note = self.note or "before-create"


# Composite keys


class Tag(AssociationModel):
    pk = models.CompositePrimaryKey("id", "locale")
    id = models.BigIntegerField()
    locale = models.CharField(max_length=191)
    value = models.TextField(default="")

    class Meta:
        db_table = "tags"

    def __str__(self) -> str:
        return f"{self.value} ({self.locale})"


class Blog(AssociationModel):
    pk = models.CompositePrimaryKey("id", "locale")
    id = models.BigIntegerField()
    locale = models.CharField(max_length=191)
    subject = models.TextField(default="")
    body = models.TextField(default="", blank=True)

    tags = Many2Many("Tag", "many2many:blog_tags")
    locale_tags = Many2Many(
        "Tag", "many2many:locale_blog_tags;ForeignKey:id,locale;References:id", related_name="locale_blogs"
    )
    shared_tags = Many2Many(
        "Tag", "many2many:shared_blog_tags;ForeignKey:id;References:id", related_name="shared_blogs"
    )

    class Meta:
        db_table = "blogs"

    def __str__(self) -> str:
        return f"{self.subject} ({self.locale})"
