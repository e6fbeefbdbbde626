"""
Association mode: owners, a relationship, and the verbs.

    find  count                               read what is linked
    append  replace  delete  clear  toggle    change what is linked

A verb checks its owners and values before any SQL, stores new targets, hands links to the
kind's primitives, and is one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from django.db import models, router

from gorm_assoc import kinds, soft_delete
from gorm_assoc import relationship as relationships
from gorm_assoc.asked import Asked, Defaults, keyed, require_join_rows
from gorm_assoc.async_verbs import AsyncVerbs
from gorm_assoc.exceptions import OwnersMismatch, TargetsNotShared, ValuesLengthMismatch
from gorm_assoc.kinds import choosing, loading
from gorm_assoc.kinds.base import Changes, Owners, nothing
from gorm_assoc.kinds.choosing import Condition
from gorm_assoc.query import scoped_queryset
from gorm_assoc.values import is_settled
from gorm_assoc.work import Work

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
        found = kinds.of(relationship).related(relationship, list(owners.values()), targets)
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
        work = self._work()
        asked = self._asked("append", given, work.using, through_defaults, to_all)
        return work.append(asked, update=update, full_save=full_save, dry_run=dry_run, pairs=pairs)

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
        work = self._work()
        asked = self._asked("replace", given, work.using, through_defaults, to_all)
        return work.replace(asked, full_save=full_save, dry_run=dry_run, pairs=pairs)

    def delete(self, *given: Any, dry_run: bool = False, pairs: bool = False) -> Changes:
        """
        Take the values off every owner; their rows stay. What is not linked, or has no key, is ignored.

        Raises PrimaryKeyRequired, ValueTypeMismatch before any SQL.
        """
        work = self._work()
        asked = Asked.of_all(self.relationship, self._keyed_owners("delete"), given, work.using)
        asked = asked.stored_already(strict=False).pulled(work.using, needed=pairs)
        if asked.is_empty:
            return nothing(pairs)
        keys = None if asked.queryset is not None else [value.key for value in asked.distinct]

        def condition() -> Condition:
            if keys is None:
                return choosing.naming(asked.owners, asked.sql(work.using))
            return choosing.naming(asked.owners, asked.held(work.using))

        return work.unlink(asked.owners, condition, dry_run=dry_run, pairs=pairs, asked=keys)

    def clear(self, *, dry_run: bool = False, pairs: bool = False) -> Changes:
        """Take all targets off every owner; their rows stay. Raises PrimaryKeyRequired before any SQL."""
        work = self._work()
        owners = self._keyed_owners("clear")
        if not owners:
            return nothing(pairs)
        condition = choosing.clearing(owners)
        return work.unlink(owners, lambda: condition, dry_run=dry_run, pairs=pairs, clear=True)

    def toggle(self, *given: Any, through_defaults: Defaults = None, pairs: bool = False) -> Changes:
        """
        Unlink those of the values that are linked and link the others, for each owner.

        Raises PrimaryKeyRequired, ValueTypeMismatch before any SQL.
        """
        work = self._work()
        return work.toggle(self._asked("toggle", given, work.using, through_defaults, to_all=True), pairs=pairs)

    # What the related manager's add() and set() are: targets must be stored, updated_at stays

    def append_stored(self, given: Iterable[Any], through_defaults: Mapping[str, Any]) -> Changes:
        """append() as Django's add() does it. Raises ValueError for a target that is not stored."""
        work = self._work()
        return work.append(self._asked_stored("add", given, work.using, through_defaults), touch=False)

    def replace_stored(self, given: Iterable[Any], through_defaults: Mapping[str, Any], *, clear: bool) -> Changes:
        """replace() as Django's set() does it; `clear` unlinks everything first."""
        work = self._work()
        asked = self._asked_stored("set", given, work.using, through_defaults)
        if not clear:
            return work.replace(asked, touch=False)
        return work.run(lambda _: self.clear() + work.append(asked, touch=False), asked.owners, several=True)

    def _asked_stored(self, verb: str, given: Iterable[Any], using: str, through_defaults: Mapping[str, Any]) -> Asked:
        asked = Asked.of_all(self.relationship, self._keyed_owners(verb), given, using, through_defaults)
        for value in asked.distinct:
            if value.instance is None:
                continue
            if value.key is None:
                raise ValueError(
                    f"{self.relationship.label} cannot add {value.instance!r}: it is not stored. "
                    f"Save it first, or use append()."
                )
        asked.require_allowed(using)
        return asked

    def _work(self) -> Work:
        return Work(self.relationship, self._alias(), unscoped=self._unscoped)

    def _alias(self) -> str:
        self._read_owners()
        if self._using:
            return self._using
        owners = self.owners
        return router.db_for_write(self.relationship.through, **({"instance": owners[0]} if owners else {}))

    def _read_owners(self) -> None:
        """Read owners in a queryset where they are written, as a replica may lag; unless it names its database."""
        rows: Any = self._given
        if not isinstance(self._given, models.QuerySet) or is_settled(rows):
            return
        # The caller's own queryset, so that its objects are those which the verb changes.
        rows._db = self._using or router.db_for_write(rows.model, **rows._hints)
        try:
            len(rows)
        finally:
            rows._db = None

    # Owners and values

    def require_key(self, verb: str = "") -> None:
        """Raise PrimaryKeyRequired if an owner lacks its key or a value that its links refer to."""
        self._keyed_owners(verb)

    def _keyed_owners(self, verb: str) -> Owners:
        return keyed(self.relationship, self.owners, verb)

    def _asked(self, verb: str, given: Sequence[Any], using: str, defaults: Defaults, to_all: bool) -> Asked:
        one_each = self.is_batch and not to_all
        if to_all and self.relationship.target_holds_key and len(self._keyed_owners(verb)) > 1:
            raise TargetsNotShared(self.relationship.label, verb, len(self.owners))
        if one_each and len(given) != len(self.owners):
            self.require_key(verb)
            raise ValuesLengthMismatch(verb, len(self.owners), len(given))
        takes_owner = self.is_batch
        asked = Asked.of(
            self.relationship, self.owners, verb, given, defaults, using, one_each=one_each, takes_owner=takes_owner
        )
        asked.require_allowed(using)
        return asked


def _common_model(owners: Sequence[models.Model]) -> type[models.Model]:
    kinds = {owner._meta.concrete_model for owner in owners}
    if len(kinds) != 1:
        raise OwnersMismatch(sorted({owner._meta.label for owner in owners}))
    return type(owners[0])
