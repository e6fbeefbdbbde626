"""Random sequences of verbs on keys against a model in plain Python: who holds whom, and which rows are dead."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.db.models.deletion import ProtectedError
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
from tests.factories import BenchFactory, EmployerFactory, HandFactory, RoomFactory, TaskFactory
from tests.testapp.models import (
    Author,
    Bench,
    Contract,
    Crate,
    Desk,
    Employer,
    Firm,
    Office,
    Site,
    Sticker,
    Task,
    Tool,
)

OWNERS, TARGETS = 3, 4

an_owner = st.integers(0, OWNERS - 1)
some_owners = st.lists(an_owner, min_size=1, max_size=OWNERS, unique=True)
some_targets = st.lists(st.integers(0, TARGETS - 1), min_size=1, max_size=TARGETS)
a_list_of_targets_each = st.lists(st.lists(st.integers(0, TARGETS - 1), max_size=3), min_size=OWNERS, max_size=OWNERS)
forms = st.sampled_from(["instance", "key", "queryset"])


class Machine(RuleBasedStateMachine):
    """
    What both kinds share. Subclasses say which relation.

    held -- holder -> whom it names, or None: targets hold owners, or owners hold targets
    dead -- the targets that are softly deleted
    gone -- the targets whose row was deleted for good
    """

    relation: str

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
        self.held: dict = {}
        self.dead: set = set()
        self.gone: set = set()

    def make(self):
        raise AssertionError("a subclass makes the rows")

    def new(self):
        raise AssertionError("a subclass makes a target that is not stored")

    def association(self, owners, unscoped=False):
        chosen = [self.owners[number] for number in owners]
        association = Association(chosen[0] if len(chosen) == 1 else chosen, self.relation)
        return association.unscoped() if unscoped else association

    def values(self, numbers, form="instance"):
        chosen = [self.targets[number] for number in numbers]
        if form == "key":
            return [target.pk for target in chosen]
        if form == "queryset":
            return [type(chosen[0])._base_manager.filter(pk__in=[target.pk for target in chosen])]
        return chosen

    def stored(self, numbers):
        return [number for number in numbers if number not in self.gone]

    def lists(self, owners, each):
        """One list of targets an owner, and the arguments they make."""
        lists = [self.stored(numbers) for numbers in each[: len(owners)]]
        values = [self.values(numbers) for numbers in lists]
        return lists, (values if len(owners) > 1 else values[0])

    @precondition(lambda self: hasattr(type(self.targets[0]), "deleted_at"))
    @rule(number=st.integers(0, TARGETS - 1))
    def a_target_dies(self, number):
        if number not in self.gone | self.dead:
            self.targets[number].delete()
            self.dead.add(number)

    @precondition(lambda self: self.dead)
    @rule(data=st.data())
    def a_target_comes_back(self, data):
        number = data.draw(st.sampled_from(sorted(self.dead)))
        self.targets[number].restore()
        self.dead.discard(number)


class TargetsHold(Machine):
    """
    Has one, has many.

    required -- the targets' column may not be NULL: they all begin with the first owner
    single -- an owner has at most one target that lives
    """

    single = False
    required = False

    @initialize()
    def rows(self) -> None:
        super().rows()
        self.held = dict.fromkeys(range(TARGETS), 0 if self.required else None)

    # The model in plain Python

    def linked(self, owners, *, dead_too=False):
        dead = set() if dead_too else self.dead
        return {target for target, owner in self.held.items() if owner in owners and target not in self.gone | dead}

    def link(self, wanted) -> Changes:
        moved = {target for target, owner in wanted.items() if self.held[target] != owner}
        self.held.update(wanted)
        return Changes(added=len(moved), kept=len(wanted) - len(moved))

    def unlink(self, targets, unscoped, given=()) -> Changes:
        """Let the targets go; of those `given` to another owner in the same verb no row is deleted."""
        for target in targets:
            self.held[target] = None
        if unscoped:
            self.gone |= set(targets) - set(given)
            self.dead -= self.gone
        return Changes(removed=len(targets))

    def appended(self, owners, lists) -> Changes:
        if not self.single:
            return self.link(self.wanted(owners, lists))
        given = [(owner, numbers) for owner, numbers in zip(owners, lists, strict=True) if numbers]
        return self.replaced([owner for owner, _ in given], [numbers for _, numbers in given], False)

    def replaced(self, owners, lists, unscoped) -> Changes:
        wanted = self.wanted(owners, lists)
        leaving = {t for t in self.linked(owners, dead_too=unscoped) if wanted.get(t) != self.held[t]}
        return self.unlink(leaving, unscoped, wanted) + self.link(wanted)

    def wanted(self, owners, lists):
        last = slice(-1, None) if self.single else slice(None)
        return {target: owner for owner, numbers in zip(owners, lists, strict=True) for target in numbers[last]}

    def leaves(self, owners, lists, unscoped) -> bool:
        """Whether a replace would let go of what must not be without an owner."""
        wanted = self.wanted(owners, lists)
        return self.required and not unscoped and bool(self.linked(owners) - wanted.keys())

    # Rules

    @rule(owner=an_owner, numbers=some_targets, form=forms)
    def append(self, owner, numbers, form):
        if self.single:
            numbers, form = numbers[-1:], "instance"
        numbers = self.stored(numbers)
        if numbers:
            changes = self.association([owner]).append(*self.values(numbers, form))

            assert changes == self.appended([owner], [numbers])

    @rule(owner=an_owner)
    def append_a_new_one(self, owner):
        if self.gone:
            number, target = min(self.gone), self.new()

            self.association([owner]).append(target)

            assert target.pk is not None
            self.targets[number] = target
            self.gone.discard(number)
            self.held[number] = None
            self.appended([owner], [[number]])

    @rule(owners=some_owners, each=a_list_of_targets_each)
    def append_one_list_an_owner(self, owners, each):
        lists, values = self.lists(owners, each)

        changes = self.association(owners).append(*values)

        assert changes == self.appended(owners, lists)

    @rule(owner=an_owner, numbers=some_targets, form=forms, unscoped=st.booleans())
    def replace(self, owner, numbers, form, unscoped):
        if self.single:
            form = "instance"
        numbers = self.stored(numbers)
        if numbers and not self.leaves([owner], [numbers], unscoped):
            changes = self.association([owner], unscoped).replace(*self.values(numbers, form))

            assert changes == self.replaced([owner], [numbers], unscoped)

    @rule(owners=some_owners, each=a_list_of_targets_each, unscoped=st.booleans())
    def replace_one_list_an_owner(self, owners, each, unscoped):
        lists, values = self.lists(owners, each)
        if self.leaves(owners, lists, unscoped):
            with pytest.raises(IntegrityError), transaction.atomic():
                self.association(owners).replace(*values)
            return

        changes = self.association(owners, unscoped).replace(*values)

        assert changes == self.replaced(owners, lists, unscoped)

    @rule(owners=some_owners, numbers=some_targets, form=forms, unscoped=st.booleans())
    def delete(self, owners, numbers, form, unscoped):
        numbers = self.stored(numbers)
        leaving = self.linked(owners, dead_too=unscoped) & set(numbers)
        if numbers and not (self.required and leaving and not unscoped):
            changes = self.association(owners, unscoped).delete(*self.values(numbers, form))

            assert changes == self.unlink(leaving, unscoped)

    @rule(owners=some_owners, unscoped=st.booleans())
    def clear(self, owners, unscoped):
        leaving = self.linked(owners, dead_too=unscoped)
        if self.required and leaving and not unscoped:
            with pytest.raises(IntegrityError), transaction.atomic():
                self.association(owners).clear()
            return

        assert self.association(owners, unscoped).clear() == self.unlink(leaving, unscoped)

    @rule(owner=an_owner, numbers=some_targets)
    def toggle(self, owner, numbers):
        numbers = self.stored(numbers)
        if self.single or self.required or not numbers:
            return
        off = self.linked([owner]) & set(numbers)

        changes = self.association([owner]).toggle(*self.values(numbers))

        assert changes == self.unlink(off, False) + self.link(dict.fromkeys(set(numbers) - off, owner))

    @rule(owners=some_owners, each=a_list_of_targets_each, verb=st.sampled_from(["append", "replace"]))
    def a_dry_run_tells_what_the_verb_then_does(self, owners, each, verb):
        lists, values = self.lists(owners, each)
        if self.leaves(owners, lists, False):
            return
        association = self.association(owners)

        told = getattr(association, verb)(*values, dry_run=True)
        done = getattr(association, verb)(*values)

        assert told == done
        if verb == "replace":
            self.replaced(owners, lists, False)
        else:
            self.appended(owners, lists)

    # What must hold after each rule

    @invariant()
    def the_rows_hold_what_the_model_says(self):
        model = type(self.targets[0])
        rows = {row.pk: row for row in model._base_manager.all()}
        present = {number: target.pk for number, target in enumerate(self.targets) if number not in self.gone}
        assert set(rows) == set(present.values())
        for number, key in present.items():
            owner = self.held[number]
            assert self.owner_of(rows[key]) == (None if owner is None else self.key_of(owner))

    def key_of(self, owner):
        return self.owners[owner].pk

    def owner_of(self, row):
        raise AssertionError("a subclass reads the key")

    @invariant()
    def find_and_count_show_what_lives(self):
        for number, owner in enumerate(self.owners):
            shown = sorted(self.targets[target].pk for target in self.linked([number]))
            association = Association(owner, self.relation)
            assert sorted(target.pk for target in association.find()) == shown
            assert association.count() == len(shown)
            assert association.unscoped().count() == len(self.linked([number], dead_too=True))
        everyone = Association(self.owners, self.relation)
        assert everyone.count() == len(self.linked(range(OWNERS)))


class HasManyThatDie(TargetsHold):
    """Django's own key."""

    relation = "tasks"

    def make(self):
        return HandFactory.create_batch(OWNERS), TaskFactory.create_batch(TARGETS)

    def new(self):
        return Task(title="new")

    def owner_of(self, row):
        return row.worker_id


