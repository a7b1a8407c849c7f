"""The record of calls on a real mongod: what was not sent is no interruption; the first end that is written stands."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from dearena.faults import RequestIdReused, ServiceUnavailable, StoreUnavailable
from dearena.names import Revision
from services.gateway.calls import INTERRUPTED, Call, Completion, CompletionState, Delivery, Purpose
from services.gateway.chat import Message, Reply
from services.gateway.completion_log import WITHDRAWN_TOGETHER, CompletionLog, Elsewhere, End, Ended, Ours, record_id
from services.gateway.completions import Completions
from services.gateway.endpoint_client import EndpointClient
from services.gateway.group_commit import GroupCommit
from services.gateway.leases import Leases
from services.gateway.limits.admission import Admission, no_key_limits
from services.gateway.limits.breaker import BreakerPolicy
from services.gateway.limits.gate import Gate
from services.gateway.limits.limit_records import LimitRecords
from services.gateway.models import Endpoint, ModelSpec
from services.gateway.money.cashier import Cashier
from services.gateway.money.price_file import PriceFile
from services.gateway.store import COMPLETIONS
from services.runtime.store import Document, Store
from tests.fixtures.money import NoMoney

CALL = Call(
    "default",
    Revision("m", 1),
    ModelSpec(Endpoint("http://m/v1", "m")),
    [Message("user", "?")],
    {},
    "f" * 64,
    Purpose.JUDGE,
)
REPLY = Reply("42", "stop", 1, 1, usage_estimated=False, upstream_model="m")
DONE = Completion(CALL.request_id, CALL.model, CompletionState.DONE, reply=REPLY)


@pytest.fixture
async def store(mongo_url: str, mongo_database: str) -> AsyncIterator[Store]:
    store = Store(mongo_url, mongo_database)
    yield store
    store.close()


def log_of(store: Store, instance: str = "one") -> CompletionLog:
    return CompletionLog(store, Leases(store, instance, seconds=60))


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a defect")])
async def test_a_start_that_was_written_but_not_confirmed_is_sent_as_if_new(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    log = log_of(store)

    async def unconfirmed(documents: Sequence[Document]) -> Sequence[Document | None]:
        await store.collection(COMPLETIONS).insert_many(documents)
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(log, "_starts", GroupCommit(unconfirmed))
        with pytest.raises(type(error)):
            await log.claim(CALL, [{"account": "one"}])

    assert await log.claim(CALL) == Ours()
    kept = await store.collection(COMPLETIONS).find_one({"_id": record_id("default", CALL.request_id)})
    assert kept is not None
    assert kept["holds"] == []  # what the first claim reserved was given back
    await log.end(CALL, DONE)
    assert await log.claim(CALL) == Ended(DONE)
    record = await store.collection(COMPLETIONS).find_one({"_id": record_id("default", CALL.request_id)})
    assert record is not None
    assert record["interruptions"] == 0


async def test_starts_that_nobody_asks_for_again_are_taken_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    log, completions = log_of(store), store.collection(COMPLETIONS)
    calls = [replace(CALL, request_id=f"{number:064}") for number in range(WITHDRAWN_TOGETHER + 2)]
    written, never_written, interrupted, *others = calls
    await log.claim(interrupted, [{"account": "one"}])
    await log.release(interrupted)
    write = log._write_starts

    async def unconfirmed(documents: Sequence[Document]) -> Sequence[Document | None]:
        await write([document for document in documents if document["request_id"] != never_written.request_id])
        raise StoreUnavailable("away")

    async def not_confirmed_either(wanted: Document, changes: Document) -> int:
        await update(wanted, changes)
        raise StoreUnavailable("away")

    update = log._update
    with monkeypatch.context() as patched:
        patched.setattr(log, "_update", not_confirmed_either)
        with pytest.raises(StoreUnavailable):
            await log.claim(interrupted, [{"account": "two"}])
        patched.setattr(log, "_starts", GroupCommit(unconfirmed))
        failed = await asyncio.gather(*map(log.claim, (written, never_written, *others)), return_exceptions=True)
        assert all(isinstance(end, StoreUnavailable) for end in failed)

    await log.withdraw_unsent()
    assert log._unsent == {}
    [left] = await completions.find({}).to_list(None)
    assert (left["request_id"], left["state"], left["interruptions"]) == (interrupted.request_id, "UNKNOWN", 1)
    # What the first sending reserved may have been spent; the second was none, and gave back what it had.
    assert (left["charges"], left["holds"]) == ([{"account": "one"}], [])
    assert [await log.claim(call) for call in (written, never_written, interrupted)] == [Ours()] * 3


async def test_the_first_end_stands_whoever_wrote_it(store: Store) -> None:
    """A process taken for dead delivers, and so does the one that took its call over."""
    taken_for_dead, other = log_of(store, "one"), log_of(store, "two")
    assert await taken_for_dead.claim(CALL) == Ours()
    late = replace(DONE, reply=replace(REPLY, text="41"))
    assert await taken_for_dead.end(CALL, DONE) == DONE
    assert await other.end(CALL, late) == DONE
    assert await other.claim(CALL) == Ended(DONE)


async def test_ends_written_at_once_each_get_their_own_record(store: Store) -> None:
    log = log_of(store)
    calls = [replace(CALL, request_id=f"{number:064}") for number in range(5)]
    ends = [replace(DONE, request_id=one.request_id, reply=replace(REPLY, text=one.request_id)) for one in calls]
    assert await asyncio.gather(*map(log.claim, calls)) == [Ours()] * 5
    await log.end(calls[2], ends[2])
    late = [replace(end, reply=replace(REPLY, text="late")) if end is ends[2] else end for end in ends]
    assert await asyncio.gather(*map(log.end, calls, late)) == ends


async def test_a_call_that_ended_without_a_record_is_anybodys_once(store: Store) -> None:
    one, other = log_of(store, "one"), log_of(store, "two")
    assert await one.claim(CALL) == Ours()
    assert await other.claim(CALL) == Elsewhere()
    assert await other.is_elsewhere(CALL.project, CALL.request_id)
    await one.release(CALL)
    assert not await other.is_elsewhere(CALL.project, CALL.request_id)
    assert await other.claim(CALL) == Ours()
    await one.release(CALL)  # it is not its own any more
    assert await one.claim(CALL) == Elsewhere()
    await other.release(CALL)
    ended = await one.claim(CALL)
    assert isinstance(ended, Ended)
    assert ended.completion.failure == INTERRUPTED


async def test_an_end_that_is_being_written_is_not_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(store)
    writing, go = asyncio.Event(), asyncio.Event()
    write = log._write_ends

    async def slowly(ends: Sequence[End]) -> Sequence[Completion]:
        writing.set()
        await go.wait()
        return await write(ends)

    class Endpoints:
        async def send(self, _call: Call, _parent: object, _gate: Gate) -> Delivery:
            return Delivery(REPLY, timedelta(), 1)

    monkeypatch.setattr(log, "_ends", GroupCommit(slowly))
    admission = Admission(
        LimitRecords(store, "one"), "one", no_key_limits, BreakerPolicy(), seat_seconds=60, longest_hold=60
    )
    calls = Completions(log, cast("EndpointClient", Endpoints()), admission, cast("Cashier", NoMoney()), PriceFile(""))
    waiting = asyncio.ensure_future(calls.complete(CALL))
    await writing.wait()
    giving_up = asyncio.ensure_future(calls.give_up())
    with pytest.raises(ServiceUnavailable):
        await waiting
    assert not giving_up.done()
    go.set()
    await giving_up
    found = await log.find_ended(CALL.project, CALL.request_id)
    assert found is not None
    assert found.reply == REPLY


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, messages=[Message("user", "another")]),
        replace(CALL, parameters={"max_tokens": 3}),
        replace(CALL, response_schema={"type": "object"}),
        replace(CALL, model=Revision("m", 2)),
    ],
)
async def test_the_same_id_with_another_body_is_refused(store: Store, other: Call) -> None:
    log = log_of(store)
    assert await log.claim(CALL) == Ours()
    with pytest.raises(RequestIdReused):
        await log_of(store, "two").claim(other)
    await log.end(CALL, DONE)
    with pytest.raises(RequestIdReused):
        await log.claim(other)
    assert await log.claim(CALL) == Ended(DONE)


async def test_a_record_that_knows_no_body_is_compared_by_its_model(store: Store) -> None:
    log = log_of(store)
    await log.claim(CALL)
    await log.end(CALL, DONE)
    await store.collection(COMPLETIONS).update_many({}, {"$unset": {"digest": ""}})
    assert await log.claim(replace(CALL, parameters={"max_tokens": 3})) == Ended(DONE)
    with pytest.raises(RequestIdReused):
        await log.claim(replace(CALL, model=Revision("m", 2)))
