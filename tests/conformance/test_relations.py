"""Every recorded relation, resolved by this library as GORM resolved it."""

from __future__ import annotations

import pytest

from gorm_assoc import relationship
from gorm_assoc.relationship import HAS_MANY, HAS_ONE, MANY2MANY
from tests.conformance import recordings, sets
from tests.conformance.play import attribute
from tests.conformance.recordings import Set
from tests.conformance.rules import RELATIONS
from tests.conformance.test_schema import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_relations_are_gorms(name: str) -> None:
    recorded, models = recordings.sets()[name], sets.load(name)
    names = _declared(recorded)

    here = {(model, each): _resolved(models[model], each) for model, each in names}

    assert here == {(model, each): _recorded(recorded, model, each) for model, each in names}


def _declared(recorded: Set) -> list[tuple[str, str]]:
    return [
        (model.name, name)
        for model in recorded.models.values()
        for name in model.relations
        if (recorded.name, model.name, name) not in RELATIONS
    ]


def _resolved(model: type, name: str) -> dict[str, object]:
    found = relationship.of(model, attribute(name))
    holder = found.through._meta.db_table
    return {
        "kind": "many_to_many" if found.kind == MANY2MANY else found.kind,
        "target": found.target.__name__,
        "holder": holder,
        "references": {
            (each.foreign_key.column, each.primary_key.column, "owner" if each.own_primary_key else "target")
            for each in found.references
            # Of a key in the owner's or the target's own row the library also names that row's key.
            if each.own_primary_key or found.kind not in (HAS_ONE, HAS_MANY)
        },
        "fixed": {(field.column, value) for field, value in found.fixed},
    }


def _recorded(recorded: Set, model: str, name: str) -> dict[str, object]:
    relation = recorded.models[model].relations[name]
    owner, target = recorded.models[model].table, recorded.models[relation.target].table
    return {
        "kind": relation.kind,
        "target": relation.target,
        "holder": relation.join_table or (owner if relation.kind == "belongs_to" else target),
        "references": set(relation.references),
        "fixed": set(relation.fixed),
    }
