"""
For `make mutation`: the quickest tests first, as a mutant is dead with the first test that fails.

mutmut writes how long each test took beside the copy that it runs in. It tests a mutant in a fork of a process
that has run the tests before, so what that process remembers of functions of ours is forgotten first.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from gorm_assoc.relationship import _READ

STATS = Path("mutmut-stats.json")


def pytest_sessionstart() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("gorm_assoc"):
            for value in list(vars(module).values()):
                getattr(value, "cache_clear", int)()
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields(include_hidden=True):
            for each in (field, getattr(field, "remote_field", None)):
                for cached in ("path_infos", "reverse_path_infos", "relationship", "_twins"):
                    vars(each or field).pop(cached, None)


def pytest_runtest_setup() -> None:
    """What is read once is read by each test, so that mutmut knows which tests reach what reads it."""
    for model in apps.get_models(include_auto_created=True):
        vars(model._meta).pop(_READ, None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Class by class, so that no class is set up twice; pytest-django goes on from there."""
    if STATS.exists():
        durations = json.loads(STATS.read_text())["duration_by_test"]
        slowest: dict[str, float] = {}
        for item in items:
            slowest[group(item)] = max(slowest.get(group(item), 0), durations.get(item.nodeid, 0))
        items.sort(key=lambda item: (slowest[group(item)], group(item)))
    return (yield)


def group(item: pytest.Item) -> str:
    return item.nodeid.rpartition("::")[0] if getattr(item, "cls", None) else item.nodeid
