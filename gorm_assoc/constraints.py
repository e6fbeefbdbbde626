"""
Foreign keys and indexes under GORM's names, as Django constraints.

Both sit in Meta, so stock makemigrations finds, adds, alters and removes them. Their
names are whole in Meta and in migrations; DDL cuts them for the database at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Columns, Statement, Table

from gorm_assoc.naming import cut

_MAX_NAME_LENGTH = 64  # GORM's limit, where the database has none (SQLite)


def name_in(connection: Any, name: str) -> str:
    """The name that a constraint or index of ours has in this database."""
    return cut(name, connection.ops.max_name_length() or _MAX_NAME_LENGTH, in_bytes=connection.vendor == "postgresql")


def _cut_for(name: str, schema_editor: BaseDatabaseSchemaEditor) -> str:
    return name_in(schema_editor.connection, name)


class Index(models.Index):
    """
    An index under GORM's name, which may be longer than Django allows.

    Without a name it is called idx_<table>_<first field's column>.
    """

    # models.E034 would refuse more than 30 characters; create_sql() cuts for the database.
    max_name_length = 1000

    def set_name_with_model(self, model: type[models.Model]) -> None:
        from gorm_assoc import conf  # settings are read when the model is made, not when this is imported

        column = str(model._meta.get_field(self.fields[0]).column)  # type: ignore[union-attr]
        self.name = conf.naming().index_name(model._meta.db_table, column)

    def _for(self, schema_editor: BaseDatabaseSchemaEditor) -> models.Index:
        _, args, kwargs = self.deconstruct()
        return models.Index(*args, **{**kwargs, "name": _cut_for(self.name, schema_editor)})

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        if _asks_catalogue(schema_editor) and self._is_in_catalogue(model, schema_editor):
            return _NOTHING
        statement = self._for(schema_editor).create_sql(model, schema_editor, using=using, **kwargs)
        return _again(statement, "IF NOT EXISTS", schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any, **kwargs: Any) -> Any:
        if _asks_catalogue(schema_editor) and not self._is_in_catalogue(model, schema_editor):
            return _NOTHING
        statement: Any = self._for(schema_editor).remove_sql(model, schema_editor, **kwargs)
        if key := self._key_that_needs_it(model, schema_editor):
            # MariaDB and MySQL keep an index for each foreign key, under the key's name where they make it.
            name, columns = key
            statement.template = "ALTER TABLE %(table)s DROP INDEX %(name)s, ADD INDEX %(key)s (%(columns)s)"
            statement.parts["key"] = schema_editor.quote_name(name)
            statement.parts["columns"] = Columns(model._meta.db_table, columns, schema_editor.quote_name)
        return _again(statement, "IF EXISTS", schema_editor)

    def _is_in_catalogue(self, model: Any, schema_editor: Any) -> bool:
        return bool(_in_catalogue(self.name, model, schema_editor).get("index"))

    def _key_that_needs_it(self, model: Any, schema_editor: Any) -> tuple[str, list[str]] | None:
        """Name and columns of a foreign key that no other index would serve, on MariaDB and MySQL."""
        if schema_editor.connection.vendor != "mysql" or schema_editor.collect_sql:
            return None
        with schema_editor.connection.cursor() as cursor:
            found = schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
        own = found.pop(_cut_for(self.name, schema_editor), {"columns": []})["columns"]
        others = [each["columns"] for each in found.values() if each["index"] or each["unique"] or each["primary_key"]]
        for name, each in found.items():
            columns = each["columns"]
            is_needed = each["foreign_key"] and own[: len(columns)] == columns
            if is_needed and not any(other[: len(columns)] == columns for other in others):
                return name, columns
        return None


class ForeignKeyConstraint(models.BaseConstraint):
    """
    FOREIGN KEY (...) REFERENCES ... with ON DELETE and ON UPDATE, of one or more columns.

    fields -- names of fields on this model, in key order
    to_table, to_columns -- names in the database, same order
    types -- types of the referenced columns. Django drops foreign keys it finds on a column
        whose type changes and makes only its own again; as part of this constraint a changed
        type becomes remove, alter, add.
    on_delete, on_update -- SQL actions; empty for none
    deferrable -- checked at commit, as Django's own keys are, where the database can

    The table is not part of equality: it may be renamed by AlterModelTable alone. When DDL is
    written it is taken from the relation beside the columns. (A JoinKey hands it over, as SQLite
    makes a table anew from its plain columns; see follow().)
    """

    def __init__(
        self,
        *,
        name: str,
        fields: Sequence[str],
        to_table: str,
        to_columns: Sequence[str],
        types: Sequence[str] = (),
        on_delete: str = "",
        on_update: str = "",
        deferrable: bool = True,
        violation_error_code: str | None = None,
        violation_error_message: Any = None,
    ) -> None:
        super().__init__(
            name=name,
            violation_error_code=violation_error_code,
            violation_error_message=violation_error_message,
        )
        self.fields = tuple(fields)
        self.to_table = to_table
        self.to_columns = tuple(to_columns)
        self.types = tuple(types)
        self.on_delete = on_delete
        self.on_update = on_update
        self.deferrable = deferrable

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        kwargs |= {"fields": self.fields, "to_table": self.to_table, "to_columns": self.to_columns}
        for option in ("types", "on_delete", "on_update"):
            if value := getattr(self, option):
                kwargs[option] = value
        if not self.deferrable:
            kwargs["deferrable"] = False
        return path, args, kwargs

    def _identity(self) -> dict[str, Any]:
        _, _, kwargs = self.deconstruct()
        del kwargs["to_table"]
        return dict(kwargs)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ForeignKeyConstraint):
            return self._identity() == other._identity()
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__}: name={self.name!r} fields={self.fields!r} to={self.to_table!r}>"

    def follow(self, key: Any, target: type[models.Model]) -> None:
        """Take over the table that a relation over these columns leads to: in migrations, the one of that moment."""
        if self.fields == tuple(key.from_fields):
            self.to_table = target._meta.db_table

    # DDL

    def constraint_sql(self, model: Any, schema_editor: Any) -> str | None:  # type: ignore[override]
        if schema_editor.connection.vendor == "sqlite":
            return self._inline_sql(model, schema_editor)
        # Not inline: the referenced table may be made later in the same migration.
        schema_editor.deferred_sql.append(self._add_statement(model, schema_editor))
        return None

    def create_sql(self, model: Any, schema_editor: Any) -> Statement | None:  # type: ignore[override]
        if schema_editor.connection.vendor == "sqlite":
            return None  # the table is made again with constraint_sql()
        if _asks_catalogue(schema_editor) and self._is_in_catalogue(model, schema_editor):
            return None
        return self._add_statement(model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Statement | None:  # type: ignore[override]
        vendor = schema_editor.connection.vendor
        if vendor == "sqlite":
            return None
        name = _cut_for(self.name, schema_editor)
        table = model._meta.db_table
        for pending in list(schema_editor.deferred_sql):
            if getattr(pending, "foreign_key", None) == (table, name):
                schema_editor.deferred_sql.remove(pending)
        if _asks_catalogue(schema_editor) and not self._is_in_catalogue(model, schema_editor):
            return None
        # IF EXISTS: on MariaDB a migration that failed half-way must be able to run again.
        template = {
            "mysql": "ALTER TABLE %(table)s DROP FOREIGN KEY IF EXISTS %(name)s",
            "postgresql": "ALTER TABLE %(table)s DROP CONSTRAINT IF EXISTS %(name)s",
        }.get(vendor, "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s")
        if _is_mysql(schema_editor):
            template = "ALTER TABLE %(table)s DROP FOREIGN KEY %(name)s"
        quote = schema_editor.quote_name
        return Statement(template, table=Table(table, quote), name=quote(name))

    def _inline_sql(self, model: Any, schema_editor: Any) -> str:
        quote = schema_editor.quote_name
        columns = ", ".join(quote(model._meta.get_field(name).column) for name in self.fields)
        to_columns = ", ".join(map(quote, self.to_columns))
        return (
            f"CONSTRAINT {quote(_cut_for(self.name, schema_editor))} FOREIGN KEY ({columns}) "
            f"REFERENCES {quote(self._referenced_table(model))} ({to_columns})"
            f"{self._actions_sql(schema_editor)}"
        )

    def _add_statement(self, model: Any, schema_editor: Any) -> Statement:
        # References and not text: a later rename in the same migration still reaches them.
        quote = schema_editor.quote_name
        table = model._meta.db_table
        to_table = self._referenced_table(model)
        columns = [model._meta.get_field(name).column for name in self.fields]
        name = _cut_for(self.name, schema_editor)
        absent = (
            "IF NOT EXISTS " if schema_editor.connection.vendor == "mysql" and not _is_mysql(schema_editor) else ""
        )
        statement = Statement(
            f"ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY {absent}(%(columns)s) "
            "REFERENCES %(to_table)s (%(to_columns)s)%(actions)s",
            table=Table(table, quote),
            name=quote(name),
            columns=Columns(table, columns, quote),
            to_table=Table(to_table, quote),
            to_columns=Columns(to_table, list(self.to_columns), quote),
            actions=self._actions_sql(schema_editor),
        )
        statement.foreign_key = (table, name)  # type: ignore[attr-defined]
        return statement

    def _actions_sql(self, schema_editor: Any) -> str:
        sql = f" ON DELETE {self.on_delete}" if self.on_delete else ""
        if self.on_update and schema_editor.connection.vendor != "oracle":  # it has none; a system check says so
            sql += f" ON UPDATE {self.on_update}"
        if self.deferrable and schema_editor.connection.features.can_defer_constraint_checks:
            sql += " DEFERRABLE INITIALLY DEFERRED"
        return sql

    def _referenced_table(self, model: Any) -> str:
        relation = self.relation(model)
        if relation is not None and not isinstance(relation.remote_field.model, str):
            return str(relation.remote_field.model._meta.db_table)
        return self.to_table

    def relation(self, model: type[models.Model]) -> Any:
        """The relation field of this model that lies over this constraint's columns; None if there is none."""
        for field in model._meta.local_fields:
            if not field.remote_field or isinstance(field.remote_field.model, str):
                continue
            if tuple(f.name for f in field.local_related_fields) == self.fields:  # type: ignore[attr-defined]
                return field
        return None

    def _is_in_catalogue(self, model: Any, schema_editor: Any) -> bool:
        return bool(_in_catalogue(self.name, model, schema_editor).get("foreign_key"))

    # Python

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: Iterable[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Raise ValidationError if the columns name a row that does not exist."""
        relation = self.relation(model)
        if relation is None or (exclude and set(self.fields) & set(exclude)):
            return
        values = relation.get_local_related_value(instance)
        if None in values:
            return
        names = (field.attname for field in relation.foreign_related_fields)
        target = relation.remote_field.model
        if not target._base_manager.using(using).filter(**dict(zip(names, values, strict=True))).exists():
            raise ValidationError(self.get_violation_error_message(), code=self.violation_error_code)


def _again(statement: Any, condition: str, schema_editor: Any) -> Any:
    """The statement such that on MariaDB a migration which failed half-way can run again."""
    if schema_editor.connection.vendor == "mysql" and not _is_mysql(schema_editor):
        statement.template = statement.template.replace("INDEX %(name)s", f"INDEX {condition} %(name)s")
    return statement


def _is_mysql(schema_editor: Any) -> bool:
    """MySQL proper."""
    connection = schema_editor.connection
    return connection.vendor == "mysql" and not connection.mysql_is_mariadb


def _asks_catalogue(schema_editor: Any) -> bool:
    """Whether a statement depends on what is there: MySQL has no IF [NOT] EXISTS. Not when SQL is only shown."""
    return _is_mysql(schema_editor) and not schema_editor.collect_sql


# A statement without effect: the schema editor executes what an index gives it, whatever that is.
_NOTHING = Statement("DO 0")


def _in_catalogue(name: str, model: Any, schema_editor: Any) -> dict[str, Any]:
    """What Django's introspection says of the constraint or index of that name; empty if the table has none."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return dict(found.get(_cut_for(name, schema_editor), {}))
