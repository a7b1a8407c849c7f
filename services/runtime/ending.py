"""Ending tasks, also those that do not hear it the first time."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

CANCEL_AGAIN_SECONDS: Final = 3.0
"""Longer than cleaning up takes, which a second cancellation would break off."""


async def cancelled(tasks: Iterable[asyncio.Future[Any]], *, again_seconds: float = CANCEL_AGAIN_SECONDS) -> None:
    """Cancel tasks, and return when all have ended; what they raise is told to nobody.

    A cancellation can be swallowed on its way: by gRPC where a reply arrives at the same moment, by asyncio.wait_for
    before Python 3.12 in a fetch that has just begun. Who is in a loop then goes on for ever. So it is repeated.
    """
    every = list(tasks)
    while running := [task for task in every if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=again_seconds)
    await asyncio.gather(*every, return_exceptions=True)
