"""
The forms of one owner's join rows: which rows there are, and what a row's form looks like.

Each form is a row: a field that chooses the target, and the join model's extra columns. A stored row is
named in the page by its key, as JSON; only rows of the owner can be named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ObjectDoesNotExist
from django.db import models, router
from django.forms.models import BaseModelFormSet
from django.http import HttpRequest

from gorm_assoc import soft_delete
from gorm_assoc.admin.dead_rows import DeadRowsOfOwner, RestorableForm
from gorm_assoc.forms import TargetChoiceField, read_key, write_key
from gorm_assoc.relationship import Relationship

if TYPE_CHECKING:
    _BaseModelFormSet = BaseModelFormSet[Any, Any]
else:
    _BaseModelFormSet = BaseModelFormSet

Values = tuple[Any, ...]


class RowKeyField(forms.Field):
    """The hidden name of a stored row. Its text is read when the form is made, and never again."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class JoinRowForm(RestorableForm):
    """
    One join row.

    stored_key -- column -> value of its primary key, as the database has it; empty for a new row
    """

    relationship: ClassVar[Relationship]
    can_add: ClassVar[bool] = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row, key = self.instance, self.relationship.target_key
        self.stored_key: dict[str, Any] = {}
        if not row._state.adding:
            self.stored_key = {field.attname: getattr(row, field.attname) for field in row._meta.pk_fields}
            target = target_of(row, key)
            field = self.fields.get(key.name)
            if field is not None and target is not None:
                self.initial[key.name] = target
                if isinstance(field, TargetChoiceField):
                    field.current = target

    def has_changed(self) -> bool:
        # What the page did not offer is not stored either.
        if not (self.can_add if self.instance._state.adding else self.can_change):
            return False
        return self.wants_restore if self.is_dead else super().has_changed()

    def target_values(self) -> Values:
        """What the row says of its target, after the form was read."""
        return tuple(getattr(self.instance, f.attname) for f in self.relationship.target_key.local_related_fields)


