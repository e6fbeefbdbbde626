from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, HasMany, HasOne, Model
from tests.conformance.sets.base import GoModel, text


class Company(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()


class CreditCard(Model):
    number = text()
    user_id = models.BigIntegerField(null=True)


class Account(Model):
    number = text()
    user_id = models.BigIntegerField(null=True)


class Toy(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    owner_id = models.BigIntegerField(default=0, null=True)
    owner_type = text()


class Pet(Model):
    name = text()
    user_id = models.BigIntegerField(null=True)
    toy = HasOne("Toy", "polymorphic:Owner;")


class User(Model):
    name = text()
    company = BelongsTo("Company", null=True)
    manager = BelongsTo("self", null=True)
    account = HasOne("Account")
    credit_cards = HasMany("CreditCard", "constraint:OnUpdate:CASCADE,OnDelete:SET NULL;")
    pets = HasMany("Pet")
    team = HasMany("self", "foreignkey:ManagerID")
    toys = HasMany("Toy", "polymorphic:Owner;polymorphicValue:users_toys")
