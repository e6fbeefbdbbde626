"""
Where the declared relations and a live database differ.

Compared are the tables of join models, whole, and of the models at both ends and with a BelongsTo:
columns and the sorts of their types, primary keys, and of foreign keys, unique columns and indexes
those that are declared. What GORM makes otherwise and what works the same is no difference:

    text for varchar, integer for bigint     the sort of a type counts, not its length
    NULL allowed where none is declared      unless `strict`
    a column that is not declared            unless `strict`, except in a join table, or where
                                             every INSERT would fail for want of a value
    an index that is not declared            never
    a unique index for a unique constraint   never
    the order of columns                     never, but that of a key's does
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import router

from gorm_assoc.catalogue import live
from gorm_assoc.catalogue.live import ForeignKey, Table, type_class
from gorm_assoc.catalogue.relations import keys_of
from gorm_assoc.checks.declared import Declaration, foreign_keys
from gorm_assoc.constraints import ForeignKeyConstraint, name_in
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.relationship import Model


@dataclass(frozen=True)
class Unique:
    """Columns that no two rows may share; name is empty where Django makes one up."""

    fields: tuple[Any, ...]
    name: str = ""


@dataclass(frozen=True)
class Difference:
    """
    One difference.

    model -- whose table it is
    text -- what is there and what is declared
    missing -- what SQL can add: the model itself, a field's column, a foreign key, Unique, an Index, or a
        field's own index (as a tuple of that field); None where it takes a hand
    instead_of -- the foreign key that a missing one takes the place of
    way -- what that hand does, where there is a way
    """

    model: Model
    text: str
    missing: Any = None
    instead_of: ForeignKey | None = None
    way: str = ""

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}: {self.text}"


def differences(connection: Any, declared: Iterable[Declaration], *, strict: bool = False) -> list[Difference]:
    """All differences, table by table; what the database's router keeps out of it is left out."""
    found: list[Difference] = []
    for model, keys in _compared(declared).items():
        if not router.allow_migrate_model(connection.alias, model):
            continue
        table = live.read(connection, model._meta.db_table)
        if table is None:
            found.append(Difference(model, "the table is missing.", model))
        else:
            found += _Comparison(connection, model, table, keys, strict).run()
    return found


def _compared(declared: Iterable[Declaration]) -> dict[Model, _Keys]:
    """The models whose tables are compared, those that are referenced first, each with its declared keys."""
    found: dict[Model, _Keys] = {}
    holders: dict[Model, _Keys] = {}
    for declaration in declared:
        for key in keys_of(declaration):
            found.setdefault(key.remote_field.model._meta.concrete_model, _Keys([], False))
            holder = holders.setdefault(key.model, _Keys([], False))
            if key not in holder.relations:
                holder.relations.append(key)
            holder.is_join_table |= isinstance(declaration, Many2Many)
    found |= {model: keys for model, keys in holders.items() if model in found}
    return found | holders


@dataclass
class _Keys:
    relations: list[Any]
    is_join_table: bool


