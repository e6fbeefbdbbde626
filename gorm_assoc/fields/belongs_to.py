"""
BelongsTo: this model's row names a row of another.

What it becomes depends on the target's key, which Python does not know yet when the class
is made; so the declaration waits for the target and then puts real fields in its place:

    on a JoinTable            plain column(s) and a JoinKey over them
    elsewhere, one column     a ForeignKey; to migrations it is Django's own
    elsewhere, several        plain columns and a JoinKey, as on a JoinTable
    columns already declared  a JoinKey over them

and beside it the foreign key, under GORM's name and with the actions asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage
from django.db import models
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor
from django.db.models.fields.reverse_related import ManyToOneRel

from gorm_assoc import conf, join_plan, through
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.fields import base
from gorm_assoc.join_key import HasManyDescriptor, JoinKey, is_known_missing, settle_key
from gorm_assoc.join_plan import End, Problem
from gorm_assoc.options import RelationOptions, parse
from gorm_assoc.soft_delete import LiveRowsKey, LiveRowsRel
from gorm_assoc.whole_keys import WholeKey

if TYPE_CHECKING:
    _ForeignKey = models.ForeignKey[Any, Any]
    _ForwardDescriptor = ForwardManyToOneDescriptor[Any]
else:
    _ForeignKey = models.ForeignKey
    _ForwardDescriptor = ForwardManyToOneDescriptor


class BelongsToKeyRel(LiveRowsRel, ManyToOneRel):
    """The way back from a row to the live rows that belong to it."""


class BelongsToDescriptor(_ForwardDescriptor):
    """Accessor of the row; None where a preload found it dead, or found none."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is not None and self.field.is_cached(instance) and is_known_missing(self.field, instance):
            return self.field.get_cached_value(instance)
        return super().__get__(instance, cls)


class BelongsToKey(LiveRowsKey, WholeKey, _ForeignKey):
    """The ForeignKey that a single-column BelongsTo becomes; the database's key is a ForeignKeyConstraint."""

    rel_class = BelongsToKeyRel
    forward_related_accessor_class = BelongsToDescriptor
    related_accessor_class = HasManyDescriptor
    has_own_constraint = False

    def _check_unique(self, **kwargs: Any) -> list[CheckMessage]:
        """Nothing, where Django asks for a OneToOneField: a HasOne on the other side is that."""
        return []

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        kwargs["on_delete"] = models.DO_NOTHING
        return name, "django.db.models.ForeignKey", args, kwargs


class BelongsTo(base.Declaration):
    """
    A relation to one row of another model, with GORM's options.

    tag -- GORM's tag: foreignKey, references, constraint; each is a keyword as well
    null -- whether the row may belong to nothing; not by default
    related_name -- the way back, as Django's; on a JoinTable there is none by default

    The columns are <relation>_<referenced field> unless foreign_key names them; columns that the
    model declares itself are used. Mistakes in options do not raise; `manage.py check` reports them.
    """

    listed_in = "belongs_to_fields"
    # What was put beside the relation, if anything; and the has-one or has-many whose foreign key took its place.
    foreign_key: ForeignKeyConstraint | None = None
    replaced_by: Any = None

    def __init__(
        self,
        to: type[models.Model] | str,
        tag: str = "",
        *,
        foreign_key: str | Sequence[str] = "",
        references: str | Sequence[str] = "",
        constraint: str = "",
        null: bool = False,
        related_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.kwargs, unknown = base.split(kwargs, base.TAKEN_WITH_COLUMN)
        self.options: RelationOptions = parse(
            tag, foreign_key=foreign_key, references=references, constraint=constraint, **unknown
        )
        self.tag = tag
        self.to = to
        self.related_name = related_name
        super().__init__(null=null)

    def _attach(self, *_: type[models.Model]) -> None:
        target = self.target()
        waits = base.awaited(target)
        if target is None or target is self.model or not waits:
            self.settle()
        else:
            base.when_declared(lambda *_: self.settle(), target, *waits)

    def settle(self) -> None:
        """
        Put the real fields in this declaration's place, if the target exists.

        A many2many that joins by this model asks for it early, as both wait for the same classes.
        """
        target = self.target()
        if self.settled or target is None:
            return
        self.settled = True
        self.problems: list[Problem] = []
        fields = self._referenced(target)
        columns = self._columns(fields)
        end = End(target, self.name, fields, tuple(columns))
        options = self.options.constraint
        constraint = conf.default_constraint() if options is None else options
        enforced = through.is_enforced(constraint, end)
        on_delete = through.python_on_delete(constraint, enforced)
        own = through.plain_columns(self.model, end)
        is_join_table = getattr(self.model, "is_join_table", False)
        if own is None and len(fields) == 1 and not is_join_table:
            names: tuple[str, ...] = (self.name,)
            foreign_key = self._foreign_key(end, on_delete)
            foreign_key.has_own_constraint = options is not None
            self._add(foreign_key, self.name)
        else:
            names = own or self._add_columns(end)
            hidden = "+" if is_join_table and self.related_name is None else self.related_name
            key = JoinKey(self.to, on_delete, names, end.to_fields, related_name=hidden, null=self.null, **self.kwargs)
            key.has_own_constraint = options is not None
            self._add(key, self.name)
        if enforced:
            name = constraint.name or conf.naming().foreign_key_name(self.model._meta.db_table, self.name)
            self.foreign_key = through.foreign_key(constraint, name, end, names)
            through.add_foreign_key(self.model, self.foreign_key)
        if settle_key(self.model):
            for field in self.model.belongs_to_fields:  # type: ignore[attr-defined]
                if field.settled and field.model is self.model:
                    through.index_key(self.model, self.model._meta.get_field(field.name))

    def _referenced(self, target: type[models.Model]) -> tuple[models.Field[Any, Any], ...]:
        label = f"{self.model._meta.label}.{self.name}"
        return join_plan.referenced_fields(label, "references", target, self.options.references, self.problems)

    def _columns(self, fields: Sequence[models.Field[Any, Any]]) -> tuple[str, ...]:
        """The key's columns: of fields the model has, or else of those to make."""
        label = f"{self.model._meta.label}.{self.name}"
        defaults = [f"{self.name}_{field.attname}" for field in fields]
        return join_plan.key_columns(
            label, "foreignKey", self.options.foreign_key, defaults, self.problems, model=self.model
        )

    def _foreign_key(self, end: End, on_delete: Any) -> BelongsToKey:
        (referenced,), (column,) = end.fields, end.columns
        return BelongsToKey(
            self.to,
            on_delete,
            to_field=None if end.to_fields == (None,) else referenced.name,
            db_column=None if column == f"{self.name}_id" else column,
            db_constraint=False,
            null=self.null,
            related_name=self.related_name,
            **self.kwargs,
        )

    def _add_columns(self, end: End) -> tuple[str, ...]:
        for referenced, name, column in zip(end.fields, end.field_names, end.columns, strict=True):
            self._add(through.key_column(referenced, column, name, null=self.null), name)
        return end.field_names

    def _add(self, field: Any, name: str) -> None:
        # Django orders fields, and tells them apart, by creation_counter: the fields take this
        # declaration's place in the class, each with a number of its own.
        self._added += 1
        field.creation_counter = self.creation_counter + self._added / 100
        field.contribute_to_class(self.model, name)

    _added = 0
