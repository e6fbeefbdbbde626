"""
AlterJoinKey: the migration operation for the one change that stock migrations cannot make.

The key of a join table that has rows: other columns, another number or order of them, an id in
place of a composite key, and back. System checks print the migration it stands in.

    look       count what has no single value and what would collide; raise before anything changes
    take off   foreign keys, and the indexes that do not stay
    rebuild    SQLite: the table made anew; elsewhere columns added and filled, then the key
    put on     foreign keys and indexes of the new state

On MariaDB and MySQL, where DDL has no transaction, each step finds out whether it is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from django.db import models
from django.db.migrations.operations.models import ModelOperation
from django.db.migrations.state import ModelState, ProjectState

from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.exceptions import JoinKeyNotFilled, JoinRowsCollide

Fields = Sequence[tuple[str, Any]]


class AlterJoinKey(ModelOperation):
    """
    Give a join model another key, in state and database.

    model -- name of the join model
    fields -- the key as it is to be: its columns, the relations over them and the primary key, as
        CreateModel takes them. Columns of the old key that are not among them go; those of one
        name stay as they are.

    A column that comes is filled from the row that the old key refers to. Raises JoinKeyNotFilled or
    JoinRowsCollide, before anything changes, where rows do not tell a value or would be the same.
    Foreign keys and indexes go with their columns; new ones are AddConstraint and AddIndex.
    """

    serialization_expand_args = ["fields"]

    def __init__(self, model: str, fields: Fields) -> None:
        self.model = model
        self.fields = list(fields)
        super().__init__(model)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [], {"model": self.model, "fields": self.fields}

    def describe(self) -> str:
        return f"Alter the key of {self.model}"

    @property
    def migration_name_fragment(self) -> str:
        return f"alter_{self.name_lower}_key"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        model_state = state.models[app_label, self.name_lower]
        old = dict(model_state.fields)
        new = {name: _new_field(old.get(name), field) for name, field in self.fields}
        gone = _key_names(old) - set(new)
        rest = {name: field for name, field in old.items() if name not in new and name not in gone}
        columns = {name for name, field in (new | rest).items() if not _is_laid(field)}
        for name, field in rest.items():
            if not _is_laid(field) or set(field.from_fields) <= columns:
                new[name] = field
        model_state.fields = new
        _keep_options(model_state, old)
        state._relations = None  # type: ignore[attr-defined]
        state.reload_model(app_label, self.name_lower, delay=False)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        old = from_state.apps.get_model(app_label, self.model)
        new = to_state.apps.get_model(app_label, self.model)
        if self.allow_migrate_model(schema_editor.connection.alias, new):
            _Change(schema_editor, old, new).make()

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self.database_forwards(app_label, schema_editor, from_state, to_state)


def _is_laid(field: Any) -> bool:
    """Whether this is a relation over plain columns (a JoinKey), without a column of its own."""
    return isinstance(field, models.ForeignObject) and not isinstance(field, models.ForeignKey)


def _new_field(old: Any, new: Any) -> Any:
    """The field of the new state: a column that is there is left to AlterField."""
    stays = old is not None and not _is_laid(old) and not old.primary_key and not new.primary_key
    # A clone, as Django renames names within the fields of a state.
    return old if stays else new.clone()


def _key_names(fields: dict[str, Any]) -> set[str]:
    names = {name for name, field in fields.items() if field.primary_key}
    return names.union(*(getattr(fields[name], "field_names", ()) for name in names))


def _keep_options(model_state: ModelState, old: dict[str, Any]) -> None:
    """Leave out the constraints and indexes whose columns are gone or refer to something else."""
    fields: dict[str, Any] = model_state.fields

    def stays(names: Sequence[str]) -> bool:
        return all(name.removeprefix("-") in fields for name in names)

    def refers_as_before(constraint: Any) -> bool:
        if not isinstance(constraint, ForeignKeyConstraint):
            return True
        relations = [_relation_over(constraint.fields, each) for each in (old, fields)]
        return None not in relations and relations[0].to_fields == relations[1].to_fields

    options = model_state.options
    for option in ("indexes", "constraints"):
        kept = [each for each in options.get(option, ()) if stays(getattr(each, "fields", ()))]
        options[option] = [each for each in kept if refers_as_before(each)]
    if "unique_together" in options:
        options["unique_together"] = {names for names in options["unique_together"] if stays(names)}


def _relation_over(names: Sequence[str], fields: dict[str, Any]) -> Any:
    found = (f for f in fields.values() if _is_laid(f) and tuple(f.from_fields) == tuple(names))
    return next(found, None)


class _Change:
    """One change of a table from what `old` says to what `new` says; both are historical models."""

    def __init__(self, editor: Any, old: type[models.Model], new: type[models.Model]) -> None:
        self.editor, self.old, self.new = editor, old, new
        self.connection = editor.connection
        self.table = new._meta.db_table
        before = {field.name: field for field in old._meta.local_concrete_fields}
        after = {field.name: field for field in new._meta.local_concrete_fields}
        self.stay = [field for name, field in after.items() if name in before]
        self.come = [field for name, field in after.items() if name not in before]
        self.go = [field for name, field in before.items() if name not in after]
        self.key: Sequence[Any] = new._meta.pk_fields
        self.numbers = [field for field in self.come if _is_auto(field)]
        self.filled = [field for field in self.come if field not in self.numbers]

    def make(self) -> None:
        is_done = self._is_done()
        if not (is_done or self.editor.collect_sql):
            self._look()
        if self.connection.vendor == "sqlite":
            self._rebuild_sqlite()
            return
        self._take_off()
        if not is_done:
            self._rebuild()
        self._put_on()

    # Look

    def _is_done(self) -> bool:
        if self.connection.vendor != "mysql" or self.editor.collect_sql:
            return False
        with self.connection.cursor() as cursor:
            key = self.connection.introspection.get_primary_key_columns(cursor, self.table)
        columns = self._columns_now
        return key == [field.column for field in self.key] and not any(field.column in columns for field in self.go)

    @cached_property
    def _columns_now(self) -> set[str]:
        with self.connection.cursor() as cursor:
            return {info.name for info in self.connection.introspection.get_table_description(cursor, self.table)}

    def _look(self) -> None:
        table = self._quote(self.table)
        for field in self.filled:
            count = self._count(
                f"SELECT COUNT(*) FROM {table} j WHERE {self._referenced(field, 'COUNT(DISTINCT {})')} <> 1"
            )
            if count:
                raise JoinKeyNotFilled(self.new, field.column, count)
        for field in self.key:
            if field in self.stay:
                count = self._count(f"SELECT COUNT(*) FROM {table} j WHERE {self._value(field)} IS NULL")
                if count:
                    raise JoinKeyNotFilled(self.new, field.column, count)
        if not self.numbers:
            values = ", ".join(f"{self._value(field)} AS c{place}" for place, field in enumerate(self.key))
            count = self._count(
                f"SELECT (SELECT COUNT(*) FROM {table}) - COUNT(*) FROM (SELECT DISTINCT {values} FROM {table} j) d"
            )
            if count:
                raise JoinRowsCollide(self.new, [field.column for field in self.key], count)

    def _count(self, sql: str) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return int(cursor.fetchone()[0])

    # Values, of a row of the table called j

    def _quote(self, name: str | None) -> str:
        return str(self.connection.ops.quote_name(name))

    def _value(self, field: Any) -> str:
        if field in self.stay:
            return f"j.{self._quote(field.column)}"
        return self._referenced(field, "{}", " LIMIT 1")

    def _referenced(self, field: Any, what: str, limit: str = "") -> str:
        """What the row says that the old key refers to: the subquery for a column that comes."""
        key: Any
        for key in self.new._meta.local_fields:
            if _is_laid(key) and field in key.local_related_fields:
                referenced = dict(key.related_fields)[field]
                return self._subquery(self._old_key(key), referenced, what, limit)
        raise JoinKeyNotFilled(self.new, field.column)

    def _old_key(self, key: Any) -> Any:
        for old in self.old._meta.local_fields:
            if _is_laid(old) and old.name == key.name:
                return old
        raise JoinKeyNotFilled(self.new, key.local_related_fields[0].column)

    def _subquery(self, old_key: Any, referenced: Any, what: str, limit: str) -> str:
        value = what.format(f"r.{self._quote(referenced.column)}")
        same = " AND ".join(
            f"r.{self._quote(theirs.column)} = j.{self._quote(ours.column)}" for ours, theirs in old_key.related_fields
        )
        table = self._quote(old_key.remote_field.model._meta.db_table)
        return f"(SELECT {value} FROM {table} r WHERE {same}{limit})"

    # Rebuild

    def _rebuild_sqlite(self) -> None:
        """As SQLite's schema editor does it, from one model to another."""
        options = self.new._meta
        made = f"new__{self.table}"
        columns = [(self._quote(field.column), self._value(field)) for field in (*self.stay, *self.filled)]
        options.db_table = made
        try:
            self.editor.create_model(self.new)
        finally:
            options.db_table = self.table
        self.editor.execute(
            f"INSERT INTO {self._quote(made)} ({', '.join(name for name, _ in columns)}) "
            f"SELECT {', '.join(value for _, value in columns)} FROM {self._quote(self.table)} j"
        )
        self.editor.delete_model(self.old, handle_autom2m=False)
        self.editor.alter_db_table(self.new, made, self.table)
        for sql in self.editor.deferred_sql:
            self.editor.execute(sql)
        self.editor.deferred_sql = []

    def _rebuild(self) -> None:
        for field in self.filled:
            if self.editor.collect_sql or field.column not in self._columns_now:
                self._alter(f"ADD COLUMN {self._quote(field.column)} {self._type(field)} NULL")
            value = self._referenced(field, "{}", " LIMIT 1")
            self.editor.execute(
                f"UPDATE {self._quote(self.table)} AS j SET {self._quote(field.column)} = {value}", params=None
            )
        steps = [*self._key_off(), *self._not_null()]
        steps += [f"DROP COLUMN {self._quote(field.column)}" for field in self.go]
        for field in self.numbers:
            definition, _ = self.editor.column_sql(self.new, field)
            suffix = field.db_type_suffix(connection=self.connection) or ""
            steps.append(f"ADD COLUMN {self._quote(field.column)} {definition} {suffix}".rstrip())
        if not self.numbers:
            steps.append(f"ADD PRIMARY KEY ({', '.join(self._quote(field.column) for field in self.key)})")
        if self.connection.vendor == "mysql":
            self._alter(", ".join(steps))  # in one: a number must have a key, and there is no transaction
        else:
            for step in steps:
                self._alter(step)

    def _key_off(self) -> Iterator[str]:
        if self.connection.vendor == "mysql":
            yield "DROP PRIMARY KEY"
            return
        for name in self.editor._constraint_names(self.old, primary_key=True):
            yield f"DROP CONSTRAINT {self._quote(name)}"

    def _not_null(self) -> Iterator[str]:
        for field in self.filled:
            if not field.null:
                column = self._quote(field.column)
                if self.connection.vendor == "mysql":
                    yield f"MODIFY {column} {self._type(field)} NOT NULL"
                else:
                    yield f"ALTER COLUMN {column} SET NOT NULL"

    def _type(self, field: Any) -> str:
        parameters = field.db_parameters(connection=self.connection)
        collation = parameters.get("collation")
        return f"{parameters['type']} {self.editor._collate_sql(collation)}".strip()

    def _alter(self, step: str) -> None:
        self.editor.execute(f"ALTER TABLE {self._quote(self.table)} {step}", params=None)

    # Foreign keys and indexes

    def _take_off(self) -> None:
        # All foreign keys: MariaDB wants an index for each at any time, and the old key may be it.
        for constraint in self.old._meta.constraints:
            if isinstance(constraint, ForeignKeyConstraint) or constraint not in self.new._meta.constraints:
                self._execute(constraint.remove_sql(self.old, self.editor))
        for index in self.old._meta.indexes:
            if index not in self.new._meta.indexes:
                self.editor.remove_index(self.old, index)

    def _put_on(self) -> None:
        for constraint in self.new._meta.constraints:
            if isinstance(constraint, ForeignKeyConstraint) or constraint not in self.old._meta.constraints:
                self._execute(constraint.create_sql(self.new, self.editor))
        for index in self.new._meta.indexes:
            if index not in self.old._meta.indexes:
                self.editor.add_index(self.new, index)

    def _execute(self, sql: Any) -> None:
        if sql:
            self.editor.execute(sql, params=None)


def _is_auto(field: Any) -> bool:
    return field.get_internal_type() in ("AutoField", "BigAutoField", "SmallAutoField")
