from __future__ import annotations

from gorm_assoc.models import Many2Many, Model
from tests.conformance.sets.base import text


class Teacher(Model):
    name = text()
    rooms = Many2Many("Room", "many2many:duty;joinForeignKey:TutorID;joinReferences:SpaceID", back_reference=True)


class Room(Model):
    name = text()
    teachers = Many2Many("Teacher", "many2many:duty;joinForeignKey:SpaceID;joinReferences:TutorID")
