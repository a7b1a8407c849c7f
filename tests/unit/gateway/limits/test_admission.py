"""Who may send, and when: gateways in one process, limits in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import cast

import pytest

from dearena.faults import StoreUnavailable
from dearena.names import Revision
from services.gateway.calls import Call, Purpose
from services.gateway.chat import Message, Reply
from services.gateway.failures import Failure, FailureKind
from services.gateway.limits.admission import Admission
from services.gateway.limits.breaker import BreakerPolicy
from services.gateway.limits.limit_records import LimitRecords, Step
from services.gateway.limits.passage import CircuitOpen, Passage
from services.gateway.limits.state import Grant, Limits, LimitState
from services.gateway.models import Endpoint, ModelSpec
from tests.fixtures.limit_records import RecordsInMemory
from tests.fixtures.waiting import eventually

REPLY = Reply("42", "stop", 7, 3, usage_estimated=False, upstream_model="m")
DOWN = Failure(FailureKind.UNREACHABLE, "no connection")
POLICY = BreakerPolicy(failures=2, cool_down=0.05, longest_cool_down=1.0)


def call(
    number: int = 0,
    dimension: str = "algebra",
    purpose: Purpose = Purpose.JUDGE,
    *,
    slug: str = "m",
    key: str = "",
    concurrency: int = 3,
) -> Call:
    spec = ModelSpec(Endpoint("http://m/v1", "m", key_reference=key), concurrency=concurrency)
    messages = [Message("user", "?")]
    return Call("default", Revision(slug, 1), spec, messages, {}, f"{number:064}", purpose, dimension)


@pytest.fixture
def records() -> RecordsInMemory:
    return RecordsInMemory()


Gateway = Callable[..., Admission]


@pytest.fixture
async def gateway(records: RecordsInMemory) -> AsyncIterator[Gateway]:
    """Makes gateways that share limits, and the key `env:SHARED` for two calls at once."""

    async def key_limits(reference: str) -> Limits | None:
        return Limits(concurrency=2) if reference == "env:SHARED" else None

    async with AsyncExitStack() as stack:

        def make(*, keeps: bool = True) -> Admission:
            made = Admission(
                cast("LimitRecords", records),
                f"g{next(numbers)}",
                key_limits,
                POLICY,
                seat_seconds=10.0,
                longest_hold=60.0,
            )
            if keeps:
                kept.append(asyncio.ensure_future(made.keep()))
            stack.push_async_callback(made.close)
            return made

        numbers = itertools.count()
        kept: list[asyncio.Future[None]] = []
        yield make
        for task in kept:
            task.cancel()


class Endpoint42:
    """Holds calls until the test lets them go, and counts them."""

    def __init__(self) -> None:
        self.served: list[Call] = []
        self.most = 0
        self.go = asyncio.Event()
        self._in_flight = 0

    async def serve(self, admission: Admission, asked: Call) -> None:
        async with await admission.passage(asked) as passage:
            self.served.append(asked)
            self._in_flight += 1
            self.most = max(self.most, self._in_flight)
            await self.go.wait()
            await asyncio.sleep(0)
            self._in_flight -= 1
            passage.ended(REPLY, None)


async def test_two_gateways_hold_one_concurrency_together(gateway: Gateway) -> None:
    endpoint, gateways = Endpoint42(), [gateway(), gateway()]
    endpoint.go.set()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for number in range(60):
            group.create_task(endpoint.serve(gateways[number % 2], call(number)))
    assert len(endpoint.served) == 60
    assert endpoint.most == 3


async def test_calls_of_a_model_with_room_do_not_ask_the_store_each(gateway: Gateway, records: RecordsInMemory) -> None:
    endpoint, admission = Endpoint42(), gateway()
    endpoint.go.set()
    for number in range(300):
        await endpoint.serve(admission, call(number))
    assert records.steps <= 2


async def test_a_few_calls_are_not_held_up_by_many_of_another_dimension(gateway: Gateway) -> None:
    endpoint, admission = Endpoint42(), gateway()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for number in range(500):
            group.create_task(endpoint.serve(admission, call(number, "large")))
        await asyncio.sleep(0)
        for number in range(10):
            group.create_task(endpoint.serve(admission, call(number, "small")))
        for number in range(10):
            group.create_task(endpoint.serve(admission, call(number, "large", Purpose.ANSWER)))
        endpoint.go.set()
    order = [(asked.dimension, asked.purpose) for asked in endpoint.served]
    assert max(place for place, kind in enumerate(order) if kind == ("small", Purpose.JUDGE)) < 50
    assert max(place for place, kind in enumerate(order) if kind[1] is Purpose.ANSWER) < 50


async def test_models_that_share_a_key_share_its_limit_in_turns(gateway: Gateway) -> None:
    endpoint, admission = Endpoint42(), gateway()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for slug in ("a", "b"):
            for number in range(20):
                group.create_task(endpoint.serve(admission, call(number, slug=slug, key="env:SHARED")))
        await asyncio.sleep(0)
        endpoint.go.set()
    assert endpoint.most == 2
    first = [asked.model.slug for asked in endpoint.served[:20]]
    assert 7 <= first.count("b") <= 13


async def waiting(admission: Admission, number: int) -> Passage:
    passage = await admission.passage(call(number))
    await passage.__aenter__()
    return passage


async def broken(admission: Admission) -> None:
    for _ in range(POLICY.failures):
        (await waiting(admission, 0)).ended(DOWN, None)


async def test_while_the_breaker_is_open_calls_wait_and_go_on_when_a_probe_succeeds(gateway: Gateway) -> None:
    admission = gateway()
    await broken(admission)
    async with asyncio.timeout(10):
        calls = [asyncio.ensure_future(waiting(admission, number)) for number in range(3)]
        [probe], rest = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert len(rest) == 2
        (await probe).ended(REPLY, None)
        for one in await asyncio.gather(*rest):
            one.ended(REPLY, None)


async def test_when_a_probe_fails_all_that_wait_fail(gateway: Gateway) -> None:
    admission = gateway()
    await broken(admission)
    async with asyncio.timeout(10):
        calls = [asyncio.ensure_future(waiting(admission, number)) for number in range(3)]
        [probe], rest = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        (await probe).ended(DOWN, None)
        ends = await asyncio.gather(*rest, return_exceptions=True)
    for end in ends:
        assert isinstance(end, CircuitOpen)
        assert end.failure.kind is FailureKind.CIRCUIT_OPEN
        assert "no connection" in end.failure.detail


async def test_a_call_that_is_sent_again_waits_out_the_patience_that_another_was_asked_for(gateway: Gateway) -> None:
    admission = gateway()
    first, second = await waiting(admission, 0), await waiting(admission, 1)
    first.ended(Failure(FailureKind.RATE_LIMITED, "", 429), 0.2)
    second.ended(Failure(FailureKind.ENDPOINT_ERROR, "", 500), None)
    began = asyncio.get_running_loop().time()
    assert await second.again(0.0)
    assert asyncio.get_running_loop().time() - began >= 0.19


async def test_bad_news_is_told_at_once(gateway: Gateway, records: RecordsInMemory) -> None:
    admission = gateway(keeps=False)
    (await waiting(admission, 0)).ended(Failure(FailureKind.RATE_LIMITED, "", 429), 30.0)
    await eventually(lambda: records.of["models/default/m"].held_until > 0)


async def test_a_call_that_pauses_while_a_probe_fails_is_not_sent_again(gateway: Gateway) -> None:
    admission = gateway()
    pausing, other = await waiting(admission, 0), await waiting(admission, 1)
    pausing.ended(DOWN, None)
    other.ended(DOWN, None)
    again = asyncio.ensure_future(pausing.again(0.3))
    (await waiting(admission, 2)).ended(DOWN, None)
    async with asyncio.timeout(10):
        assert not await again


async def test_when_a_probe_fails_what_waits_elsewhere_fails_too(gateway: Gateway, records: RecordsInMemory) -> None:
    gateways = [gateway(), gateway()]
    await broken(gateways[0])
    await eventually(lambda: records.of["models/default/m"].breaker.cool_down > 0)
    async with asyncio.timeout(10):
        calls = [asyncio.ensure_future(waiting(one, 0)) for one in gateways]
        [probe], [rest] = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        (await probe).ended(DOWN, None)
        with pytest.raises(CircuitOpen):
            await rest


async def test_no_further_attempt_is_made_beyond_the_deadline(gateway: Gateway) -> None:
    passage = await waiting(gateway(), 0)
    passage.ended(Failure(FailureKind.RATE_LIMITED, "", 429), 1.0)
    assert not await passage.again(passage.remaining() + 1)


async def test_who_leaves_makes_room(gateway: Gateway) -> None:
    admission = gateway()
    inside = [await waiting(admission, number) for number in range(3)]
    leaver, stayer = (asyncio.ensure_future(waiting(admission, number)) for number in (8, 9))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    inside[0].ended(REPLY, None)
    async with asyncio.timeout(10):
        await stayer


async def test_without_the_store_calls_are_not_sent(
    gateway: Gateway, records: RecordsInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_limit: str, _step: Step) -> tuple[LimitState, Grant]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(records, "step", away)
    with pytest.raises(StoreUnavailable):
        await waiting(gateway(), 0)


async def test_a_store_that_is_away_lets_the_last_reply_stand(
    gateway: Gateway, records: RecordsInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (passage,) = [await gateway().passage(call())]

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    async with passage:
        passage.remaining()
        passage.ended(Failure(FailureKind.RATE_LIMITED, "429"), 0.01)
        monkeypatch.setattr(passage._doorkeeper, "enter", away)
        assert not await passage.again(0.0)
