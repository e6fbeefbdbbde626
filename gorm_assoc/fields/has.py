"""
What HasOne and HasMany share: the mirror of a BelongsTo, declared on the owner.

When owner and child exist, the declaration finds the child's columns that lead to the owner (has_plan.py),
lays a key of its own over them (has_key.py), by which Django reads, and puts the foreign key beside them.
A relation that the child has over the same columns stays; its way back makes room.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.fields.related import lazy_related_operation

from gorm_assoc import conf, through
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.fields import base
from gorm_assoc.fields.belongs_to import BelongsToKey
from gorm_assoc.has_key import HasKey
from gorm_assoc.has_plan import HasPlan, has_plan, relation_over
from gorm_assoc.join_key import JoinKey
from gorm_assoc.join_plan import End
from gorm_assoc.options import ConstraintOptions, RelationOptions, parse
from gorm_assoc.relationship import same_model


class Has(base.Declaration):
    listed_in = "has_fields"
    key_class: type[HasKey]
    # Set when the declaration is settled; without columns, and so without a key, if there is something wrong.
    plan: HasPlan | None = None
    key: HasKey | None = None
    foreign_key: ForeignKeyConstraint | None = None

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
            lazy_related_operation(lambda *_: self.settle(), self.model, *waits)
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
            if same_model(declared.target(), self.model) or not base.awaited(declared.target()):
                declared.settle()
        through.resolve_relations(holder)
        self.plan = has_plan(self, child)
        self.problems = self.plan.problems
        if not self.plan.columns:
            return
        relation = relation_over(child, self.plan.columns, self.model)
        if relation is not None and (not self.is_of_somebody_else(holder) or _is_in_the_way(relation, self.name)):
            make_room(relation, self.name)
        constraint = self.constraint
        end = End(self.owner, self.owner._meta.model_name or "", self.plan.referenced, self._columns)
        if self._is_enforced(constraint, end, holder, relation):
            relation = relation or self._lay(holder, end)
            self._constrain(holder, relation, constraint, end)
        self.key = self.key_class(child, self.owner, self.name, self.plan, models.DO_NOTHING)
        self.key.contribute_to_class(child, f"_{self.owner._meta.app_label}_{self.owner._meta.model_name}_{self.name}")

    @property
    def owner(self) -> type[models.Model]:
        """The model whose table is referenced: of a proxy the one it stands for."""
        return self.model._meta.concrete_model or self.model

    @property
    def constraint(self) -> ConstraintOptions:
        return conf.default_constraint() if self.options.constraint is None else self.options.constraint

    def is_of_somebody_else(self, child: type[models.Model]) -> bool:
        """Whether the child's migrations are not the project's to write, as its app was installed."""
        return _is_installed(child) and not _is_installed(self.model)

    # The child's part of it that migrations see

    @property
    def _columns(self) -> tuple[str, ...]:
        assert self.plan is not None
        return tuple(str(column.column) for column in self.plan.columns)

    def _is_enforced(self, constraint: ConstraintOptions, end: End, child: type[models.Model], relation: Any) -> bool:
        """Whether this declaration is to put a foreign key on the child's table."""
        assert self.plan is not None
        if self.plan.fixed or not through.is_enforced(constraint, end) or self.is_of_somebody_else(child):
            return False
        # A ForeignKey of Django's with a constraint of its own, and a join table, have theirs.
        return not getattr(relation, "db_constraint", False) and not getattr(child, "is_join_table", False)

    def _lay(self, child: type[models.Model], end: End) -> JoinKey:
        """A relation over the child's plain columns, by which migrations know whose table they lead to."""
        assert self.plan is not None
        columns = self.plan.columns
        key = JoinKey(
            end.model,
            from_fields=[column.name for column in columns],
            to_fields=end.to_fields,
            null=any(column.null for column in columns),
            editable=False,
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

    def _constrain(self, child: type[models.Model], relation: Any, constraint: ConstraintOptions, end: End) -> None:
        """This side's foreign key, in the place of the one that a BelongsTo over the same columns has."""
        for declared in getattr(child, "belongs_to_fields", ()):
            if declared.model is child and declared.name == relation.name and declared.foreign_key is not None:
                through.drop_foreign_key(child, declared.foreign_key)
                declared.foreign_key = None
        if isinstance(relation, BelongsToKey | JoinKey):
            relation.remote_field.on_delete = through.python_on_delete(constraint, enforced=True)
        name = constraint.name or conf.naming().foreign_key_name(self.owner._meta.db_table, self.name)
        fields = tuple(column.name for column in relation.local_related_fields)
        ordered = _in_order_of(relation, end)
        self.foreign_key = through.foreign_key(constraint, name, ordered, fields)
        through.add_foreign_key(child, self.foreign_key)
        through.index_key(child, relation)


def _in_order_of(relation: Any, end: End) -> End:
    columns = tuple(str(column.column) for column in relation.local_related_fields)
    return End(end.model, end.name, tuple(relation.foreign_related_fields), columns)


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
    owner._meta._expire_cache(forward=False)


def _is_installed(model: type[models.Model]) -> bool:
    config = model._meta.app_config
    if config is None or config.label in settings.MIGRATION_MODULES:
        return False
    path = Path(config.path)
    return bool({"site-packages", "dist-packages"} & set(path.parts)) or path.is_relative_to(
        sysconfig.get_path("stdlib")
    )
