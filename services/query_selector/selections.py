"""The selections that this process brings forward: a worker each, found by sweeps or by a call."""

import asyncio
import contextvars

from dearena.names import DimensionName
from services.query_selector.job_store import Jobs
from services.query_selector.selecting import Desk, SelectionWorker
from services.runtime import ending
from services.runtime.news import News


class Selections:
    """All workers of this process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._workers: dict[tuple[DimensionName, int], SelectionWorker] = {}
        self._tasks: dict[tuple[DimensionName, int], asyncio.Task[None]] = {}
        self.over = False

    @property
    def news(self) -> News:
        """Of all of them: spread when one has changed here."""
        return self._desk.news

    @property
    def watch_seconds(self) -> float:
        """Between looks for whoever watches, when there is no news."""
        return self._desk.poll_seconds

    @property
    def jobs(self) -> Jobs:
        """As they are kept."""
        return self._desk.jobs

    @property
    def running(self) -> int:
        """How many are brought forward here now."""
        return len(self._tasks)

    async def wake(self) -> None:
        """Have every job looked at that goes on by itself."""
        for job in await self._desk.jobs.unfinished():
            self.take_up(job.name, job.dimension_version)

    def take_up(self, name: DimensionName, dimension_version: int) -> SelectionWorker | None:
        """Have a job looked at now; None when this process leaves."""
        if self.over:
            return None
        key = (name, dimension_version)
        task = self._tasks.get(key)
        if task is None or task.done():
            worker = self._workers[key] = SelectionWorker(name, dimension_version, self._desk)
            # In a context of its own: neither the deadline nor the trace of whoever asked is the worker's.
            self._tasks[key] = asyncio.create_task(worker.run(), name=f"select {name}", context=contextvars.Context())
            self._tasks[key].add_done_callback(lambda _: self._forget(key))
        self._workers[key].ring()
        return self._workers[key]

    def _forget(self, key: tuple[DimensionName, int]) -> None:
        if (task := self._tasks.get(key)) is not None and task.done():
            del self._tasks[key]
            del self._workers[key]

    async def stop(self) -> None:
        """Bring nothing forward any more, and let watchers go. What was begun is found in the store."""
        self.over = True
        await ending.cancelled(self._tasks.values())
        self.news.spread()
