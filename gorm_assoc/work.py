"""
Doing what a verb was asked for, in one transaction.

    append, replace, unlink, toggle    what they do to links, or in a dry run would do
    run                                one transaction: lock, work, tell, and take back what failed
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import Error, models

from gorm_assoc import kinds, storing
from gorm_assoc.asked import Asked
from gorm_assoc.kinds import choosing, looking, telling
from gorm_assoc.kinds.base import NOTHING, Changes, Links, Owners, Values, nothing
from gorm_assoc.kinds.choosing import Condition
from gorm_assoc.kinds.conditions import Sql
from gorm_assoc.relationship import Relationship
from gorm_assoc.restoring import Before
from gorm_assoc.saving import Graph
from gorm_assoc.transactions import atomically


class Work:
    """
    On the links of one relationship, on one database.

    unscoped -- dead links are seen, and what is unlinked goes for good
    """

    def __init__(self, relationship: Relationship, using: str, *, unscoped: bool) -> None:
        self.relationship = relationship
        self.using = using
        self.unscoped = unscoped
        self.kind = kinds.of(relationship)

    # What verbs do

    def append(
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
            return nothing(pairs)
        asked = asked.pulled(self.using, needed=full_save or dry_run or pairs)
        if asked.is_empty:
            return nothing(pairs)
        if self.relationship.is_single:  # an owner has one target: the new one
            return self.replace(asked.with_values(), touch=touch, full_save=full_save, dry_run=dry_run, pairs=pairs)
        if dry_run:
            return self._preview(asked, pairs)

        def append(graph: Graph) -> Changes:
            if asked.queryset is not None:
                with asked.found(self.using) as found:
                    return self._link_selected(asked, found, update=update)
            asked.store(graph.store)
            return self._link(asked.links(self.using), pairs, update=update)

        return self.run(append, asked.owners, asked, touch=touch, full=full_save)

    def replace(
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
            return nothing(pairs)
        asked = asked.pulled(self.using, needed=full_save or dry_run or pairs).linkable()
        if dry_run:
            leaving, condition, _ = self._leaving(asked)
            return self._preview(asked.with_values(), pairs) + self._preview_unlink(leaving, condition, pairs)

        def replace(graph: Graph) -> Changes:
            # First what goes, then what comes: a unique column may pass on.
            if asked.queryset is not None:
                with asked.found(self.using) as found:
                    removed = self._unlink(owners, choosing.keeping(owners, found), pairs)
                    return removed + self._link_selected(asked, found)
            leaving, condition, moving = self._leaving(asked)
            removed = self._unlink(leaving, condition, pairs, moving=moving) if leaving else NOTHING
            asked.store(graph.store)
            changes = removed + self._link(asked.links(self.using), pairs)
            if self.relationship.owner_holds_key:
                asked.hold()
            return changes

        return self.run(replace, owners, asked, touch=touch, several=True, full=full_save)

    def unlink(
        self, owners: Owners, condition: Callable[[], Condition], *, dry_run: bool, pairs: bool, **told: Any
    ) -> Changes:
        """
        condition -- called in the transaction
        told -- what m2m_changed is told: asked, clear
        """
        if dry_run:
            return self._preview_unlink(owners, condition(), pairs)
        return self.run(lambda _: self._unlink(owners, condition(), pairs, **told), owners)

    def toggle(self, asked: Asked, *, pairs: bool) -> Changes:
        asked = asked.pulled(self.using, needed=True).linkable()
        if asked.is_empty:
            return nothing(pairs)

        def toggle(graph: Graph) -> Changes:
            asked.store(graph.store)
            links, stored = looking.stored(self.relationship, asked.links(self.using), self.using)
            off = links.only([number for number, row in enumerate(links.rows) if stored.get(row) is False])
            on = links.only([number for number, row in enumerate(links.rows) if stored.get(row) is not False])
            return self._unlink(asked.owners, choosing.exactly(off), pairs) + self._link(on, pairs)

        return self.run(toggle, asked.owners, asked, touch=True, several=True)

    # The primitives, with what this work knows

    def _leaving(self, asked: Asked) -> tuple[Owners, Condition, Collection[Values]]:
        """Whose links replace() takes away first, which, and the targets that others of the owners get."""
        owners = asked.owners
        if self.relationship.owner_holds_key:
            # A new target takes the place of the old one; only who was given nothing is left without.
            empty = {values: owner for values, owner in owners.items() if not asked.by_owner.get(values)}
            moving = self._targets(asked.stored_already().links(self.using)) if empty and self.unscoped else ()
            return empty, choosing.clearing(empty), moving
        links = asked.stored_already().links(self.using)
        is_moving = self.relationship.target_holds_key and len(owners) > 1
        return owners, choosing.keeping(owners, links), self._targets(links) if is_moving else ()

    def _targets(self, links: Links) -> Collection[Values]:
        width = len(self.relationship.owner_columns)
        return {row[width:] for row in links.rows}

    def _link(self, links: Links, pairs: bool, *, update: bool = False) -> Changes:
        pairs = pairs or telling.announces(self.relationship)
        return self.kind.link(self.relationship, links, self.using, update=update, pairs=pairs, destroy=self.unscoped)

    def _link_selected(self, asked: Asked, found: Sql, *, update: bool = False) -> Changes:
        return self.kind.link_selected(self.relationship, asked.owners, found, asked.extra, self.using, update=update)

    def _unlink(self, owners: Owners, condition: Condition, pairs: bool, **told: Any) -> Changes:
        pairs = pairs or telling.announces(self.relationship)
        return self.kind.unlink(
            self.relationship, owners, condition, self.using, destroy=self.unscoped, pairs=pairs, **told
        )

    def _preview(self, asked: Asked, pairs: bool) -> Changes:
        known = asked.stored_already()
        new = asked.count() - known.count()
        changes = self.kind.preview(self.relationship, known.links(self.using), new, self.using, pairs=pairs)
        if not pairs:
            return changes
        return changes + Changes(pairs={"added": asked.new_pairs(), "removed": (), "revived": ()})

    def _preview_unlink(self, owners: Owners, condition: Condition, pairs: bool) -> Changes:
        return looking.preview_unlink(
            self.relationship, owners, condition, self.using, destroy=self.unscoped, pairs=pairs
        )

    # The transaction

    def run(
        self,
        work: Callable[[Graph], Changes],
        owners: Owners,
        asked: Asked | None = None,
        *,
        touch: bool = False,
        several: bool = False,
        full: bool = False,
    ) -> Changes:
        """
        Do the work in one transaction; if it fails, nothing is left of it in the database or on objects.

        asked -- what the work links
        touch -- the owners' updated_at moves
        several -- the work has more than one statement that writes
        full -- given targets that are stored are written, too
        """
        relationship, using = self.relationship, self.using
        touched = [owner for owner in owners.values() if touch and storing.is_touched(owner)]
        new = asked.new_instances() if asked is not None else []
        before = self._noted(owners, touched, new, asked)

        def attempt() -> Changes:
            with before.restored_on_error():  # before another attempt
                # First of all, so that verbs on the same owners follow one another: else a clear() would
                # miss what an append() adds meanwhile and take away what that found linked already.
                if touched:
                    storing.touch(touched, using)
                else:
                    storing.lock(list(owners.values()), using)
                changes = work(Graph(using, full=full, before=before))
                telling.announce(relationship, changes, using)
                return changes

        # A savepoint only where an error can leave something half done inside a caller's transaction.
        several = several or self.unscoped or bool(touched or new) or self.kind.can_revive(relationship)
        with _named(relationship), before.restored_on_error():  # a key may be refused as late as at COMMIT
            changes = atomically(attempt, using, savepoint=several or self.kind.may_raise(relationship))
        if not relationship.owner_holds_key:
            for owner in owners.values():
                storing.forget(relationship, owner)
        return changes

    def _noted(
        self, owners: Owners, touched: Sequence[models.Model], new: Sequence[models.Model], asked: Asked | None
    ) -> Before:
        """How the objects are on which the links will show, or that are stored."""
        before = Before()
        shown: Sequence[models.Model] = []
        if self.relationship.owner_holds_key:
            shown = list(owners.values())
        elif self.relationship.target_holds_key and asked is not None:
            shown = asked.instances()
        for instance in (*touched, *new, *shown):
            before.note(instance)
        return before


@contextmanager
def _named(relationship: Relationship) -> Iterator[None]:
    """Let an error of the database, whose own text knows only tables, say in a note which relation was written."""
    try:
        yield
    except Error as error:
        error.add_note(f"While the links of {relationship.label} were written; nothing of it is stored.")
        raise
