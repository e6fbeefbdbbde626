"""
What a writing verb is asked for: which owner is to be linked with which targets.

Either targets that are known here, for each owner; or one queryset for all owners, which stays
in the database for as long as nobody needs to know its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, models, router
from django.db.models.utils import resolve_callables

from gorm_assoc import kinds, values
from gorm_assoc.exceptions import (
    CallableForQueryset,
    NoJoinRows,
    PrimaryKeyRequired,
    RelationNotAllowed,
    ReservedColumn,
)
from gorm_assoc.kinds import looking, temporary
from gorm_assoc.kinds.base import Links, Owners, PairKeys, Values
from gorm_assoc.kinds.conditions import Sql, subquery
from gorm_assoc.relationship import MANY2MANY, Fields, Relationship
from gorm_assoc.soft_delete import DELETED_AT
from gorm_assoc.values import Value

Defaults = Mapping[str, Any] | Callable[..., Mapping[str, Any]] | None


class Asked:
    """
    owners -- by the values that join rows hold of them
    by_owner -- the targets of each, where they are known here
    queryset, extra -- the targets of all, where they stay in the database, and their extra columns
    """

    def __init__(
        self,
        relationship: Relationship,
        owners: Owners,
        by_owner: Mapping[Values, list[Value]] | None = None,
        queryset: models.QuerySet[Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.relationship = relationship
        self.owners = owners
        self.by_owner = by_owner or {}
        self.queryset = queryset
        self.extra = dict(extra or {})
        self._links: dict[str, Links] = {}
        self.stored: set[int] = set()  # ids of the objects that store() has inserted

    @classmethod
    def of_all(
        cls,
        relationship: Relationship,
        owners: Owners,
        given: Iterable[Any],
        using: str,
        extra: Mapping[str, Any] | None = None,
    ) -> Asked:
        """The same values for every owner; those that have to be read come from the database `using`."""
        given = list(given)
        if len(given) == 1 and values.is_target_queryset(relationship, given[0]):
            return cls(relationship, owners, queryset=given[0], extra=extra)
        read = values.read(relationship, given, using, extra or values.NOTHING)
        return cls(relationship, owners, dict.fromkeys(owners, read))

    @classmethod
    def of(
        cls,
        relationship: Relationship,
        owners: Sequence[models.Model],
        verb: str,
        given: Sequence[Any],
        defaults: Defaults,
        using: str,
        *,
        one_each: bool,
        takes_owner: bool,
    ) -> Asked:
        """
        What a verb was given; owners, values and extra columns are checked here, before any SQL.

        one_each -- the values are one (or a list) for each owner, in their order; else all for every owner
        takes_owner -- a callable `defaults` gets the owner too
        """
        by_key = keyed(relationship, owners, verb)
        if not callable(defaults):
            defaults = _checked(relationship, defaults or {})
            if not one_each:
                return cls.of_all(relationship, by_key, given, using, defaults)
        elif any(isinstance(value, models.QuerySet) for value in given):
            raise CallableForQueryset(relationship.label)
        elif not one_each:
            given = list(values.flattened(relationship, given, using))  # once: a generator has no second time
        by_owner: dict[Values, list[Value]] = {}
        known: dict[Any, Value] = {}
        for number, owner in enumerate(owners):
            own = given[number : number + 1] if one_each else given
            extra = _extra(relationship, defaults, owner if takes_owner else None)
            read = values.read(relationship, own, using, extra, known)
            by_owner.setdefault(held_values(relationship.owner_fields, owner), []).extend(read)
        return cls(relationship, by_key, by_owner)

    @property
    def is_empty(self) -> bool:
        return self.queryset is None and not any(self.by_owner.values())

    @cached_property
    def distinct(self) -> list[Value]:
        """Every value once, whichever owners it is for."""
        lists = {id(wanted): wanted for wanted in self.by_owner.values()}.values()
        if len(lists) == 1:
            return list(*lists)
        return list({id(value): value for wanted in lists for value in wanted}.values())

    def linkable(self) -> Asked:
        """With no more targets than an owner can have: of several the last, as in GORM."""
        if not self.relationship.is_single:
            return self
        by_owner = {owner: wanted[-1:] for owner, wanted in self.by_owner.items()}
        return Asked(self.relationship, self.owners, by_owner, self.queryset, self.extra)

    def with_values(self) -> Asked:
        """Without the owners that were given nothing."""
        by_owner = {owner: wanted for owner, wanted in self.by_owner.items() if wanted}
        owners = {
            values: owner for values, owner in self.owners.items() if self.queryset is not None or values in by_owner
        }
        return Asked(self.relationship, owners, by_owner, self.queryset, self.extra)

    def instances(self) -> list[models.Model]:
        return [value.instance for value in self.distinct if value.instance is not None]

    def new_instances(self) -> list[models.Model]:
        return [value.instance for value in self.distinct if value.instance is not None and value.is_new]

    def pulled(self, using: str, *, needed: bool = False) -> Asked:
        """The same with a queryset's targets read, where they are `needed` here or cannot stay in the database."""
        queryset = self.queryset
        if queryset is None:
            return self
        try:
            self.sql(using)
        except EmptyResultSet:
            return Asked(self.relationship, self.owners, dict.fromkeys(self.owners, []))
        is_elsewhere = queryset._db and queryset.db != using  # type: ignore[attr-defined]
        if not (needed or is_elsewhere) and kinds.of(self.relationship).stays_in_database(
            self.relationship, self.extra, using
        ):
            return self
        read = values.read(self.relationship, [queryset], using, self.extra)
        pulled = Asked(self.relationship, self.owners, dict.fromkeys(self.owners, read))
        pulled.require_allowed(using)
        return pulled

    def require_allowed(self, using: str) -> None:
        """Raise RelationNotAllowed for a target of another database that no router lets the owner relate to."""
        owner: Any = next(iter(self.owners.values()), None)
        for value in self.distinct:
            target = value.instance
            if target is None or target._state.adding or target._state.db in (None, using):
                continue
            if not router.allow_relation(target, owner):
                raise RelationNotAllowed(self.relationship.label, target, str(target._state.db), using)

    def stored_already(self, *, strict: bool = True) -> Asked:
        """Without the targets that have no key yet; those without a referenced value too, unless `strict`."""
        fields = self.relationship.target_fields

        def is_stored(value: Value) -> bool:
            holds = strict or value.instance is None or None not in held_values(fields, value.instance)
            return value.key is not None and holds

        objects = [value for value in self.distinct if value.instance is not None]
        if all(map(is_stored, objects)):
            return self
        lists = {id(wanted): [v for v in wanted if is_stored(v)] for wanted in self.by_owner.values()}
        by_owner = {owner: lists[id(wanted)] for owner, wanted in self.by_owner.items()}
        return Asked(self.relationship, self.owners, by_owner, self.queryset, self.extra)

    def new_pairs(self) -> tuple[PairKeys, ...]:
        """The links to targets that have no key yet: owner's primary key, target."""
        return tuple(
            (self.owners[held].pk, value.instance)
            for held, wanted in self.by_owner.items()
            for value in wanted
            if value.key is None
        )

    def count(self) -> int:
        return sum(len(wanted) for wanted in self.by_owner.values())

    def sql(self, using: str) -> Sql:
        """The queryset's targets as a subquery of the values that join rows hold."""
        assert self.queryset is not None
        fields = self.relationship.target_fields
        return subquery(self.queryset, [field.attname for field in fields], using)

    @contextmanager
    def found(self, using: str) -> Iterator[Sql]:
        """The same for several statements, which all find the same rows."""
        assert self.queryset is not None
        found = self.sql(using)
        # The verb writes the join table, and a slice may have no order.
        reads_links = self.relationship.through._meta.db_table in found.text
        if reads_links or self.queryset.query.is_sliced or "RAND" in found.text.upper():
            with temporary.read_once(found, using) as found:
                yield found
        else:
            yield found

    def store(self, store: Callable[[list[models.Model]], set[int]]) -> None:
        """
        Let new targets be stored, with their owner's key where they hold it.

        store -- is given all targets; returns the ids of those that it has inserted
        """
        if self.relationship.target_holds_key:
            self.hold()
        if instances := self.instances():
            with naming_relation(self.relationship):
                self.stored = store(instances)
            self._links.clear()  # what they hold may be known only now

    def hold(self) -> None:
        """What the links will be in the database, on the objects."""
        hold = kinds.of(self.relationship).hold
        for owner, wanted in self.by_owner.items():
            for value in wanted:
                if value.instance is not None:
                    hold(self.relationship, self.owners[owner], value.instance)

    def links(self, using: str) -> Links:
        """
        The links between owners and targets, each once, in the order of their keys. Targets are stored.

        Raises IntegrityError for a key that no target has, where the relation references another column.
        """
        if using not in self._links:
            self._links[using] = self._linked(self.targets(using))
        return self._links[using]

    def _linked(self, targets: Sequence[Value]) -> Links:
        if len(targets) < len(self.distinct):
            missing = next(value for value in self.distinct if value.held is None)
            label = self.relationship.target._meta.label
            raise IntegrityError(f"{self.relationship.label} cannot link {missing.key!r}: no {label} has that key.")
        one_owner_each = self.relationship.target_holds_key
        rows: dict[Values, Mapping[str, Any]] = {}
        taken: dict[Values, Values] = {}
        for owner_values, wanted in self.by_owner.items():
            for value in wanted:
                held: Values = value.held  # type: ignore[assignment]  # none is missing
                if one_owner_each and taken.setdefault(held, owner_values) != owner_values:
                    del rows[(*taken[held], *held)]  # a target has one owner: the last
                    taken[held] = owner_values
                rows.setdefault(owner_values + held, value.extra)
        # Always in the same order, so that two verbs that insert the same pairs do not wait for each other.
        ordered = sorted(rows)
        extras = list(rows.values())
        if len(set(map(id, extras))) > 1 and any(extra != extras[0] for extra in extras):
            extras = [rows[row] for row in ordered]
        else:
            extras = extras[:1] or [{}]
        # An instance may hold its key as text; one that was stored just now had none when it was read.
        keys = {v.held: v.instance.pk if v.key is None and v.instance is not None else v.key for v in targets}
        new = frozenset(value.held for value in targets if id(value.instance) in self.stored) if self.stored else ()
        return Links(ordered, extras, self.owners, keys, frozenset(new))  # type: ignore[arg-type]

    def held(self, using: str) -> list[Values]:
        """What join rows hold of the targets; without those whose key no target has."""
        return [value.held for value in self.targets(using) if value.held is not None]

    def targets(self, using: str) -> list[Value]:
        """The values with what join rows hold of them; without those whose key no target has."""
        relationship, asked = self.relationship, self.distinct
        fields = relationship.target_fields
        by_key = looking.referenced_values(relationship, [v.key for v in asked if v.instance is None], using)
        for value in asked:
            if value.instance is None:
                value.held = by_key.get(value.key)
                continue
            value.held = held_values(fields, value.instance)
            if None in value.held:
                unset = fields[value.held.index(None)].attname
                raise PrimaryKeyRequired(relationship.target, relationship.label, unset)
        return [value for value in asked if value.held is not None]


