from __future__ import annotations

from django.db import models
from django_extensions.db.fields import CreationDateTimeField

from gorm_assoc.models import BelongsTo, JoinTable, Many2Many
from tests.conformance.sets.base import GoModel, text


class Person(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    addresses = Many2Many("Address", "many2many:person_addresses;", through="PersonAddress")


class Address(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()


class PersonAddress(JoinTable):
    person = BelongsTo("Person")
    address = BelongsTo("Address")
    created_at = CreationDateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    note = text()

    def before_create(self):
        self.note = "before-create"
