"""How much work is held for whom: a lane a judge, so that a slow one keeps only itself waiting.

Work that finds no room is turned away at once, not parked: a message that waits unacknowledged takes
one of the consumer's places from every other judge. The ranker asks again for what it still misses.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SHARE = 1 / 16
"""Of the free messages, what a lane may hold. At 4,096 messages in all: 240 for one judge alone, and 90
judges that hang still leave room for the others."""


@dataclass(slots=True)
class Lane:
    """What is held for one judge."""

    calling: asyncio.Semaphore
    """Cells whose calls are under way at once."""
    cells: int = 0
    messages: int = 0


class Lanes:
    """The lanes of all judges, which share one stock of messages that may be held."""

    def __init__(self, *, cells_in_flight: int, backlog_cells: int, messages: int) -> None:
        """Set the limits.

        Args:
            cells_in_flight: of one judge, asked at once.
            backlog_cells: of one judge, held in all.
            messages: of all judges, held in all.
        """
        self._cells_in_flight = cells_in_flight
        self._backlog_cells = backlog_cells
        self._free_messages = messages
        self._lanes: dict[str, Lane] = {}

    @contextmanager
    def hold(self, judge: str, cells: int) -> Iterator[Lane | None]:
        """Hold one message of `cells` cells for a judge, or yield None when there is no room.

        Room for messages is shared by a dynamic threshold (Choudhury and Hahne, 1998): a lane may grow
        while it holds less than a share of those that are free, so the more judges hang, the less each
        of them holds. A judge that holds nothing takes a message of any size.
        """
        lane = self._lanes.get(judge) or Lane(calling=asyncio.Semaphore(self._cells_in_flight))
        is_full = lane.cells + cells > self._backlog_cells or lane.messages >= SHARE * self._free_messages
        if lane.messages and is_full:
            yield None
            return
        self._lanes[judge] = lane
        lane.cells += cells
        lane.messages += 1
        self._free_messages -= 1
        try:
            yield lane
        finally:
            lane.cells -= cells
            lane.messages -= 1
            self._free_messages += 1
            if not lane.messages:
                del self._lanes[judge]
