"""
A scenario replayed, and each step judged.

First step by step: the recorded tables and sequences are restored before each, so that it is judged
alone. Then, if every step was equal, once more straight through from empty tables.

    equal            as recorded
    ruled            not as recorded, but exactly as a rule of docs/differences.md promises
    not expressible  has no counterpart here; docs/differences.md lists why
    different        none of these: the test fails
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from django.db import DatabaseError

from tests.conformance.compare import Outcome, Renaming, renamed, renaming, same_result, same_rows
from tests.conformance.play import Player
from tests.conformance.recordings import Scenario, Step, Tables
from tests.conformance.rules import NULL_IN_KEY, RULES
from tests.conformance.situation import Situation
from tests.conformance.stage import Stage

# Verbs whose result is compared.
READING = {"load", "find", "count", "assoc_find"}


@dataclass(frozen=True)
class Verdict:
    """What became of a step. detail -- a rule's id, or why it cannot be expressed"""

    verb: str
    kind: str
    detail: str = ""


def given_up(scenario: Scenario, kind: str, detail: str) -> list[Verdict]:
    """The verdicts on a scenario whose set cannot be played at all."""
    return [Verdict(step.verb, kind, detail) for step in scenario.steps]


class Replay:
    """One scenario on one stage."""

    def __init__(self, scenario: Scenario, stage: Stage) -> None:
        self.scenario, self.stage, self.set = scenario, stage, stage.set
        self.differences: list[str] = []
        self.verdicts: list[Verdict] = []

    def run(self) -> None:
        """Both passes; what is different is said in `differences`."""
        with self.stage.entered():
            self._step_by_step()
            if all(verdict.kind == "equal" for verdict in self.verdicts):
                self._straight_through()

    # Step by step

    def _step_by_step(self) -> None:
        player = Player(self.set, self.stage.models)
        highest: dict[str, int] = {}
        here: Tables | None = None
        for step in self.scenario.steps:
            self._note(highest, step.before)
            try:
                if here is None or not same_rows(here, step.before) or step.verb not in READING:
                    self.stage.restore(step.before, highest)
            except DatabaseError:
                self.verdicts.append(Verdict(step.verb, "not expressible", NULL_IN_KEY))
                here = None
                continue
            here = self._judge(player, step)

    def _judge(self, player: Player, step: Step) -> Tables:
        situation = Situation(self.set, self.stage.models, step.do, step.before, player, self.stage.connection.vendor)
        here = self._outcome(player, step)
        recorded = Outcome(step.after, step.result, step.error is not None)
        names = self._same(step, here, recorded)
        if names is not None:
            self.verdicts.append(Verdict(step.verb, "equal"))
        else:
            rule = self._rule(step, situation, here)
            self.verdicts.append(Verdict(step.verb, "ruled" if rule else "different", rule))
            if not rule:
                self.differences.append(self._difference(step, here))
        player.follow(step, names)
        return here.tables

    def _outcome(self, player: Player, step: Step) -> Outcome:
        try:
            result, error = player.play(step), None
        except Exception as raised:  # whatever it is, the step fails, as a recorded one does
            if _is_ours(raised):
                raise
            result, error = None, raised
        return Outcome(self.stage.read(), result, error is not None, error)

    def _same(self, step: Step, here: Outcome, there: Outcome) -> Renaming | None:
        """The renaming of born keys under which both are the same; None if there is none."""
        if here.fails != there.fails:
            return None
        if step.verb in READING and not here.fails:
            ordered = _ordered(step)
            if not same_result(here.result, there.result, ordered):
                return None
        return renaming(self.set, step.before, here.tables, there.tables, _given(step.do))

    def _rule(self, step: Step, situation: Situation, here: Outcome) -> str:
        for rule in RULES:
            if rule.applies(situation):
                promised = rule.promises(situation)
                if self._same(step, here, promised) is not None:
                    return rule.id
        return ""

    @staticmethod
    def _note(highest: dict[str, int], tables: Tables) -> None:
        for table, rows in tables.items():
            for row in rows:
                if isinstance(row.get("id"), int):
                    highest[table] = max(highest.get(table, 0), row["id"])

    # Straight through

    def _straight_through(self) -> None:
        self.stage.restore({}, {})
        here_to_there: Renaming = {}
        player = Player(
            self.set,
            self.stage.models,
            key=lambda table, key: _back(here_to_there, table, key),
            back=lambda table, key: here_to_there.get(table, {}).get(key, key),
        )
        for step in self.scenario.steps:
            here = self._outcome(player, step)
            here = replace(here, tables=renamed(self.set, here.tables, here_to_there))
            names = self._same(step, here, Outcome(step.after, step.result, step.error is not None))
            if names is None:
                self.differences.append(f"straight through: {self._difference(step, here)}")
                return
            for table, pairs in names.items():
                here_to_there.setdefault(table, {}).update(pairs)

    def _difference(self, step: Step, here: Outcome) -> str:
        lines = [f"step {step.number} of {self.scenario.name} ({self.scenario.set}): {json.dumps(step.do)}"]
        if here.fails or step.error:
            lines.append(f"  error recorded: {step.error}; here: {here.error!r}")
        if step.verb in READING:
            lines += [f"  recorded {json.dumps(step.result)}", f"  here     {json.dumps(here.result, default=str)}"]
        for table in sorted({*here.tables, *step.after}):
            rows = [each.get(table, []) for each in (step.before, step.after, here.tables)]
            if not same_rows({table: rows[1]}, {table: rows[2]}):
                lines += [
                    f"  {table}: {name} {json.dumps(each)}"
                    for name, each in zip(("before  ", "recorded", "here    "), rows, strict=True)
                ]
        return "\n".join(lines)


def _is_ours(error: Exception) -> bool:
    """Whether the harness itself broke. (A LookupError is its word for what a step looks for in vain.)"""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    is_here = frame is not None and "/tests/conformance/" in frame.tb_frame.f_code.co_filename
    return is_here and type(error) is not LookupError


def _ordered(step: Step) -> set[str]:
    found = {""} if "order" in step.do else set()
    return found | {each["path"] for each in step.do.get("preload", ()) if isinstance(each, dict) and "order" in each}


def _given(value: Any) -> set[int]:
    """The numbers that a step names as keys."""
    if isinstance(value, list):
        return {key for each in value for key in _given(each)}
    if isinstance(value, dict):
        own = {value["ID"]} if isinstance(value.get("ID"), int) else set()
        return own | {key for each in value.values() for key in _given(each)}
    return set()


def _back(names: Renaming, table: str, key: Any) -> Any:
    return next((here for here, there in names.get(table, {}).items() if there == key), key)
