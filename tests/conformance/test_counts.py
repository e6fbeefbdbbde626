"""What the replay does with its counts: docs/parity.md says them and nothing else, and leaves no step out."""

from __future__ import annotations

import re
from collections import Counter
from types import SimpleNamespace

import pytest

from tests.conformance import plugin


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A parity page of its own, for counts of two steps."""
    monkeypatch.setattr(plugin, "PARITY", tmp_path / "parity.md")
    return plugin.PARITY


def counts(*, write):
    found = plugin.Counts(SimpleNamespace(getoption=lambda name: write))
    found.verdicts = Counter({("append", "equal", ""): 2})
    return found


def test_the_run_writes_the_page_where_it_is_asked_to(page):
    assert counts(write=True)._parity() == []

    assert "| append | 2 | 2 | 0 | 0 |" in page.read_text()
    assert counts(write=False)._parity() == []


def test_a_page_that_says_something_else_fails_the_run_and_says_what_to_type(page):
    counts(write=True)._parity()
    page.write_text(page.read_text().replace("| append | 2 | 2 |", "| append | 2 | 1 |"))

    (problem,) = counts(write=False)._parity()

    assert "pytest tests/conformance --write-parity" in problem


def test_a_page_that_is_not_there_fails_the_run(page):
    assert counts(write=False)._parity() != []


def test_every_recorded_step_is_equal_ruled_or_not_expressible():
    rows = re.findall(r"^\| (\S+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", plugin.PARITY.read_text(), re.MULTILINE)

    assert {verb for verb, *_ in rows} >= {"append", "**all**"}
    assert [verb for verb, steps, *kinds in rows if int(steps) != sum(map(int, kinds))] == []
