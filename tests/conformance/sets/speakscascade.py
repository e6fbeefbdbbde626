from __future__ import annotations

from gorm_assoc.models import Many2Many, Model
from tests.conformance.sets.base import text


class User(Model):
    name = text()
    languages = Many2Many("Language", "many2many:user_languages;constraint:OnDelete:CASCADE;")


class Language(Model):
    name = text()
