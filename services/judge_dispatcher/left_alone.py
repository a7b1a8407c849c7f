"""Judges whose endpoints are left alone: for how long they are waited for, and which rounds wait for them.

A call that was not sent is no attempt, so that an outage of some minutes costs nothing. One that lasts longer must
not hold a round for ever: after a stated patience the cells are failed ones, until the judge replies again.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import uniform
from typing import Final

from dearena.names import DimensionName
from services.runtime.store import DuplicateKey, Index, Store, now, within_store_limit

SCHEMA_VERSION: Final = 1

TOLD_EVERY_SECONDS: Final = 15.0
"""A judge's trouble is written down no more often."""
TOLD_FOR_SECONDS: Final = 300.0
"""A note that nobody repeated for so long, longer than the gateway leaves an endpoint alone at once, is an old one."""
PAUSE_SECONDS: Final = (0.2, 5.0)
"""Between two calls for one cell, drawn evenly: the gateway holds a call until the endpoint is tried again."""

INDEXES: Mapping[str, Sequence[Index]] = {
    "left_alone_judges": [Index(("project", "dimension", "judge"), unique=True)],
}


class LeftAlone:
    """`left_alone_judges`: of each dimension and judge, the newest round that waits for its endpoint.

    How long a judge has been waited for is this process's own count.
    """

    def __init__(
        self, store: Store, created_by: str, *, patience_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._judges = store.collection("left_alone_judges")
        self._created_by = created_by
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._since: dict[tuple[str, str], float] = {}
        self._told: dict[tuple[DimensionName, str], float] = {}

    def is_given_up(self, project: str, judge: str) -> bool:
        """Whether this judge has been waited for long enough since its last reply."""
        since = self._since.get((project, judge))
        return since is not None and self._clock() >= since + self._patience_seconds

    async def wait(self, dimension: DimensionName, round_number: int, judge: str, reason: str) -> None:
        """A cell of this round was not sent: write that down, and let some time pass."""
        moment = self._clock()
        self._since.setdefault((dimension.project, judge), moment)
        if moment >= self._told.get((dimension, judge), -TOLD_EVERY_SECONDS) + TOLD_EVERY_SECONDS:
            self._told[dimension, judge] = moment
            await self._tell(dimension, round_number, judge, reason)
        await asyncio.sleep(uniform(*PAUSE_SECONDS))

    async def replied(self, project: str, judge: str) -> None:
        """The judge is well: what was noted of it is forgotten."""
        if self._since.pop((project, judge), None) is None:
            return
        for dimension, told in list(self._told):
            if (dimension.project, told) == (project, judge):
                del self._told[dimension, told]
        async with within_store_limit(self._store):
            await self._judges.delete_many({"project": project, "judge": judge})

    async def waiting_in(self, dimension: DimensionName, round_number: int) -> Mapping[str, str]:
        """Judges for whose endpoints cells of this round wait, by revision, and what the gateway says of each."""
        key = {"project": dimension.project, "dimension": dimension.slug, "round": round_number}
        fresh = {"seen_at": {"$gt": now() - timedelta(seconds=TOLD_FOR_SECONDS)}}
        async with within_store_limit(self._store):
            found = self._judges.find(key | fresh, {"judge": 1, "reason": 1}).sort("judge", 1)
            return {one["judge"]: one["reason"] async for one in found}

    async def _tell(self, dimension: DimensionName, round_number: int, judge: str, reason: str) -> None:
        key = {"project": dimension.project, "dimension": dimension.slug, "judge": judge}
        made = {"schema_version": SCHEMA_VERSION, "created_at": now(), "created_by": self._created_by}
        # A dimension has one open round: the newest is the one that waits.
        change = {
            "$max": {"round": round_number},
            "$set": {"seen_at": now(), "reason": reason},
            "$setOnInsert": made,
        }
        async with within_store_limit(self._store):
            try:
                await self._judges.update_one(key, change, upsert=True)
            except DuplicateKey:  # two first ones met
                await self._judges.update_one(key, change, upsert=True)
