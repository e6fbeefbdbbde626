"""The form field that chooses the target of a join row: which rows, which widget, which links beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.http import HttpRequest

from gorm_assoc import soft_delete
from gorm_assoc.admin.widgets import KeyAutocompleteSelect, KeyRawIdWidget, target_rel
from gorm_assoc.forms import TargetChoiceField
from gorm_assoc.relationship import Relationship

if TYPE_CHECKING:
    _InlineModelAdmin = InlineModelAdmin[Any, Any]
else:
    _InlineModelAdmin = InlineModelAdmin


class TargetFieldMixin(_InlineModelAdmin):
    """An inline that chooses targets."""

    relationship: Relationship

    def formfield_for_target(self, request: HttpRequest, **kwargs: Any) -> Any:
        """The field that chooses the target, by way of formfield_for_foreignkey() with the relation as db_field."""
        key, target = self.relationship.target_key, self.relationship.target
        rows = target._default_manager.all()
        if soft_delete.deleted_at_field(target) is not None:
            rows = rows.filter(**{f"{soft_delete.DELETED_AT}__isnull": True})
        ordering = self.get_field_queryset(None, key, request)
        if ordering is not None:
            rows = rows.order_by(*ordering.query.order_by)
        limits = {"limit_choices_to": self._limits()} if self._limits() else {}
        kwargs = {"queryset": rows, "form_class": TargetChoiceField, **self._widget(request), **limits, **kwargs}
        field: Any = self.formfield_for_foreignkey(key, request, **kwargs)
        is_raw_id = field is not None and isinstance(field.widget, KeyRawIdWidget)
        if field is not None and not is_raw_id and self.admin_site.is_registered(target):
            field.widget = self._with_links(field.widget, target, request)
        return field

    def _widget(self, request: HttpRequest) -> dict[str, Any]:
        key = self.relationship.target_key
        if key.name in self.get_autocomplete_fields(request):
            # What is asked along is the field's limit_choices_to.
            return {"widget": KeyAutocompleteSelect(self._declared or key, self.admin_site)}
        if key.name in self.raw_id_fields:
            rel = target_rel(self.relationship.target, key, self._limits())
            return {"widget": KeyRawIdWidget(rel, self.admin_site)}
        return {}

    @property
    def _declared(self) -> Any:
        """The parent's own field; None if the relation is declared at the other end."""
        found = self.relationship
        return None if found.reverse else found.owner._meta.get_field(found.name)

    def _limits(self) -> Any:
        return self._declared.get_limit_choices_to() if self._declared is not None else None

    def _with_links(self, widget: Any, target: type[models.Model], request: HttpRequest) -> RelatedFieldWidgetWrapper:
        """The links beside a choice: add, change and view the target."""
        related = self.admin_site.get_model_admin(target)
        return RelatedFieldWidgetWrapper(
            widget,
            target_rel(target, self.relationship.target_key),
            self.admin_site,
            can_add_related=related.has_add_permission(request),
            can_change_related=related.has_change_permission(request),
            can_view_related=related.has_view_permission(request),
        )
