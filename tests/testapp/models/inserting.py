"""New targets whose columns Django or the database fills in, each in another way."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.core.files.storage import InMemoryStorage
from django.db import models
from django.db.models.functions import Upper

from gorm_assoc.models import AssociationModel, Many2Many

__all__ = "Chit Coupon Depot Locker Parcel Sign".split()

_numbers = count(1000)


class Raised(models.CharField):  # type: ignore[type-arg]
    """A field of a project, whose parameter stands inside other SQL."""

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        return "UPPER(%s)"

    def get_placeholder_sql(self, value: Any, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """What Django asks for since 6.1, in place of the other."""
        return "UPPER(%s)", [value]


class Depot(AssociationModel):
    parcels = Many2Many("Parcel", "many2many:depot_parcels")
    coupons = Many2Many("Coupon", "many2many:depot_coupons")
    chits = Many2Many("Chit", "many2many:depot_chits")
    signs = Many2Many("Sign", "many2many:depot_signs")
    lockers = Many2Many("Locker", "many2many:depot_lockers")
    readers = Many2Many("ReaderProxy", "many2many:depot_readers")


def next_number() -> int:
    return next(_numbers)


class Parcel(models.Model):
    name = models.CharField(max_length=20)
    bill = models.FileField(storage=InMemoryStorage(), blank=True)
    sent_on = models.DateField(auto_now_add=True)
    seen_on = models.DateField(auto_now=True)
    label = models.GeneratedField(
        expression=Upper("name"), output_field=models.CharField(max_length=20), db_persist=True
    )


class Coupon(models.Model):
    worth = models.IntegerField(db_default=7)


class Chit(models.Model):
    """A key and nothing else."""


class Locker(models.Model):
    """A whole number for a key, which the project counts."""

    number = models.IntegerField(primary_key=True, default=next_number)
    is_open = models.BooleanField(default=True)


class Sign(models.Model):
    text = Raised(max_length=20)
