"""The many-to-many as an ordinary field of its owner's form, although its join model is a written one."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest

from gorm_assoc.admin.deleting import DeletingAdminMixin
from gorm_assoc.admin.editing import EditAssociationsMixin
from gorm_assoc.admin.keys import CompositeKeyAdminMixin
from gorm_assoc.admin.lists import ListAdminMixin
from gorm_assoc.admin.owner_checks import AssociationAdminChecks
from gorm_assoc.admin.widgets import (
    KeyAutocompleteSelectMultiple,
    KeyListRawIdWidget,
    NamedAutocompleteSelectMultiple,
)
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.forms import AssociationModelForm, is_composite

if TYPE_CHECKING:
    _ModelAdmin = ModelAdmin[Any]
else:
    _ModelAdmin = ModelAdmin


class AssociationAdminMixin(
    EditAssociationsMixin, DeletingAdminMixin, ListAdminMixin, CompositeKeyAdminMixin, _ModelAdmin
):
    """
    For the ModelAdmin of an owner: its many-to-manys can stand in fields, fieldsets and filter_horizontal.

    Without fields or fieldsets those are shown that have no inline. Beside that it is what the classes above say:
    a composite key, columns that count, a delete page that tells what the database does, the action that edits
    associations of many owners.
    """

    checks_class = AssociationAdminChecks
    form = AssociationModelForm

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, Many2Many):
            if not self._names_fields() and self._has_inline(db_field):
                return None
            return self.association_field(db_field, request, **kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def association_field(self, db_field: Many2Many, request: HttpRequest, **kwargs: Any) -> Any:
        """The form field that chooses targets, with the widget that this admin's options ask for."""
        composite = is_composite(db_field.remote_field.model)
        if "widget" not in kwargs:
            if db_field.name in self.get_autocomplete_fields(request):
                widget = KeyAutocompleteSelectMultiple if composite else NamedAutocompleteSelectMultiple
                kwargs["widget"] = widget(db_field, self.admin_site)
            elif composite and db_field.name in self.raw_id_fields:
                kwargs["widget"] = KeyListRawIdWidget(db_field.remote_field, self.admin_site)
        # Django leaves out a field whose join model was not made by Django. All it asks is this one flag.
        shown = copy.copy(db_field)
        shown.remote_field = copy.copy(db_field.remote_field)
        shown.remote_field.through = SimpleNamespace(_meta=SimpleNamespace(auto_created=True))
        return super().formfield_for_manytomany(shown, request, **kwargs)

    def _names_fields(self) -> bool:
        return bool(self.fields or self.fieldsets)

    def _has_inline(self, field: Any) -> bool:
        return any(inline.model is field.remote_field.through for inline in self.inlines)


class AssociationAdmin(AssociationAdminMixin, _ModelAdmin):
    """A ModelAdmin with AssociationAdminMixin."""
