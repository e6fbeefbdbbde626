"""HasMany: many rows of another model belong to this one's."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models.fields.related_descriptors import ReverseManyToOneDescriptor

from gorm_assoc.fields.has import Has
from gorm_assoc.has_key import HasKey

if TYPE_CHECKING:
    _ReverseDescriptor = ReverseManyToOneDescriptor[Any]
else:
    _ReverseDescriptor = ReverseManyToOneDescriptor


class HasManyDescriptor(_ReverseDescriptor):
    """Accessor of the children; its manager has the verbs."""

    @cached_property
    def related_manager_cls(self) -> Any:
        # Row 4 of the design; a field must not need it before somebody uses the relation.
        from gorm_assoc.managers import has_many_related_manager

        return has_many_related_manager(self.rel.related_model._default_manager.__class__, self.rel)


class HasManyKey(HasKey):
    related_accessor_class = HasManyDescriptor


class HasMany(Has):
    """
    The rows of another model that belong to this one's, with GORM's options.

    tag -- GORM's tag: foreignKey, references, constraint, polymorphic, polymorphicType, polymorphicId,
        polymorphicValue; each is a keyword as well

    foreign_key names the child's relation, field or column; by default it is <this model>_<its key>.
    The accessor is Django's related manager; lookups go by the relation's name. The foreign key takes the place
    of the one that the child's BelongsTo has. Mistakes do not raise; `manage.py check` reports them.
    """

    key_class = HasManyKey
