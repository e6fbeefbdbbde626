"""
Autocomplete and raw id widgets that know composite keys, and the targets of a join row.

Django's own write a key as Python does and look rows up by that text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import (
    AutocompleteMixin,
    AutocompleteSelectMultiple,
    ForeignKeyRawIdWidget,
    ManyToManyRawIdWidget,
)
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.text import Truncator

from gorm_assoc.forms import TargetChoiceField, by_attname, is_composite, read_key, write_key

if TYPE_CHECKING:
    _AutocompleteMixin = AutocompleteMixin
    _AutocompleteJsonView = AutocompleteJsonView
else:
    _AutocompleteMixin, _AutocompleteJsonView = AutocompleteMixin, AutocompleteJsonView


# Autocomplete


class KeyAutocompleteView(_AutocompleteJsonView):
    """
    The admin's autocomplete for targets with a composite key, at a URL of the target's admin.

    target -- the model whose rows it finds; it answers for no other
    """

    target: type[models.Model] | None = None

    def process_request(self, request: HttpRequest) -> Any:
        found = super().process_request(request)
        if found[1].model is not self.target:
            raise PermissionDenied
        return found

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return rows if rows.ordered else rows.order_by("pk")

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        return {"id": write_key(obj), "text": str(obj)}


class NamedAutocompleteMixin(_AutocompleteMixin):
    """With an accessible name on what select2 shows in the place of the select."""

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=["admin/js/autocomplete.js", "gorm_assoc/admin/names.js"])


class NamedAutocompleteSelectMultiple(NamedAutocompleteMixin, AutocompleteSelectMultiple):
    """The admin's autocomplete of several targets with a key of one column."""


class KeyAutocompleteMixin(NamedAutocompleteMixin):
    """For fields that are a TargetChoiceField: what is chosen stays an option even if it is dead."""

    choices: Any
    is_required: bool
    allow_multiple_selected: bool
    create_option: Callable[..., Any]

    def get_url(self) -> str:
        target = self.field.remote_field.model
        if not is_composite(target):
            return super().get_url()
        opts = target._meta
        return reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_autocomplete")

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        field = self.choices.field
        options: list[Any] = []
        if not self.is_required and not self.allow_multiple_selected:
            options.append(self.create_option(name, "", "", False, 0))
        for row in field.chosen([text for text in value if text not in field.empty_values]):
            label = field.label_from_instance(row)
            options.append(self.create_option(name, field.prepare_value(row), label, True, len(options)))
        return [(None, options, 0)]


class KeyAutocompleteSelect(KeyAutocompleteMixin, forms.Select):
    """The autocomplete of one target."""


class KeyAutocompleteSelectMultiple(KeyAutocompleteMixin, forms.SelectMultiple):
    """The autocomplete of several targets."""


# Raw ids


def target_rel(target: type[models.Model], field: Any, limit_choices_to: Any = None) -> Any:
    """What the admin's widgets read of a ForeignKey's remote_field, for a relation that is none."""
    return SimpleNamespace(
        model=target,
        field=field,
        limit_choices_to=limit_choices_to or {},
        on_delete=None,
        get_related_field=lambda: target._meta.pk,
    )


class KeyRawIdWidget(ForeignKeyRawIdWidget):
    """The key of one target as text, with the magnifying glass; a composite one as JSON."""

    def label_and_url_for_value(self, value: Any) -> tuple[str, str]:
        model: Any = self.rel.model
        field = getattr(getattr(self, "choices", None), "field", None)
        if isinstance(field, TargetChoiceField) and field.is_current(value):
            return self._label_and_url(field.current)
        if not is_composite(model):
            return super().label_and_url_for_value(value)
        try:
            row = model._default_manager.using(self.db).get(**by_attname(model, read_key(model, value)))
        except (ValueError, ValidationError, model.DoesNotExist):
            return "", ""
        return self._label_and_url(row)

    def _label_and_url(self, row: Any) -> tuple[str, str]:
        return Truncator(str(row)).words(14), change_url(self.admin_site, row)


class KeyListRawIdWidget(ManyToManyRawIdWidget):
    """The composite keys of several targets, as JSON lists with commas between."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        text = data.get(name)
        if not text:
            return None
        try:
            return [json.dumps(key, ensure_ascii=False) for key in json.loads(f"[{text}]")]
        except (ValueError, RecursionError):
            return [text]


def change_url(site: AdminSite, row: models.Model) -> str:
    """The page of the row in this admin; empty if its model has none."""
    opts = row._meta
    try:
        return reverse(f"{site.name}:{opts.app_label}_{opts.model_name}_change", args=(row.pk,))
    except NoReverseMatch:
        return ""