class HasManyByAKeyThatMustBeSet(TargetsHold):
    relation, required = "contracts", True

    def make(self):
        owners = HandFactory.create_batch(OWNERS)
        return owners, [Contract.objects.create(title=str(n), worker=owners[0]) for n in range(TARGETS)]

    def new(self):
        return Contract(title="new")

    def owner_of(self, row):
        return row.worker_id


class HasManyByACompositeKey(TargetsHold):
    relation = "offices"

    def make(self):
        owners = [Firm.objects.create(number=number, country="no") for number in range(1, OWNERS + 1)]
        return owners, [Office.objects.create(city=str(number)) for number in range(TARGETS)]

    def new(self):
        return Office(city="new")

    def owner_of(self, row):
        key = (row.firm_number, row.firm_country)
        return None if key == (None, None) else key


class PolymorphicHasMany(TargetsHold):
    """Another model's owners, whose keys are the same numbers, take part."""

    relation = "stickers"

    def make(self):
        self.tools = [Tool.objects.create(id=number) for number in range(1, OWNERS + 1)]
        owners = [Crate.objects.create(id=number) for number in range(1, OWNERS + 1)]
        return owners, [Sticker.objects.create(text=str(number)) for number in range(TARGETS)]

    def new(self):
        return Sticker(text="new")

    @rule(number=an_owner, numbers=some_targets)
    def a_tool_takes_some(self, number, numbers):
        numbers = self.stored(numbers)
        self.tools[number].stickers.append(*self.values(numbers))
        self.held.update(dict.fromkeys(numbers, ("tool", number)))

    def key_of(self, owner):
        return ("tools", owner[1] + 1) if isinstance(owner, tuple) else ("crates", owner + 1)

    def owner_of(self, row):
        table = (row.owner_type or "").rpartition("_")[2]  # the type stays when the key goes
        return None if row.owner_id is None else (f"{table}s".replace("ss", "s"), row.owner_id)


