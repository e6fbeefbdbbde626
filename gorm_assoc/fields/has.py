"""
What HasOne and HasMany share: the mirror of a BelongsTo, declared on the owner.

When owner and child exist, the declaration finds the child's columns that lead to the owner (has_plan.py),
lays a key of its own over them (has_key.py), by which Django reads, and puts the foreign key beside them.
A relation that the child has over the same columns stays; its way back makes room.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models

from gorm_assoc import conf, join_plan, through
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.fields import base
from gorm_assoc.fields.belongs_to import BelongsToKey
from gorm_assoc.has_key import HasKey
from gorm_assoc.has_plan import HasPlan, has_plan, relation_over
from gorm_assoc.join_key import JoinKey
from gorm_assoc.join_plan import End
from gorm_assoc.options import ConstraintOptions, RelationOptions, parse
from gorm_assoc.relationship import same_model
from gorm_assoc.soft_delete import deleted_at_field


class Has(base.Declaration):
    listed_in = "has_fields"
    kind: str
    key_class: type[HasKey]
    # Set when the declaration is settled; without columns, and so without a key, if there is something wrong.
    plan: HasPlan | None = None
    key: HasKey | None = None
    foreign_key: ForeignKeyConstraint | None = None
    # The child's own relation over the same columns, if it has one.
    relation: Any = None
    # Whether it is this declaration's to put a foreign key on the child's table.
    is_asked_for_foreign_key = False

    def __init__(
        self,
        to: type[models.Model] | str,
        tag: str = "",
        *,
        foreign_key: str | Sequence[str] = "",
        references: str | Sequence[str] = "",
        constraint: str = "",
        polymorphic: str = "",
        polymorphic_type: str = "",
        polymorphic_id: str = "",
        polymorphic_value: str = "",
        **kwargs: Any,
    ) -> None:
        self.options: RelationOptions = parse(
            tag,
            foreign_key=foreign_key,
            references=references,
            constraint=constraint,
            polymorphic=polymorphic,
            polymorphic_type=polymorphic_type,
            polymorphic_id=polymorphic_id,
            polymorphic_value=polymorphic_value,
            **kwargs,
        )
        self.tag = tag
        self.to = to
        super().__init__()

    def _attach(self, *_: type[models.Model]) -> None:
        waits = base.awaited(self.model)
        if waits and self.target() is not self.model:
            base.when_declared(lambda *_: self.settle(), self.model, *waits)
        else:
            self.settle()

    def settle(self) -> None:
        """Put key, foreign key and accessor where they belong, now that both models exist."""
        child = self.target()
        if self.settled or child is None:
            return
        self.settled = True
        holder = child._meta.concrete_model or child
        for declared in (*getattr(self.model, "belongs_to_fields", ()), *getattr(holder, "belongs_to_fields", ())):
            target = declared.target()
            if target is not None and (same_model(target, self.model) or not base.awaited(target)):
                declared.settle()
        through.resolve_relations(holder)
        self.plan = has_plan(self, child)
        self.problems = self.plan.problems
        if not self.plan.columns:
            return
        self.relation = relation_over(child, self.plan.columns, self.model)
        if self.relation is not None and (not self.is_of_somebody_else or _is_in_the_way(self.relation, self.name)):
            make_room(self.relation, self.name)
        self.is_asked_for_foreign_key = self.constraint.enabled and self._may_constrain(holder)
        end = End(self.owner, self.owner._meta.model_name or "", self.plan.referenced, self._columns)
        if self.is_asked_for_foreign_key and through.is_enforced(self.constraint, end):
            self.relation = self.relation or self._lay(holder, end)
            self._constrain(holder, end)
        self.key = self.key_class(child, self.owner, self.name, self.plan)
        self.key.contribute_to_class(child, f"_{self.owner._meta.app_label}_{self.owner._meta.model_name}_{self.name}")

    @property
    def owner(self) -> type[models.Model]:
        """The model whose table is referenced: of a proxy the one it stands for."""
        return self.model._meta.concrete_model or self.model

    @property
    def constraint(self) -> ConstraintOptions:
        return conf.default_constraint() if self.options.constraint is None else self.options.constraint

    @property
    def is_of_somebody_else(self) -> bool:
        """Whether the child's migrations are not the project's to write, as its app was installed."""
        child = self.target()
        return child is not None and _is_installed(child) and not _is_installed(self.model)

    @property
    def leaves_columns_free(self) -> bool:
        """Whether the project could have a foreign key over the child's columns, and has none."""
        child = self.target()
        if child is None or self.plan is None or not self.plan.columns or not self._may_constrain(child):
            return False
        return not has_foreign_key(child, [column.name for column in self.plan.columns])

    # The child's part of it that migrations see

    @property
    def _columns(self) -> tuple[str, ...]:
        assert self.plan is not None
        return tuple(str(column.column) for column in self.plan.columns)

    def _may_constrain(self, child: type[models.Model]) -> bool:
        assert self.plan is not None
        # A ForeignKey of Django's with a constraint of its own, and a join table, have theirs.
        is_taken = getattr(self.relation, "db_constraint", False) or self._is_join_model(child)
        return not (self.plan.fixed or is_taken or self.is_of_somebody_else)

    def _is_join_model(self, child: type[models.Model]) -> bool:
        if getattr(child, "is_join_table", False) or getattr(child, "is_made_join_model", False):
            return True
        many: list[Any] = list(self.model._meta.local_many_to_many)
        return any(join_plan.given_through(field) is child for field in many if hasattr(field, "through_name"))

    def _lay(self, child: type[models.Model], end: End) -> JoinKey:
        """A relation over the child's plain columns, by which migrations know whose table they lead to."""
        assert self.plan is not None
        columns = self.plan.columns
        key = JoinKey(
            end.model,
            from_fields=[column.name for column in columns],
            to_fields=end.to_fields,
            null=any(column.null for column in columns),
        )
        key.contribute_to_class(child, self._relation_name(child))
        return key

    def _relation_name(self, child: type[models.Model]) -> str:
        """author_id is the column of `author`; where that is taken, <owner>_<relation>."""
        assert self.plan is not None
        pairs = zip(self.plan.columns, self.plan.referenced, strict=True)
        names = {column.attname.removesuffix(f"_{referenced.attname}") for column, referenced in pairs}
        name = names.pop()
        if names or hasattr(child, name):
            return f"{self.owner._meta.model_name}_{self.name}"
        return name

    def _constrain(self, child: type[models.Model], end: End) -> None:
        """This side's foreign key, in the place of the one that a BelongsTo over the same columns has."""
        relation = self.relation
        for declared in getattr(child, "belongs_to_fields", ()):
            if declared.model is child and declared.name == relation.name:
                declared.replaced_by = self
                if declared.foreign_key is not None:
                    through.drop_foreign_key(child, declared.foreign_key)
                    declared.foreign_key = None
        name = self.constraint.name or conf.naming().foreign_key_name(self.owner._meta.db_table, self.name)
        fields = tuple(column.name for column in relation.local_related_fields)
        if isinstance(relation, BelongsToKey | JoinKey):
            # Of two foreign keys over the same columns the one that refuses decides.
            refuses = relation.remote_field.on_delete is models.PROTECT and has_foreign_key(child, fields)
            if not refuses:
                relation.remote_field.on_delete = through.python_on_delete(self.constraint, enforced=True)
        ordered = replace(end, fields=tuple(relation.foreign_related_fields))
        self.foreign_key = through.foreign_key(self.constraint, name, ordered, fields)
        through.add_foreign_key(child, self.foreign_key)
        through.index_key(child, relation)


