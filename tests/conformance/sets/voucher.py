from __future__ import annotations

from django.db import models

from gorm_assoc.models import HasMany
from tests.conformance.sets.base import GoModel, key_text, text


class Voucher(GoModel):
    id = key_text(primary_key=True)
    worth = models.BigIntegerField(default=0)
    goods = HasMany("VoucherGood")


class VoucherGood(GoModel):
    pk = models.CompositePrimaryKey("voucher_id", "good_id")
    voucher_id = key_text()
    good_id = key_text()
    note = text()