class OwnersRows(DeadRowsOfOwner, _BaseModelFormSet):
    """
    The join rows of `instance`, and a form for each.

    relationship -- read from the side of the instance
    request -- who is told of vetoes; without one they raise
    dead_too -- dead rows have forms as well
    using -- where rows are read: what was sent is judged where it is written, as a replica may lag
    """

    relationship: ClassVar[Relationship]  # type: ignore[misc]
    request: HttpRequest | None = None
    dead_too = False
    model: type[Any]
    using: str | None
    _should_delete_form: Callable[[Any], bool]

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        instance: models.Model | None = None,
        save_as_new: bool = False,
        prefix: str | None = None,
        queryset: Any = None,
        **kwargs: Any,
    ) -> None:
        self.instance = instance if instance is not None else self.relationship.owner()
        self.save_as_new = save_as_new
        is_sent = data is not None or files is not None
        self.using = router.db_for_write(self.model, instance=self.instance) if is_sent else self.instance._state.db
        self.owner_values = self._stored_owner_values()
        super().__init__(data, files, prefix=prefix, queryset=self._rows_of_owner(queryset), **kwargs)

    @classmethod
    def get_default_prefix(cls) -> str:
        return cls.relationship.name

    # Which rows

    def _stored_owner_values(self) -> Values:
        """What the database has in the owner's referenced columns: its form may have changed the object by now."""
        key, owner = self.relationship.owner_key, self.instance
        if owner._state.adding or all(field.primary_key for field in key.foreign_related_fields):
            return tuple(key.get_foreign_related_value(owner))
        names = [field.attname for field in key.foreign_related_fields]
        stored = type(owner)._base_manager.using(self.using).filter(pk=owner.pk).values_list(*names).first()
        return tuple(stored or ())

    def _rows_of_owner(self, queryset: models.QuerySet[Any] | None) -> models.QuerySet[Any]:
        rows = self.model._default_manager.get_queryset() if queryset is None else queryset
        if rows._db is None:  # type: ignore[union-attr]
            rows = rows.using(self.using)
        if self.instance._state.adding or not self.owner_values or None in self.owner_values:
            return rows.none()
        rows = rows.filter(**self._of_owner(self.owner_values))
        if not self.dead_too and soft_delete.deleted_at_field(self.model) is not None:
            rows = rows.filter(**{f"{soft_delete.DELETED_AT}__isnull": True})
        # Prefetched and not joined: a reference to part of a key joins a row more than once.
        return rows.prefetch_related(self.relationship.target_key.name)

    def dead_rows(self) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = self.model._base_manager.using(self.using)
        is_new = self.instance._state.adding or not self.owner_values or None in self.owner_values
        if is_new or soft_delete.deleted_at_field(self.model) is None:
            return rows.none()
        return rows.filter(**self._of_owner(self.owner_values), **{f"{soft_delete.DELETED_AT}__isnull": False})

    def _of_owner(self, values: Iterable[Any]) -> dict[str, Any]:
        relationship = self.relationship
        columns = (column.attname for column in relationship.owner_columns)
        return {**dict(zip(columns, values, strict=True)), **fixed_columns(relationship)}

    def initial_form_count(self) -> int:
        return 0 if self.save_as_new else super().initial_form_count()

    # Forms

    def _get_to_python(self, field: Any) -> Callable[[Any], Any]:
        # How Django asks which row a posted key names.
        if field.name in self.form.base_fields:
            return super()._get_to_python(field)  # type: ignore[misc,no-any-return]

        def read(text: Any) -> Any:
            key = read_key(self.model, text)
            return key if len(key) > 1 else key[0]

        return read

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form: Any = super()._construct_form(i, **kwargs)  # type: ignore[misc]
        self._tell_owner(form.instance)
        return form

    def _tell_owner(self, row: models.Model) -> None:
        key = self.relationship.owner_key
        if row._state.adding:
            setattr(row, key.name, self.instance)
            for name, value in fixed_columns(self.relationship).items():
                setattr(row, name, value)
        else:
            key.set_cached_value(row, self.instance)

    def add_fields(self, form: Any, index: int | None) -> None:
        key = self._pk_field = self.model._meta.pk
        super(BaseModelFormSet, self).add_fields(form, index)
        if key.name not in form.fields:
            stored = form.instance
            initial = None if stored._state.adding else write_key(stored)
            form.fields[key.name] = RowKeyField(required=False, initial=initial)
        form.close_other_fields()
        for field in form.fields.values():
            # The tabular template has headings and no labels.
            widget = getattr(field.widget, "widget", field.widget)
            if field.label and not widget.is_hidden:
                widget.attrs.setdefault("aria-label", str(field.label))

    def _stored_target(self, form: Any) -> Values | None:
        if not form.stored_key:
            return None
        key = self.relationship.target_key
        initial = form.initial.get(key.name)
        if initial is not None:
            return tuple(getattr(initial, field.attname) for field in key.foreign_related_fields)
        return tuple(form.stored_key.get(column.attname) for column in key.local_related_fields)

    def _key_of(self, stored_key: dict[str, Any]) -> Any:
        values = tuple(stored_key.values())
        return values if len(values) > 1 else values[0]

    # The owner's form may change the columns that its rows name

    def _moved(self) -> bool:
        now = tuple(self.relationship.owner_key.get_foreign_related_value(self.instance))
        return not self.instance._state.adding and now != self.owner_values


def fixed_columns(relationship: Relationship) -> dict[str, Any]:
    """The columns that have one value in all rows of a polymorphic relation, whichever end is the owner."""
    fixed = (*relationship.fixed, *getattr(relationship.target_key, "fixed", ()))
    return {field.attname: value for field, value in fixed}


def target_of(row: models.Model, key: Any) -> Any:
    """The row's target; None if it is gone."""
    try:
        return getattr(row, key.name)
    except ObjectDoesNotExist:
        return None
