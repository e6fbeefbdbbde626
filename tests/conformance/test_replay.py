"""Every recorded scenario, played with this library. See replay.py; the counts are plugin.py's."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import astuple

import pytest

from tests.conformance import recordings
from tests.conformance.plugin import PROPERTY, folder
from tests.conformance.recordings import Scenario
from tests.conformance.replay import Replay, given_up
from tests.conformance.rules import asks_for_undeclared, not_expressible
from tests.conformance.stage import Stages


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        found = list(recordings.scenarios(folder(metafunc.config)))
        if os.environ.get("REPLAY") == "half":
            found = half_of_each_group(found)
        metafunc.parametrize("scenario", found, ids=[each.name for each in found])


def half_of_each_group(found: list[Scenario]) -> list[Scenario]:
    """At least half of the scenarios of every group (what stands before the dot), by a hash of their names."""
    groups: dict[str, list[str]] = {}
    for name in sorted((each.name for each in found), key=lambda name: zlib.crc32(name.encode())):
        groups.setdefault(name.partition(".")[0], []).append(name)
    chosen = {name for names in groups.values() for name in names[: (len(names) + 1) // 2]}
    return [each for each in found if each.name in chosen]


def test_replay(scenario: Scenario, database: Stages, record_property: Callable[[str, object], None]) -> None:
    differences: list[str] = []
    reason = not_expressible(scenario.set, database.default.vendor) or asks_for_undeclared(scenario)
    if reason or not scenario.steps:
        verdicts = given_up(scenario, "not expressible", reason)
    else:
        replay = Replay(scenario, database[scenario.set])
        replay.run()
        verdicts, differences = replay.verdicts, replay.differences
    record_property(PROPERTY, [scenario.name, [astuple(verdict) for verdict in verdicts]])

    assert not differences, "\n".join(differences)
