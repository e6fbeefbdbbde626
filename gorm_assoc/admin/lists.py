"""
The list page: columns that count what is linked, and an order that composite keys can have.

    list_display = ["name", AssociationCount("languages")]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import Promise

from gorm_assoc import relationship as relationships
from gorm_assoc import soft_delete
from gorm_assoc.admin.row_forms import fixed_columns
from gorm_assoc.forms import is_composite, write_key
from gorm_assoc.relationship import MANY2MANY, Relationship

if TYPE_CHECKING:
    _ModelAdmin = ModelAdmin[Any]
else:
    _ModelAdmin = ModelAdmin


class AssociationCount:
    """
    A list column: how many targets each row has, as count() says. The numbers come with the rows, in one query.

    name -- a relation of the model, from either side
    description -- the column's heading; the relation's name if none is given
    """

    def __init__(self, name: str, description: str | Promise = "") -> None:
        self.name = name
        self.short_description = description or name.replace("_", " ")
        self.annotation = self.admin_order_field = self.__name__ = f"count_of_{name}"

    def __call__(self, row: models.Model) -> int:
        return int(getattr(row, self.annotation))


def count_expression(relationship: Relationship) -> Coalesce:
    """The number of live targets, of a many2many by live join rows, as a subquery."""
    through, target = relationship.through, relationship.target
    of_owner: dict[str, Any] = {
        column.attname: models.OuterRef(held.attname)
        for held, column in zip(relationship.owner_fields, relationship.owner_columns, strict=True)
    }
    rows = through._base_manager.filter(**of_owner, **fixed_columns(relationship))
    if soft_delete.deleted_at_field(through) is not None:
        rows = rows.filter(**{f"{soft_delete.DELETED_AT}__isnull": True})
    counted = through._meta.pk_fields[0].attname
    if relationship.kind == MANY2MANY:
        key, referenced = relationship.target_key.name, relationship.target_fields
        # A column that is not in the join table itself, where there is one: half a key names several targets.
        free = [field for field in target._meta.pk_fields if field not in referenced] or target._meta.pk_fields
        counted = f"{key}__{free[0].attname}"
        if soft_delete.deleted_at_field(target) is not None:
            rows = rows.filter(**{f"{key}__{soft_delete.DELETED_AT}__isnull": True})
    grouped = rows.order_by().values(*of_owner).annotate(number_of_targets=models.Count(counted))
    return Coalesce(models.Subquery(grouped.values("number_of_targets")), 0, output_field=models.IntegerField())


class AssociationChangeList(ChangeList):
    """The list with the numbers of its AssociationCounts."""

    model_admin: Any
    list_display: Any

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        wanted = [column for column in self.list_display if isinstance(column, AssociationCount)]
        known = self.root_queryset.query.annotations
        missing = [column for column in wanted if column.annotation not in known]
        if missing:
            self.root_queryset = self.root_queryset.annotate(
                **{c.annotation: count_expression(relationships.of(self.model, c.name)) for c in missing}
            )
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        """Composite keys column by column: as one they cannot be sorted by beside DISTINCT."""
        found = super().get_ordering(request, queryset)
        return list(self._by_columns(found)) if is_composite(self.model) else found

    def _by_columns(self, ordering: Iterable[Any]) -> Iterable[Any]:
        for part in ordering:
            if part in ("pk", "-pk"):
                yield from (part.replace("pk", field.attname) for field in self.model._meta.pk_fields)
            else:
                yield part

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.is_popup and is_composite(self.model):
            self.result_list = list(self.result_list)
            for row in self.result_list:
                # The template asks so for what a click tells the page that opened this one. After a blank, or
                # jQuery would make a list of it and hand that over.
                row.serializable_value = lambda _, row=row: f" {write_key(row)}"


class ListAdminMixin(_ModelAdmin):
    """A ModelAdmin whose list page is an AssociationChangeList; one of the project's own is kept beneath."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        given: Any = super().get_changelist(request, **kwargs)
        if issubclass(given, AssociationChangeList):
            return given
        return type(given.__name__, (AssociationChangeList, given), {})
