from __future__ import annotations

from gorm_assoc.models import Many2Many, Model
from tests.conformance.sets.base import key_text, text, unique


class Worker(Model):
    name = text()
    skills = Many2Many("Skill", "many2many:worker_skills;references:Slug")


class Skill(Model):
    slug = key_text(default="")
    title = text()

    class Meta:
        constraints = [unique("skills", "slug")]
