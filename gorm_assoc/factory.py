"""
factory-boy factories that take associations in a line (extra: factory).

    class UserFactory(AssociationFactory):
        class Meta:
            model = User

        languages = Associated(LanguageFactory)

    UserFactory(languages=2)        UserFactory.build(languages=[french, {"name": "Dutch"}])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db import models

from gorm_assoc import relationship as relationships
from gorm_assoc.association import Association
from gorm_assoc.relationship import Relationship

try:
    from factory.declarations import PostGenerationDeclaration, SubFactory
    from factory.django import DjangoModelFactory
    from factory.enums import CREATE_STRATEGY, STUB_STRATEGY
except ImportError as error:
    raise ImportError("gorm_assoc.factory needs factory-boy: pip install 'gorm-assoc[factory]'.") from error

__all__ = ["Associated", "AssociationFactory"]

ModelT = TypeVar("ModelT", bound=models.Model)


class AssociationFactory(DjangoModelFactory[ModelT]):
    """A DjangoModelFactory that does not save an object once more after its associations."""

    class Meta:
        abstract = True
        skip_postgeneration_save = True


class Associated(PostGenerationDeclaration):
    """
    A relation of the factory's model, called as the relation.

    factory -- makes its targets: a factory class, or its dotted path
    size -- how many there are if a call does not say
    defaults -- arguments for that factory

    A call says how many or which: `languages=2`, a target, a dict of its fields, a list of these, True for one,
    None for none. Arguments after "__" go to the factory of the targets: `languages__name="Dutch"`.

    create() appends the targets in the database; build() assigns them, so that the object's save() stores them.
    Targets that name their owner are made with it. For a belongs-to that may not be NULL take factory.SubFactory.
    """

    def __init__(self, factory: Any, size: int = 0, **defaults: Any) -> None:
        super().__init__(**defaults)  # type: ignore[no-untyped-call]
        self._targets = SubFactory(factory)  # type: ignore[no-untyped-call]
        self._size = size
        self._given = defaults

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def call(self, instance: Any, step: Any, context: Any) -> list[models.Model]:
        """Fill the relation of a new object; what factory-boy calls. Raises UnsupportedRelation if it has none."""
        strategy = step.builder.strategy
        if strategy == STUB_STRATEGY:
            return []
        relationship = relationships.of(type(instance), self._name)
        wanted = context.value if context.value_provided else max(self._size, int(context.extra != self._given))
        is_stored = strategy == CREATE_STRATEGY
        make = self._maker(relationship, is_stored)
        targets = [
            one if isinstance(one, models.Model) else make(**{**context.extra, **one})
            for one in _each(wanted, self._name)
        ]
        if is_stored and targets:
            Association(instance, self._name).append(*targets)
        elif targets:
            setattr(instance, self._name, targets[-1] if relationship.is_single else targets)
        return targets

    def _maker(self, relationship: Relationship, is_stored: bool) -> Any:
        factory = self._targets.get_factory()  # type: ignore[no-untyped-call]
        return factory.create if is_stored and not relationship.target_holds_key else factory.build


def _each(wanted: Any, name: str) -> list[Any]:
    """The targets that a call asks for: objects, and the arguments of those to make."""
    if wanted is None or isinstance(wanted, int):
        return [{} for _ in range(wanted or 0)]
    if isinstance(wanted, (models.Model, Mapping)):
        return [wanted]
    found = list(wanted) if isinstance(wanted, Iterable) and not isinstance(wanted, (str, bytes)) else [wanted]
    for one in found:
        if not isinstance(one, (models.Model, Mapping)):
            raise TypeError(f"{name}= takes a number, targets or dicts of their fields; got {one!r}.")
    return found
