"""
Many2Many: GORM's many2many, a ManyToManyField whose join model is a real one.

The field carries options; when both ends exist it finds the other side, lets the
primary side build the join model (or attaches to the given one), and from then on
Django reads it like any ManyToManyField. Its managers write (managers.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router, transaction
from django.db.models.fields.related import resolve_relation
from django.db.models.fields.related_descriptors import ManyToManyDescriptor

from gorm_assoc import join_plan, pending, polymorphic, relationship, through
from gorm_assoc.fields import base
from gorm_assoc.has_plan import is_polymorphic
from gorm_assoc.join_plan import JoinPlan
from gorm_assoc.options import RelationOptions, ends_mistakes, label_mistakes, parse
from gorm_assoc.relationship import Relationship
from gorm_assoc.whole_keys import with_whole_key

if TYPE_CHECKING:
    _ManyToManyField = models.ManyToManyField[Any, Any]
    _ManyToManyDescriptor = ManyToManyDescriptor[Any, Any]
else:
    _ManyToManyField = models.ManyToManyField
    _ManyToManyDescriptor = ManyToManyDescriptor


class ManyDescriptor(_ManyToManyDescriptor):
    """Accessor of either side; its manager has the verbs and writes composite keys."""

    @cached_property
    def related_manager_cls(self) -> Any:
        # Row 4 of the design; a field must not need it before somebody uses the relation.
        from gorm_assoc.managers import many_related_manager

        model = self.rel.related_model if self.reverse else self.rel.model
        return many_related_manager(model._default_manager.__class__, self.rel, reverse=self.reverse)

    def __set__(self, instance: Any, value: Any) -> None:  # type: ignore[override]
        if not pending.takes(instance):
            super().__set__(instance, value)
        pending.keep_many(instance, str(self.rel.accessor_name if self.reverse else self.field.name), value)


class Many2Many(_ManyToManyField):
    """
    A many-to-many relation with GORM's options.

    tag -- GORM's tag, letter for letter; each of its options is a keyword as well
    through -- a join model of the project's own (GORM's SetupJoinTable): a class or "app.Model"
    through_fields -- its relations to owner and target, where the columns' names and order do not tell
    join_model -- name of the class made for the join table; "app.Model" puts it into another app
    back_reference -- this side is the way back: the other side decides app, class and column order (if it is
        declared; without it the target's columns come first)

    With both sides declared over one table the other field is this one's reverse; with one side
    declared related_name works as Django's (a self-reference has none).
    Mistakes in options do not raise; `manage.py check` reports them.
    """

    def __init__(
        self,
        to: type[models.Model] | str,
        tag: str = "",
        *,
        many2many: str = "",
        foreign_key: str | Sequence[str] = "",
        references: str | Sequence[str] = "",
        join_foreign_key: str | Sequence[str] = "",
        join_references: str | Sequence[str] = "",
        constraint: str = "",
        polymorphic: str = "",
        polymorphic_type: str = "",
        polymorphic_id: str = "",
        polymorphic_value: str = "",
        through: type[models.Model] | str | None = None,
        through_fields: Sequence[str] = (),
        join_model: str = "",
        back_reference: bool = False,
        related_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs, unknown = base.split(kwargs, base.TAKEN)
        self.options: RelationOptions = parse(
            tag,
            many2many=many2many,
            foreign_key=foreign_key,
            references=references,
            join_foreign_key=join_foreign_key,
            join_references=join_references,
            constraint=constraint,
            polymorphic=polymorphic,
            polymorphic_type=polymorphic_type,
            polymorphic_id=polymorphic_id,
            polymorphic_value=polymorphic_value,
            **unknown,
        )
        # A name that is none is left out, as every mistake: Django would raise.
        wrong_through, wrong_join_model = label_mistakes("through", through), label_mistakes("join_model", join_model)
        wrong_ends = ends_mistakes(through_fields, through)
        wrong = (*wrong_through, *wrong_join_model, *wrong_ends)
        self.options = replace(self.options, mistakes=(*self.options.mistakes, *wrong))
        through = None if wrong_through else through
        self.tag = tag
        self.join_model = "" if wrong_join_model else join_model
        self.back_reference = back_reference
        # As given: remote_field.through is filled in for both sides and all forms.
        self.through_name = through
        given_ends = through_fields if through and not wrong_ends else ()
        self.given_ends = (given_ends[0], given_ends[1]) if given_ends else None
        kwargs["symmetrical"] = False
        # An owner without links is valid in a form too, unless blank=False is given.
        kwargs.setdefault("blank", True)
        super().__init__(to, related_name=related_name, through=through, **kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        # Only what a historical model needs to read and write: never the tag (a changed
        # option is a change of the join model), and through_fields only where they are needed
        # (with them, renaming a model would look like another field).
        name, path, args, kwargs = super().deconstruct()
        for option in ("symmetrical", "through_fields", "db_constraint", "blank"):
            kwargs.pop(option, None)
        ends = self._ends if self._has_choice() else self.given_ends
        if ends:
            kwargs["through_fields"] = ends
        if self.remote_field.hidden:
            kwargs["related_name"] = "+"
        if self._is_turned():
            kwargs["back_reference"] = True
        if is_polymorphic(self.options):
            # No relation of the join model's tells the owner's end.
            for option in ("polymorphic", "polymorphic_type", "polymorphic_id", "polymorphic_value", "foreign_key"):
                if value := getattr(self.options, option):
                    kwargs[option] = value
        return name, path, args, kwargs

    def _has_choice(self) -> bool:
        """Whether a written join model has more relations to an end than this relation uses."""
        if not self._ends or not self._given():
            return False
        relations = [field for field in self.remote_field.through._meta.local_fields if field.remote_field]
        led_to = [field.remote_field.model for field in relations]
        ends = self.model, self.remote_field.model
        return any(sum(relationship.same_model(model, end) for model in led_to) > 1 for end in ends)

    def _is_turned(self) -> bool:
        """Whether a self-reference runs against the order of the join model's columns."""
        if not self._ends or not relationship.same_model(self.model, self.remote_field.model):
            return isinstance(self.through_name, str) and self.back_reference and not self._ends
        ends = [self.remote_field.through._meta.get_field(name).local_related_fields[0] for name in self._ends]
        columns = self.remote_field.through._meta.local_concrete_fields
        return bool(columns.index(ends[0]) > columns.index(ends[1]))

    # System checks: checks/ says what is wrong with a declaration; Django's own would raise, or say it in other words

    @property
    def has_made_join_model(self) -> bool:
        """Whether the join model is one that a declaration made, this or its partner's."""
        given = self.through_name or (self.partner and self.partner.through_name)
        return self.plan is not None and not given and self.taken_by is None

    def _check_relationship_model(self, from_model: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
        if self.through_name is None or (self.plan is not None and self._ends is None):
            return []
        return super()._check_relationship_model(from_model=from_model, **kwargs)  # type: ignore[misc,no-any-return]

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        if self.remote_field.through is None:  # as there is no target: fields.E300
            return super(models.ManyToManyField, self).check(**kwargs)
        return super().check(**kwargs)

    def _check_table_uniqueness(self, **kwargs: Any) -> list[checks.CheckMessage]:
        # fields.E340; models.E028 names the same two models.
        return []

    # From declaration to join model

    # A model that has the class name of the join model to be made and was not given as one.
    taken_by: type[models.Model] | None = None
    remote_field: Any
    _ends: tuple[str, str] | None = None
    partner: Many2Many | None = None
    plan: JoinPlan | None = None

    def contribute_to_class(self, cls: type[models.Model], name: str, **kwargs: Any) -> None:  # type: ignore[override]
        if self.remote_field.model == "self" or (self.remote_field.related_name or "").endswith("+"):
            self._hide(cls, name)
        # Past ManyToManyField's own, which would make Django's join model here.
        super(models.ManyToManyField, self).contribute_to_class(cls, name, **kwargs)
        setattr(cls, self.name, ManyDescriptor(self.remote_field, reverse=False))
        self.m2m_db_table = partial(self._get_m2m_db_table, cls._meta)  # type: ignore[attr-defined,method-assign]

    def _hide(self, cls: type[models.Model], name: str) -> None:
        """Leave the target without accessor or lookup of this relation; Django needs a name of its own for it."""
        rel = self.remote_field
        rel.related_name = f"_{cls._meta.app_label}_{cls.__name__.lower()}_{name}_+"
        for cached in ("hidden", "name", "accessor_name"):
            rel.__dict__.pop(cached, None)

    def contribute_to_related_class(self, cls: type[models.Model], related: Any) -> None:
        if self.model._meta.abstract or self.model._meta.swapped:
            return
        waits = [resolve_relation(self.model, self.through_name)] if self.through_name else []
        for other in join_plan.candidates(self, cls):
            # A join model given on the other side may turn out to be ours too.
            if other.through_name:
                waits.append(resolve_relation(other.model, other.through_name))
        base.when_declared(partial(self._attach, cls), self.model, *waits)

    def _attach(self, target: type[models.Model], *_: type[models.Model]) -> None:
        """Both ends and any given join model exist: settle partner, join model and accessors."""
        if is_polymorphic(self.options):
            self.plan = polymorphic.plan(self, target)
            given = self._given()
            self._join_by(given) if given is not None else self._build()
        else:
            self._find_join_model(target)
        if not self.remote_field.hidden and not self.model._meta.swapped:
            setattr(target, self.remote_field.accessor_name, ManyDescriptor(self.remote_field, reverse=True))

    def _find_join_model(self, target: type[models.Model]) -> None:
        self.partner = cast("Many2Many | None", join_plan.partner(self, target))
        if self.partner is not None:
            self._hide(self.model, self.name)
            self.partner._hide(self.partner.model, self.partner.name)
        self.plan = join_plan.join_plan(self, target, self.partner)
        given = self._given()
        if given is not None:
            if self.partner is not None and self.partner.given_ends and not self.given_ends:
                self.given_ends = self.partner.given_ends[::-1]
            self._join_by(given)
        elif join_plan.is_primary(self, self.partner):
            self._build()
        else:
            assert self.partner is not None
            # As the primary side sees it: in a self-reference the relation's name names an end.
            self.partner.plan = join_plan.join_plan(self.partner, self.model, self)
            self.plan = self.partner.plan.turned()
            self.partner._build()
            self._use(self.partner.remote_field.through, self.partner._ends and self.partner._ends[::-1])

    def _given(self) -> type[models.Model] | None:
        """The join model that either side was given."""
        sides = [self] if self.partner is None else [self, self.partner]
        return next((found for found in map(join_plan.given_through, sides) if found is not None), None)

    def _build(self) -> None:
        """Make the join model; either side may come first to ask for it."""
        if self._ends is not None:
            return
        assert self.plan is not None
        taken = self.model._meta.apps.all_models[through.join_app_label(self)].get(
            through.join_model_name(self).lower()
        )
        if is_polymorphic(self.options):
            is_shared = taken is not None and taken._meta.db_table == self.plan.table
            self.taken_by = None if is_shared and hasattr(taken, "is_made_join_model") else taken
            self._join_by(taken or polymorphic.build(self, self.plan))
        elif taken is not None:
            self.taken_by = taken  # a system check says that it must be given as through=
            self._join_by(taken)
        else:
            is_way_back = self.back_reference and self.partner is None
            built = through.build(self, self.plan.turned() if is_way_back else self.plan)
            self._use(built, (self.plan.owner.name, self.plan.target.name))

    def _join_by(self, model: type[models.Model]) -> None:
        """Use a join model that the project wrote."""
        for belongs_to in getattr(model, "belongs_to_fields", ()):
            belongs_to.settle()
        through.resolve_relations(model)
        assert self.plan is not None
        if is_polymorphic(self.options):
            self.plan, ends = polymorphic.attach(self, self.plan, model)
        else:
            ends = through.attach(self, self.plan, model)
        self._use(model, ends)

    def _use(self, model: type[models.Model], ends: tuple[str, str] | None) -> None:
        self.remote_field.through = model
        self._ends = self.remote_field.through_fields = ends

    # What Django asks a ManyToManyField about its join model

    def _get_m2m_attr(self, related: Any, attr: str) -> Any:
        return self._of_end(0, attr)

    def _get_m2m_reverse_attr(self, related: Any, attr: str) -> Any:
        return self._of_end(1, attr)

    def _of_end(self, number: int, attr: str) -> Any:
        if self._ends is None:
            raise FieldDoesNotExist(
                f"{self.model._meta.label}.{self.name} has no usable join model; manage.py check says why."
            )
        return getattr(self.remote_field.through._meta.get_field(self._ends[number]), attr)

    def m2m_field_name(self) -> str:
        return str(self._of_end(0, "name"))

    def m2m_reverse_field_name(self) -> str:
        return str(self._of_end(1, "name"))

    def m2m_column_name(self) -> str:
        return str(self._of_end(0, "local_related_fields")[0].column)

    def m2m_reverse_name(self) -> str:
        return str(self._of_end(1, "local_related_fields")[0].column)

    def m2m_target_field_name(self) -> str:
        return str(self._of_end(0, "foreign_related_fields")[0].name)

    def m2m_reverse_target_field_name(self) -> str:
        return str(self._of_end(1, "foreign_related_fields")[0].name)

    # Over a join model with Django's own foreign keys too

    def get_path_info(self, filtered_relation: Any = None) -> list[Any]:
        return with_whole_key(super().get_path_info(filtered_relation))

    def get_reverse_path_info(self, filtered_relation: Any = None) -> list[Any]:
        return with_whole_key(super().get_reverse_path_info(filtered_relation))

    # Forms

    def formfield(self, *, using: str | None = None, **kwargs: Any) -> Any:
        from gorm_assoc.forms import TargetMultipleChoiceField, is_composite

        if is_composite(self.remote_field.model):
            kwargs.setdefault("form_class", TargetMultipleChoiceField)
        return super().formfield(using=using, **kwargs)

    def value_from_object(self, obj: models.Model) -> list[Any]:
        if not self._can_be_linked(obj):
            return []
        rows = getattr(obj, self.name).all()
        # A form asks by name, as a query does: strict() is not about it.
        return list(rows if rows._result_cache is not None else rows.filter())

    def _can_be_linked(self, owner: models.Model) -> bool:
        """An owner whose referenced column is empty has no links, and no manager to say so."""
        values = self.relationship.owner_key.get_foreign_related_value(owner)
        return None not in values and owner._is_pk_set()  # type: ignore[attr-defined]

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        """Link what was chosen, unlink what is not: a link to a dead target, never shown, stays."""
        using = router.db_for_write(self.relationship.through, instance=instance)
        chosen = list(data)
        with transaction.atomic(using=using):
            # Where it is written, as a replica may lag.
            linked = getattr(instance, self.name).filter().using(using) if self._can_be_linked(instance) else ()
            if gone := [target for target in linked if target not in chosen]:
                getattr(instance, self.name).remove(*gone)
            if chosen:
                getattr(instance, self.name).add(*chosen)

    @cached_property
    def relationship(self) -> Relationship:
        return relationship.from_django(self.model, self)
