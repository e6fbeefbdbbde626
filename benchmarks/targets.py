"""What is to be reached, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.harness import OURS, Figures
from benchmarks.writing import ADD, ADD_AND_TOUCH, ADD_LOOP, CREATE_LOOP, DRIVER, SET

Results = Mapping[str, Mapping[str, Figures]]

# Work, peer, how many times as fast as the peer we are at least.
TARGETS = (
    ("append 1", ADD, 1.0),
    ("append 1", ADD_AND_TOUCH, 1.0),
    ("append 10,000", ADD, 8.0),
    ("append 10,000", DRIVER, 1 / 1.2),
    ("replace 10,000, half of them kept", SET, 3.0),
    ("append 10 each to 2,000 owners", ADD_LOOP, 7.0),
    ("create 1,000 owners with 10 new targets each", CREATE_LOOP, 5.0),
)
LINEAR = 1.5  # a hundred times the work may take so many times more than a hundred times as long: noise, and log n


def missed(results: Results, growth: Mapping[str, list[float]]) -> list[str]:
    found = []
    for work, peer, least in TARGETS:
        ratio = results[work][peer].seconds / results[work][OURS].seconds
        if ratio < least:
            found.append(f"{work}: {ratio:.2f}x as fast as {peer}, to reach {least:.2f}x")
    for verb, seconds in growth.items():
        times = seconds[-1] / seconds[0]
        if times > 100 * LINEAR:
            found.append(f"{verb}: a hundred times as much takes {times:.0f} times as long")
    return found
