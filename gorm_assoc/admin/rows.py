"""
The formset that edits the join rows of one owner; this file writes them.

First rows are deleted, then moved to other targets in an order in which no pair is taken, then inserted. What a
hook of the join model vetoes, or the database refuses, becomes a message; the other rows are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import models, router, transaction
from django.utils.text import capfirst
from django.utils.translation import gettext

from gorm_assoc.admin.dead_rows import RESTORE
from gorm_assoc.admin.refusals import is_refusal, reason
from gorm_assoc.admin.row_checks import CheckedRows
from gorm_assoc.admin.row_forms import JoinRowForm

__all__ = ["JoinRowForm", "JoinRowFormSet"]


class JoinRowFormSet(CheckedRows):
    """OwnersRows that are checked and written."""

    def save_existing_objects(self, commit: bool = True) -> list[Any]:
        self.changed_objects, self.deleted_objects = [], []
        stored = [form for form in self.initial_forms if not form.instance._state.adding]
        if self._moved():
            for form in stored:
                self._follow_owner(form)
        marked = self._marked()
        for form in stored:
            row = form.instance
            if form in marked and self._done("delete", row, partial(self.delete_existing, row, commit)):
                self.deleted_objects.append(row)
        saved = []
        for form in self._in_order([f for f in stored if f not in marked and f.has_changed()]):
            if self._done("change", form.instance, partial(self._store, form, commit)):
                self.changed_objects.append((form.instance, [RESTORE] if form.is_dead else form.changed_data))
                saved.append(form.instance)
        return saved

    def save_new_objects(self, commit: bool = True) -> list[Any]:
        self.new_objects = []
        for form in self.extra_forms:
            if not form.has_changed() or (self.can_delete and self._should_delete_form(form)):
                continue
            # The owner has its key by now.
            setattr(form.instance, self.relationship.owner_key.name, self.instance)
            if self._done("add", form.instance, partial(self._store, form, commit)):
                self.new_objects.append(form.instance)
        return self.new_objects

    def _store(self, form: Any, commit: bool) -> None:
        using = router.db_for_write(self.model, instance=form.instance)
        if commit and form.is_dead:
            form.restore(using)
            return
        if commit and form.revives is not None:
            form.instance = form.revive(using)
            return
        row = form.save(commit=False)
        if not commit:
            self.saved_forms.append(form)
            return
        if row._state.adding:
            # An existing pair is an error, and never overwritten.
            row.save(force_insert=True)
        else:
            if form.stored_key and not getattr(self.model, "is_join_table", False):
                self._move(form)
            row.save()
        form.save_m2m()

    def _move(self, form: Any) -> None:
        """Change the stored row's key to that of the object: Django's save() would leave two rows."""
        row = form.instance
        key = {name: getattr(row, name) for name in form.stored_key}
        if key == form.stored_key:
            return
        using = router.db_for_write(self.model, instance=row)
        if not self.model._base_manager.using(using).filter(**form.stored_key).update(**key):
            raise self.model.DoesNotExist(gettext("It is not stored any more."))

    def _done(self, verb: str, row: models.Model, work: Callable[[], Any]) -> bool:
        """Do it; False if the join model or the database refused and the request was told."""
        if self.request is None:
            work()
            return True
        name = f"{capfirst(str(self.model._meta.verbose_name))} “{row}”"
        try:
            with transaction.atomic(using=router.db_for_write(self.model, instance=row)):
                work()
        except Exception as error:
            if not is_refusal(error, self.model):
                raise
            said = {
                "add": gettext("%(name)s was not added: %(reason)s"),
                "change": gettext("%(name)s was not changed: %(reason)s"),
                "delete": gettext("%(name)s was not deleted: %(reason)s"),
            }[verb]
            messages.error(self.request, said % {"name": name, "reason": reason(error)})
            return False
        return True

    def _follow_owner(self, form: Any) -> None:
        """The database has changed the stored row along with its owner (ON UPDATE CASCADE); so do form and object."""
        row, key = form.instance, self.relationship.owner_key
        setattr(row, key.name, self.instance)
        for column in key.local_related_fields:
            if column.attname in form.stored_key:
                form.stored_key[column.attname] = getattr(row, column.attname)
        if getattr(self.model, "is_join_table", False):
            row._stored_key = self._key_of(form.stored_key)
