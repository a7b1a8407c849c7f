"""Work that several ask for at the same time is done once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

import structlog

from services.runtime import deadline, ending

log = structlog.get_logger(__name__)

T = TypeVar("T")


class SharedWork:
    """Tasks that outlive their callers: one that gives up does not take the work of the others with it."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def done(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the work gives; begun here, or by whoever asked for the same before and still waits."""

        async def alone() -> T:
            deadline.begin(None)  # its first caller's would end the work of all; the peers' own hold
            return await work()

        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(alone(), name=f"shared work {key}")
            task.add_done_callback(lambda ended: self._over(key, ended))
        result: T = await asyncio.shield(task)
        return result

    def _over(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._under_way[key]
        if not task.cancelled() and (error := task.exception()):
            # Whoever still waits is told as well; all may have given up.
            log.info("shared work failed", work=str(key), error=repr(error))

    async def drain(self, seconds: float) -> None:
        """Let what is under way be finished, for as long as that may take."""
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=seconds)

    async def close(self) -> None:
        """Give up what is still under way."""
        await ending.cancelled(self._under_way.values())
