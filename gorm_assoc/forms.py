"""
Keys in forms: how a row is named in HTML, and the fields that choose rows by such names.

A key of several columns is written as a JSON list, `[1, "en"]`, and read back column by column;
nothing that comes from a browser is ever evaluated or unpickled. A key of one column stays what
Django writes.

    share_choices               let the forms of one page read their choices once
    TargetChoiceField           one target: the far end of a join row
    TargetMultipleChoiceField   many: the form field of a Many2Many whose target has a composite key
    AssociationModelForm        a ModelForm that says what is missing before links can be stored
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterable, Iterator, MutableMapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import models, router
from django.forms.models import ModelChoiceIterator
from django.utils.translation import gettext

from gorm_assoc.join_key import JoinKey

if TYPE_CHECKING:
    _ModelChoiceField = forms.ModelChoiceField[Any]
    _ModelMultipleChoiceField = forms.ModelMultipleChoiceField[Any]
    _ModelForm = forms.ModelForm[Any]
    _ModelChoiceIterator = ModelChoiceIterator[Any]
else:
    _ModelChoiceIterator = ModelChoiceIterator
    _ModelChoiceField = forms.ModelChoiceField
    _ModelMultipleChoiceField = forms.ModelMultipleChoiceField
    _ModelForm = forms.ModelForm


# Keys as text


def write_key(row: models.Model) -> str:
    """The row's primary key as a JSON list, also where it is one column."""
    return write_values(type(row), [getattr(row, field.attname) for field in row._meta.pk_fields])


def write_values(model: type[models.Model], values: Iterable[Any]) -> str:
    """The values of a primary key, in the order of its columns, as a JSON list."""
    plain = [_plain(field, value) for field, value in zip(model._meta.pk_fields, values, strict=True)]
    return json.dumps(plain, ensure_ascii=False)


def read_key(model: type[models.Model], text: Any) -> tuple[Any, ...]:
    """
    The values of a key that write_key() wrote, in the order of its columns.

    Raises ValidationError for anything else.
    """
    fields = model._meta.pk_fields
    try:
        values = json.loads(text)
        if isinstance(values, list) and len(values) == len(fields):
            key = tuple(field.to_python(value) for field, value in zip(fields, values, strict=True))
            hash(key)
            # PostgreSQL's text cannot hold NUL.
            if not any(value is None or (isinstance(value, str) and "\0" in value) for value in key):
                return key
    except (TypeError, ValueError, OverflowError, RecursionError, ValidationError):
        pass
    raise ValidationError(gettext("This is no key of a %(name)s.") % {"name": model._meta.verbose_name}, code="key")


def _plain(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(value, (int, str)):
        return value
    holder: Any = SimpleNamespace(**{field.attname: value})
    return field.value_to_string(holder)


def is_composite(model: type[models.Model]) -> bool:
    return len(model._meta.pk_fields) > 1


# Fields


class SharedRows:
    """The rows of querysets, read once where they ask the same of the same database."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], list[models.Model]] = {}

    def of(self, queryset: models.QuerySet[Any]) -> list[models.Model]:
        try:
            sql, params = queryset.query.get_compiler(queryset.db).as_sql()
        except EmptyResultSet:
            return []
        key = queryset.db, sql, repr(params)
        if key not in self._known:
            self._known[key] = list(queryset)
        return self._known[key]


class SharingIterator(_ModelChoiceIterator):
    """Django's choices, with rows that other forms may have read; a form with a queryset of its own reads its own."""

    field: Any

    def __iter__(self) -> Iterator[Any]:
        shared = getattr(self.field, "shared_rows", None)
        if shared is None:
            yield from super().__iter__()
            return
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        for row in shared.of(self.queryset):
            yield self.choice(row)


def share_choices(fields: MutableMapping[str, Any]) -> None:
    """
    Let copies of these fields, which the forms of one page have, read their choices once.

    A field with an iterator of the project's own stays as it is.
    """
    for name, field in fields.items():
        if not isinstance(field, forms.ModelChoiceField):
            continue
        field = copy.deepcopy(field)  # one declared on a form class is there for other pages, too
        if field.iterator is ModelChoiceIterator:
            field.iterator = SharingIterator
        if issubclass(field.iterator, SharingIterator):
            field.shared_rows = SharedRows()  # type: ignore[attr-defined]
            field.queryset = field.queryset  # its widget gets the iterator
            fields[name] = field


class TargetIterator(SharingIterator):
    """The choices, and after them the row that is chosen already, if it is not among them: it may be dead."""

    def __iter__(self) -> Iterator[Any]:
        current = self.field.current
        for value, label in super().__iter__():
            if current is not None and getattr(value, "instance", None) == current:
                current = None
            yield value, label
        if current is not None:
            yield self.choice(current)


class TargetChoiceField(_ModelChoiceField):
    """
    A ModelChoiceField that also knows composite keys.

    current -- the row chosen so far: it stays valid even where it is no choice for others
    """

    iterator = TargetIterator
    current: models.Model | None = None
    queryset: Any

    def prepare_value(self, value: Any) -> Any:
        if self.to_field_name is None and is_composite(self.queryset.model):
            if isinstance(value, models.Model):
                return write_key(value)
            if isinstance(value, tuple):
                return write_values(self.queryset.model, value)
        return super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, models.Model):
            value = self.prepare_value(value)
        if value in self.empty_values:
            return None
        if self.is_current(value):
            return self.current
        if self.to_field_name is not None or not is_composite(self.queryset.model):
            return super().to_python(value)
        try:
            return self.queryset.get(**by_attname(self.queryset.model, read_key(self.queryset.model, value)))
        except (ValueError, TypeError, ValidationError, self.queryset.model.DoesNotExist) as error:
            raise _invalid_choice(self, value) from error

    def is_current(self, value: Any) -> bool:
        """Whether this value of the page names the row that is chosen so far."""
        return self.current is not None and str(value) == str(self.prepare_value(self.current))

    def chosen(self, values: Iterable[Any]) -> list[Any]:
        """The rows that these values of the page name; what names none is left out."""
        found, keys = [], []
        for value in values:
            if self.is_current(value):
                found.append(self.current)
                continue
            try:
                text = value if is_composite(self.queryset.model) else json.dumps([value])
                keys.append(read_key(self.queryset.model, text))
            except ValidationError:
                continue
        return [*found, *self.queryset.filter(among(self.queryset.model, keys))] if keys else found


