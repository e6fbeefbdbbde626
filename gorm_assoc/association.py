"""
Association mode: owners, a relationship, and the verbs.

    find  count                               read what is linked
    append  replace  delete  clear  toggle    change what is linked

A verb checks its owners and values before any SQL, stores new targets, hands links to the
kind's primitives, and is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from django.db import models, router

from gorm_assoc import kinds, soft_delete, storing
from gorm_assoc import relationship as relationships
from gorm_assoc.asked import Asked, Defaults, keyed, require_join_rows
from gorm_assoc.async_verbs import AsyncVerbs
from gorm_assoc.exceptions import OwnersMismatch, TargetsNotShared, ValuesLengthMismatch
from gorm_assoc.kinds import choosing, loading, looking, telling
from gorm_assoc.kinds.base import NOTHING, Changes, Kind, Links, Owners
from gorm_assoc.kinds.choosing import Condition
from gorm_assoc.kinds.conditions import Sql
from gorm_assoc.query import scoped_queryset
from gorm_assoc.saving import Graph
from gorm_assoc.transactions import atomically

__all__ = ["Association", "Changes"]


class Association(AsyncVerbs):
    """
    The handle on one relation of one owner, or of several; lazy and reusable.

    owners -- a saved instance; or several: a list or queryset of one model, evaluated when first needed
    name -- the relation: a many-to-many field or the accessor of one declared elsewhere

    Raises UnsupportedRelation for another name, with the nearest that is one; OwnersMismatch for no
    owners at all, or owners of several models.
    """

    def __init__(self, owners: models.Model | Iterable[models.Model], name: str) -> None:
        self._given = owners
        self.is_batch = not isinstance(owners, models.Model)
        if isinstance(owners, models.Model):
            model = type(owners)
        elif isinstance(owners, models.QuerySet):
            model = owners.model
        else:
            self._given = list(owners)
            model = _common_model(self._given)
        self.relationship = relationships.of(model, name)

    _using: str | None = None
    _unscoped = False

    @classmethod
    def of(cls, owner: models.Model, relationship: relationships.Relationship) -> Self:
        """The association of one owner, for a relationship that is already at hand."""
        association = object.__new__(cls)
        association._given, association.is_batch, association.relationship = owner, False, relationship
        return association

    # Switches

    def using(self, alias: str) -> Self:
        """The same association, on that database."""
        return self._but(_using=alias)

    def unscoped(self) -> Self:
        """The same association with dead join rows and targets seen; what is unlinked goes for good."""
        return self._but(_unscoped=True)

    def _but(self, **changes: Any) -> Self:
        other = object.__new__(type(self))
        other.__dict__ = {**self.__dict__, **changes}
        return other

    @property
    def _kind(self) -> Kind:
        return kinds.of(self.relationship)

    @property
    def owners(self) -> Sequence[models.Model]:
        return (self._given,) if isinstance(self._given, models.Model) else list(self._given)

    # Reading

    def find(
        self,
        *conditions: models.Q,
        through: Mapping[str, Any] | None = None,
        order_by_through: str | Sequence[str] = (),
        join_rows: bool = False,
        **lookups: Any,
    ) -> models.QuerySet[Any]:
        """
        The linked targets as a lazy queryset; a target linked to two of several owners comes twice.

        conditions, lookups -- on the target's fields
        through -- lookups on the join rows' columns
        order_by_through -- columns of the join rows, "-" for descending
        join_rows -- each target carries its join row as `join_row`
        """
        owners, relationship = self._keyed_owners("find"), self.relationship
        first = next(iter(owners.values()), None)
        hints = {} if first is None else {"instance": first}
        manager = relationship.target._default_manager.db_manager(self._using, hints=hints)
        with soft_delete.scope(self._unscoped):
            targets = scoped_queryset(manager.get_queryset())
        found = self._kind.related(relationship, list(owners.values()), targets)
        if hasattr(found, "marked"):
            found = found.marked()
        found = self.by_join_rows(found, through, order_by_through, join_rows=join_rows)
        return found.filter(*conditions, **lookups) if conditions or lookups else found

    def by_join_rows(
        self,
        found: models.QuerySet[Any],
        through: Mapping[str, Any] | None = None,
        order_by_through: str | Sequence[str] = (),
        *,
        join_rows: bool = False,
    ) -> models.QuerySet[Any]:
        """Linked targets with find()'s options for join rows."""
        if through or order_by_through or join_rows:
            relationship, owners = self.relationship, self._keyed_owners("find")
            option = "through" if through else "order_by_through" if order_by_through else "join_rows"
            require_join_rows(relationship, option)
            rows = loading.join_rows(relationship, owners, found.db, dead_too=self._unscoped)
            order = [order_by_through] if isinstance(order_by_through, str) else order_by_through
            found = loading.by_join_rows(relationship, found, rows, through or {}, order)
            if join_rows:
                found = loading.with_join_rows(relationship, found, rows, found.db)
        return found

    def count(self, *conditions: models.Q, **lookups: Any) -> int:
        """How many targets are linked, by find()'s conditions; one linked to two owners counts twice."""
        return self.find(*conditions, **lookups).count()

    # Writing

    def append(
        self,
        *given: Any,
        through_defaults: Defaults = None,
        to_all: bool = False,
        update: bool = False,
        full_save: bool = False,
        dry_run: bool = False,
        pairs: bool = False,
    ) -> Changes:
        """
        Link the values; what is linked stays, a dead link is revived.

        given -- instances (unsaved ones are stored), keys, dicts of fields, querysets, lists of these.
            For several owners one value or list an owner, in their order
        through_defaults -- extra columns of the join rows: a dict, or a callable that gets each value as
            given (for several owners also the owner) and returns one. Rows that exist keep theirs
        to_all -- for several owners: every value to every owner
        update -- set the extra columns of links that exist, too
        full_save -- write given instances that are stored already, too
        dry_run -- only tell what would change
        pairs -- tell which pairs changed, as Changes.pairs; in a dry run a target without a key stands for itself

        Without values nothing happens. Raises PrimaryKeyRequired, ValueTypeMismatch, ValuesLengthMismatch
        before any SQL.
        """
        asked = self._asked("append", given, through_defaults, to_all)
        return self._append(asked, update=update, full_save=full_save, dry_run=dry_run, pairs=pairs)

    def replace(
        self,
        *given: Any,
        through_defaults: Defaults = None,
        to_all: bool = False,
        full_save: bool = False,
        dry_run: bool = False,
        pairs: bool = False,
    ) -> Changes:
        """
        Link exactly the values: others are unlinked, those that were linked keep their join rows.

        Values, options and errors are append()'s. Without values it is clear().
        """
        if not given:
            return self.clear(dry_run=dry_run, pairs=pairs)
        asked = self._asked("replace", given, through_defaults, to_all)
        return self._replace(asked, full_save=full_save, dry_run=dry_run, pairs=pairs)

    def delete(self, *given: Any, dry_run: bool = False, pairs: bool = False) -> Changes:
        """
        Take the values off every owner; their rows stay. What is not linked, or has no key, is ignored.

        Raises PrimaryKeyRequired, ValueTypeMismatch before any SQL.
        """
        asked = Asked.of_all(self.relationship, self._keyed_owners("delete"), given)
        asked = asked.stored_already(strict=False).pulled(self._alias(), needed=pairs)
        keys = None if asked.queryset is not None else [value.key for value in asked.distinct()]

        def condition(using: str) -> Condition:
            wanted = asked.sql(using) if keys is None else [held for held, _ in asked.targets(using).values()]
            return choosing.naming(asked.owners, wanted)

        return Changes() if asked.is_empty else self._unlink(asked.owners, condition, dry_run, pairs, asked=keys)

    def clear(self, *, dry_run: bool = False, pairs: bool = False) -> Changes:
        """Take all targets off every owner; their rows stay. Raises PrimaryKeyRequired before any SQL."""
        owners = self._keyed_owners("clear")
        condition = choosing.clearing(owners)
        return self._unlink(owners, lambda _: condition, dry_run, pairs, clear=True) if owners else Changes()

    def toggle(self, *given: Any, through_defaults: Defaults = None, pairs: bool = False) -> Changes:
        """
        Unlink those of the values that are linked and link the others, for each owner.

        Raises PrimaryKeyRequired, ValueTypeMismatch before any SQL.
        """
        asked = self._asked("toggle", given, through_defaults, to_all=True).pulled(self._alias(), needed=True)

        def toggle(using: str) -> Changes:
            asked.store(Graph(using).store)
            links, stored = looking.stored(self.relationship, asked.links(using), using)
            off = links.only([number for number, row in enumerate(links.rows) if stored.get(row) is False])
            on = links.only([number for number, row in enumerate(links.rows) if stored.get(row) is not False])
            removed = self._unlinked(asked.owners, choosing.exactly(off), using, pairs)
            return removed + self._linked(on, using, pairs)

        return Changes() if asked.is_empty else self._run(asked.owners, toggle, asked, touch=True, several=True)

    # What the related manager's add() and set() are: targets must be stored, updated_at stays

    def append_stored(self, given: Iterable[Any], through_defaults: Mapping[str, Any]) -> Changes:
        """append() as Django's add() does it. Raises ValueError for a target that is not stored."""
        return self._append(self._asked_stored("add", given, through_defaults), touch=False)

    def replace_stored(self, given: Iterable[Any], through_defaults: Mapping[str, Any], *, clear: bool) -> Changes:
        """replace() as Django's set() does it; `clear` unlinks everything first."""
        asked = self._asked_stored("set", given, through_defaults)
        if not clear:
            return self._replace(asked, touch=False)
        return self._run(asked.owners, lambda _: self.clear() + self._append(asked, touch=False), several=True)

    def _asked_stored(self, verb: str, given: Iterable[Any], through_defaults: Mapping[str, Any]) -> Asked:
        asked = Asked.of_all(self.relationship, self._keyed_owners(verb), given, through_defaults)
        (owner,) = asked.owners.values()
        for value in asked.distinct():
            if value.instance is None:
                continue
            if value.key is None:
                raise ValueError(
                    f"{self.relationship.label} cannot add {value.instance!r}: it is not stored. "
                    f"Save it first, or use append()."
                )
            if not router.allow_relation(value.instance, owner):
                raise ValueError(
                    f"{self.relationship.label} cannot take {value.instance!r}: it is on database "
                    f"{value.instance._state.db!r}, its owner on {owner._state.db!r}."
                )
        return asked

    # The work

    def _append(
        self,
        asked: Asked,
        *,
        touch: bool = True,
        update: bool = False,
        full_save: bool = False,
        dry_run: bool = False,
        pairs: bool = False,
    ) -> Changes:
        if asked.is_empty or not asked.owners:
            return Changes()
        asked = asked.pulled(self._alias(), needed=full_save or dry_run or pairs)
        if asked.is_empty:
            return Changes()
        if self.relationship.is_single:  # an owner has one target: the new one
            return self._replace(asked.with_values(), touch=touch, full_save=full_save, dry_run=dry_run, pairs=pairs)
        if dry_run:
            return self._preview(asked, pairs)

        def append(using: str) -> Changes:
            if asked.queryset is not None:
                with asked.found(using) as found:
                    return self._linked_found(asked, found, using, update=update)
            asked.store(Graph(using, full=full_save).store)
            return self._linked(asked.links(using), using, pairs, update=update)

        return self._run(asked.owners, append, asked, touch=touch)

    def _replace(
        self,
        asked: Asked,
        *,
        touch: bool = True,
        full_save: bool = False,
        dry_run: bool = False,
        pairs: bool = False,
    ) -> Changes:
        owners = asked.owners
        if not owners:
            return Changes()
        asked = asked.pulled(self._alias(), needed=full_save or dry_run or pairs)
        if dry_run:
            leaving, condition = self._leaving(asked, self._alias())
            return self._preview(asked.with_values(), pairs) + self._previewed(leaving, condition, pairs)

        def replace(using: str) -> Changes:
            # First what goes, then what comes: a unique column may pass on.
            if asked.queryset is not None:
                with asked.found(using) as found:
                    removed = self._unlinked(owners, choosing.keeping(owners, found), using, pairs)
                    return removed + self._linked_found(asked, found, using)
            leaving, condition = self._leaving(asked, using)
            removed = self._unlinked(leaving, condition, using, pairs) if leaving else NOTHING
            asked.store(Graph(using, full=full_save).store)
            changes = removed + self._linked(asked.links(using), using, pairs)
            if self.relationship.owner_holds_key:
                asked.hold()
            return changes

        return self._run(owners, replace, asked, touch=touch, several=True)

    def _leaving(self, asked: Asked, using: str) -> tuple[Owners, Condition]:
        """Whose links replace() takes away first, and which."""
        if self.relationship.owner_holds_key:
            # A new target takes the place of the old one; only who was given nothing is left without.
            empty = {values: owner for values, owner in asked.owners.items() if not asked.by_owner.get(values)}
            return empty, choosing.clearing(empty)
        return asked.owners, choosing.keeping(asked.owners, asked.stored_already().links(using))

    def _unlink(
        self,
        owners: Owners,
        condition: Callable[[str], Condition],
        dry_run: bool,
        pairs: bool,
        **told: Any,
    ) -> Changes:
        if dry_run:
            return self._previewed(owners, condition(self._alias()), pairs)
        return self._run(owners, lambda using: self._unlinked(owners, condition(using), using, pairs, **told))

    def _linked(self, links: Links, using: str, pairs: bool, *, update: bool = False) -> Changes:
        pairs, destroy = pairs or self._announces, self._unscoped
        return self._kind.link(self.relationship, links, using, update=update, pairs=pairs, destroy=destroy)

    def _linked_found(self, asked: Asked, found: Sql, using: str, *, update: bool = False) -> Changes:
        return self._kind.link_selected(self.relationship, asked.owners, found, asked.extra, using, update=update)

    def _unlinked(self, owners: Owners, condition: Condition, using: str, pairs: bool, **told: Any) -> Changes:
        pairs = pairs or self._announces
        return self._kind.unlink(
            self.relationship, owners, condition, using, destroy=self._unscoped, pairs=pairs, **told
        )

    def _preview(self, asked: Asked, pairs: bool) -> Changes:
        using, known = self._alias(), asked.stored_already()
        new = asked.count() - known.count()
        changes = self._kind.preview(self.relationship, known.links(using), new, using, pairs=pairs)
        return (
            changes + Changes(pairs={"added": asked.new_pairs(), "removed": (), "revived": ()}) if pairs else changes
        )

    def _previewed(self, owners: Owners, condition: Condition, pairs: bool) -> Changes:
        return looking.preview_unlink(
            self.relationship, owners, condition, self._alias(), destroy=self._unscoped, pairs=pairs
        )

    def _run(
        self,
        owners: Owners,
        work: Callable[[str], Changes],
        asked: Asked | None = None,
        *,
        touch: bool = False,
        several: bool = False,
    ) -> Changes:
        """Do the work in one transaction; if it fails, nothing is left of it in the database or on objects."""
        relationship, using = self.relationship, self._alias()
        touched = [owner for owner in owners.values() if touch and storing.is_touched(owner)]
        new = asked.new_instances() if asked is not None else []
        held = self._held(owners, asked)

        def attempt() -> Changes:
            with storing.taken_back_on_error(new, touched, held):  # before another attempt
                # First of all, so that verbs on the same owners follow one another: else a clear() would
                # miss what an append() adds meanwhile and take away what that found linked already.
                if touched:
                    storing.touch(touched, using)
                else:
                    storing.lock(list(owners.values()), using)
                changes = work(using)
                telling.announce(relationship, changes, using)
                return changes

        # A savepoint only where an error can leave something half done inside a caller's transaction.
        several = several or self._unscoped or bool(touched or new) or self._kind.can_revive(relationship)
        with storing.taken_back_on_error(new, touched, held):  # a key may be refused as late as at COMMIT
            changes = atomically(attempt, using, savepoint=several or self._kind.may_raise(relationship))
        if not relationship.owner_holds_key:
            for owner in owners.values():
                storing.forget(relationship, owner)
        return changes

    def _held(self, owners: Owners, asked: Asked | None) -> list[tuple[models.Model, Sequence[str]]]:
        """The objects on which the links show, and the attributes."""
        relationship = self.relationship
        if relationship.owner_holds_key:
            names = [column.attname for column in relationship.target_columns]
            return [(owner, names) for owner in owners.values()]
        if not relationship.target_holds_key or asked is None:
            return []
        names = [column.attname for column in relationship.owner_columns]
        names += [field.attname for field, _ in relationship.fixed]
        return [(target, names) for target in asked.instances()]

    @property
    def _announces(self) -> bool:
        return telling.announces(self.relationship)

    def _alias(self) -> str:
        if self._using:
            return self._using
        owners = self.owners
        return router.db_for_write(self.relationship.through, **({"instance": owners[0]} if owners else {}))

    # Owners and values

    def require_key(self, verb: str = "") -> None:
        """Raise PrimaryKeyRequired if an owner lacks its key or a value that its links refer to."""
        self._keyed_owners(verb)

    def _keyed_owners(self, verb: str) -> Owners:
        return keyed(self.relationship, self.owners, verb)

    def _asked(self, verb: str, given: Sequence[Any], defaults: Defaults, to_all: bool) -> Asked:
        one_each = self.is_batch and not to_all
        if to_all and self.relationship.target_holds_key and len(self._keyed_owners(verb)) > 1:
            raise TargetsNotShared(self.relationship.label, verb, len(self.owners))
        if one_each and len(given) != len(self.owners):
            self.require_key(verb)
            raise ValuesLengthMismatch(verb, len(self.owners), len(given))
        takes_owner = self.is_batch
        return Asked.of(
            self.relationship, self.owners, verb, given, defaults, one_each=one_each, takes_owner=takes_owner
        )


def _common_model(owners: Sequence[models.Model]) -> type[models.Model]:
    kinds = {owner._meta.concrete_model for owner in owners}
    if len(kinds) != 1:
        raise OwnersMismatch(sorted({owner._meta.label for owner in owners}))
    return type(owners[0])