def held_values(fields: Fields, instance: models.Model) -> Values:
    """The values that links hold of an instance, as the columns' own types."""
    return tuple([field.to_python(getattr(instance, field.attname)) for field in fields])


def keyed(relationship: Relationship, owners: Iterable[models.Model], verb: str = "") -> Owners:
    """
    The owners by the values that join rows hold of them, each once.

    Raises PrimaryKeyRequired if one lacks its key or such a value.
    """
    fields = relationship.owner_fields
    found: dict[Values, models.Model] = {}
    for owner in owners:
        held = held_values(fields, owner)
        if None in held or values.is_unset(owner.pk):
            needed = (field.attname for field in (*owner._meta.pk_fields, *fields))
            unset = next(attname for attname in needed if getattr(owner, attname) is None)
            raise PrimaryKeyRequired(type(owner), relationship.label, unset, verb)
        found.setdefault(held, owner)
    return found


@contextmanager
def naming_relation(relationship: Relationship) -> Iterator[None]:
    """Let an error of the database about targets, as a taken unique value, say whose targets they are."""
    try:
        yield
    except IntegrityError as error:
        if error.__cause__ is None:
            raise
        text = error.args[-1] if error.args else error
        raise IntegrityError(f"{relationship.label} cannot be saved: {text}") from error.__cause__


