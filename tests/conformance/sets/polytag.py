from __future__ import annotations

from django.db import models

from gorm_assoc.models import HasMany, Model
from tests.conformance.sets import base
from tests.conformance.sets.base import GoModel


class Film(GoModel):
    id = models.BigAutoField(primary_key=True)
    title = base.text()
    reviews = HasMany("Review", "polymorphicType:Kind;polymorphicId:SubjectID;polymorphicValue:movie")


class Book(GoModel):
    id = models.BigAutoField(primary_key=True)
    title = base.text()
    reviews = HasMany("Review", "polymorphicType:Kind;polymorphicId:SubjectID;polymorphicValue:novel")


class Review(Model):
    text = base.text()
    subject_id = models.BigIntegerField(null=True)
    kind = base.text()
