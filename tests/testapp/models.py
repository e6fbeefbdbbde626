"""Models that only the tests need."""

from __future__ import annotations
