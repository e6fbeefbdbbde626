"""docs/differences.md and the rules name the same differences."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conformance.rules import REASONS, RULES
from tests.conformance.test_schema import SCHEMA_RULES

TESTS = Path(__file__).parents[1]
PAGE = Path(__file__).parents[2] / "docs" / "differences.md"


def listed(title: str) -> list[str]:
    section = PAGE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^### `([a-z-]+)`\n\S", section, re.MULTILINE)


def test_every_rule_of_the_replay_has_its_sentence() -> None:
    assert sorted(listed("Rules of the replay")) == sorted(rule.id for rule in RULES)


def test_every_rule_of_the_schema_has_its_sentence() -> None:
    assert sorted(listed("Rules of the schema")) == sorted(SCHEMA_RULES)


def test_what_cannot_be_expressed_is_a_closed_list() -> None:
    assert sorted(listed("Not expressible")) == sorted(REASONS)


def test_every_other_difference_names_a_test_that_exists() -> None:
    named = re.findall(r"`((?:\w+/)?test_\w+\.py)::(test_\w+)`", PAGE.read_text())

    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in (TESTS / file).read_text()]

    assert named
    assert missing == []
