"""One end of a relation in the database: what it refers to, its actions, and what databases make of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db import models

from gorm_assoc import through
from gorm_assoc.checks.declared import MARIADB, ORACLE, Declaration, Key, Vendors, ends, label
from gorm_assoc.fields.has import Has
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.relationship import are_unique_together, final_field

_INTEGERS = {
    "AutoField": "IntegerField",
    "BigAutoField": "BigIntegerField",
    "SmallAutoField": "SmallIntegerField",
    "IntegerField": "IntegerField",
    "BigIntegerField": "BigIntegerField",
    "SmallIntegerField": "SmallIntegerField",
    "PositiveIntegerField": "PositiveIntegerField",
    "PositiveBigIntegerField": "PositiveBigIntegerField",
    "PositiveSmallIntegerField": "PositiveSmallIntegerField",
}
_TEXTS = frozenset({"CharField", "TextField", "SlugField", "FileField", "FilePathField"})
# Columns that MariaDB and MySQL index only by a prefix, which a key cannot be.
_NOT_INDEXED = frozenset({"TextField", "BinaryField", "JSONField"})
_MAX_KEY_BYTES = 3072  # of InnoDB; a character takes four in utf8mb4


def check_there_is_a_constraint(field: Declaration) -> list[CheckMessage]:
    """gorm_assoc.W004"""
    constraint = field.options.constraint
    if constraint is None or constraint.enabled or (isinstance(field, Has) and not field.leaves_columns_free):
        return []
    return [
        CheckWarning(
            f"{label(field)} says constraint:-, so the database lets it name rows that do not exist.",
            hint="Remove it to get a foreign key. If it is meant, add 'gorm_assoc.W004' to SILENCED_SYSTEM_CHECKS.",
            obj=field,
            id="gorm_assoc.W004",
        )
    ]


def check_referenced_columns_are_unique(key: Key) -> list[CheckMessage]:
    """gorm_assoc.W001"""
    target = key.relation.related_model
    # A ForeignKey to such a column is fields.E311.
    if not key.enabled or key.relation.requires_unique_target or are_unique_together(target, key.referenced):
        return []
    names = _names(key.referenced)
    return [
        CheckWarning(
            f"{key.label} refers to {target._meta.label} by {names}, which may be the same in two rows: "
            f"no foreign key is made to it.",
            hint=f"Make {names} unique{' together' if len(key.referenced) > 1 else ''}, or refer to the whole key.",
            obj=key.declaration,
            id="gorm_assoc.W001",
        )
    ]


def check_types_fit(key: Key, vendors: Vendors) -> list[CheckMessage]:
    """gorm_assoc.E020"""
    return [
        Error(
            f"{label(column)} is {_article(column)}, but {label(referenced)}, which it refers to for {key.label}, "
            f"is {_article(referenced)}.",
            hint=f"Write {column.name} = models.{_same_type(referenced)}.",
            obj=key.declaration,
            id="gorm_assoc.E020",
        )
        for column, referenced in zip(key.columns, key.referenced, strict=True)
        if not _types_fit(column, referenced, strictly=key.constraint is not None and MARIADB in vendors)
    ]


def check_key_can_be_indexed(key: Key, vendors: Vendors) -> list[CheckMessage]:
    """gorm_assoc.E021"""
    if MARIADB not in vendors:
        return []
    return [
        Error(
            f"{key.label} refers to {label(field)}, a {final_field(field).get_internal_type()}, which MariaDB and "
            f"MySQL cannot have in a key.",
            hint=f"Write {field.name} = models.CharField(max_length=191).",
            obj=key.declaration,
            id="gorm_assoc.E021",
        )
        for field in key.referenced
        if final_field(field).get_internal_type() in _NOT_INDEXED
    ]


def check_key_fits(field: Many2Many, vendors: Vendors) -> list[CheckMessage]:
    """gorm_assoc.E022"""
    columns = [column for end in ends(field) for column in end.local_related_fields]  # type: ignore[attr-defined]
    size = sum(map(_bytes, columns))
    if MARIADB not in vendors or size <= _MAX_KEY_BYTES:
        return []
    texts = [column for column in columns if final_field(column).max_length]
    return [
        Error(
            f"The key of {columns[0].model._meta.label} takes {size} bytes, four for each character of "
            f"{_names(texts)}; MariaDB and MySQL allow {_MAX_KEY_BYTES}.",
            hint=f"Give what {label(field)} refers to a smaller max_length, such as 191.",
            obj=field,
            id="gorm_assoc.E022",
        )
    ]


def check_references_are_in_order(key: Key, vendors: Vendors) -> list[CheckMessage]:
    """gorm_assoc.E030"""
    if MARIADB not in vendors or key.constraint is None:
        return []
    names = tuple(field.name for field in key.referenced)
    target = key.relation.related_model
    orders = [order for order in _unique_together(target) if set(order) == set(names)]
    if len(names) == 1 or names in orders:
        return []
    right = orders[0]
    return [
        Error(
            f"{key.label} refers to {target._meta.label} by ({', '.join(names)}), but the key there is "
            f"({', '.join(right)}): MariaDB and MySQL want the same order.",
            hint=f"Name them in that order: {','.join(right)}.",
            obj=key.declaration,
            id="gorm_assoc.E030",
        )
    ]


def _unique_together(model: type[models.Model]) -> list[tuple[str, ...]]:
    """The fields of the model's keys and unique constraints, in their order there."""
    options = model._meta
    found = [tuple(field.name for field in options.pk_fields), *map(tuple, options.unique_together)]
    return [*found, *(tuple(constraint.fields) for constraint in options.total_unique_constraints)]


