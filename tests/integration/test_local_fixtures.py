"""The fixtures that every other test stands on: kept apart from one another, and taken away when asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import nats
import pytest

from services.runtime.store import Store
from tests.fixtures.bus import NatsServer
from tests.fixtures.waiting import eventually


@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_has_a_database_and_streams_of_its_own(time: str, arena_settings: Callable[..., Any]) -> None:
    settings = arena_settings()
    store = Store(settings.mongo_url, settings.mongo_database)
    client = await nats.connect(settings.nats_url)
    try:
        things = store.collection("things")
        assert await things.count_documents({}) == 0
        await things.insert_one({"_id": time})
        context = client.jetstream()
        assert (await context.stream_info("EVENTS")).state.messages == 0
        await context.publish("vote.cast.default.algebra", b"")
    finally:
        store.close()
        await client.close()


async def test_the_bus_can_be_taken_away_and_brought_back(nats_server: NatsServer) -> None:
    client = await nats.connect(nats_server.url, reconnect_time_wait=0.05, max_reconnect_attempts=-1)
    nats_server.stop()
    await eventually(lambda: not client.is_connected)
    await nats_server.start()
    await eventually(lambda: client.is_connected)
    await client.jetstream().publish("vote.cast.default.algebra", b"")
    await client.close()


async def test_a_condition_that_never_holds_is_told_with_what_it_gave_last() -> None:
    async def three() -> int:
        await asyncio.sleep(0)
        return 3

    with pytest.raises(AssertionError, match=r"not within 0.1 s: the condition gave 3, wanted 4"):
        await eventually(three, 0.1, equals=4)
