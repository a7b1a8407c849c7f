"""Ctrl-C as a wish to leave in order: heard once, and not again while the leaving goes on."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""


class Interrupted(Exception):
    """The user, or the system, asked us to leave, and we have left in order."""


def run(body: Coroutine[Any, Any, T], *, leaving: Callable[[], None] = lambda: None) -> T:
    """Run to its end; Ctrl-C, SIGTERM and SIGHUP cancel it, and its `finally` blocks are let run in peace.

    Args:
        body: what is run.
        leaving: called for each further signal while it leaves.

    Raises:
        Interrupted: it was cancelled by a signal.
    """
    heard = False

    async def guarded() -> T:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - we are in one

        def hear() -> None:
            nonlocal heard
            if heard:
                leaving()
            else:
                heard = True
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, hear)
        return await body

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if not heard:
            raise
        raise Interrupted from None
