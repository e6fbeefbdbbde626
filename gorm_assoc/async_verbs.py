"""The async twin of each verb: the same name with an "a" before it, the same arguments, run in a thread."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async

from gorm_assoc.kinds.base import Changes


class AsyncVerbs:
    """Mixed into what has the verbs."""

    async def afind(self: Any, *conditions: Any, **lookups: Any) -> list[Any]:
        """find(), read."""
        return await sync_to_async(lambda: list(self.find(*conditions, **lookups)))()

    async def acount(self: Any, *conditions: Any, **lookups: Any) -> int:
        return int(await sync_to_async(self.count)(*conditions, **lookups))

    async def aappend(self: Any, *given: Any, **options: Any) -> Changes:
        return await _run(self.append, *given, **options)

    async def areplace(self: Any, *given: Any, **options: Any) -> Changes:
        return await _run(self.replace, *given, **options)

    async def adelete(self: Any, *given: Any, **options: Any) -> Changes:
        return await _run(self.delete, *given, **options)

    async def aclear(self: Any, **options: Any) -> Changes:
        return await _run(self.clear, **options)

    async def atoggle(self: Any, *given: Any, **options: Any) -> Changes:
        return await _run(self.toggle, *given, **options)


async def _run(verb: Any, *given: Any, **options: Any) -> Changes:
    changes: Changes = await sync_to_async(verb)(*given, **options)
    return changes
