"""
Models with text keys for which "EN" and "en" are one.

MariaDB's usual collations are so; on SQLite and PostgreSQL a collation is made for it.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, connections, models
from django.db.backends.signals import connection_created
from django.db.models.signals import pre_migrate
from django.dispatch import receiver

from gorm_assoc.models import BelongsTo, HasMany, JoinTable, Many2Many, SoftDeleteModel

__all__ = "Airport Country Topic Traveller Trunk Visit".split()

ANY_CASE = None if connection.vendor == "mysql" else "any_case"


@receiver(connection_created)
def teach_collation(*, connection: Any, **kwargs: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_collation(
            "any_case", lambda one, other: (one.lower() > other.lower()) - (one.lower() < other.lower())
        )


@receiver(pre_migrate)
def make_collation(*, using: str, **kwargs: Any) -> None:
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute(
                "CREATE COLLATION IF NOT EXISTS any_case "
                "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
            )


class Country(models.Model):
    code = models.CharField(max_length=10, primary_key=True, db_collation=ANY_CASE)
    name = models.CharField(max_length=20)
    topics = Many2Many("Topic", "many2many:topicables;polymorphic:Topicable")


class Airport(models.Model):
    code = models.CharField(max_length=10, primary_key=True, db_collation=ANY_CASE)
    city = models.CharField(max_length=10, unique=True, db_collation=ANY_CASE)
    topics = Many2Many("Topic", "many2many:topicables;polymorphic:Topicable", related_name="airports")


class Topic(models.Model):
    """Of countries and of airports, whose keys may be the same."""

    name = models.CharField(max_length=20)


class Traveller(models.Model):
    handle = models.CharField(max_length=10, primary_key=True, db_collation=ANY_CASE)
    countries = Many2Many("Country", "many2many:traveller_countries", related_name="travellers")
    airports = Many2Many("Airport", "many2many:traveller_airports;references:City")
    visits = Many2Many("Country", through="Visit", related_name="visitors")
    trunks = HasMany("Trunk")


class Visit(JoinTable, SoftDeleteModel):
    traveller = BelongsTo("Traveller")
    country = BelongsTo("Country")
    stay = models.CharField(max_length=10, default="")


class Trunk(models.Model):
    traveller_handle = models.CharField(max_length=10, null=True, db_collation=ANY_CASE)
    weight = models.IntegerField()
