"""The join rows of one level, for a relation that has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Window
from django.db.models.functions import RowNumber

from gorm_assoc import soft_delete
from gorm_assoc.kinds.base import Values
from gorm_assoc.kinds.conditions import Sql, subquery
from gorm_assoc.preloading.among import Among
from gorm_assoc.preloading.targets import Targets
from gorm_assoc.preloading.wanted import Conditions
from gorm_assoc.relationship import Relationship

_PLACE = "found_place"


class Links:
    """Join rows of some owners, as a queryset of the join model that is limited step by step."""

    def __init__(
        self, relationship: Relationship, conditions: Conditions, targets: Targets, keys: Sequence[Values]
    ) -> None:
        self.relationship, self.conditions, self.targets = relationship, conditions, targets
        self.owner = relationship.owner_columns
        self.target = relationship.target_columns
        self.names = [field.attname for field in (*self.owner, *self.target)]
        rows = relationship.through._base_manager.using(targets.using).filter(Among(self.owner, keys))
        if relationship.fixed:
            rows = rows.filter(**{field.attname: value for field, value in relationship.fixed})
        if soft_delete.deleted_at_field(relationship.through) is not None and not targets.unscoped:
            rows = rows.filter(**{f"{soft_delete.DELETED_AT}__isnull": True})
        if conditions.through:
            rows = rows.filter(**conditions.through)
        self.rows = rows

    def read(self) -> Any:
        """The rows, no more of an owner than are asked for; ordered only by their own columns, where that is asked."""
        rows = self.rows
        if self.targets.is_limited:
            rows = rows.filter(Among((*self.owner, *self.target), self._limited()))
        return rows.order_by(*self.conditions.order_by_through)

    def with_target(self) -> Any:
        """The rows whose target is among the targets."""
        held = zip(self.relationship.target_fields, self.target, strict=True)
        same = {referenced.attname: OuterRef(holding.attname) for referenced, holding in held}
        return self.rows.filter(Exists(self.targets.queryset.order_by().filter(**same)))

    def _limited(self) -> Sql:
        """
        The pairs that are asked for: each owner's links numbered in the order of their targets.

        Targets are ordered apart from their owners, so that conditions on them may join what they like.
        """
        using = self.targets.using
        rows, names = self.rows, self.names
        if self.conditions.order_by_through:
            ordered = rows.order_by(*self.conditions.order_by_through)
            order = [each for each, _ in ordered.query.get_compiler(using=using).get_order_by()]
            rows, names = rows.annotate(**{_PLACE: Window(RowNumber(), order_by=order)}), [*names, _PLACE]
        links = subquery(rows, names, using)
        referenced = self.relationship.target_fields
        own_targets = subquery(self.rows, [field.attname for field in self.target], using)
        place_of = Window(RowNumber(), order_by=self.targets.order())
        among = self.targets.queryset.order_by().filter(Among(referenced, own_targets)).annotate(**{_PLACE: place_of})
        targets = subquery(among, [*(field.attname for field in referenced), _PLACE], using)

        width = len(self.owner)
        owners = ", ".join(f"links.found{number}" for number in range(width))
        pair = ", ".join(f"found{number}" for number in range(len(self.names)))
        same = " AND ".join(f"links.found{width + n} = targets.found{n}" for n in range(len(self.target)))
        by = f"links.found{len(self.names)}" if self.conditions.order_by_through else f"targets.found{len(referenced)}"
        numbered = (
            f"SELECT links.*, ROW_NUMBER() OVER (PARTITION BY {owners} ORDER BY {by}) AS found_number "
            f"FROM ({links.text}) AS links INNER JOIN ({targets.text}) AS targets ON {same}"
        )
        stop = self.targets.stop
        wanted = f"found_number > {self.targets.start}" + ("" if stop is None else f" AND found_number <= {stop}")
        return Sql(f"SELECT {pair} FROM ({numbered}) AS numbered WHERE {wanted}", (*links.params, *targets.params))
