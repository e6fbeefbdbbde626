from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.stage import Stages


@pytest.fixture(scope="session")
def stages(django_db_blocker: Any, request: pytest.FixtureRequest) -> Iterator[Stages]:
    """The sets' tables on the database under test, in autocommit."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    name = os.environ.get("TEST_DATABASE_NAME") or "test_gorm_assoc"
    with django_db_blocker.unblock():
        made = Stages(f"{name}_conformance_{worker}")
        yield made
        made.drop()


@pytest.fixture
def database(stages: Stages, django_db_blocker: Any) -> Iterator[Stages]:
    with django_db_blocker.unblock():
        yield stages
