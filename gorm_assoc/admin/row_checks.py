"""
What is refused before anything is written.

    a pair that exists, in the list or in the table, dead rows too
    a row that somebody else removed, or that others hold on to
    rows that swap their targets: there is no order in which each finds its pair free
    an owner without a value in the column that its rows name, or with another one than they have
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.admin.utils import NestedObjects
from django.core.exceptions import ValidationError
from django.db import router
from django.utils.text import get_text_list
from django.utils.translation import gettext

from gorm_assoc import soft_delete
from gorm_assoc.admin.dead_rows import is_dead
from gorm_assoc.admin.row_forms import OwnersRows, Values
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.forms import empty_reference, refusal
from gorm_assoc.relationship import are_unique_together


class CheckedRows(OwnersRows):
    """OwnersRows that are checked as a whole."""

    def clean(self) -> None:
        self._clean_deleted()
        marked = self._marked()
        kept = [form for form in self.forms if form not in marked]
        stored = [form for form in kept if form in self.initial_forms]
        if any(form.instance._state.adding and form.can_change for form in stored):
            raise ValidationError(
                gettext("A row was removed by somebody else in the meantime. Please open this page again."),
                code="row_vanished",
            )
        changed = [form for form in kept if form.has_changed() and form.is_valid()]
        if self._moved() and self._stands_in_the_way(stored):
            names = (str(field.verbose_name) for field in self.relationship.owner_key.foreign_related_fields)
            raise ValidationError(
                gettext("Rows of this list name “%(name)s”: it cannot be changed while there are any.")
                % {"name": ", ".join(names)},
                code="reference_changed",
            )
        if changed:
            empty = empty_reference(self.relationship.owner_key, self.instance)
            if empty is not None:
                raise refusal(empty)
            self._clean_pairs(changed)
            if len(self._in_order(changed)) < len(changed):
                raise ValidationError(
                    gettext("Rows cannot swap their places in one step: change one of them first."), code="swapped"
                )

    def _marked(self) -> list[Any]:
        """The forms whose Delete is ticked; Django's deleted_forms are none while another form has an error."""
        return [form for form in self.forms if self.can_delete and self._should_delete_form(form)]

    def _clean_deleted(self) -> None:
        """Refuse to delete rows that others hold on to."""
        rows = [form.instance for form in self._marked() if not form.instance._state.adding]
        if not rows or soft_delete.deleted_at_field(self.model) is not None:
            return
        collector = NestedObjects(using=router.db_for_write(self.model, instance=self.instance))
        collector.collect(rows)
        if collector.protected:
            held = [f"{row._meta.verbose_name} {row}" for row in collector.protected]
            raise ValidationError(
                gettext("These rows cannot be deleted, as others refer to them: %(rows)s")
                % {"rows": get_text_list(held, gettext("and"))},
                code="deleting_protected",
            )

    def _clean_pairs(self, changed: Sequence[Any]) -> None:
        """Give a form error to each row whose pair is taken, by another form or in the table."""
        key = self.relationship.target_key
        columns = (*self.relationship.owner_key.local_related_fields, *key.local_related_fields)
        if not are_unique_together(self.model, columns):
            return
        stored = [form for form in self.initial_forms if form.stored_key]
        by_stored = {self._key_of(form.stored_key): form for form in stored}
        marked = self._marked()
        unchanged = [form for form in stored if not (form in marked or form.is_dead or form.has_changed())]
        taken = {form.target_values() for form in unchanged}
        for form in changed:
            values = form.target_values()
            if None in values:
                continue
            if form not in self.initial_forms or key.name in form.changed_data:
                problem = self._taken_twice if values in taken else self._taken_in_table(values, by_stored, form)
                if problem:
                    form.add_error(key.name if key.name in form.fields else None, problem)
            taken.add(values)

    @property
    def _taken_twice(self) -> ValidationError:
        return ValidationError(gettext("This pair is in the list already."), code="duplicate")

    def _taken_in_table(self, values: Values, by_stored: dict[Any, Any], form: Any) -> ValidationError | None:
        """What is wrong with storing the pair, judged by all rows of the table, dead ones too."""
        if self.instance._state.adding or self._moved():
            return None
        names = [column.attname for column in self.relationship.target_key.local_related_fields]
        rows = self.model._base_manager.using(self.using).filter(**self._of_owner(self.owner_values))
        row = rows.filter(**dict(zip(names, values, strict=True))).first()
        if row is None:
            return None
        soft = soft_delete.deleted_at_field(self.model) is not None
        holder = by_stored.get(row.pk)
        if holder is form:
            return None
        if is_dead(row):
            return self._dead_pair(row, holder, form)
        if holder is not None and holder in self._marked():
            text = gettext("This pair is being deleted in another row: leave that row as it is instead.")
            return ValidationError(text, code="dying") if soft else None
        if holder is not None and holder.has_changed():
            return None  # it moves to another target first
        return self._taken_twice

    def _dead_pair(self, row: Any, holder: Any, form: Any) -> ValidationError | None:
        """A new row brings back the dead one, if that was asked for; else it is offered."""
        if holder is not None and holder.wants_restore:
            return self._taken_twice
        is_new = form not in self.initial_forms
        if is_new and form.wants_restore:
            form.revives = row
            return None
        text = gettext("This pair was deleted before and its row is kept: restore that row instead.")
        return ValidationError(form.offer(text) if is_new and form.can_change else text, code="dead")

    def validate_unique(self) -> None:
        """Pairs are clean()'s; Django's own would not see dead rows, nor that rows move out of each other's way."""

    def _in_order(self, changed: Iterable[Any]) -> list[Any]:
        """The forms in an order in which each finds its pair free; those that wait for each other are left out."""
        waiting = list(changed)
        held = {self._stored_target(form) for form in waiting if form.stored_key}
        ordered: list[Any] = []
        while waiting:
            free = [f for f in waiting if f.target_values() == self._stored_target(f) or f.target_values() not in held]
            if not free:
                break
            for form in free:
                waiting.remove(form)
                held.discard(self._stored_target(form))
            ordered += free
        return ordered

    def _stands_in_the_way(self, stored: Sequence[Any]) -> bool:
        """Whether rows name the old values, and the database does not change them along."""
        fields = tuple(column.name for column in self.relationship.owner_key.local_related_fields)
        follows = any(
            isinstance(constraint, ForeignKeyConstraint)
            and constraint.fields == fields
            and constraint.on_update == "CASCADE"
            for constraint in self.model._meta.constraints
        )
        if follows or None in self.owner_values:
            return False
        return bool(self.model._base_manager.using(self.using).filter(**self._of_owner(self.owner_values)).exists())
