"""Limits of keys at hand: read once for all who ask, and forgotten at any moment."""

import asyncio
from typing import Any, cast

import pytest
from cachetools import TTLCache

from dearena.faults import StoreUnavailable
from services.gateway.limits.key_limits import KeyLimitBook
from services.gateway.limits.state import Limits
from services.runtime.store import Store

LIMITS = Limits(concurrency=2, requests_per_minute=3, tokens_per_minute=4)


class Keys:
    """A collection that holds one key, and counts who reads."""

    def __init__(self) -> None:
        self.reads = 0
        self.away = False

    async def find_one(self, _wanted: object) -> dict[str, Any]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("away")
        return {"concurrency": 2, "requests_per_minute": 3, "tokens_per_minute": 4}


class Collections:
    """A store as far as these limits ask for one."""

    timeout_seconds = 1.0

    def __init__(self) -> None:
        self.keys = Keys()

    def collection(self, _name: str) -> Keys:
        return self.keys


def book_of(store: Collections) -> KeyLimitBook:
    return KeyLimitBook(cast(Store, store), "one")


async def test_many_who_ask_at_once_share_one_read() -> None:
    store = Collections()
    book = book_of(store)
    assert await asyncio.gather(*(book.limits_of("env:K") for _ in range(100))) == [LIMITS] * 100
    assert store.keys.reads == 1


@pytest.mark.parametrize("ttl", [0.5 + ticks for ticks in range(12)])
async def test_what_is_forgotten_between_two_looks_is_no_fault(ttl: float) -> None:
    """A clock that moves at each look: an entry is there, and a moment later it is not."""
    book = book_of(Collections())
    ticks = iter(range(10**6))
    book._known = TTLCache(10, ttl, timer=lambda: float(next(ticks)))
    for _ in range(20):
        assert await book.limits_of("env:K") == LIMITS


async def test_a_read_that_failed_is_not_remembered() -> None:
    store = Collections()
    book = book_of(store)
    store.keys.away = True
    with pytest.raises(StoreUnavailable):
        await book.limits_of("env:K")
    store.keys.away = False
    assert await book.limits_of("env:K") == LIMITS
