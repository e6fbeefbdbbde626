"""Random sequences of verbs against a model in plain Python: a dict of pairs, live or dead."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import TestCase
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gorm_assoc.models import Association, Changes
from tests.factories import BlogFactory, ClubFactory, LanguageFactory, MemberFactory, TagFactory, UserFactory

OWNERS, TARGETS = 3, 4

some_owners = st.lists(st.integers(0, OWNERS - 1), min_size=1, max_size=OWNERS, unique=True)
some_targets = st.lists(st.integers(0, TARGETS - 1), min_size=1, max_size=TARGETS)
a_list_of_targets_each = st.lists(st.lists(st.integers(0, TARGETS - 1), max_size=3), min_size=OWNERS, max_size=OWNERS)
forms = st.sampled_from(["instance", "key", "queryset"])


class Machine(RuleBasedStateMachine):
    """Subclasses say which relation."""

    relation: str
    soft = False  # whether join rows die softly

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    @initialize()
    def rows(self) -> None:
        self.owners, self.targets = self.make()
        self.live: set = set()
        self.dead: set = set()
        self.dead_targets: set = set()

    def make(self):
        raise AssertionError("a subclass makes the rows")

    def association(self, owners, unscoped=False):
        chosen = [self.owners[number] for number in owners]
        association = Association(chosen[0] if len(chosen) == 1 else chosen, self.relation)
        return association.unscoped() if unscoped else association

    def values(self, numbers, form):
        chosen = [self.targets[number] for number in numbers]
        if form == "key":
            return [target.pk for target in chosen]
        if form == "queryset":
            return [type(chosen[0])._base_manager.filter(pk__in=[target.pk for target in chosen])]
        return chosen

    # The model in plain Python

    def link(self, pairs) -> Changes:
        added, revived = pairs - self.live - self.dead, pairs & self.dead
        kept = pairs & self.live
        self.live |= pairs
        self.dead -= pairs
        return Changes(added=len(added), revived=len(revived), kept=len(kept))

    def unlink(self, pairs, unscoped=False) -> Changes:
        gone = pairs & self.live
        self.live -= gone
        if self.soft and not unscoped:
            self.dead |= gone
            return Changes(removed=len(gone))
        buried = pairs & self.dead
        self.dead -= buried
        return Changes(removed=len(gone) + len(buried))

    def of(self, owners):
        return {(owner, target) for owner in owners for target in range(TARGETS)}

    # Rules

    @rule(owners=some_owners, numbers=some_targets, form=forms)
    def append_to_all(self, owners, numbers, form):
        changes = self.association(owners).append(*self.values(numbers, form), to_all=True)

        assert changes == self.link({(owner, target) for owner in owners for target in numbers})

    @rule(owners=some_owners, each=a_list_of_targets_each)
    def append_one_list_an_owner(self, owners, each):
        lists = each[: len(owners)]
        values = [self.values(numbers, "instance") if numbers else [] for numbers in lists]

        changes = self.association(owners).append(*(values if len(owners) > 1 else values[0]))

        assert changes == self.link({(o, t) for o, numbers in zip(owners, lists, strict=True) for t in numbers})

    @rule(owners=some_owners, numbers=some_targets, form=forms, unscoped=st.booleans())
    def replace_for_all(self, owners, numbers, form, unscoped):
        wanted = {(owner, target) for owner in owners for target in numbers}

        changes = self.association(owners, unscoped).replace(*self.values(numbers, form), to_all=True)

        assert changes == self.unlink(self.of(owners) - wanted, unscoped) + self.link(wanted)

    @rule(owners=some_owners, each=a_list_of_targets_each)
    def replace_one_list_an_owner(self, owners, each):
        lists = each[: len(owners)]
        wanted = {(o, t) for o, numbers in zip(owners, lists, strict=True) for t in numbers}
        values = [self.values(numbers, "instance") if numbers else [] for numbers in lists]

        changes = self.association(owners).replace(*(values if len(owners) > 1 else values[0]))

        assert changes == self.unlink(self.of(owners) - wanted) + self.link(wanted)

    @rule(owners=some_owners, numbers=some_targets, form=forms, unscoped=st.booleans())
    def delete(self, owners, numbers, form, unscoped):
        changes = self.association(owners, unscoped).delete(*self.values(numbers, form))

        assert changes == self.unlink({(owner, target) for owner in owners for target in numbers}, unscoped)

    @rule(owners=some_owners, unscoped=st.booleans())
    def clear(self, owners, unscoped):
        assert self.association(owners, unscoped).clear() == self.unlink(self.of(owners), unscoped)

    @rule(owners=some_owners, numbers=some_targets)
    def toggle(self, owners, numbers):
        asked = {(owner, target) for owner in owners for target in numbers}
        off = asked & self.live

        changes = self.association(owners).toggle(*self.values(numbers, "instance"))

        assert changes == self.unlink(off) + self.link(asked - off)

    @rule(owners=some_owners, numbers=some_targets, verb=st.sampled_from(["append", "replace", "delete"]))
    def a_dry_run_tells_what_the_verb_then_does(self, owners, numbers, verb):
        association, values = self.association(owners), self.values(numbers, "key")
        options = {} if verb == "delete" else {"to_all": True}
        wanted = {(owner, target) for owner in owners for target in numbers}

        told = getattr(association, verb)(*values, dry_run=True, **options)
        done = getattr(association, verb)(*values, **options)

        assert told == done
        if verb == "delete":
            self.unlink(wanted)
        else:
            if verb == "replace":
                self.unlink(self.of(owners) - wanted)
            self.link(wanted)

    @precondition(lambda self: hasattr(type(self.targets[0]), "deleted_at"))
    @rule(number=st.integers(0, TARGETS - 1))
    def a_target_dies(self, number):
        self.targets[number].delete()
        self.dead_targets.add(number)

    @precondition(lambda self: hasattr(type(self.targets[0]), "deleted_at"))
    @rule(number=st.integers(0, TARGETS - 1))
    def a_target_comes_back(self, number):
        self.targets[number].restore()
        self.dead_targets.discard(number)

    # What must hold after each rule

    @invariant()
    def find_count_and_managers_show_the_live_links(self):
        for number, owner in enumerate(self.owners):
            linked = {target for of_owner, target in self.live if of_owner == number}
            shown = {self.targets[target].pk for target in linked - self.dead_targets}
            found = [target.pk for target in getattr(owner, self.relation).all()]
            assert sorted(found) == sorted(shown)
            assert Association(owner, self.relation).count() == len(shown)
        everyone = Association(self.owners, self.relation)
        assert everyone.count() == sum(target not in self.dead_targets for _, target in self.live)
        assert everyone.unscoped().count() == len(self.live) + len(self.dead)


class Plain(Machine):
    relation = "languages"

    def make(self):
        return UserFactory.create_batch(OWNERS), LanguageFactory.create_batch(TARGETS)


class WithSoftDeletedLinksAndHooks(Machine):
    relation, soft = "clubs", True

    def make(self):
        return MemberFactory.create_batch(OWNERS), ClubFactory.create_batch(TARGETS)


class WithCompositeKeys(Machine):
    relation = "tags"

    def make(self):
        return BlogFactory.create_batch(OWNERS), TagFactory.create_batch(TARGETS)


class StateMachineTests(TestCase):
    def run_machine(self, machine):
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=15,
                stateful_step_count=20,
                deadline=None,
                derandomize=True,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],  # a failure prints its steps; making them fewer would take minutes
            ),
        )

    def test_plain_links(self):
        self.run_machine(Plain)

    def test_links_that_die_softly_with_hooks(self):
        self.run_machine(WithSoftDeletedLinksAndHooks)

    def test_composite_keys(self):
        self.run_machine(WithCompositeKeys)

    def test_a_wrong_model_is_found_out(self):
        class Wrong(Plain):
            def link(self, pairs):
                return Changes(added=len(pairs))

        with pytest.raises(AssertionError):
            self.run_machine(Wrong)
