"""Server-sent events: what a browser's EventSource reads, and how it resumes.

Source: HTML Living Standard, section "Server-sent events".
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from dearena.faults import InvalidCursor
from services.dashboard.replies import as_json, told

RETRY_MILLISECONDS: Final = 2_000
"""How soon a browser comes back after a broken connection."""
_SIGN_OF_LIFE: Final = b": still here\n\n"
_CURSOR_DIGITS: Final = 18
"""Enough for any decision, and within an int64."""


def event(data: Any, *, cursor: int | None = None, kind: str = "") -> bytes:
    """One event; `cursor` becomes its id, which a browser hands back when it resumes."""
    lines = [f"id: {cursor}"] if cursor is not None else []
    if kind:
        lines.append(f"event: {kind}")
    # JSON on one line: nothing in it can end the event.
    lines.append(f"data: {as_json(data)}")
    return ("\n".join(lines) + "\n\n").encode()


def cursor_of(headers: Mapping[str, str]) -> int:
    """After which event a browser resumes; 0 for one that begins.

    Raises:
        InvalidCursor: Last-Event-ID is none of ours.
    """
    last = headers.get("Last-Event-ID", "")
    if not last:
        return 0
    if not (len(last) <= _CURSOR_DIGITS and last.isascii() and last.isdigit()):
        raise InvalidCursor("Last-Event-ID must be the id of an event of this stream")
    return int(last)


async def send_events(
    request: web.Request, events: AsyncIterator[bytes], *, stopping: asyncio.Event, heartbeat_seconds: float
) -> web.StreamResponse:
    """Send events as they come, until they end, the browser leaves, or the dashboard stops.

    A fault ends the stream with an event of kind `fault`: by then the HTTP status has long been sent.

    Args:
        request: the browser's.
        events: as `event` makes them.
        stopping: set when the dashboard stops.
        heartbeat_seconds: a comment is sent after so long a silence.
    """
    # X-Accel-Buffering: nginx would keep events back until it has a bufferful.
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    stopped = asyncio.ensure_future(stopping.wait())
    upcoming = asyncio.ensure_future(_next(events))
    try:
        await response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        while True:
            await asyncio.wait({stopped, upcoming}, timeout=heartbeat_seconds, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                break
            if not upcoming.done():
                await response.write(_SIGN_OF_LIFE)
                continue
            if (coming := upcoming.result()) is None:
                break
            await response.write(coming)
            upcoming = asyncio.ensure_future(_next(events))
    except ConnectionError:
        pass  # the browser has left
    except Exception as error:  # noqa: BLE001 - as every fault, by the one table
        with suppress(ConnectionError):
            await response.write(event(told(error)[1], kind="fault"))
    finally:
        stopped.cancel()
        upcoming.cancel()
        await asyncio.wait({stopped, upcoming})
    return response


async def _next(events: AsyncIterator[bytes]) -> bytes | None:
    return await anext(events, None)
