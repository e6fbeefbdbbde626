"""
The declared relations as edges between models, for the pictures of django-extensions' graph_models.

    manage.py graph_models app --theme gorm_assoc

By itself graph_models draws ForeignKeys, and many-to-manys whose join model Django made. The theme (templates/) adds
what it does not know: our relations, and the keys of join models.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db import models

from gorm_assoc.catalogue.relations import describe, keys_of, usable_declarations
from gorm_assoc.checks.declared import speaks_for_both
from gorm_assoc.fields.many2many import Many2Many
from gorm_assoc.relationship import BELONGS_TO, HAS_MANY, HAS_ONE, MANY2MANY, Model

# As graph_models draws its own: a dot is "many".
ARROWS = {
    MANY2MANY: "arrowhead=dot, arrowtail=dot, dir=both",
    BELONGS_TO: "arrowhead=none, arrowtail=dot, dir=both",
    HAS_MANY: "arrowhead=dot, arrowtail=none, dir=both",
    HAS_ONE: "arrowhead=none, arrowtail=none, dir=both",
}


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation between two nodes."""

    owner: Model
    target: Model
    name: str
    kind: str

    def __str__(self) -> str:
        return f'{node(self.owner)} -> {node(self.target)} [label=" {self.name}"] [{ARROWS[self.kind]}];'


def node(model: Model) -> str:
    """What graph_models calls a model."""
    return f"{model.__module__.replace('.', '_')}_{model.__name__}"


def edges(of_models: Collection[Model]) -> Iterator[Edge]:
    """Each relation of these models that graph_models does not draw by itself, once."""
    keys: dict[tuple[Model, str], Edge] = {}
    for declaration in usable_declarations(of_models):
        kind = describe(declaration).kind
        own_keys = keys_of(declaration)
        if isinstance(declaration, Many2Many):
            partner = declaration.partner
            if speaks_for_both(declaration) or partner is None or partner.model not in of_models:
                name = f"{declaration.name} ({partner.name})" if partner is not None else declaration.name
                yield Edge(declaration.model, own_keys[-1].remote_field.model, name, kind)
        elif kind != BELONGS_TO:
            yield Edge(declaration.model, own_keys[0].model, declaration.name, kind)
            continue
        for key in own_keys:
            if key.model in of_models and not isinstance(key, models.ForeignKey):
                keys[key.model, key.name] = Edge(key.model, key.remote_field.model, key.name, BELONGS_TO)
    yield from keys.values()
