from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.migrations.project import Project

_numbers = count(1)
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker("migrations")


@pytest.fixture
def project(tmp_path: Path, worker_id: str, django_db_blocker: Any) -> Iterator[Project]:
    """A throw-away project with an empty database of its own, which is dropped afterwards."""
    name = os.environ.get("TEST_DATABASE_NAME") or "test_gorm_assoc"
    made = Project(tmp_path, f"{name}_{worker_id}_{next(_numbers)}")
    with django_db_blocker.unblock():
        made.create()
        try:
            yield made
        finally:
            made.drop()
