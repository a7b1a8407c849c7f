"""Loading once: however many ask, whatever fails."""

import asyncio

import pytest
from cachetools import LRUCache

from services.judge_dispatcher.loading import Loaded


class Source:
    """Counts its loads and answers when it is let."""

    def __init__(self) -> None:
        self.loads = 0
        self.open = asyncio.Event()
        self.fails = False

    async def load(self, key: str) -> str:
        self.loads += 1
        number = self.loads
        await self.open.wait()
        if self.fails:
            raise ConnectionError(key)
        return f"{key}{number}"


async def test_many_who_ask_at_once_make_one_load() -> None:
    source = Source()
    loaded = Loaded(source.load, LRUCache[str, str](8))
    asking = [asyncio.create_task(loaded.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    source.open.set()
    assert await asyncio.gather(*asking) == ["a1"] * 5
    assert await loaded.get("a") == "a1"
    assert source.loads == 1


async def test_a_failed_load_is_told_to_all_and_not_kept() -> None:
    source = Source()
    source.open.set()
    source.fails = True
    loaded = Loaded(source.load, LRUCache[str, str](8))
    told = await asyncio.gather(loaded.get("a"), loaded.get("a"), return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError, ConnectionError]
    source.fails = False
    assert await loaded.get("a") == "a2"


async def test_one_who_stops_waiting_does_not_stop_the_others() -> None:
    source = Source()
    loaded = Loaded(source.load, LRUCache[str, str](8))
    first, second = asyncio.create_task(loaded.get("a")), asyncio.create_task(loaded.get("a"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.open.set()
    assert await second == "a1"


async def test_what_is_forgotten_while_it_loads_is_not_kept() -> None:
    source = Source()
    loaded = Loaded(source.load, LRUCache[str, str](8))
    old = asyncio.create_task(loaded.get("a"))
    await asyncio.sleep(0)
    loaded.forget("a")
    new = asyncio.create_task(loaded.get("a"))
    source.open.set()
    assert [await old, await new, await loaded.get("a")] == ["a1", "a2", "a2"]


async def test_a_value_larger_than_the_cache_is_given_and_not_kept() -> None:
    source = Source()
    source.open.set()
    loaded = Loaded(source.load, LRUCache[str, str](1, getsizeof=len))
    assert await loaded.get("a") == "a1"
    assert await loaded.get("a") == "a2"
