"""HasMany: many rows of another model belong to this one's."""

from __future__ import annotations

from gorm_assoc.fields.has import Has
from gorm_assoc.has_key import HasKey
from gorm_assoc.relationship import HAS_MANY


class HasManyKey(HasKey):
    """The key of a has-many."""


class HasMany(Has):
    """
    The rows of another model that belong to this one's, with GORM's options.

    tag -- GORM's tag: foreignKey, references, constraint, polymorphic, polymorphicType, polymorphicId,
        polymorphicValue; each is a keyword as well

    foreign_key names the child's relation, field or column; by default it is <this model>_<its key>.
    The accessor is Django's related manager; lookups go by the relation's name. The foreign key takes the place
    of the one that the child's BelongsTo has. Mistakes do not raise; `manage.py check` reports them.
    """

    kind = HAS_MANY
    key_class = HasManyKey
