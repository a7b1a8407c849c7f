"""Lists that turn their own pages, and watches that outlive their connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final, Protocol, TypeVar

from dearena.faults import ServiceUnavailable, StoreUnavailable

PATIENCE_SECONDS: Final = 60.0
"""How long a watch tries to come back to a service that went away: restarts and elections end sooner."""

STANDING_SECONDS: Final = 5.0
"""A stream that broke without a message stood, and had nothing to say, if it lasted for so long."""

LARGEST_PAGE: Final = 1000
"""Entries that are asked for at once."""

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0


class Page(Protocol):
    """A reply that may not be the last one."""

    next_page_token: str


P = TypeVar("P", bound=Page)
T = TypeVar("T")


async def paged(page_at: Callable[[str], Awaitable[P]], entries_of: Callable[[P], Iterable[T]]) -> AsyncIterator[T]:
    """The entries of all pages.

    Args:
        page_at: asks for the page of a token; the first one's is empty.
        entries_of: the entries of a page.
    """
    token = ""
    while True:
        page = await page_at(token)
        for entry in entries_of(page):
            yield entry
        if not (token := page.next_page_token):
            return


async def resumed(
    watch: Callable[[int], AsyncIterator[T]],
    cursor: int,
    cursor_of: Callable[[T], int],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    standing_seconds: float = STANDING_SECONDS,
) -> AsyncIterator[T]:
    """A watch that outlives its connections: begun again after the last cursor seen.

    Only a watch that once stood is waited for: a service that is not there to begin with is told at once.

    Args:
        watch: opens the stream after a cursor.
        cursor: where to begin.
        cursor_of: the cursor that a message carries.
        patience_seconds: how long the service may be away at a stretch.
        standing_seconds: how long a stream without a message must last to count as one that stood.

    Raises:
        ServiceUnavailable, StoreUnavailable: it was not there, or was away for longer.
    """
    loop = asyncio.get_running_loop()
    stood = False
    away_since: float | None = None
    pause = _FIRST_PAUSE_SECONDS
    while True:
        opened = loop.time()
        try:
            async for message in watch(cursor):
                cursor = cursor_of(message)
                stood, away_since, pause = True, None, _FIRST_PAUSE_SECONDS
                yield message
        except (ServiceUnavailable, StoreUnavailable):
            now = loop.time()
            if now - opened >= standing_seconds:
                stood, away_since, pause = True, None, _FIRST_PAUSE_SECONDS
            away_since = now if away_since is None else away_since
            if not stood or now - away_since >= patience_seconds:
                raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            return
