"""What objects were before they were stored, so that they are so again if that fails: no invented keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models


class Before:
    """The objects that one call may change, as they were when it met them."""

    def __init__(self) -> None:
        # Apart, and nothing where there is nothing: of ten thousand objects each container is felt.
        self._noted: dict[int, models.Model] = {}
        self._attributes: dict[int, dict[str, Any]] = {}
        self._states: dict[int, dict[str, Any]] = {}

    def __contains__(self, instance: models.Model) -> bool:
        return id(instance) in self._noted

    def note(self, instance: models.Model) -> None:
        """Keep how the object is now; what it was when it was noted first counts."""
        number = id(instance)
        if number in self._noted:
            return
        self._noted[number] = instance
        self._attributes[number] = {name: value for name, value in instance.__dict__.items() if name != "_state"}
        if state := instance._state.__dict__:
            self._states[number] = _copied(state)

    @contextmanager
    def restored_on_error(self) -> Iterator[None]:
        """If what runs inside fails, every object is as it was."""
        try:
            yield
        except BaseException:
            self._restore()
            raise

    def _restore(self) -> None:
        for number, instance in self._noted.items():
            state = instance._state
            instance.__dict__.clear()
            instance.__dict__.update(self._attributes[number], _state=state)
            state.__dict__.clear()
            # Copied once more, as there may be another attempt.
            state.__dict__.update(_copied(self._states.get(number, {})))


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "fields_cache": dict(state["fields_cache"])} if "fields_cache" in state else state.copy()
