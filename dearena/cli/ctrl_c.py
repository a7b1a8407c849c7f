"""Ctrl-C is heard in whatever moment it comes, also in the one in which the event loop falls asleep.

Python looks whether a signal has come between two of its own instructions. One that comes after the last look
and before the loop's sleep in the kernel cuts no sleep short, so a watch whose service is silent would sleep on.
A byte that the signal itself leaves at a socket (`signal.set_wakeup_fd`) does not get lost: the loop does not
fall asleep over it. asyncio sees to that for its own signal handlers only, and not for the one of `asyncio.run`.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_MANY_SIGNALS: Final = 4096
"""Bytes read at once; each stands for a signal, and how many there were does not matter."""


async def heard(body: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to its end; a signal meanwhile wakes the loop, and is then handled by whoever handles it."""
    if threading.current_thread() is not threading.main_thread():
        # Signals are handled in the main thread, so nobody waits for one here.
        return await body()
    loop = asyncio.get_running_loop()
    ear, bell = socket.socketpair()
    with ear, bell:
        ear.settimeout(0.0)
        bell.settimeout(0.0)
        # A bell that is full has rung.
        before = signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        loop.add_reader(ear, ear.recv, _MANY_SIGNALS)
        try:
            return await body()
        finally:
            loop.remove_reader(ear)
            signal.set_wakeup_fd(before)
