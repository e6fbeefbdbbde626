"""
Models for eager loading: every shape of relation, most of them Django's own.

    Journalist    -- Passport (one to one)
    Article   belongs to Journalist (author, which may be NULL; editor)      remarks: a GenericRelation
    Article   -- Keyword, Django's own many-to-many
    Remark    on anything, by a GenericForeignKey
    Leaf      refers to Twig by a composite key of two texts
    Novel     an Article with a table of its own (a child table)
"""

from __future__ import annotations

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models

from gorm_assoc.models import AssociationModel, BelongsTo, SoftDeleteModel

__all__ = "Article Journalist Keyword Leaf Novel Passport Remark Twig".split()


class Journalist(AssociationModel):
    name = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.name


class Passport(AssociationModel):
    number = models.CharField(max_length=20)
    author = models.OneToOneField(Journalist, models.CASCADE, related_name="passport")


class Keyword(models.Model):
    word = models.CharField(max_length=20)


class Article(AssociationModel):
    title = models.CharField(max_length=20)
    rank = models.IntegerField(default=0)
    author = models.ForeignKey(Journalist, models.CASCADE, null=True, related_name="articles")
    editor = models.ForeignKey(Journalist, models.CASCADE, null=True, related_name="edited")
    keywords = models.ManyToManyField(Keyword, related_name="articles")
    remarks = GenericRelation("Remark")

    def __str__(self) -> str:
        return self.title


class Novel(Article):
    pages = models.IntegerField(default=0)


class Remark(SoftDeleteModel):
    text = models.CharField(max_length=20)
    # Without migrations of its own the test app is made before the table of content types.
    content_type = models.ForeignKey(ContentType, models.CASCADE, db_constraint=False)
    object_id = models.CharField(max_length=20)
    subject = GenericForeignKey()


class Twig(AssociationModel):
    pk = models.CompositePrimaryKey("branch", "number")
    branch = models.CharField(max_length=20)
    number = models.CharField(max_length=20)


class Leaf(AssociationModel):
    twig = BelongsTo("Twig", null=True, related_name="leaves")
