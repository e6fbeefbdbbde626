"""Django's own models on the example project's tables, to compare with."""

from __future__ import annotations

from django.db import models


class PlainLanguage(models.Model):
    id = models.BigAutoField(primary_key=True)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    name = models.TextField()

    class Meta:
        managed = False
        db_table = "languages"


class PlainUser(models.Model):
    id = models.BigAutoField(primary_key=True)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    name = models.TextField()
    refer = models.BigIntegerField(unique=True, null=True)
    languages = models.ManyToManyField(PlainLanguage, through="PlainLink", related_name="users")

    class Meta:
        managed = False
        db_table = "users"


class PlainLink(models.Model):
    pk = models.CompositePrimaryKey("user", "language")
    user = models.ForeignKey(PlainUser, models.CASCADE)
    language = models.ForeignKey(PlainLanguage, models.CASCADE)

    class Meta:
        managed = False
        db_table = "user_languages"
