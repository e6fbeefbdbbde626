"""
Composite primary keys in a ModelAdmin's pages.

In a URL, a checkbox, a popup's answer and the log a key of several columns is a JSON list, `[1, "en"]`. Django makes
each of its own links by reverse() with the row's key as it is, a tuple: the converter below writes it down.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.urls.converters import PathConverter

from gorm_assoc.admin.widgets import KeyAutocompleteView
from gorm_assoc.forms import by_attname, is_composite, read_key, write_key, write_values

if TYPE_CHECKING:
    _ModelAdmin = ModelAdmin[Any]
else:
    _ModelAdmin = ModelAdmin


class KeyConverter(PathConverter):
    """What names a row in a URL: the text that the admin quoted, or the key itself."""

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model

    def to_url(self, value: Any) -> str:
        return quote(write_values(self.model, value)) if isinstance(value, tuple) else str(value)


class NamedRow:
    """A row as checkboxes and the log write it down: what it is called, and its key as text."""

    def __init__(self, row: models.Model) -> None:
        self.pk = write_key(row)
        self._meta = row._meta
        self._text = str(row)

    def __str__(self) -> str:
        return self._text


class CompositeKeyAdminMixin(_ModelAdmin):
    """For any ModelAdmin; it does nothing where the key is one column."""

    @property
    def _has_columns(self) -> bool:
        return is_composite(self.model)

    def get_urls(self) -> Any:
        urls: list[Any] = super().get_urls()
        if not self._has_columns:
            return urls
        for url in urls:
            if "object_id" in url.pattern.converters:
                # A new dictionary: Django keeps one for all patterns with the same text.
                url.pattern.converters = {**url.pattern.converters, "object_id": KeyConverter(self.model)}
        name = f"{self.opts.app_label}_{self.opts.model_name}_autocomplete"
        return [path("autocomplete/", self.admin_site.admin_view(self.autocomplete_view), name=name), *urls]

    def autocomplete_view(self, request: HttpRequest) -> Any:
        """Answers the autocomplete fields that choose among these rows."""
        view = KeyAutocompleteView.as_view(admin_site=self.admin_site, target=self.model)
        return view(request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        if not self._has_columns or from_field not in (None, self.opts.pk.name):
            return super().get_object(request, object_id, from_field)
        try:
            key = read_key(self.model, object_id)
        except ValidationError:
            return None
        return self.get_queryset(request).filter(**by_attname(self.model, key)).first()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The key's columns too, once there is a row: another key would be another row."""
        found = super().get_readonly_fields(request, obj)
        if obj is None or not self._has_columns:
            return found
        return [*found, *(field.name for field in self.opts.pk_fields if field.name not in found)]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if self._has_columns and not change:
            # A key is always given: a plain save() would take it for a row to overwrite.
            obj.save(force_insert=True)
        else:
            super().save_model(request, obj, form, change)

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        if self._has_columns and obj is not None and self.view_on_site is True and hasattr(obj, "get_absolute_url"):
            return str(obj.get_absolute_url())
        return super().get_view_on_site_url(obj)

    # The list

    def action_checkbox(self, obj: Any) -> Any:
        return super().action_checkbox(self._named(obj))

    def response_action(self, request: HttpRequest, queryset: models.QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        if self._has_columns:
            post: Any = request.POST.copy()
            post.setlist(ACTION_CHECKBOX_NAME, self._keys(post.getlist(ACTION_CHECKBOX_NAME)))
            request.POST = post
        response = super().response_action(request, queryset, *args, **kwargs)
        context: Any = getattr(response, "context_data", None)
        if self._has_columns and context and isinstance(context.get("queryset"), models.QuerySet):
            context["queryset"] = [NamedRow(row) for row in context["queryset"]]
        return response

    def _keys(self, texts: Iterable[str]) -> list[tuple[Any, ...]]:
        keys = []
        for text in texts:
            try:
                keys.append(read_key(self.model, text))
            except ValidationError:
                continue
        return keys

    # Popups

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        return self._named_in(response, value=write_key(obj)) if self._has_columns else response

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        response = super().response_change(request, obj)
        return (
            self._named_in(response, value=write_key(obj), new_value=write_key(obj)) if self._has_columns else response
        )

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        if self._has_columns and isinstance(obj_id, tuple):
            obj_id = write_values(self.model, obj_id)
        return super().response_delete(request, obj_display, obj_id)

    def _named_in(self, response: HttpResponse, **values: str) -> HttpResponse:
        """Put the key as text into what a popup tells the page that opened it."""
        context = response.context_data if isinstance(response, TemplateResponse) else None
        if context and "popup_response_data" in context:
            context["popup_response_data"] = json.dumps({**json.loads(context["popup_response_data"]), **values})
        return response

    # The log

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return super().log_addition(request, self._named(obj), message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return super().log_change(request, self._named(obj), message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return super().log_deletions(request, cast(Any, [self._named(row) for row in queryset]))

    def _named(self, row: Any) -> Any:
        return NamedRow(row) if self._has_columns else row

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        if self._has_columns:
            with suppress(ValidationError):
                # As the log has it, however the URL spells it.
                object_id = quote(write_values(self.model, read_key(self.model, unquote(object_id))))
        return super().history_view(request, object_id, extra_context)
