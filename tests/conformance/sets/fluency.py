from __future__ import annotations

from django_extensions.db.fields import CreationDateTimeField

from gorm_assoc.models import BelongsTo, JoinTable, Many2Many, Model
from tests.conformance.sets.base import text


class User(Model):
    name = text()
    languages = Many2Many("Language", "many2many:user_languages;", through="UserLanguage")


class Language(Model):
    name = text()


class UserLanguage(JoinTable):
    user = BelongsTo("User")
    language = BelongsTo("Language")
    created_at = CreationDateTimeField(null=True)
    fluency = text()
