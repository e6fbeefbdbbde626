from __future__ import annotations

from gorm_assoc.models import Many2Many, Model
from tests.conformance.sets.base import key_text, text, unique


class Member(Model):
    handle = key_text(default="")
    clubs = Many2Many("Club", "many2many:member_clubs;foreignKey:Handle")

    class Meta:
        constraints = [unique("members", "handle")]


class Club(Model):
    title = text()