class HasOneThatDies(TargetsHold):
    """Nothing but the verbs keeps an owner from having two."""

    relation, single = "desk", True

    def make(self):
        owners = [Author.objects.create(name=str(number)) for number in range(OWNERS)]
        return owners, [Desk.objects.create(room=str(number)) for number in range(TARGETS)]

    def new(self):
        return Desk(room="new")

    def owner_of(self, row):
        return row.author_id


class HasOneByAUniqueKey(TargetsHold):
    """Django's own."""

    relation, single = "desk", True

    def make(self):
        return HandFactory.create_batch(OWNERS), BenchFactory.create_batch(TARGETS)

    def new(self):
        return Bench(name="new")

    def owner_of(self, row):
        return row.worker_id


class OwnersHold(Machine):
    """Belongs to: held is owner -> target."""

    @initialize()
    def rows(self) -> None:
        super().rows()
        self.held = dict.fromkeys(range(OWNERS))

    # The model in plain Python

    def link(self, wanted) -> Changes:
        changed = {owner for owner, target in wanted.items() if self.held[owner] != target}
        left = [owner for owner in changed if self.held[owner] is not None]
        self.held.update(wanted)
        return Changes(added=len(changed), removed=len(left), kept=len(wanted) - len(changed))

    def unlink(self, owners) -> Changes:
        left = [owner for owner in owners if self.held[owner] is not None]
        self.held.update(dict.fromkeys(left))
        return Changes(removed=len(left))

    def destroying(self, wanted) -> set | None:
        """
        What an unscoped verb deletes that leaves the owners so; None if some of it is still referred to.

        First the owners that are left without, then those that get another.
        """
        gone, held = set(), dict(self.held)
        given = set(wanted.values()) - {None}
        for owners in ([o for o in wanted if wanted[o] is None], [o for o in wanted if wanted[o] is not None]):
            left = {held[owner] for owner in owners if held[owner] != wanted[owner]} - given - {None}
            held.update({owner: wanted[owner] for owner in owners})
            if left & set(held.values()):
                return None
            gone |= left
        return gone

    def play(self, owners, verb, values, wanted, unscoped):
        """The verb on the owners, which is to leave `wanted`: owner -> target or None."""
        gone = self.destroying(wanted) if unscoped else set()
        if gone is None:
            with pytest.raises(ProtectedError), transaction.atomic():
                getattr(self.association(owners, unscoped), verb)(*values)
            return
        changes = getattr(self.association(owners, unscoped), verb)(*values)

        empty = [owner for owner, target in wanted.items() if target is None]
        named = {owner: target for owner, target in wanted.items() if target is not None}
        assert changes == self.unlink(empty) + self.link(named)
        self.gone |= gone
        self.dead -= gone

    # Rules

    @rule(owners=some_owners, each=a_list_of_targets_each, unscoped=st.booleans())
    def append_one_list_an_owner(self, owners, each, unscoped):
        lists, values = self.lists(owners, each)
        wanted = {owner: numbers[-1] for owner, numbers in zip(owners, lists, strict=True) if numbers}
        self.play(owners, "append", values, wanted, unscoped)

    @rule(owners=some_owners, each=a_list_of_targets_each, unscoped=st.booleans())
    def replace_one_list_an_owner(self, owners, each, unscoped):
        lists, values = self.lists(owners, each)
        wanted = {owner: numbers[-1] if numbers else None for owner, numbers in zip(owners, lists, strict=True)}
        self.play(owners, "replace", values, wanted, unscoped)

    @rule(owners=some_owners, number=st.integers(0, TARGETS - 1), form=forms)
    def append_to_all(self, owners, number, form):
        if number not in self.gone:
            changes = self.association(owners).append(*self.values([number], form), to_all=True)

            assert changes == self.link(dict.fromkeys(owners, number))

    @rule(owner=an_owner)
    def append_a_new_one(self, owner):
        if self.gone:
            number, target = min(self.gone), self.new()

            self.association([owner]).append(target)

            self.targets[number] = target
            self.gone.discard(number)
            self.held[owner] = number

    @rule(owners=some_owners, numbers=some_targets, unscoped=st.booleans())
    def delete(self, owners, numbers, unscoped):
        numbers = self.stored(numbers)
        if numbers:
            wanted = {owner: None for owner in owners if self.held[owner] in numbers}
            self.play(owners, "delete", self.values(numbers), wanted, unscoped)

    @rule(owners=some_owners, unscoped=st.booleans())
    def clear(self, owners, unscoped):
        self.play(owners, "clear", [], dict.fromkeys(owners), unscoped)

    @rule(owners=some_owners, number=st.integers(0, TARGETS - 1))
    def toggle(self, owners, number):
        if number not in self.gone:
            off = [owner for owner in owners if self.held[owner] == number]

            changes = self.association(owners).toggle(*self.values([number]))

            on = dict.fromkeys([owner for owner in owners if owner not in off], number)
            assert changes == self.unlink(off) + self.link(on)

    @rule(owners=some_owners, each=a_list_of_targets_each, verb=st.sampled_from(["append", "replace"]))
    def a_dry_run_tells_what_the_verb_then_does(self, owners, each, verb):
        lists, values = self.lists(owners, each)
        association = self.association(owners)

        told = getattr(association, verb)(*values, dry_run=True)
        done = getattr(association, verb)(*values)

        assert told == done
        for owner, numbers in zip(owners, lists, strict=True):
            if numbers or verb == "replace":
                self.held[owner] = numbers[-1] if numbers else None

    # What must hold after each rule

    @invariant()
    def rows_and_objects_hold_what_the_model_says(self):
        keys = {number: target.pk for number, target in enumerate(self.targets) if number not in self.gone}
        assert {row.pk for row in type(self.targets[0])._base_manager.all()} == set(keys.values())
        rows = {row.pk: row for row in type(self.owners[0])._base_manager.all()}
        for number, owner in enumerate(self.owners):
            expected = None if self.held[number] is None else keys[self.held[number]]
            assert self.target_of(rows[owner.pk]) == expected
            assert self.target_of(owner) == expected

    def target_of(self, owner):
        raise AssertionError("a subclass reads the key")

    @invariant()
    def find_and_count_show_what_lives(self):
        for number, owner in enumerate(self.owners):
            target = self.held[number]
            shown = [] if target is None or target in self.dead else [self.targets[target].pk]
            assert [each.pk for each in Association(owner, self.relation).find()] == shown
        everyone = Association(self.owners, self.relation)
        named = {target for target in self.held.values() if target is not None}
        assert everyone.count() == len(named - self.dead)
        assert everyone.unscoped().count() == len(named)


