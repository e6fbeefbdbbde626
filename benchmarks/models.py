"""Django's own models to compare with: on the example project's tables, and two that its admin can edit."""

from __future__ import annotations

from django.db import models


class Plain(models.Model):
    id = models.BigAutoField(primary_key=True)
    created_at = models.DateTimeField(null=True, auto_now_add=True)
    updated_at = models.DateTimeField(null=True, auto_now=True)
    deleted_at = models.DateTimeField(null=True)
    name = models.TextField()

    class Meta:
        abstract = True


class PlainLanguage(Plain):
    class Meta:
        managed = False
        db_table = "languages"


class PlainUser(Plain):
    refer = models.BigIntegerField(unique=True, null=True)
    own_languages = models.ManyToManyField(PlainLanguage, db_table="own_links", related_name="+")
    languages = models.ManyToManyField(PlainLanguage, through="PlainLink", related_name="users")

    class Meta:
        managed = False
        db_table = "users"


class PlainLink(models.Model):
    """The join table as this library makes it: its key is the pair."""

    pk = models.CompositePrimaryKey("user", "language")
    user = models.ForeignKey(PlainUser, models.CASCADE)
    language = models.ForeignKey(PlainLanguage, models.CASCADE)

    class Meta:
        managed = False
        db_table = "user_languages"


class PlainAddress(models.Model):
    name = models.TextField()

    class Meta:
        managed = False
        db_table = "addresses"


class PlainPerson(models.Model):
    name = models.TextField()
    addresses = models.ManyToManyField(PlainAddress, through="PlainPersonAddress", related_name="people")

    class Meta:
        managed = False
        db_table = "people"


class PlainPersonAddress(models.Model):
    """Join rows that die: Django knows nothing of it."""

    pk = models.CompositePrimaryKey("person", "address")
    person = models.ForeignKey(PlainPerson, models.CASCADE, related_name="links")
    address = models.ForeignKey(PlainAddress, models.CASCADE, related_name="links")
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "person_addresses"


class OwnSubject(models.Model):
    """For the admin, whose inlines want join rows with an id."""

    name = models.TextField()

    def __str__(self) -> str:
        return self.name


class OwnReader(models.Model):
    name = models.TextField()
    subjects = models.ManyToManyField(OwnSubject)

    def __str__(self) -> str:
        return self.name
