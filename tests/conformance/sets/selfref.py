from __future__ import annotations

from gorm_assoc.models import Many2Many, Model
from tests.conformance.sets.base import text


class User(Model):
    name = text()
    friends = Many2Many("self", "many2many:user_friends")
