"""
What is declared: every relation of ours in the project, as rows of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps

from gorm_assoc.checks.declared import Declaration, declarations, ends, foreign_keys, label
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.fields.has import Has
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.has_plan import is_polymorphic
from gorm_assoc.kinds import hooks
from gorm_assoc.relationship import BELONGS_TO, MANY2MANY, Model

NONE = "-"


@dataclass(frozen=True, slots=True)
class Declared:
    """
    A relation in words.

    table -- the one that holds the columns: of a many2many the join table
    columns -- the owner's first
    constraint -- the actions of its foreign keys; "-" for none
    hooks -- those of the join model; "-" for none
    """

    relation: str
    kind: str
    target: str
    table: str
    columns: str
    constraint: str
    hooks: str

    @property
    def owner(self) -> str:
        return self.relation.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.relation.rpartition(".")[2]


def usable_declarations(models: Iterable[Model] | None = None) -> list[Declaration]:
    """The declarations of these models, or of all; those whose other end is missing are left to the system checks."""
    found = declarations(apps.get_models() if models is None else models)
    return [each for each in found if _is_usable(each)]


def _is_usable(declaration: Declaration) -> bool:
    if isinstance(declaration, Many2Many):
        return bool(ends(declaration))
    return declaration.key is not None if isinstance(declaration, Has) else declaration.settled


def keys_of(declaration: Declaration) -> Sequence[Any]:
    """The relation fields that hold a declaration: both ends on a join model, or one on either model."""
    if isinstance(declaration, Many2Many):
        return ends(declaration)
    if isinstance(declaration, Has):
        return [declaration.relation or declaration.key]
    return [declaration.model._meta.get_field(declaration.name)]


def constraint_of(key: Any) -> ForeignKeyConstraint | None:
    """The foreign key over the columns of a relation field."""
    names = tuple(field.name for field in key.local_related_fields)
    return next((each for each in foreign_keys(key.model) if each.fields == names), None)


def describe(declaration: Declaration) -> Declared:
    keys = keys_of(declaration)
    columns = [field.column for key in keys for field in key.local_related_fields]
    if isinstance(declaration, Has):
        assert declaration.plan is not None
        columns += [field.column for field, _ in declaration.plan.fixed]
        kind, target = declaration.kind, keys[0].model
        constraint = " ".join(_words(declaration.foreign_key or constraint_of(keys[0])))
    else:
        kind = MANY2MANY if isinstance(declaration, Many2Many) else BELONGS_TO
        # The owner's end of a polymorphic one refers to no one table.
        constrained = keys[-1:] if is_polymorphic(declaration.options) else keys
        target, constraint = keys[-1].remote_field.model, _actions(constrained)
    return Declared(
        relation=label(declaration),
        kind=kind,
        target=target._meta.label,
        table=keys[0].model._meta.db_table,
        columns=", ".join(columns),
        constraint=constraint,
        hooks=_hooks(declaration),
    )


def _hooks(declaration: Declaration) -> str:
    """Which hooks the rows of a join table have."""
    if not isinstance(declaration, Many2Many):
        return NONE
    model = keys_of(declaration)[0].model
    return ", ".join(name for name in (*hooks.CREATE, *hooks.DELETE) if hasattr(model, name)) or NONE


def _actions(keys: Sequence[Any]) -> str:
    texts = [" ".join(_words(constraint_of(key))) for key in keys]
    if len(set(texts)) == 1:
        return texts[0]
    return "; ".join(f"{key.name}: {text}" for key, text in zip(keys, texts, strict=True))


def _words(constraint: ForeignKeyConstraint | None) -> Iterator[str]:
    if constraint is None:
        yield NONE
        return
    if not (constraint.on_delete or constraint.on_update):
        yield "NO ACTION"
    if constraint.on_delete:
        yield f"ON DELETE {constraint.on_delete}"
    if constraint.on_update:
        yield f"ON UPDATE {constraint.on_update}"
