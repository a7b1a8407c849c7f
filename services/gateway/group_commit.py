"""Many small writes asked for at once become few large ones.

While one write is on its way to the store, what is asked for meanwhile gathers, and goes with the next. Under
load the cost of a majority write is shared by hundreds of records; without load a record goes at once. What has
gathered may wait a little for more: a write costs much the same CPU time whether it holds two records or a hundred.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from dearena.faults import ArenaFault

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST_BATCH = 500
"""Records of one write: well within the store's time limit."""


class GroupCommit(Generic[Item, Result]):
    """Gathers items and writes them in batches, one batch at a time.

    `write` gets the items of a batch and gives a result for each, in order, and bears being repeated. When it
    raises a fault, every item of the batch has failed. When it raises anything else, one item may be at fault
    (a text too long, a number too great): each is written by itself, so that the others do not share its fate.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        largest_batch: int = LARGEST_BATCH,
        gather_seconds: float = 0.0,
    ) -> None:
        """Nothing is written yet.

        Args:
            write: writes a batch.
            largest_batch: items of one write.
            gather_seconds: how long those who came during a write wait for more of their kind.
        """
        self._write = write
        self._largest_batch = largest_batch
        self._gather_seconds = gather_seconds
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Write an item and give its result once it is written.

        A caller that is cancelled leaves its item to be written all the same.
        """
        written: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, written))
        if self._writer is None:
            # In a context of its own: the writer serves many, and must not inherit one caller's deadline.
            self._writer = asyncio.create_task(self._write_all(), name="group-commit", context=contextvars.Context())
        return await written

    async def flush(self) -> None:
        """Wait until what was asked for so far is written, or has failed."""
        if (writer := self._writer) is not None:
            await asyncio.wait([writer])

    async def _write_all(self) -> None:
        try:
            await asyncio.sleep(0)  # those who are about to ask in this turn of the loop come along
            while batch := self._waiting[: self._largest_batch]:
                del self._waiting[: self._largest_batch]
                await self._write_batch(batch)
                if self._gather_seconds and 0 < len(self._waiting) < self._largest_batch:
                    await asyncio.sleep(self._gather_seconds)
        finally:
            self._writer = None

    async def _write_batch(self, batch: Sequence[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        try:
            results = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - each who asked is told
            if len(batch) > 1 and not isinstance(error, ArenaFault):
                for one in batch:
                    await self._write_batch([one])
                return
            for _, written in batch:
                if not written.done():
                    written.set_exception(error)
        else:
            for (_, written), result in zip(batch, results, strict=True):
                if not written.done():
                    written.set_result(result)