class BelongsToOneThatDies(OwnersHold):
    relation = "firm"

    def make(self):
        return HandFactory.create_batch(OWNERS), EmployerFactory.create_batch(TARGETS)

    def new(self):
        return Employer(name="new")

    def target_of(self, owner):
        return owner.firm_id


class BelongsToByACompositeKey(OwnersHold):
    relation = "site"

    def make(self):
        sites = [Site.objects.create(code=str(number), region=1) for number in range(TARGETS)]
        return RoomFactory.create_batch(OWNERS), sites

    def new(self):
        self.made = getattr(self, "made", TARGETS) + 1
        return Site(code=str(self.made), region=2)

    def target_of(self, owner):
        key = (owner.site_code, owner.site_region)
        return None if key == (None, None) else key


class StateMachineOfKeysTests(TestCase):
    def run_machine(self, machine):
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=10,
                stateful_step_count=20,
                deadline=None,
                derandomize=True,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],  # a failure prints its steps; making them fewer would take minutes
            ),
        )

    def test_has_many_that_die_softly(self):
        self.run_machine(HasManyThatDie)

    def test_has_many_by_a_key_that_must_be_set(self):
        self.run_machine(HasManyByAKeyThatMustBeSet)

    def test_has_many_by_a_composite_key(self):
        self.run_machine(HasManyByACompositeKey)

    def test_polymorphic_has_many(self):
        self.run_machine(PolymorphicHasMany)

    def test_has_one_that_dies_softly(self):
        self.run_machine(HasOneThatDies)

    def test_has_one_by_a_unique_key(self):
        self.run_machine(HasOneByAUniqueKey)

    def test_belongs_to_one_that_dies_softly(self):
        self.run_machine(BelongsToOneThatDies)

    def test_belongs_to_by_a_composite_key(self):
        self.run_machine(BelongsToByACompositeKey)

    def test_a_wrong_model_is_found_out(self):
        class Wrong(HasManyThatDie):
            def link(self, wanted):
                return Changes(added=len(wanted))

        with pytest.raises(AssertionError):
            self.run_machine(Wrong)
