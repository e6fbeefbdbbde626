from __future__ import annotations

from gorm_assoc.models import Many2Many, Model
from tests.conformance.sets.base import GoModel, key_text, text


class User(Model):
    name = text()
    languages = Many2Many("Language", "many2many:user_speaks;")


class Language(GoModel):
    code = key_text(primary_key=True)
    name = text()
