"""The time that is left for the call being served, handed on to the calls made for it."""

import contextvars
import time

_END: contextvars.ContextVar[float | None] = contextvars.ContextVar("deadline", default=None)
"""Monotonic time at which the call being served ends."""


def begin(remaining_seconds: float | None) -> None:
    """A call is being served in this context; None: without a deadline.

    Tasks made here inherit it. Work that must outlive its caller is started in a context of its own:
    `asyncio.create_task(work, context=contextvars.Context())`.
    """
    _END.set(None if remaining_seconds is None else time.monotonic() + remaining_seconds)


def cut(asked: float | None, default: float | None) -> float | None:
    """Seconds for a call made now: what was asked or else the default, but no more than is left."""
    limits = [limit for limit in (default if asked is None else asked,) if limit is not None]
    end = _END.get()
    if end is not None:
        limits.append(max(0.001, end - time.monotonic()))
    return min(limits) if limits else None
