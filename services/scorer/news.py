"""Wakes those who watch leaderboards of this process."""

import asyncio
from contextlib import suppress


class News:
    """Something has changed: look again. Watchers take `next()` before they look, so nothing is missed."""

    def __init__(self) -> None:
        self._next = asyncio.Event()
        self.over = False

    def next(self) -> asyncio.Event:
        """Set at the next ring."""
        return self._next

    def ring(self) -> None:
        """Wake everybody."""
        self._next.set()
        self._next = asyncio.Event()

    def end(self) -> None:
        """The service leaves: wake everybody for the last time."""
        self.over = True
        self._next.set()

    @staticmethod
    async def wait(event: asyncio.Event, seconds: float) -> None:
        """Until the event is set, but no longer than `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
