from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, HasMany, HasOne, Model
from tests.conformance.sets.base import GoModel, key_text, text, unique


class Member(Model):
    name = key_text(default="")
    member_number = key_text(default="")
    firm = BelongsTo("Firm", "foreignKey:FirmRefer", null=True)
    guild = BelongsTo("Guild", "foreignKey:GuildCode;references:Code", null=True)
    # `pass` is a word of Python's.
    passport = HasOne("Pass", "foreignKey:MemberName;references:Name;constraint:fk_members_pass")
    cards = HasMany("Card", "foreignKey:Holder;references:MemberNumber")
    notes = HasMany("Note", "foreignKey:MemberRefer")

    class Meta:
        constraints = [unique("members", "name"), unique("members", "member_number")]


class Firm(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()


class Guild(GoModel):
    id = models.BigAutoField(primary_key=True)
    code = key_text(default="")
    name = text()

    class Meta:
        constraints = [unique("guilds", "code")]


class Pass(Model):
    number = text()
    member_name = key_text(null=True)


class Card(Model):
    number = text()
    holder = key_text(null=True)


class Note(Model):
    text = text()
    member_refer = models.BigIntegerField(null=True)