def has_foreign_key(child: type[models.Model], fields: Sequence[str]) -> bool:
    keys = (each for each in child._meta.constraints if isinstance(each, ForeignKeyConstraint))
    return any(set(each.fields) == set(fields) for each in keys)


def _is_in_the_way(relation: Any, name: str) -> bool:
    return name in (relation.remote_field.accessor_name, relation.remote_field.name)


def make_room(relation: Any, name: str) -> None:
    """
    Take the way back of a child's relation off the owner, as a has-one or has-many is in its place.

    For this process: migrations see the relation as it was written. One that was given another
    name stays.
    """
    rel = relation.remote_field
    if rel.hidden or relation._related_name not in (None, name):
        return
    owner = rel.model._meta.concrete_model
    accessor = vars(owner).get(rel.accessor_name)
    if rel in (getattr(accessor, "rel", None), getattr(accessor, "related", None)):
        delattr(owner, rel.accessor_name)
    rel.related_name = "+"
    for cached in ("hidden", "name", "accessor_name", "cache_name"):
        rel.__dict__.pop(cached, None)
    if not rel.multiple and deleted_at_field(relation.model) is None:
        rel.cache_name = name  # a child's owner knows the child, as with Django's accessor
    owner._meta._expire_cache(forward=False)


def _is_installed(model: type[models.Model]) -> bool:
    config = model._meta.app_config
    if config is None or config.label in settings.MIGRATION_MODULES:
        return False
    path = Path(config.path)
    return bool({"site-packages", "dist-packages"} & set(path.parts)) or path.is_relative_to(
        sysconfig.get_path("stdlib")
    )
