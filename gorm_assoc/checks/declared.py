"""What there is to check: the declarations of models, and the keys that came of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db import connections, models, router

from gorm_assoc import conf
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.fields.belongs_to import BelongsTo, BelongsToKey
from gorm_assoc.fields.has import Has
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.has_plan import is_polymorphic
from gorm_assoc.join_key import JoinKey
from gorm_assoc.join_plan import is_primary
from gorm_assoc.options import ConstraintOptions

Model = type[models.Model]
Declaration = Many2Many | BelongsTo | Has
Vendors = Collection[str]

ORACLE = "oracle"
MARIADB = "mysql"  # Django's word for MariaDB and MySQL


@dataclass(frozen=True)
class Key:
    """
    One end of a declared relation, as it stands on the model that holds its columns.

    declaration -- the one whose constraint option holds
    enabled -- whether a foreign key was asked for (by default, unless "constraint:-")
    constraint -- the foreign key; None if there is none
    """

    declaration: Declaration
    relation: JoinKey | BelongsToKey
    enabled: bool
    constraint: ForeignKeyConstraint | None

    @property
    def label(self) -> str:
        return label(self.declaration)

    @property
    def model(self) -> Model:
        return self.relation.model

    @property
    def columns(self) -> tuple[models.Field[Any, Any], ...]:
        return self.relation.local_related_fields

    @property
    def referenced(self) -> tuple[models.Field[Any, Any], ...]:
        return self.relation.foreign_related_fields

    @property
    def actions(self) -> tuple[str, ...]:
        return (self.constraint.on_delete, self.constraint.on_update) if self.constraint else ()


def label(field: Any) -> str:
    return f"{field.model._meta.label}.{field.name}"


def vendors(model: Model, aliases: Iterable[str]) -> Vendors:
    """Which databases, of those named, get this model's table. Asks no server."""
    if not model._meta.managed:
        return ()
    return {connections[alias].vendor for alias in aliases if router.allow_migrate_model(alias, model)}


def declarations(of_models: Iterable[Model]) -> list[Declaration]:
    found: list[Declaration] = []
    for model in of_models:
        found += (field for field in model._meta.local_many_to_many if isinstance(field, Many2Many))
        # A child inherits its parent's list, and not its columns.
        for listed in ("belongs_to_fields", "has_fields"):
            found += (field for field in getattr(model, listed, ()) if field.model is model)
    return found


def join_model(field: Many2Many) -> Model:
    return cast(Model, field.remote_field.through)


def ends(field: Many2Many) -> tuple[models.Field[Any, Any], ...]:
    """The join model's relations to owner and target; none if it lacks columns."""
    return tuple(join_model(field)._meta.get_field(name) for name in field._ends or ())  # type: ignore[misc]


def speaks_for_both(field: Many2Many) -> bool:
    """Whether this is the side on which what is wrong with the two together is reported."""
    return field.partner is None or is_primary(field, field.partner)


def all_many2many(field: Many2Many) -> list[Many2Many]:
    """Every Many2Many of the project that this one is part of."""
    found = declarations(field.model._meta.apps.get_models())
    return [other for other in found if isinstance(other, Many2Many) and other.plan is not None]


def declared_keys(declared: Sequence[Declaration]) -> list[Key]:
    """The keys of these declarations, each once: under the name of the one that decides its constraint."""
    found: dict[tuple[Model, str], Key] = {}
    for declaration in sorted(declared, key=_precedence):
        for relation in _relations(declaration):
            if isinstance(relation, JoinKey | BelongsToKey):
                names = tuple(field.name for field in relation.local_related_fields)
                constraint = next((each for each in foreign_keys(relation.model) if each.fields == names), None)
                enabled = _constraint(declaration).enabled
                if isinstance(declaration, Many2Many) and is_polymorphic(declaration.options):
                    # The id column refers to no one table.
                    enabled = enabled and relation is not ends(declaration)[0]
                if isinstance(declaration, Has):
                    # Of several relations over one key each has its own.
                    enabled, constraint = declaration.is_asked_for_foreign_key, declaration.foreign_key
                found.setdefault((relation.model, relation.name), Key(declaration, relation, enabled, constraint))
    return list(found.values())


def foreign_keys(model: Model) -> list[ForeignKeyConstraint]:
    return [constraint for constraint in model._meta.constraints if isinstance(constraint, ForeignKeyConstraint)]


def _precedence(declaration: Declaration) -> tuple[bool, bool]:
    """A BelongsTo's own constraint counts before a many2many's, that before the project's default."""
    return declaration.options.constraint is None, isinstance(declaration, Many2Many)


def _relations(declaration: Declaration) -> Sequence[Any]:
    if isinstance(declaration, Many2Many):
        return () if declaration.plan is None else ends(declaration)
    if isinstance(declaration, Has):
        return () if declaration.key is None else (declaration.key,)
    if not declaration.settled or declaration.replaced_by is not None:
        return ()
    return [field for field in declaration.model._meta.local_fields if field.name == declaration.name]


def _constraint(declaration: Declaration) -> ConstraintOptions:
    if isinstance(declaration, Many2Many) and declaration.plan is not None:
        return declaration.plan.constraint
    return declaration.options.constraint or conf.default_constraint()
