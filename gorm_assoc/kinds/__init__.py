"""
How each kind of relation is read and written.

Three primitives, whatever the kind; what they promise is base.Kind:

                related                   link                  unlink
    many2many   through live join rows    insert join rows      delete join rows
    has         by the targets' own key   set the targets' key  empty it
    belongs_to  by the owners' own key    set the owners' key   empty it

A kind reads only a Relationship. It knows no field class and opens no transaction:
Association does both.
"""

from __future__ import annotations

from gorm_assoc.kinds import belongs_to, has, many2many
from gorm_assoc.kinds.base import Kind
from gorm_assoc.relationship import BELONGS_TO, HAS_MANY, HAS_ONE, MANY2MANY, Relationship

_KINDS: dict[str, Kind] = {BELONGS_TO: belongs_to, HAS_ONE: has, HAS_MANY: has, MANY2MANY: many2many}


def of(relationship: Relationship) -> Kind:
    """The primitives for a relationship of this kind."""
    return _KINDS[relationship.kind]