@dataclass
class _Comparison:
    """Of one table that is there."""

    connection: Any
    model: Model
    table: Table
    keys: _Keys
    strict: bool

    def run(self) -> Iterator[Difference]:
        yield from self.columns()
        yield from self.undeclared_columns()
        yield from self.primary_key()
        yield from self.foreign_keys()
        yield from self.undeclared_foreign_keys()
        yield from self.unique_columns()
        yield from self.indexes()

    def columns(self) -> Iterator[Difference]:
        for field in self.model._meta.local_concrete_fields:
            declared = field.db_type(self.connection)
            if declared is None or not field.column:
                continue
            column = self.table.column(field.column)
            if column is None:
                yield self._but(f"column {field.column} is missing.", field if self._can_be_added(field) else None)
                continue
            classes = [type_class(type_, self.connection.vendor) for type_ in (column.type, declared)]
            if classes[0] != classes[1]:
                yield self._but(f"column {field.column} is {column.type}, declared as {declared}.")
            if field.null and not column.null:
                yield self._but(f"column {field.column} is NOT NULL, declared with null=True.")
            elif self.strict and column.null and not (field.null or field.generated):
                yield self._but(f"column {field.column} can be NULL, declared without null=True.")

    def _can_be_added(self, field: Any) -> bool:
        """Whether rows that exist could have a value there."""
        if field in self.model._meta.pk_fields:
            return False
        default = self.connection.schema_editor().effective_default(field)
        return field.null or default is not None or field.has_db_default()

    def undeclared_columns(self) -> Iterator[Difference]:
        declared = {field.column for field in self.model._meta.local_concrete_fields}
        for column in self.table.columns:
            needs_value = not column.null and not column.is_filled
            if column.name not in declared and (self.strict or self.keys.is_join_table or needs_value):
                yield self._but(f"column {column.name} ({column.type}) is not declared.")

    def primary_key(self) -> Iterator[Difference]:
        declared = tuple(str(field.column) for field in self.model._meta.pk_fields)
        if self.table.primary_key != declared:
            there = _list(self.table.primary_key) if self.table.primary_key else "missing"
            text = f"the primary key is {there}, declared as {_list(declared)}."
            way = "declare the key that is there, then change it with AlterJoinKey" if self.keys.is_join_table else ""
            yield Difference(self.model, text, way=way)

    def foreign_keys(self) -> Iterator[Difference]:
        for constraint in foreign_keys(self.model):
            wanted = self._wanted(constraint)
            there = self._counterpart(wanted)
            if there is None:
                yield self._but(f"foreign key {_words(wanted)} is missing.", constraint)
            elif there != wanted:
                text = f"foreign key {_list(there.columns)} is {_words(there)}, declared as {_words(wanted)}."
                yield Difference(self.model, text, constraint, instead_of=there)

    def undeclared_foreign_keys(self) -> Iterator[Difference]:
        """Where a relation of ours shall have none, or another: the database would still obey it."""
        declared = [self._counterpart(self._wanted(each)) for each in foreign_keys(self.model)]
        # Django's own ForeignKey in a written join model has the constraint that Django gives it.
        relations = [key for key in self.keys.relations if not key.db_constraint]
        ours = [tuple(field.column for field in key.local_related_fields) for key in relations]
        for key in self.table.foreign_keys:
            if key.columns in ours and key not in declared:
                yield self._but(f"foreign key {_words(key)} is not declared.")

    def _wanted(self, constraint: ForeignKeyConstraint) -> ForeignKey:
        """The foreign key that this database would make of it."""
        return ForeignKey(
            name_in(self.connection, constraint.name),
            tuple(self._column(name) for name in constraint.fields),
            constraint.to_table,
            constraint.to_columns,
            self._action(constraint.on_delete),
            self._action(constraint.on_update),
            deferrable=constraint.deferrable and self.connection.features.can_defer_constraint_checks,
        )

    def _action(self, declared: str) -> str:
        action = declared or "NO ACTION"
        return action.replace("RESTRICT", "NO ACTION") if self.connection.vendor == "mysql" else action

    def _counterpart(self, wanted: ForeignKey) -> ForeignKey | None:
        """The live key of that name, or else one over the same columns."""
        there = self.table.foreign_keys
        named = (key for key in there if key.name == wanted.name)
        return next(named, None) or next((key for key in there if key.columns == wanted.columns), None)

    def unique_columns(self) -> Iterator[Difference]:
        there = [{*index.columns} for index in self.table.indexes if index.unique] + [{*self.table.primary_key}]
        for unique in self._unique():
            columns = [str(field.column) for field in unique.fields]
            if {*columns} not in there:
                yield self._but(f"nothing keeps {_list(columns)} unique.", unique)

    def _unique(self) -> Iterator[Unique]:
        field = self.model._meta.get_field
        for constraint in self.model._meta.total_unique_constraints:
            yield Unique(tuple(map(field, constraint.fields)), constraint.name)
        for names in self.model._meta.unique_together:
            yield Unique(tuple(map(field, names)))
        for each in self.model._meta.local_concrete_fields:
            if each.unique and not each.primary_key and each.column:
                yield Unique((each,))

    def indexes(self) -> Iterator[Difference]:
        for index in self.model._meta.indexes:
            columns = tuple(self._column(name.removeprefix("-")) for name in index.fields)
            name = name_in(self.connection, index.name)
            if not columns or index.condition is not None:
                continue
            same_name = [each for each in self.table.indexes if each.name == name]
            if not same_name:
                yield self._but(f"index {name} {_list(columns)} is missing.", index)
            elif same_name[0].columns != columns:
                yield self._but(f"index {name} is on {_list(same_name[0].columns)}, declared on {_list(columns)}.")
        for key in self.keys.relations:
            # Django names the index of a foreign key's own column by itself.
            if key.column and key.db_index and not key.unique and not self._is_indexed(key.column):
                yield self._but(f"no index begins with {key.column}.", (key,))

    def _is_indexed(self, column: str) -> bool:
        return any(columns[:1] == (column,) for columns in [each.columns for each in self.table.indexes])

    def _column(self, field_name: str) -> str:
        field: Any = self.model._meta.get_field(field_name)
        return str(field.column)

    def _but(self, text: str, missing: Any = None) -> Difference:
        return Difference(self.model, text, missing)


def _list(columns: Iterable[str]) -> str:
    return f"({', '.join(columns)})"


def _words(key: ForeignKey) -> str:
    """A foreign key as SQL says it."""
    text = f"{key.name or 'a nameless key'} {_list(key.columns)} to {key.to_table} {_list(key.to_columns)}"
    for event, action in (("DELETE", key.on_delete), ("UPDATE", key.on_update)):
        if action != "NO ACTION":
            text += f" ON {event} {action}"
    return text + (" DEFERRABLE INITIALLY DEFERRED" if key.deferrable else "")
