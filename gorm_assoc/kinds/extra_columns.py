"""Extra columns of join rows: the values given for them, and what rows get where nobody gave one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.db import models

from gorm_assoc.kinds import object_columns
from gorm_assoc.kinds.base import Field, Links
from gorm_assoc.kinds.conditions import Columns


class ExtraColumns:
    """
    The columns of a join model beside its pair.

    through -- the join model
    pair -- the columns of its pair
    fixed -- columns that say which relation a row is of, with their value
    """

    def __init__(self, through: type[models.Model], pair: Columns, fixed: Mapping[Field, Any]) -> None:
        self.through = through
        self.pair = pair
        self.fixed = fixed

    def columns(self, links: Links) -> tuple[dict[Field, Sequence[Any]], dict[Field, Any]]:
        """
        What to insert: the columns that differ by row, each with its values, and those that are the same in all.

        Extra columns take the given values, else what Django's save() would put there.
        """
        pairs = self.pair.prepared_columns(links.rows)  # nothing of no rows
        columns: dict[Field, Sequence[Any]] = dict(zip(self.pair.fields, pairs, strict=False))
        given = [self.prepared(defaults) for defaults in links.defaults]
        constants = dict(self.fixed)
        for field in self._fields:
            if len(given) == 1 and field in given[0]:
                constants[field] = given[0][field]
            elif any(field in one for one in given):
                columns[field] = [one[field] if field in one else self._own_value(field) for one in given]
            elif _is_left_to_database(field):
                pass
            elif _makes_values(field):
                columns[field] = [self._own_value(field) for _ in links.rows]
            else:
                constants[field] = self._own_value(field)
        return columns, constants

    @property
    def connection(self) -> Any:
        return self.pair.connection

    def needs_django(self, links: Links) -> bool:
        """Whether a row gets something that only Django can write: an expression, or a default of the database."""
        by_database = len(links.defaults) > 1 and any(field.has_db_default() for field in self._fields)
        return by_database or any(map(self.has_expressions, links.defaults))

    def has_expressions(self, extra: Mapping[str, Any]) -> bool:
        return any(map(object_columns.is_expression, extra.values()))

    def makes_values(self) -> bool:
        """Whether each new row gets a value of its own that Python makes, as a UUID."""
        return any(_makes_values(field) for field in self._fields)

    @cached_property
    def _fields(self) -> tuple[Field, ...]:
        pair = {field.attname for field in (*self.pair.fields, *self.fixed)}
        return tuple(field for field in self.through._meta.local_concrete_fields if field.attname not in pair)

    def _own_value(self, field: Field) -> Any:
        """What a new row gets in a column that nobody gave: its default, or now."""
        row = self.through()
        return field.get_db_prep_save(field.pre_save(row, add=True), self.connection)

    def prepared(self, values: Mapping[str, Any]) -> dict[Field, Any]:
        """Extra columns by name, attname or relation -> field and the driver's value."""
        if not values:
            return {}
        row = self.through(**values)
        fields = [*self.through._meta.local_concrete_fields]
        named: set[str] = set()
        for name in values:
            field: Any = self.through._meta.get_field(name)
            columns = getattr(field, "local_related_fields", None) or (field,)
            named |= {column.attname for column in columns}
        return {
            field: field.get_db_prep_save(getattr(row, field.attname), self.connection)
            for field in fields
            if field.attname in named
        }

    def grouped(self, links: Links) -> Iterator[Links]:
        """The links in groups that one UPDATE can set: of the same columns, to the same values or to its own each."""
        if len(links.defaults) == 1:
            yield links
            return
        groups: dict[tuple[Any, ...], list[int]] = {}
        for number, defaults in enumerate(links.defaults):
            # An expression is written by Django, for all rows that it is for.
            same = [repr(value) for value in defaults.values()] if self.has_expressions(defaults) else []
            groups.setdefault((*sorted(defaults), *same), []).append(number)
        for numbers in groups.values():
            group = links.only(numbers)
            if all(defaults == group.defaults[0] for defaults in group.defaults):
                group.defaults = group.defaults[:1]
            yield group


def _makes_values(field: Field) -> bool:
    # Without a default, field.default is a class, and so callable too.
    return field.has_default() and callable(field.default)


def _is_left_to_database(field: Field) -> bool:
    return bool(field.generated or field.has_db_default() or isinstance(field, models.AutoField))
