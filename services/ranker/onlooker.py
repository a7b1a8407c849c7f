"""A dimension that a ranker of another shard brings forward, as far as questions that are put here need to see it."""

import asyncio
import time
from typing import Final

import structlog

from dearena.names import DimensionName
from dearena.ranking.findings import Progress
from services.ranker.inquiries import Inquiries
from services.runtime.news import News
from services.runtime.rpc import fault_in

log = structlog.get_logger(__name__)

FRESH_SECONDS: Final = 1.0
"""So long the dispatcher is not asked again: watchers are many, and rings more."""
PROGRESS_SECONDS: Final = 2.0
"""How long it may take to say how far a round is; whoever asks is told the rest all the same."""


class Onlooker:
    """Asks how far an open round is, where nobody in this process follows it."""

    def __init__(self, name: DimensionName, inquiries: Inquiries) -> None:
        self.name = name
        self.news = News()
        self._inquiries = inquiries
        self._seen: Progress | None = None
        self._asked = -FRESH_SECONDS
        self._asking = asyncio.Lock()

    def ring(self) -> None:
        """Something has moved: wake who watches."""
        self.news.spread()

    async def progress(self, number: int) -> Progress | None:
        """How far a round is, a second ago at most; None when that cannot be said now."""
        async with self._asking:
            is_other = self._seen is not None and self._seen.round != number
            if is_other or time.monotonic() >= self._asked + FRESH_SECONDS:
                await self._ask(number)
            return self._seen if self._seen is not None and self._seen.round == number else None

    async def _ask(self, number: int) -> None:
        try:
            async with asyncio.timeout(PROGRESS_SECONDS):
                self._seen = await self._inquiries.progress(self.name, number)
        except Exception as error:
            if (fault := fault_in(error)) is None:
                raise
            log.info("how far a round is cannot be said", dimension=str(self.name), error=str(fault))
        self._asked = time.monotonic()