def check_set_null(key: Key, vendors: Vendors) -> list[CheckMessage]:
    """gorm_assoc.W002"""
    if set(vendors) == {MARIADB}:
        return []
    return [
        CheckWarning(message, hint=hint, obj=key.declaration, id="gorm_assoc.W002") for message, hint in _set_null(key)
    ]


def check_set_null_on_mariadb(key: Key, vendors: Vendors) -> list[CheckMessage]:
    """gorm_assoc.E023"""
    if MARIADB not in vendors:
        return []
    return [
        Error(
            f"{message} MariaDB and MySQL refuse such a foreign key.",
            hint=hint,
            obj=key.declaration,
            id="gorm_assoc.E023",
        )
        for message, hint in _set_null(key)
    ]


def check_set_default(key: Key, vendors: Vendors) -> list[CheckMessage]:
    """gorm_assoc.E024"""
    if "SET DEFAULT" not in key.actions or set(vendors) == {MARIADB}:
        return []
    without = [column for column in key.columns if column.db_default is models.NOT_PROVIDED]
    made = isinstance(key.declaration, Many2Many) and key.declaration.has_made_join_model
    return [
        Error(
            f"{key.label} says SET DEFAULT, but {label(column)} has no default in the database.",
            hint="Use another action, or write the join model (through=) and its columns."
            if made
            else f"Declare {column.name} with db_default=..., or use another action.",
            obj=key.declaration,
            id="gorm_assoc.E024",
        )
        for column in without
    ]


def check_set_default_on_mariadb(key: Key, vendors: Vendors) -> list[CheckMessage]:
    """gorm_assoc.E025"""
    if "SET DEFAULT" not in key.actions or MARIADB not in vendors:
        return []
    return [
        Error(
            f"{key.label} says SET DEFAULT, which MariaDB and MySQL do not have.",
            hint="Use CASCADE or RESTRICT.",
            obj=key.declaration,
            id="gorm_assoc.E025",
        )
    ]


def check_on_update(key: Key, vendors: Vendors) -> list[CheckMessage]:
    """gorm_assoc.W003"""
    if key.constraint is None or not key.constraint.on_update or ORACLE not in vendors:
        return []
    return [
        CheckWarning(
            f"{key.label} says OnUpdate:{key.constraint.on_update}, but Oracle has no ON UPDATE: it is left out.",
            hint="Remove OnUpdate, or do not change keys there.",
            obj=key.declaration,
            id="gorm_assoc.W003",
        )
    ]


def _set_null(key: Key) -> Iterator[tuple[str, str]]:
    """Message and hint for each column that the database is to set to NULL and cannot."""
    if "SET NULL" not in key.actions:
        return
    primary = key.model._meta.pk_fields
    for column in key.columns:
        if not column.null:
            hint = "Use CASCADE or RESTRICT: the column is part of the primary key."
            if column not in primary:
                name = column.name if isinstance(key.declaration, Has) else key.relation.name
                hint = f"Give {name} null=True, or use CASCADE or RESTRICT."
            yield f"{key.label} says SET NULL, but {label(column)} cannot be NULL.", hint


def _types_fit(column: Any, referenced: Any, strictly: bool) -> bool:
    """strictly -- integers have to be of one size and sign, as MariaDB and MySQL want them"""
    own, other = final_field(column).get_internal_type(), final_field(referenced).get_internal_type()
    if own in _INTEGERS and other in _INTEGERS:
        return not strictly or _INTEGERS[own] == _INTEGERS[other]
    return own == other or {own, other} <= _TEXTS


def _same_type(referenced: models.Field[Any, Any]) -> str:
    column = through.key_column(referenced)
    length = f"max_length={column.max_length}" if column.max_length else ""
    return f"{type(column).__name__}({length})"


def _article(field: models.Field[Any, Any]) -> str:
    name = final_field(field).get_internal_type()
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _bytes(field: models.Field[Any, Any]) -> int:
    final = final_field(field)
    return 4 * final.max_length if final.max_length else 8


def _names(fields: Sequence[models.Field[Any, Any]]) -> str:
    return " and ".join(repr(field.name) for field in fields)