class TargetMultipleChoiceField(_ModelMultipleChoiceField, TargetChoiceField):
    """A ModelMultipleChoiceField for rows with a composite key."""

    def _check_values(self, value: Iterable[Any]) -> models.QuerySet[Any]:
        model = self.queryset.model
        try:
            wanted = {text: read_key(model, text) for text in value}
        except TypeError as error:
            raise ValidationError(self.error_messages["invalid_list"], code="invalid_list") from error
        except ValidationError as error:
            raise _invalid_choice(self, str(value)) from error
        found: models.QuerySet[Any] = self.queryset.filter(among(model, set(wanted.values())))
        keys = {tuple(getattr(row, field.attname) for field in model._meta.pk_fields) for row in found}
        for text, key in wanted.items():
            if key not in keys:
                raise _invalid_choice(self, text)
        return found


def target_field(key: JoinKey, using: str | None = None, **kwargs: Any) -> forms.Field:
    """The form field that chooses the row a JoinKey names. kwargs -- as those of a ModelChoiceField"""
    target = key.remote_field.model
    defaults = {
        "queryset": target._default_manager.using(using),
        "required": not key.null,
        "label": key.verbose_name[:1].upper() + key.verbose_name[1:],
        "help_text": key.help_text,
        "limit_choices_to": key.get_limit_choices_to(),
    }
    form_class = kwargs.pop("form_class", TargetChoiceField)
    return form_class(**{**defaults, **kwargs})  # type: ignore[no-any-return]


def among(model: type[models.Model], keys: Collection[tuple[Any, ...]]) -> models.Q:
    """
    The condition that a row has one of these keys.

    One OR for each value of the column with the fewest: SQLite's expressions may not be deeper than 1,000.
    """
    names = [field.attname for field in model._meta.pk_fields]
    if not keys or len(names) == 1:
        return models.Q(pk__in=[value for (value,) in keys])
    columns = list(zip(*keys, strict=True))
    fewest = min(range(len(names)), key=lambda place: len(set(columns[place])))
    groups: dict[Any, list[tuple[Any, ...]]] = {}
    for key in keys:
        groups.setdefault(key[fewest], []).append(key)
    others = [place for place in range(len(names)) if place != fewest]
    conditions: list[Any] = []
    for value, group in groups.items():
        if len(others) == 1:
            rest = models.Q(**{f"{names[others[0]]}__in": [key[others[0]] for key in group]})
        else:
            rest = models.Q.create(
                [models.Q(**{names[place]: key[place] for place in others}) for key in group], connector=models.Q.OR
            )
        conditions.append(models.Q(**{names[fewest]: value}) & rest)
    return models.Q.create(conditions, connector=models.Q.OR)


def by_attname(model: type[models.Model], key: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip((field.attname for field in model._meta.pk_fields), key, strict=True))


def _invalid_choice(field: TargetChoiceField, value: Any) -> ValidationError:
    return ValidationError(field.error_messages["invalid_choice"], code="invalid_choice", params={"value": value})


# Forms


class AssociationModelForm(_ModelForm):
    """
    A ModelForm of an owner.

    A relation may refer to columns that can be empty (`references` that are not the primary key);
    links cannot be stored then, and this form says so at the field instead of failing afterwards.
    It also says that a composite key is taken, by a dead row too: Django does not look, and would overwrite the row.
    """

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        model, columns = type(self.instance), self.instance._meta.pk_fields
        key = tuple(getattr(self.instance, column.attname) for column in columns)
        if self.instance._state.adding and len(columns) > 1 and None not in key:
            rows = model._base_manager.using(router.db_for_write(model, instance=self.instance))
            if rows.filter(**by_attname(model, key)).exists():
                self.add_error(None, self.instance.unique_error_message(model, tuple(c.name for c in columns)))
        for field in self.instance._meta.many_to_many:
            empty = missing_reference(field, self.instance)
            if empty is not None and self.cleaned_data.get(field.name):
                self.add_error(field.name, refusal(empty))


def missing_reference(field: Any, owner: models.Model) -> models.Field[Any, Any] | None:
    """A column of the owner that links of this Many2Many name and that is empty; its own key does not count."""
    relationship = getattr(field, "relationship", None)
    return empty_reference(relationship.owner_key, owner) if relationship else None


def empty_reference(key: Any, owner: models.Model) -> models.Field[Any, Any] | None:
    """A column of the owner that the key names and that is empty; a primary key may still be to come."""
    return next(
        (
            field
            for field in key.foreign_related_fields
            if getattr(owner, field.attname) is None and not (field.primary_key and owner._state.adding)
        ),
        None,
    )


def refusal(empty: models.Field[Any, Any]) -> ValidationError:
    text = gettext("Links are stored by “%(name)s”, which is empty here: fill it in first.")
    return ValidationError(text % {"name": empty.verbose_name}, code="no_reference")
