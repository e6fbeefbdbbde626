"""What objects were before they were stored, so that they are so again if that fails: no invented keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models


class Before:
    """The objects that one call may change, as they were when it met them."""

    def __init__(self) -> None:
        self._noted: dict[int, tuple[models.Model, dict[str, Any], dict[str, Any]]] = {}

    def __contains__(self, instance: models.Model) -> bool:
        return id(instance) in self._noted

    def note(self, instance: models.Model) -> None:
        """Keep how the object is now; what it was when it was noted first counts."""
        if instance not in self:
            state = instance._state
            attributes = instance.__dict__.copy()
            del attributes["_state"]
            self._noted[id(instance)] = (
                instance,
                attributes,
                {**state.__dict__, "fields_cache": dict(state.fields_cache)},
            )

    @contextmanager
    def restored_on_error(self) -> Iterator[None]:
        """If what runs inside fails, every object is as it was."""
        try:
            yield
        except BaseException:
            self._restore()
            raise

    def _restore(self) -> None:
        for instance, attributes, kept in self._noted.values():
            state = instance._state
            instance.__dict__.clear()
            instance.__dict__.update(attributes, _state=state)
            state.__dict__.clear()
            # Copied once more, as there may be another attempt.
            state.__dict__.update(kept, fields_cache=dict(kept["fields_cache"]))
