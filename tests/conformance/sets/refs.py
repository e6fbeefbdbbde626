from __future__ import annotations

from django.db import models

from gorm_assoc.models import Many2Many, Model
from tests.conformance.sets.base import text, unique


class User(Model):
    profiles = Many2Many(
        "Profile",
        "many2many:user_profiles;foreignKey:Refer;joinForeignKey:UserReferID;References:UserRefer;"
        "joinReferences:ProfileRefer",
    )
    refer = models.BigIntegerField(default=0)

    class Meta:
        constraints = [unique("users", "refer")]


class Profile(Model):
    name = text()
    user_refer = models.BigIntegerField(default=0)

    class Meta:
        constraints = [unique("profiles", "user_refer")]
