"""What the system checks say about an AssociationAdmin."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.checks import ModelAdminChecks
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from gorm_assoc import relationship as relationships
from gorm_assoc.admin.lists import AssociationCount
from gorm_assoc.exceptions import UnsupportedRelation
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.forms import is_composite
from gorm_assoc.relationship import MANY2MANY


class AssociationAdminChecks(ModelAdminChecks):
    """Django's checks without admin.E013 for a Many2Many: its manager writes join models of any kind."""

    def check(self, admin_obj: Any, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(admin_obj, **kwargs), *self._check_counts(admin_obj), *self._check_edited(admin_obj)]

    def _check_field_spec_item(self, obj: Any, field_name: str, label: str) -> list[checks.CheckMessage]:
        if _is_many2many(obj.model, field_name):
            return []
        return super()._check_field_spec_item(obj, field_name, label)  # type: ignore[misc,no-any-return]

    def _check_filter_item(self, obj: Any, field_name: str, label: str) -> list[checks.CheckMessage]:
        if _is_many2many(obj.model, field_name):
            return []
        return super()._check_filter_item(obj, field_name, label)  # type: ignore[misc,no-any-return]

    def _check_list_editable(self, obj: Any) -> list[checks.CheckMessage]:
        """gorm_assoc.E803"""
        if obj.list_editable and is_composite(obj.model):
            return [
                checks.Error(
                    f"list_editable cannot edit {obj.model._meta.label}: its primary key is composite.",
                    hint="Leave list_editable out; each row's own page edits it.",
                    obj=obj.__class__,
                    id="gorm_assoc.E803",
                )
            ]
        return super()._check_list_editable(obj)  # type: ignore[misc,no-any-return]

    def _check_counts(self, obj: Any) -> list[checks.CheckMessage]:
        """gorm_assoc.E804"""
        if not isinstance(obj.list_display, (list, tuple)):
            return []
        counts = [column for column in obj.list_display if isinstance(column, AssociationCount)]
        return [
            *_unknown(obj, "list_display", [column.name for column in counts], "gorm_assoc.E804"),
            *self._check_fields_of_counts(obj, counts),
        ]

    def _check_fields_of_counts(self, obj: Any, counts: list[AssociationCount]) -> list[checks.CheckMessage]:
        taken = {field.name for field in obj.model._meta.get_fields()}
        return [
            checks.Error(
                f"list_display counts {column.name!r} as {column.annotation!r}, a field of {obj.model._meta.label}.",
                hint="Rename that field, or count in a method of the admin.",
                obj=obj.__class__,
                id="gorm_assoc.E804",
            )
            for column in counts
            if column.annotation in taken
        ]

    def _check_edited(self, obj: Any) -> list[checks.CheckMessage]:
        """gorm_assoc.E805"""
        names = obj.edited_associations or ()
        return _unknown(obj, "edited_associations", names, "gorm_assoc.E805", kinds=(MANY2MANY,))


def _unknown(obj: Any, option: str, names: Any, check_id: str, kinds: Any = ()) -> list[checks.CheckMessage]:
    """An error for each name that is no relation of the admin's model, or none of these kinds."""
    found: list[checks.CheckMessage] = []
    for name in names:
        try:
            relationship = relationships.of(obj.model, name)
        except UnsupportedRelation as error:
            found.append(checks.Error(f"{option}: {error}", obj=obj.__class__, id=check_id))
            continue
        if kinds and relationship.kind not in kinds:
            text = f"{option}: {relationship.label} is a {relationship.kind}, not a {' or '.join(kinds)}."
            found.append(checks.Error(text, obj=obj.__class__, id=check_id))
    return found


def _is_many2many(model: type[models.Model], name: str) -> bool:
    try:
        return isinstance(model._meta.get_field(name), Many2Many)
    except FieldDoesNotExist:
        return False
