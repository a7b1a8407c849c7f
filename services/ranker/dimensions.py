"""The dimensions that this process brings forward: a worker each, found by events, by sweeps, or by a question."""

import asyncio
import contextvars
from collections.abc import Mapping
from typing import Final

import structlog

from dearena.faults import ServiceUnavailable
from dearena.names import DEFAULT_PROJECT, DimensionName
from dearena.v1.events_pb2 import EventEnvelope
from services.ranker.inquiries import Inquiries
from services.ranker.onlooker import Onlooker
from services.ranker.shards import Shards
from services.ranker.store import RankerStore
from services.ranker.worker import Desk, DimensionWorker
from services.runtime import ending
from services.runtime.doorbell import Delivery, Poison

log = structlog.get_logger(__name__)

RUNG_BY: Final = ("dimension_ready", "answers_ready", "vote_cast", "budget_changed", "order_given")

Followed = DimensionWorker | Onlooker
"""A dimension of our shards, or of another."""


class Dimensions:
    """All workers of this process."""

    def __init__(self, desk: Desk, shards: Shards) -> None:
        self._desk = desk
        self._shards = shards
        self._store: RankerStore = desk.store
        self._inquiries: Inquiries = desk.inquiries
        self._workers: dict[DimensionName, DimensionWorker] = {}
        self._onlookers: dict[DimensionName, Onlooker] = {}
        self._tasks: dict[DimensionName, asyncio.Task[None]] = {}
        self.over = False

    @property
    def workers(self) -> Mapping[DimensionName, DimensionWorker]:
        """Of the dimensions taken up so far."""
        return self._workers

    async def on_event(self, event: EventEnvelope, delivery: Delivery) -> None:
        """Queries or answers are ready, votes were cast, a budget was changed: have the dimension looked at.

        The rankers of every shard hear this; who has another one lets it pass, but for those who watch here.
        """
        payload = event.WhichOneof("payload")
        if payload not in RUNG_BY:
            raise Poison(f"{delivery.subject} tells nothing that the ranker goes by")
        if payload == "budget_changed":
            self._ring_for_budget(event.project, event.dimension)
            return
        name = DimensionName(event.project, event.dimension)
        if self._shards.has(name) or name in self._onlookers:
            (await self.at(name)).ring()

    def _ring_for_budget(self, project: str, dimension: str) -> None:
        """Who may wait for the budget has been taken up; a model's budget concerns every dimension of its project."""
        for name, worker in self._workers.items():
            if name.project == project and dimension in ("", name.slug):
                worker.ring()

    async def at(self, name: DimensionName) -> Followed:
        """Who follows a dimension here; it is taken up if it has not been.

        Raises:
            UnknownDimension: there is no such dimension (as a gRPC error).
            ServiceUnavailable: this process leaves.
        """
        if (known := self._workers.get(name) or self._onlookers.get(name)) is not None:
            return known
        if self.over:
            raise ServiceUnavailable("the ranker leaves; try again")
        if await self._store.ranking(name) is None:
            found = await self._inquiries.dimension(name)
            await self._store.take_up(name, found.version, found.rules)
        if not self._shards.has(name):
            return self._onlookers.setdefault(name, Onlooker(name, self._inquiries))
        self._start(name)
        return self._workers[name]

    async def ordered(self, name: DimensionName, order: int) -> None:
        """An order has been kept: have it carried out soon, here or by whoever has the dimension."""
        if self._shards.has(name):
            (await self.at(name)).ring()
        else:
            await self._desk.announcer.order_given(name, order)

    async def wake(self) -> None:
        """Have every dimension of ours looked at that was ever taken up."""
        for name in await self._store.names():
            if self._shards.has(name):
                self._start(name)
        for worker in self._workers.values():
            worker.ring()

    async def discover(self) -> None:
        """Take up dimensions of ours that are ready, in every project that is known to any ranker."""
        for project in sorted({DEFAULT_PROJECT, *(name.project for name in await self._store.names())}):
            for found in await self._inquiries.dimensions(project):
                if found.is_ready and found.name not in self._workers and self._shards.has(found.name):
                    await self._store.take_up(found.name, found.version, found.rules)
                    self._start(found.name)

    def _start(self, name: DimensionName) -> None:
        if name in self._workers or self.over:
            return
        worker = self._workers[name] = DimensionWorker(name, self._desk)
        # In a context of its own: neither the deadline nor the trace of whoever asked first is the worker's.
        task = asyncio.create_task(worker.run(), name=f"rank {name}", context=contextvars.Context())
        self._tasks[name] = task

    async def stop(self) -> None:
        """Bring nothing forward any more, and let watchers go. What was begun is found in the log."""
        self.over = True
        await ending.cancelled(self._tasks.values())
        every: list[Followed] = [*self._workers.values(), *self._onlookers.values()]
        for followed in every:
            followed.news.spread()
