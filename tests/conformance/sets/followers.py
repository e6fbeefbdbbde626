from __future__ import annotations

from django.db import models

from gorm_assoc.models import Many2Many
from tests.conformance.sets.base import GoModel, text


class Account(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    following = Many2Many("self", "many2many:follows;joinForeignKey:FollowerID;joinReferences:FolloweeID")
    followers = Many2Many(
        "self", "many2many:follows;joinForeignKey:FolloweeID;joinReferences:FollowerID", back_reference=True
    )
