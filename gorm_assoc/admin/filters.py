"""
list_filter = ["languages"]: the rows that are linked with one target, or with none.

It takes the place of Django's filter for a Many2Many, from either side; keys may be composite, and dead links do
not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib.admin.filters import FieldListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext

from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.forms import by_attname, read_key, write_key

if TYPE_CHECKING:
    _FieldListFilter = FieldListFilter
else:
    _FieldListFilter = FieldListFilter


def is_association(field: Any) -> bool:
    """Whether this is a Many2Many, or the way back of one."""
    return isinstance(field, Many2Many) or isinstance(getattr(field, "field", None), Many2Many)


class AssociationFilter(_FieldListFilter):
    """
    A choice for each live target, and one for rows without any.

    The parameters of the URL are the relation's name with a key as JSON, and `<name>__isnull`.
    """

    used_parameters: dict[str, Any]

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.target: type[models.Model] = field.related_model
        self.path = field_path
        self.none = f"{field_path}__isnull"
        super().__init__(field, request, params, model, model_admin, field_path)
        self.title = str(getattr(field, "verbose_name", "") or field.name.replace("_", " "))
        self.chosen: str | None = self._last(field_path)
        self.wants_none = self._last(self.none) == "True"
        rows = self.target._default_manager.all()
        ordering = self._ordering(model_admin, request)
        self.rows = list(rows.order_by(*ordering) if ordering else rows)

    def expected_parameters(self) -> list[str | None]:
        return [self.path, self.none]

    def has_output(self) -> bool:
        return bool(self.rows)

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.wants_none:
            return queryset.filter(**{self.none: True})
        if self.chosen is None:
            return queryset
        try:
            key = read_key(self.target, self.chosen)
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error
        return queryset.filter(self._linked(key))

    def choices(self, changelist: Any) -> Iterator[Any]:
        counts = self.get_facet_queryset(changelist) if changelist.add_facets else None
        yield {
            "selected": self.chosen is None and not self.wants_none,
            "query_string": changelist.get_query_string(remove=self.expected_parameters()),
            "display": gettext("All"),
        }
        for number, row in enumerate(self.rows):
            text = write_key(row)
            yield {
                "selected": self.chosen == text,
                "query_string": changelist.get_query_string({self.path: text}, [self.none]),
                "display": f"{row} ({counts[f'{number}__c']})" if counts else str(row),
            }
        yield {
            "selected": self.wants_none,
            "query_string": changelist.get_query_string({self.none: "True"}, [self.path]),
            "display": f"{gettext('Empty')} ({counts['none__c']})" if counts else gettext("Empty"),
        }

    def get_facet_counts(self, pk_attname: str, filtered_qs: Any) -> dict[str, Any]:
        def count(condition: models.Q) -> models.Count:
            return models.Count(pk_attname, filter=condition)

        keys = [tuple(getattr(row, field.attname) for field in self.target._meta.pk_fields) for row in self.rows]
        counts = {f"{number}__c": count(self._linked(key)) for number, key in enumerate(keys)}
        return {**counts, "none__c": count(models.Q(**{self.none: True}))}

    def _linked(self, key: tuple[Any, ...]) -> models.Q:
        return models.Q(**{f"{self.path}__{name}": value for name, value in by_attname(self.target, key).items()})

    def _last(self, name: str) -> str | None:
        values = self.used_parameters.get(name)
        return str(values[-1]) if values else None

    def _ordering(self, model_admin: Any, request: HttpRequest) -> Any:
        site = model_admin.admin_site
        return site.get_model_admin(self.target).get_ordering(request) if site.is_registered(self.target) else ()


FieldListFilter.register(is_association, AssociationFilter, take_priority=True)
