"""The many-to-many as an ordinary field of its owner's form, although its join model is a written one."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.checks import ModelAdminChecks
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst

from gorm_assoc import soft_delete
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.forms import AssociationModelForm

if TYPE_CHECKING:
    _ModelAdmin = ModelAdmin[Any]
else:
    _ModelAdmin = ModelAdmin


def _is_many2many(model: type[models.Model], name: str) -> bool:
    try:
        return isinstance(model._meta.get_field(name), Many2Many)
    except FieldDoesNotExist:
        return False


class AssociationAdminChecks(ModelAdminChecks):
    """Django's checks without admin.E013 for a Many2Many: its manager writes join models of any kind."""

    def _check_field_spec_item(self, obj: Any, field_name: str, label: str) -> list[checks.CheckMessage]:
        if _is_many2many(obj.model, field_name):
            return []
        return super()._check_field_spec_item(obj, field_name, label)  # type: ignore[misc,no-any-return]

    def _check_filter_item(self, obj: Any, field_name: str, label: str) -> list[checks.CheckMessage]:
        if _is_many2many(obj.model, field_name):
            return []
        return super()._check_filter_item(obj, field_name, label)  # type: ignore[misc,no-any-return]


class AssociationAdminMixin(_ModelAdmin):
    """
    For the ModelAdmin of an owner: its many-to-manys can stand in fields, fieldsets and filter_horizontal.

    Without fields or fieldsets those are shown that have no inline. Deleting is the model's own: one with
    deleted_at goes softly, so that nothing refers to it stands in the way.
    """

    checks_class = AssociationAdminChecks
    form = AssociationModelForm

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, Many2Many):
            if not self._names_fields(request) and self._has_inline(db_field):
                return None
            # Django leaves out a field whose join model was not made by Django. All it asks is this one flag.
            db_field = copy.copy(db_field)
            db_field.remote_field = copy.copy(db_field.remote_field)
            db_field.remote_field.through = SimpleNamespace(_meta=SimpleNamespace(auto_created=True))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _names_fields(self, request: HttpRequest) -> bool:
        return bool(self.fields or self.fieldsets)

    def _has_inline(self, field: Any) -> bool:
        return any(inline.model is field.remote_field.through for inline in self.inlines)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        if soft_delete.deleted_at_field(self.model) is None:
            found, counts, lacking, protected = super().get_deleted_objects(objs, request)
            for name, count in rows_that_go_along(self.model, objs):
                counts[name] = counts.get(name, 0) + count
                found = [*found, f"{capfirst(name)}: {count}"]
            return found, counts, lacking, protected
        # A soft delete is one UPDATE: no row goes with it, and none that refers to it can forbid it.
        rows = list(objs)
        plural = str(self.opts.verbose_name if len(rows) == 1 else self.opts.verbose_name_plural)
        allowed = all(self.has_delete_permission(request, row) for row in rows)
        texts = [f"{capfirst(str(self.opts.verbose_name))}: {row}" for row in rows]
        return texts, {plural: len(rows)}, set() if allowed else {str(self.opts.verbose_name)}, []


def rows_that_go_along(model: type[models.Model], objs: Any) -> Iterator[tuple[str, int]]:
    """How many rows of other tables the database deletes with these (ON DELETE CASCADE); Python does not see them."""
    for relation in model._meta.get_fields(include_hidden=True):
        key = getattr(relation, "field", None)
        if relation.concrete or not isinstance(key, models.ForeignObject):
            continue
        columns = tuple(column.name for column in key.local_related_fields)
        if any(
            isinstance(constraint, ForeignKeyConstraint)
            and constraint.fields == columns
            and constraint.on_delete == "CASCADE"
            for constraint in key.model._meta.constraints
        ):
            count = key.model._base_manager.filter(**{f"{key.name}__in": list(objs)}).count()
            if count:
                yield str(key.model._meta.verbose_name_plural), count


class AssociationAdmin(AssociationAdminMixin, _ModelAdmin):
    """A ModelAdmin with AssociationAdminMixin."""