def require_join_rows(relationship: Relationship, option: str) -> None:
    """Raise NoJoinRows if the relation has none, to which the option belongs."""
    if relationship.kind != MANY2MANY:
        raise NoJoinRows(relationship.label, option)


def _extra(
    relationship: Relationship, defaults: Defaults, owner: models.Model | None
) -> values.Extra | Mapping[str, Any]:
    if not callable(defaults):
        return defaults or values.NOTHING
    if owner is not None:
        return lambda value: _checked(relationship, defaults(value, owner))
    return lambda value: _checked(relationship, defaults(value))


def _checked(relationship: Relationship, extra: Mapping[str, Any]) -> dict[str, Any]:
    """
    Extra columns, with callables among the values called, as in Django.

    Raises TypeError for a column that the join model does not have, ReservedColumn for one that a verb sets.
    """
    found = dict(resolve_callables(extra))
    if not found:
        return found
    require_join_rows(relationship, "through_defaults")
    relationship.through(**found)
    columns = (*relationship.owner_columns, *relationship.target_columns, *(field for field, _ in relationship.fixed))
    reserved = {relationship.owner_key.name, relationship.target_key.name, DELETED_AT}
    reserved |= {name for field in columns for name in (field.name, field.attname)}
    if taken := sorted(reserved & found.keys()):
        raise ReservedColumn(relationship.label, taken)
    return found
