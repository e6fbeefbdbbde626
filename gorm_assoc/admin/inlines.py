"""
The inline of join rows: which relation it shows, which fields, and who may do what.

It is found by the join model, or named by `relation`; either end can be the parent.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.options import InlineModelAdmin, StackedInline, TabularInline
from django.contrib.admin.utils import flatten_fieldsets
from django.forms.models import modelform_defines_fields, modelformset_factory
from django.http import HttpRequest

from gorm_assoc import relationship as relationships
from gorm_assoc import soft_delete
from gorm_assoc.admin.dead_rows import RESTORE, DeadRowsMixin, restore_field
from gorm_assoc.admin.inline_checks import JoinRowInlineChecks, relationships_through, with_visible_target
from gorm_assoc.admin.row_forms import fixed_columns
from gorm_assoc.admin.rows import JoinRowForm, JoinRowFormSet
from gorm_assoc.admin.target_field import TargetFieldMixin
from gorm_assoc.exceptions import UnsupportedRelation
from gorm_assoc.forms import share_choices
from gorm_assoc.relationship import Relationship

if TYPE_CHECKING:
    _InlineModelAdmin = InlineModelAdmin[Any, Any]
    _TabularInline = TabularInline[Any, Any]
    _StackedInline = StackedInline[Any, Any]
else:
    _InlineModelAdmin, _TabularInline, _StackedInline = InlineModelAdmin, TabularInline, StackedInline

# Written by the library or the database, and nothing to edit.
HIDDEN = ("created_at", "updated_at", soft_delete.DELETED_AT)


class JoinRowInlineMixin(DeadRowsMixin, TargetFieldMixin, _InlineModelAdmin):
    """
    What both inlines share.

    model -- the join model: User.languages.through
    relation -- name of the parent's many-to-many, where it joins by that model more than once

    Fields are the target and the join model's own columns; a row keeps its identity when its target is changed.
    Dead rows are shown on request, and restored. All else is Django's: extra, max_num, can_delete, ordering,
    readonly_fields, autocomplete_fields, raw_id_fields, permissions of the join model.
    """

    formset = JoinRowFormSet  # type: ignore[assignment]
    form = forms.ModelForm
    checks_class = JoinRowInlineChecks
    relation: str = ""

    @property
    def relationship(self) -> Relationship:  # type: ignore[override]
        """The many-to-many this inline shows, read from the parent's side. Raises UnsupportedRelation."""
        if self.relation:
            return with_visible_target(relationships.of(self.parent_model, self.relation))
        found = relationships_through(self.parent_model, self.model)
        if not found:
            raise UnsupportedRelation(self.parent_model, f"through {self.model._meta.label}")
        return with_visible_target(found[0])

    # Fields

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fields(request, obj)
        if self.fields:
            return found
        target = self.relationship.target_key.name
        return [target, *(name for name in found if name != target)] if target in found else found

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """The columns that the relations stand for, and those nobody writes by hand unless `fields` names them."""
        given = super().get_exclude(request, obj)
        relationship = self.relationship
        own, target = relationship.owner_key, relationship.target_key
        hidden = {own.name, *(column.name for column in own.local_related_fields)}
        hidden |= fixed_columns(relationship).keys()
        hidden |= {column.name for column in target.local_related_fields} - {target.name}
        hidden |= set(HIDDEN) - set(flatten_fieldsets(self.fieldsets or [(None, {"fields": self.fields or ()})]))
        return [*(given or ()), *sorted(hidden)]

    # The formset

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The JoinRowFormSet class for this request; kwargs -- as those of modelformset_factory()"""
        fields = kwargs.pop("fields") if "fields" in kwargs else flatten_fieldsets(self.get_fieldsets(request, obj))
        relationship = self.relationship
        target = relationship.target_key.name
        base: Any = self.form
        exclude = [*self.get_exclude(request, obj), *self.get_readonly_fields(request, obj)]
        if super().get_exclude(request, obj) is None and hasattr(base, "_meta"):
            exclude += base._meta.exclude or ()
        chosen = target not in exclude and (fields is None or target in fields)
        form_class = self._form_class(request, obj, chosen, kwargs.pop("form", base))
        if fields is None and not modelform_defines_fields(form_class):
            fields = forms.ALL_FIELDS
        defaults = {
            "form": form_class,
            "formset": self.formset,
            "fields": [name for name in fields if name not in exclude] if isinstance(fields, list) else fields,
            "exclude": exclude,
            "formfield_callback": partial(self.formfield_for_dbfield, request=request),
            "extra": self.get_extra(request, obj, **kwargs),
            "min_num": self.get_min_num(request, obj, **kwargs),
            # Without a target to choose there is no row to add.
            "max_num": self.get_max_num(request, obj, **kwargs) if chosen else 0,
            "can_delete": self.can_delete and self.has_delete_permission(request, obj),
            **kwargs,
        }
        formset = modelformset_factory(self.model, **defaults)
        share_choices(formset.form.base_fields)
        formset.relationship = relationship  # type: ignore[attr-defined]
        formset.dead_too = self.shows_dead(request)  # type: ignore[attr-defined]
        formset.request = request  # type: ignore[attr-defined]
        return formset

    def _form_class(self, request: HttpRequest, obj: Any, chosen: bool, base: Any) -> Any:
        target = self.relationship.target_key.name
        attrs: dict[str, Any] = {
            "relationship": self.relationship,
            "can_add": chosen and self.has_add_permission(request, obj),
            "can_change": self.has_change_permission(request, obj),
        }
        if self.can_show_dead():
            attrs[RESTORE] = restore_field()
        if chosen and target not in getattr(base, "declared_fields", {}):
            attrs[target] = self.formfield_for_target(request)
        return type(base)(f"{self.model.__name__}Form", (JoinRowForm, base), attrs)


class JoinRowInline(JoinRowInlineMixin, _TabularInline):
    """The join rows of a many-to-many as a table, below either of its ends."""

    template = "gorm_assoc/admin/edit_inline/tabular.html"


class StackedJoinRowInline(JoinRowInlineMixin, _StackedInline):
    """The join rows of a many-to-many one below the other."""

    template = "gorm_assoc/admin/edit_inline/stacked.html"
