"""Work that several ask for at the same time."""

import asyncio

import pytest

from services.scorer.shared_work import SharedWork


class Work:
    """Counts how often it is begun, and ends when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        await self.may_end.wait()
        return self.begun


async def test_is_done_once_and_given_to_all_who_wait() -> None:
    shared, work = SharedWork(), Work()
    asked = [asyncio.ensure_future(shared.done("key", work)) for _ in range(5)]
    await asyncio.sleep(0)
    work.may_end.set()
    assert await asyncio.gather(*asked) == [1] * 5
    assert await shared.done("key", work) == 2


async def test_goes_on_when_the_first_who_asked_gives_up() -> None:
    shared, work = SharedWork(), Work()
    first, second = (asyncio.ensure_future(shared.done("key", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    work.may_end.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_that_is_another_is_done_beside_it() -> None:
    shared, one, other = SharedWork(), Work(), Work()
    waiting = asyncio.ensure_future(shared.done("one", one))
    other.may_end.set()
    assert await shared.done("other", other) == 1
    assert not waiting.done()
    one.may_end.set()
    await waiting


async def test_a_fault_is_told_to_all_and_not_kept() -> None:
    shared = SharedWork()

    async def broken() -> int:
        raise ValueError("no")

    found = await asyncio.gather(*(shared.done("key", broken) for _ in range(3)), return_exceptions=True)
    assert [repr(one) for one in found] == ["ValueError('no')"] * 3
    work = Work()
    work.may_end.set()
    assert await shared.done("key", work) == 1


async def test_is_waited_for_at_a_drain_and_given_up_at_the_end() -> None:
    shared, work, stuck = SharedWork(), Work(), Work()
    asked, hopeless = (asyncio.ensure_future(shared.done(key, of)) for key, of in (("work", work), ("stuck", stuck)))
    await asyncio.sleep(0)
    work.may_end.set()
    await shared.drain(0.05)
    assert await asked == 1
    assert not hopeless.done()
    await shared.close()
    with pytest.raises(asyncio.CancelledError):
        await hopeless
