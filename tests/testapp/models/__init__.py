"""Models that only the tests need, one module for each area."""

from __future__ import annotations

from tests.testapp.models.verbs import *  # noqa: F403
