"""A call belongs to nobody who waits for it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from dearena.faults import RequestIdReused, ServiceUnavailable
from dearena.names import Revision
from services.gateway import completions as module
from services.gateway.calls import Call, Completion, Delivery, Purpose
from services.gateway.chat import Message, Reply
from services.gateway.completion_log import Claim, CompletionLog, Elsewhere, Ended, Ours
from services.gateway.completions import LOOKS, Completions
from services.gateway.endpoint_client import EndpointClient
from services.gateway.limits.admission import Admission, no_key_limits
from services.gateway.limits.breaker import BreakerPolicy
from services.gateway.limits.limit_records import LimitRecords
from services.gateway.models import Endpoint, ModelSpec
from services.gateway.money.cashier import Cashier
from services.gateway.money.price_file import PriceFile
from services.runtime.store import Document
from tests.fixtures.limit_records import RecordsInMemory
from tests.fixtures.money import NoMoney

SPEC = ModelSpec(Endpoint("http://m/v1", "m"), concurrency=1)
REPLY = Reply("42", "stop", 1, 1, usage_estimated=False, upstream_model="m")


def call(number: int = 1, slug: str = "m") -> Call:
    return Call("default", Revision(slug, 1), SPEC, [Message("user", "?")], {}, f"{number:064}", Purpose.JUDGE)


class Log:
    """Keeps records in memory."""

    def __init__(self) -> None:
        self.ended: dict[str, Completion] = {}
        self.released: list[str] = []
        self.claims = 0
        self.looks = 0
        self.elsewhere_for = 0
        """Looks for which another gateway has every call in flight."""

    async def claim(self, asked: Call, _holds: Sequence[Document] = ()) -> Claim:
        self.claims += 1
        if self.looks < self.elsewhere_for:
            return Elsewhere()
        known = self.ended.get(asked.request_id)
        return Ended(known) if known else Ours()

    async def is_elsewhere(self, _project: str, _request_id: str) -> bool:
        self.looks += 1
        return self.looks < self.elsewhere_for

    async def find_ended(self, _project: str, request_id: str) -> Completion | None:
        return self.ended.get(request_id)

    async def flush(self) -> None: ...

    async def release(self, asked: Call) -> None:
        self.released.append(asked.request_id)

    async def end(self, asked: Call, completion: Completion, _charges: Sequence[Document] = ()) -> Completion:
        return self.ended.setdefault(asked.request_id, completion)


class Endpoints:
    """Replies when the test lets it."""

    def __init__(self) -> None:
        self.sent: list[Call] = []
        self.go = asyncio.Event()
        self.was_asked = asyncio.Event()

    async def send(self, asked: Call, _parent: Any, _gate: Any) -> Delivery:
        self.sent.append(asked)
        self.was_asked.set()
        await self.go.wait()
        return Delivery(REPLY, timedelta(), 1)


def completions(log: Log, endpoints: Endpoints) -> Completions:
    records = cast("LimitRecords", RecordsInMemory())
    admission = Admission(records, "g", no_key_limits, BreakerPolicy(), seat_seconds=10.0, longest_hold=60.0)
    return Completions(
        cast("CompletionLog", log),
        cast("EndpointClient", endpoints),
        admission,
        cast("Cashier", NoMoney()),
        PriceFile(""),
    )


async def test_callers_of_one_id_share_one_call_and_may_leave_it() -> None:
    log, endpoints = Log(), Endpoints()
    calls = completions(log, endpoints)
    waiting = [asyncio.ensure_future(calls.complete(call())) for _ in range(3)]
    await endpoints.was_asked.wait()
    waiting[0].cancel()
    endpoints.go.set()
    assert (await waiting[1]) is (await waiting[2])
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    assert (await calls.complete(call())).reply == REPLY
    assert len(endpoints.sent) == 1


async def test_a_call_in_flight_is_no_answer_for_another_model() -> None:
    log, endpoints = Log(), Endpoints()
    calls = completions(log, endpoints)
    waiting = asyncio.ensure_future(calls.complete(call()))
    await endpoints.was_asked.wait()
    with pytest.raises(RequestIdReused):
        await calls.complete(call(slug="other"))
    endpoints.go.set()
    await waiting


async def test_draining_waits_for_calls_in_flight() -> None:
    log, endpoints = Log(), Endpoints()
    calls = completions(log, endpoints)
    waiting = asyncio.ensure_future(calls.complete(call()))
    await endpoints.was_asked.wait()
    draining = asyncio.ensure_future(calls.drain(60))
    await asyncio.sleep(0)
    assert not draining.done()
    endpoints.go.set()
    await draining
    assert log.ended
    assert (await waiting).reply == REPLY


async def test_a_call_that_is_given_up_is_a_fault_to_who_waits_and_no_cancellation() -> None:
    """A cancellation would end the waiting task in silence, as if it had done its work."""
    log, endpoints = Log(), Endpoints()
    calls = completions(log, endpoints)
    waiting = [asyncio.ensure_future(calls.complete(call(number))) for number in (1, 2)]
    await endpoints.was_asked.wait()
    await calls.give_up()
    for one in waiting:
        with pytest.raises(ServiceUnavailable):
            await one
    assert log.ended == {}


async def test_a_call_that_ends_without_a_record_is_released_and_one_that_is_given_up_is_not() -> None:
    class Defect(Endpoints):
        async def send(self, asked: Call, _parent: Any, _gate: Any) -> Delivery:
            await super().send(asked, _parent, _gate)
            raise RuntimeError("a defect")

    log, endpoints = Log(), Defect()
    calls = completions(log, endpoints)
    waiting = asyncio.ensure_future(calls.complete(call(1)))
    await endpoints.was_asked.wait()
    endpoints.go.set()
    with pytest.raises(RuntimeError):
        await waiting
    assert log.released == [call(1).request_id]

    endpoints.go.clear()
    endpoints.was_asked.clear()
    waiting = asyncio.ensure_future(calls.complete(call(2)))
    await endpoints.was_asked.wait()
    await calls.give_up()
    with pytest.raises(ServiceUnavailable):
        await waiting
    assert log.released == [call(1).request_id]


async def test_a_call_of_another_gateway_is_looked_at_and_claimed_only_when_it_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0)
    log, endpoints = Log(), Endpoints()
    log.elsewhere_for = LOOKS
    endpoints.go.set()
    assert (await completions(log, endpoints).complete(call())).reply == REPLY
    assert (log.claims, log.looks) == (2, LOOKS)


async def test_a_call_of_another_gateway_is_not_looked_at_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0)
    log, endpoints = Log(), Endpoints()
    log.elsewhere_for = LOOKS + 2
    with pytest.raises(ServiceUnavailable):
        await completions(log, endpoints).complete(call())
    assert (log.claims, log.looks) == (1, LOOKS)
    assert endpoints.sent == []
