"""Small writes become few large ones, and each who asked gets its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from dearena.faults import StoreUnavailable
from services.gateway.group_commit import GroupCommit


class Store:
    """Remembers the batches; holds each until the test lets it. Items in `poison` cannot be written at all."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.was_asked = asyncio.Event()
        self.fails: set[int] = set()
        self.poison: set[int] = set()

    async def write(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        self.was_asked.set()
        await self.go.wait()
        if self.fails.intersection(items):
            raise StoreUnavailable("away")
        if self.poison.intersection(items):
            raise OverflowError("too great")
        return [item * 10 for item in items]


async def test_what_is_asked_for_at_once_goes_together_and_in_order() -> None:
    store = Store()
    commit = GroupCommit(store.write)
    assert await asyncio.gather(*(commit.submit(n) for n in range(100))) == [n * 10 for n in range(100)]
    assert store.batches == [list(range(100))]


async def test_what_is_asked_for_meanwhile_goes_with_the_next() -> None:
    store = Store()
    store.go.clear()
    commit = GroupCommit(store.write)
    first = asyncio.ensure_future(commit.submit(1))
    await store.was_asked.wait()
    later = [asyncio.ensure_future(commit.submit(n)) for n in (2, 3)]
    await asyncio.sleep(0)
    assert store.batches == [[1]]
    store.go.set()
    assert await asyncio.gather(first, *later) == [10, 20, 30]
    assert store.batches == [[1], [2, 3]]


async def test_no_batch_is_larger_than_allowed() -> None:
    store = Store()
    commit = GroupCommit(store.write, largest_batch=4)
    await asyncio.gather(*(commit.submit(n) for n in range(10)))
    assert [len(batch) for batch in store.batches] == [4, 4, 2]


async def test_a_batch_that_fails_fails_for_all_in_it_and_no_others() -> None:
    store = Store()
    store.fails = {1}
    commit = GroupCommit(store.write, largest_batch=2)
    results = await asyncio.gather(*(commit.submit(n) for n in range(4)), return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable, int, int]
    store.fails = set()
    assert await commit.submit(1) == 10


async def test_an_item_that_cannot_be_written_takes_no_other_along() -> None:
    store = Store()
    store.poison = {1}
    commit = GroupCommit(store.write)
    results = await asyncio.gather(*(commit.submit(n) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [int, OverflowError, int]


async def test_a_caller_that_goes_away_takes_nothing_along() -> None:
    store = Store()
    store.go.clear()
    commit = GroupCommit(store.write)
    gone, stays = (asyncio.ensure_future(commit.submit(n)) for n in (1, 2))
    await store.was_asked.wait()
    gone.cancel()
    store.go.set()
    assert await stays == 20
    assert store.batches == [[1, 2]]
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_flush_waits_for_what_those_who_left_had_asked_for() -> None:
    store = Store()
    store.go.clear()
    commit = GroupCommit(store.write, largest_batch=1)
    waiting = [asyncio.ensure_future(commit.submit(n)) for n in (1, 2)]
    await store.was_asked.wait()
    for one in waiting:
        one.cancel()
    flushing = asyncio.ensure_future(commit.flush())
    await asyncio.sleep(0)
    assert not flushing.done()
    store.go.set()
    await flushing
    assert store.batches == [[1], [2]]
    await commit.flush()  # nothing to wait for


async def test_what_came_during_a_write_waits_for_more_and_what_comes_alone_does_not() -> None:
    store = Store()
    store.go.clear()
    commit = GroupCommit(store.write, gather_seconds=0.05)
    first = asyncio.ensure_future(commit.submit(1))
    await store.was_asked.wait()
    assert store.batches == [[1]]  # alone, and at once
    second = asyncio.ensure_future(commit.submit(2))
    await asyncio.sleep(0)
    store.go.set()
    await first
    # The second one was there when the write ended; a third that comes in the time after that goes with it.
    third = asyncio.ensure_future(commit.submit(3))
    assert list(await asyncio.gather(second, third)) == [20, 30]
    assert store.batches == [[1], [2, 3]]
