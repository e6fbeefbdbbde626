from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, Many2Many
from tests.conformance.sets.base import GoModel, key_text, text


class Actor(GoModel):
    key = models.BigAutoField(primary_key=True, db_column="actor_key")
    name = text(db_column="full_name")
    roles = Many2Many("Role", "many2many:CastList")
    agent = BelongsTo("Agent", "foreignKey:AgentRef", null=True)

    class Meta:
        db_table = "performers"


class Role(GoModel):
    code = key_text(primary_key=True, db_column="role_code")
    title = text()

    class Meta:
        db_table = "parts"


class Agent(GoModel):
    key = models.BigAutoField(primary_key=True)
    name = text()
