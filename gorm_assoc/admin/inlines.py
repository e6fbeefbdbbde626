"""
The inline of join rows: which relation it shows, which fields, and who may do what.

It is found by the join model, or named by `relation`; either end can be the parent.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin import checks as admin_checks
from django.contrib.admin.options import InlineModelAdmin, StackedInline, TabularInline
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core import checks
from django.db import models
from django.forms.models import modelform_defines_fields, modelformset_factory
from django.http import HttpRequest

from gorm_assoc import relationship as relationships
from gorm_assoc import soft_delete
from gorm_assoc.admin.rows import JoinRowForm, JoinRowFormSet
from gorm_assoc.exceptions import UnsupportedRelation
from gorm_assoc.forms import TargetChoiceField, is_composite
from gorm_assoc.relationship import Relationship

if TYPE_CHECKING:
    _InlineModelAdmin = InlineModelAdmin[Any, Any]
    _TabularInline = TabularInline[Any, Any]
    _StackedInline = StackedInline[Any, Any]
else:
    _InlineModelAdmin, _TabularInline, _StackedInline = InlineModelAdmin, TabularInline, StackedInline

# Written by the library or the database, and nothing to edit.
HIDDEN = ("created_at", "updated_at", soft_delete.DELETED_AT)


def relationships_through(parent: type[models.Model], through: type[models.Model]) -> list[Relationship]:
    """The parent's many-to-manys over this join model, each way of using its columns once."""
    found: dict[tuple[str, str], Relationship] = {}
    for relation in parent._meta.get_fields():
        if not relation.many_to_many:
            continue
        field: Any = relation if isinstance(relation, models.Field) else relation.field
        if field.remote_field.through is through:
            read = relationships.from_django(parent, relation)
            found.setdefault((read.owner_key.name, read.target_key.name), read)
    return list(found.values())


class JoinRowInlineChecks(admin_checks.InlineModelAdminChecks):
    """Django's checks, with our relation in place of a ForeignKey."""

    def _check_relation(self, obj: Any, parent_model: type[models.Model]) -> list[checks.CheckMessage]:
        """gorm_assoc.E801, E802"""
        if obj.relation:
            try:
                found = relationships.of(parent_model, obj.relation)
            except UnsupportedRelation as error:
                return [checks.Error(str(error), obj=obj.__class__, id="gorm_assoc.E801")]
            if found.through is not obj.model:
                return [
                    checks.Error(
                        f"{found.label} joins by {found.through._meta.label}, not by {obj.model._meta.label}.",
                        hint=f"Say model = {found.owner.__name__}.{found.name}.through.",
                        obj=obj.__class__,
                        id="gorm_assoc.E801",
                    )
                ]
            return []
        known = relationships_through(parent_model, obj.model)
        if len(known) == 1:
            return []
        names = ", ".join(repr(each.name) for each in known)
        if known:
            message = f"{parent_model._meta.label} joins by {obj.model._meta.label} more than once: {names}."
            hint = "Say which is meant: relation = " + repr(known[0].name) + "."
        else:
            message = f"{parent_model._meta.label} has no many-to-many that joins by {obj.model._meta.label}."
            hint = "Say model = <Model>.<relation>.through, of a relation that this model is an end of."
        return [checks.Error(message, hint=hint, obj=obj.__class__, id="gorm_assoc.E802")]

    def _check_exclude_of_parent_model(self, obj: Any, parent_model: Any) -> list[checks.CheckMessage]:
        return []  # the parent's key is never a field of the form


class JoinRowInlineMixin(_InlineModelAdmin):
    """
    What both inlines share.

    model -- the join model: User.languages.through
    relation -- name of the parent's many-to-many, where it joins by that model more than once

    Fields are the target and the join model's own columns; a row keeps its identity when its target is changed.
    All else is Django's: extra, max_num, can_delete, readonly_fields, permissions of the join model.
    """

    formset = JoinRowFormSet  # type: ignore[assignment]
    form = forms.ModelForm
    checks_class = JoinRowInlineChecks
    relation: str = ""

    @property
    def relationship(self) -> Relationship:
        """The many-to-many this inline shows, read from the parent's side. Raises UnsupportedRelation."""
        if self.relation:
            return relationships.of(self.parent_model, self.relation)
        found = relationships_through(self.parent_model, self.model)
        if not found:
            raise UnsupportedRelation(self.parent_model, f"through {self.model._meta.label}")
        return found[0]

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
        hidden |= {column.name for column in target.local_related_fields} - {target.name}
        hidden |= set(HIDDEN) - set(flatten_fieldsets(self.fieldsets or [(None, {"fields": self.fields or ()})]))
        return [*(given or ()), *sorted(hidden)]

    def formfield_for_target(self, request: HttpRequest, **kwargs: Any) -> Any:
        """The field that chooses the target, by way of formfield_for_foreignkey() with the relation as db_field."""
        relationship = self.relationship
        target = relationship.target
        rows = target._default_manager.all()
        if soft_delete.deleted_at_field(target) is not None:
            rows = rows.filter(**{f"{soft_delete.DELETED_AT}__isnull": True})
        ordering = self.get_field_queryset(None, relationship.target_key, request)
        if ordering is not None:
            rows = rows.order_by(*ordering.query.order_by)
        kwargs = {"queryset": rows, "form_class": TargetChoiceField, **self._limits(), **kwargs}
        field: Any = self.formfield_for_foreignkey(relationship.target_key, request, **kwargs)
        if field is not None and not is_composite(target) and self.admin_site.is_registered(target):
            field.widget = self._with_links(field.widget, target, request)
        return field

    def _limits(self) -> dict[str, Any]:
        found = self.relationship
        field: Any = None if found.reverse else found.owner._meta.get_field(found.name)
        limit = field.get_limit_choices_to() if field is not None else None
        return {"limit_choices_to": limit} if limit else {}

    def _with_links(self, widget: Any, target: type[models.Model], request: HttpRequest) -> RelatedFieldWidgetWrapper:
        """The links beside a choice: add, change and view the target."""
        related = self.admin_site.get_model_admin(target)
        # What the widget reads of a ForeignKey's remote_field.
        rel: Any = SimpleNamespace(
            model=target,
            field=self.relationship.target_key,
            limit_choices_to={},
            on_delete=None,
            get_related_field=lambda: target._meta.pk,
        )
        return RelatedFieldWidgetWrapper(
            widget,
            rel,
            self.admin_site,
            can_add_related=related.has_add_permission(request),
            can_change_related=related.has_change_permission(request),
            can_view_related=related.has_view_permission(request),
        )

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
        formset.relationship = relationship  # type: ignore[attr-defined]
        formset.request = request  # type: ignore[attr-defined]
        return formset

    def _form_class(self, request: HttpRequest, obj: Any, chosen: bool, base: Any) -> Any:
        target = self.relationship.target_key.name
        attrs: dict[str, Any] = {
            "relationship": self.relationship,
            "can_add": chosen and self.has_add_permission(request, obj),
            "can_change": self.has_change_permission(request, obj),
        }
        if chosen and target not in getattr(base, "declared_fields", {}):
            attrs[target] = self.formfield_for_target(request)
        return type(base)(f"{self.model.__name__}Form", (JoinRowForm, base), attrs)


class JoinRowInline(JoinRowInlineMixin, _TabularInline):
    """The join rows of a many-to-many as a table, below either of its ends."""


class StackedJoinRowInline(JoinRowInlineMixin, _StackedInline):
    """The join rows of a many-to-many one below the other."""
