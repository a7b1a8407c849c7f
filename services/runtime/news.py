"""Wakes those who watch something in this process."""

import asyncio
from contextlib import suppress


class News:
    """Something has changed: look again. Whoever watches takes `next()` before looking, so nothing is missed."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Set when something changes."""
        return self._next

    def spread(self) -> None:
        """Wake everybody who waits."""
        self._next.set()
        self._next = asyncio.Event()

    @staticmethod
    async def wait(event: asyncio.Event, seconds: float) -> None:
        """Until the event is set, but no longer than `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
