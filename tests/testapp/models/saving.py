"""Models for saving and deleting graphs: every kind of relation, two levels deep, and a circle."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from gorm_assoc.models import (
    AssociationModel,
    BelongsTo,
    HasMany,
    HasOne,
    JoinTable,
    Many2Many,
    Model,
    SoftDeleteModel,
)

__all__ = "Crew CrewPilot Flight Leg Pilot Plane Rating Wing".split()


class Hooked(AssociationModel):
    """Writes down each hook that is called; one named `refuses` raises."""

    calls: ClassVar[list[str]] = []
    refuses: ClassVar[str] = ""

    class Meta:
        abstract = True

    def _called(self, hook: str) -> None:
        self.calls.append(f"{type(self).__name__}.{hook}")
        if hook == self.refuses:
            raise PermissionError(hook)

    def before_save(self) -> None:
        self._called("before_save")

    def before_create(self) -> None:
        self._called("before_create")

    def before_update(self) -> None:
        self._called("before_update")

    def after_create(self) -> None:
        self._called("after_create")

    def after_update(self) -> None:
        self._called("after_update")

    def after_save(self) -> None:
        self._called("after_save")

    def before_delete(self) -> None:
        self._called("before_delete")

    def after_delete(self) -> None:
        self._called("after_delete")


class Plane(Model):
    name = models.CharField(max_length=50)
    chief = BelongsTo("Pilot", null=True, related_name="+")


class Pilot(Hooked, Model):
    name = models.CharField(max_length=50)
    rank = models.CharField(max_length=50, default="second")
    plane = BelongsTo("Plane", null=True)
    wing = HasOne("Wing")
    flights = HasMany("Flight")
    ratings = Many2Many("Rating", "many2many:pilot_ratings")
    mates = Many2Many("self", "many2many:pilot_mates")


class Wing(models.Model):
    """Not one of our mixins."""

    pilot_id = models.BigIntegerField(null=True)
    metal = models.CharField(max_length=50)


class Flight(Hooked, Model):
    code = models.CharField(max_length=50)
    seats = models.IntegerField(default=1)
    pilot = BelongsTo("Pilot", null=True)
    legs = HasMany("Leg")


class Leg(Model):
    flight_id = models.BigIntegerField(null=True)
    to = models.CharField(max_length=50)


class Rating(Model):
    name = models.CharField(max_length=50, unique=True)


class Crew(AssociationModel):
    """Goes for good; its links can be dead."""

    name = models.CharField(max_length=50)
    pilots = Many2Many("Pilot", through="CrewPilot", related_name="+")


class CrewPilot(JoinTable, SoftDeleteModel):
    crew = BelongsTo("Crew")
    pilot = BelongsTo("Pilot")
