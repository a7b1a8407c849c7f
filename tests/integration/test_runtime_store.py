"""The store on a real mongod: changes happen once, and an absent server is said to be absent, soon."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from dearena import faults
from services.runtime.store import DuplicateKey, Index, Session, Store, earlier, now, once, within_store_limit

LIMIT_SECONDS = 6.0
"""The store's limit of 2.5 s, and as much for a busy machine."""


@pytest.fixture
async def store(mongo_url: str, mongo_database: str) -> AsyncIterator[Store]:
    store = Store(mongo_url, mongo_database)
    yield store
    store.close()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_change_with_one_request_id_happens_once(store: Store) -> None:
    things = store.collection("things")

    async def add(session: Session) -> bytes:
        await things.insert_one({"at": now()}, session=session)
        return b"added"

    first = await once(store, store.collection("results"), "p/add/1", b"body", add)
    again = await once(store, store.collection("results"), "p/add/1", b"body", add)

    assert first == again == b"added"
    assert await things.count_documents({}) == 1


async def test_concurrent_calls_with_one_request_id_make_one_change(store: Store) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": "so that the collection exists"})

    async def add(session: Session) -> bytes:
        await things.insert_one({"at": now()}, session=session)
        return b"added"

    results = await asyncio.gather(
        *(once(store, store.collection("results"), "p/add/1", b"body", add) for _ in range(8))
    )

    assert results == [b"added"] * 8
    assert await things.count_documents({}) == 2


async def test_a_request_id_with_another_body_is_refused(store: Store) -> None:
    async def add(session: Session) -> bytes:
        await store.collection("things").insert_one({}, session=session)
        return b""

    await once(store, store.collection("results"), "p/add/1", b"body", add)

    with pytest.raises(faults.RequestIdReused, match="'1'"):
        await once(store, store.collection("results"), "p/add/1", b"other", add)


async def test_whether_a_change_was_made_can_be_asked_before_it_is_prepared(store: Store) -> None:
    results = store.collection("results")

    async def add(session: Session) -> bytes:
        await store.collection("things").insert_one({}, session=session)
        return b"added"

    assert await earlier(results, "p/add/1", b"body") is None
    await once(store, results, "p/add/1", b"body", add)
    assert await earlier(results, "p/add/1", b"body") == b"added"
    assert await earlier(results, "", b"body") is None
    with pytest.raises(faults.RequestIdReused, match="'1'"):
        await earlier(results, "p/add/1", b"other")


async def test_a_change_that_fails_leaves_nothing(store: Store) -> None:
    things = store.collection("things")

    async def fail(session: Session) -> bytes:
        await things.insert_one({}, session=session)
        raise faults.InvalidField.of("name", "is taken by a test")

    with pytest.raises(faults.InvalidField):
        await once(store, store.collection("results"), "p/add/1", b"body", fail)

    assert await things.count_documents({}) == 0
    assert await store.collection("results").count_documents({}) == 0


@pytest.mark.parametrize("times", [1, 2])
async def test_a_transaction_whose_caller_is_cancelled_is_led_to_its_end(store: Store, times: int) -> None:
    """Left in its middle it would hold its locks on the server for a minute."""
    things = store.collection("things")
    begun, ended = asyncio.Event(), asyncio.Event()

    async def add_two(session: Session) -> None:
        await things.insert_one({}, session=session)
        begun.set()
        await things.insert_one({}, session=session)
        ended.set()

    caller = asyncio.create_task(store.run_transaction(add_two))
    await begun.wait()
    for _ in range(times):
        caller.cancel()
        for _ in range(5):  # turns, in which it is heard
            await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()
    assert await things.count_documents({}) == 2


async def test_unique_indexes_hold(store: Store) -> None:
    await store.ensure_indexes({"things": [Index(("project", "-slug"), unique=True)]})
    await store.ensure_indexes({"things": [Index(("project", "-slug"), unique=True)]})
    await store.collection("things").insert_one({"project": "p", "slug": "s"})

    with pytest.raises(DuplicateKey):
        await store.collection("things").insert_one({"project": "p", "slug": "s"})


async def test_an_absent_server_is_unavailable_in_time() -> None:
    store = Store(f"mongodb://127.0.0.1:{closed_port()}/?replicaSet=rs0", "nowhere")

    async def nothing(_session: Session) -> bytes:
        return b""

    for attempt in (store.ping(), once(store, store.collection("results"), "p/x/1", b"", nothing)):
        began = time.monotonic()
        with pytest.raises(faults.StoreUnavailable):
            async with within_store_limit(store):
                await attempt
        assert time.monotonic() - began < LIMIT_SECONDS
    store.close()


async def test_a_silent_server_is_unavailable_in_time() -> None:
    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            writer.close()

    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    store = Store(f"mongodb://127.0.0.1:{silent.sockets[0].getsockname()[1]}/?directConnection=true", "nowhere")
    began = time.monotonic()

    with pytest.raises(faults.StoreUnavailable):
        async with within_store_limit(store):
            await store.collection("things").find_one({})

    assert time.monotonic() - began < LIMIT_SECONDS
    store.close()
    silent.close()
