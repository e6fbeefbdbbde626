"""
Softly deleted join rows below their owner: shown on request, and restored.

A link below the list opens the page with `?_dead_rows=<relation>`. Then each dead row is there with its columns closed
and a box "Restore"; the live ones stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.admin.options import InlineModelAdmin
from django.db import models
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.utils import ErrorDict
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy

from gorm_assoc import soft_delete
from gorm_assoc.relationship import Relationship

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Any]
    _InlineModelAdmin = InlineModelAdmin[Any, Any]
else:
    _ModelForm, _InlineModelAdmin = forms.ModelForm, InlineModelAdmin

PARAMETER = "_dead_rows"
RESTORE = "RESTORE"


def restore_field() -> forms.BooleanField:
    return forms.BooleanField(required=False, label=gettext_lazy("Restore"))


def is_dead(row: models.Model) -> bool:
    return bool(not row._state.adding and getattr(row, soft_delete.DELETED_AT, None) is not None)


class RestorableForm(_ModelForm):
    """
    A row that may be dead: then it can only be restored.

    revives -- the dead row that a new one is to bring back, with the columns that were filled in
    """

    can_change: ClassVar[bool] = True
    revives: models.Model | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_dead = RESTORE in self.fields and is_dead(self.instance)

    def close_other_fields(self) -> None:
        """Leave a dead row nothing but its box, and a live one all but that."""
        for name, field in self.fields.items():
            if self.is_dead and name != RESTORE and not field.widget.is_hidden:
                field.disabled = True
        closed = self.fields.get(DELETION_FIELD_NAME if self.is_dead else RESTORE)
        if closed is None:
            return
        closed.widget.attrs["hidden"] = True
        if not self.instance._state.adding:
            # A new row may be asked to bring back a dead one, and its label is the column's heading.
            closed.disabled, closed.label = True, ""

    @property
    def wants_restore(self) -> bool:
        field = self.fields.get(RESTORE)
        if field is None or field.disabled or not (self.is_bound and self.can_change):
            return False
        return bool(field.widget.value_from_datadict(self.data, self.files, self.add_prefix(RESTORE)))

    def full_clean(self) -> None:
        if not (self.is_bound and self.is_dead):
            super().full_clean()
            return
        # What cannot be edited need not be right.
        self._errors = ErrorDict()
        self.cleaned_data = {RESTORE: self.wants_restore}

    def restore(self, using: str) -> None:
        """Bring the row back; it gets no create hook, as append() gives none."""
        soft_delete.restore_instance(self.instance, using)

    def revive(self, using: str) -> models.Model:
        """Bring the dead row back that has this new one's pair, with what was filled in."""
        assert self.revives is not None
        row = self.revives
        given = {name for name in self.changed_data if name in self.cleaned_data and name != RESTORE}
        for field in row._meta.concrete_fields:
            if field.name in given and not field.primary_key:
                field.save_form_data(row, self.cleaned_data[field.name])
        setattr(row, soft_delete.DELETED_AT, None)
        row.save(using=using)
        return row

    def offer(self, text: str) -> str:
        """A message with a box that restores the dead row in place of adding this one."""
        box = '{} <label><input type="checkbox" name="{}"> {}</label>'
        return format_html(box, text, self.add_prefix(RESTORE), gettext("Restore it with what is filled in here"))


class DeadRowsMixin(_InlineModelAdmin):
    """An inline that shows dead rows where the page was asked for them."""

    relationship: Relationship

    def can_show_dead(self) -> bool:
        return soft_delete.deleted_at_field(self.model) is not None

    def shows_dead(self, request: HttpRequest) -> bool:
        asked = [*request.GET.getlist(PARAMETER), *request.POST.getlist(PARAMETER)]
        return self.can_show_dead() and self.relationship.name in asked

    def get_queryset(self, request: HttpRequest) -> Any:
        if not self.shows_dead(request):
            return super().get_queryset(request)
        rows = self.model._base_manager.get_queryset()
        return rows.order_by(*self.get_ordering(request)) if self.get_ordering(request) else rows

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in super().get_fields(request, obj) if name != RESTORE]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if not (self.shows_dead(request) and self.has_change_permission(request, obj)):
            return found
        *others, (name, options) = found
        return [*others, (name, {**options, "fields": [*options["fields"], RESTORE]})]


class DeadRowsOfOwner:
    """What the page says of dead rows below the list; a part of the formset."""

    dead_too: bool
    relationship: Relationship
    request: HttpRequest | None
    parameter = PARAMETER

    @cached_property
    def dead_count(self) -> int:
        return self.dead_rows().count() if self.request is not None else 0

    @property
    def dead_rows_url(self) -> str:
        """This page with the dead rows, or without them."""
        asked = self.request.GET.copy() if self.request is not None else None
        if asked is None:
            return ""
        names = [name for name in asked.getlist(PARAMETER) if name != self.relationship.name]
        asked.setlist(PARAMETER, names if self.dead_too else [*names, self.relationship.name])
        return f"?{asked.urlencode()}"

    def dead_rows(self) -> models.QuerySet[Any]:
        raise NotImplementedError
