"""Answers that were lost in an outage are asked again, on a real mongod and a real nats-server."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

from collections.abc import AsyncIterator
from typing import Any

import pytest

from dearena import faults
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, QuerySelector, ledger, model, query_selector, refused, register, serving
from tests.fixtures.model_endpoint import ModelEndpoint, fails, resets, says
from tests.fixtures.waiting import eventually

ALGEBRA = "projects/default/dimensions/algebra"
QUERIES = 20
BREAKER_FAILURES = 4
OUTAGE: dict[str, Any] = {
    **QUICK,
    "http_attempts": 2,
    "breaker_failures": BREAKER_FAILURES,
    "breaker_cool_down_seconds": 0.2,
    "breaker_longest_cool_down_seconds": 0.4,
    "answer_again_pause_seconds": 0.3,
    "answer_again_longest_pause_seconds": 0.6,
    "sweep_seconds": 0.1,
}
"""Cool-downs, pauses and sweeps a hundredth of what they are elsewhere."""


@pytest.fixture
async def selector() -> AsyncIterator[tuple[QuerySelector, str]]:
    async with query_selector() as served:
        yield served


async def entrant(gateway: stubs.GatewayServiceAsyncStub) -> pb.Entrant:
    [found] = (await gateway.ListEntrants(pb.ListEntrantsRequest(dimension=ALGEBRA), timeout=10)).entrants
    return found


async def is_(gateway: stubs.GatewayServiceAsyncStub, state: pb.EntrantState.ValueType) -> pb.Entrant:
    async def settled() -> pb.Entrant | None:
        found = await entrant(gateway)
        return found if found.state == state else None

    result: pb.Entrant = await eventually(settled)
    return result


async def test_after_an_outage_of_several_cool_downs_every_answer_is_usable(
    arena_settings: ArenaSettings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint
) -> None:
    queries, address = selector
    queries.add("algebra", *(f"{n}" for n in range(QUERIES)))
    settings = arena_settings(GatewaySettings, query_selector_address=address, **OUTAGE)
    endpoint.behave("m", *(says("42") for _ in range(5)), resets)
    async with serving(settings) as (gateway, _):
        await register(gateway, model("m", endpoint.base_url, concurrency=4))
        # One request a cool-down once it is left alone: five of them pass, and more.
        await eventually(lambda: len(endpoint.of("m")) >= 5 + BREAKER_FAILURES + 6)

        async def says_why() -> bool:
            found = await entrant(gateway)
            return found.state == pb.ENTRANT_STATE_COLLECTING and "left alone" in found.reason

        await eventually(says_why)
        endpoint.behave("m", says("42"))
        ready = await is_(gateway, pb.ENTRANT_STATE_READY)
        assert (ready.answers_usable, ready.answers_recorded) == (QUERIES, QUERIES)
        # No call that was not sent is on record.
        assert all(entry.http_requests for entry in await ledger(gateway, page_size=500))


async def test_an_endpoint_that_was_never_there_has_failed_until_it_is(
    arena_settings: ArenaSettings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint
) -> None:
    queries, address = selector
    queries.add("algebra", "one", "two")
    pauses = {"answer_again_pause_seconds": 1.0, "answer_again_longest_pause_seconds": 1.0}
    settings = arena_settings(GatewaySettings, query_selector_address=address, **OUTAGE | pauses)
    endpoint.behave("m", resets)
    async with serving(settings) as (gateway, _):
        await register(gateway, model("m", endpoint.base_url))
        assert "UNREACHABLE" in (await is_(gateway, pb.ENTRANT_STATE_FAILED)).reason
        endpoint.behave("m", says("42"))
        assert (await is_(gateway, pb.ENTRANT_STATE_READY)).answers_usable == 2


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_an_endpoint_out_of_reach_fails_long_before_every_query_was_put_and_is_revived(
    arena_settings: ArenaSettings,
    selector: tuple[QuerySelector, str],
    endpoint: ModelEndpoint,
    concurrency: int,
) -> None:
    queries, address = selector
    queries.add("algebra", *(f"{n}" for n in range(QUERIES)))
    # Long enough for this test to be first; and calls that were sent before it gave up are on record as failed.
    pauses = {"answer_again_pause_seconds": 8.0, "answer_again_longest_pause_seconds": 8.0}
    out_of_reach = OUTAGE | pauses | {"answer_unreached_seconds": 0.5}
    settings = arena_settings(GatewaySettings, query_selector_address=address, **out_of_reach)
    endpoint.behave("m", resets)
    async with serving(settings) as (gateway, _):
        name = (await register(gateway, model("m", endpoint.base_url, concurrency=concurrency))).name
        failed = await is_(gateway, pb.ENTRANT_STATE_FAILED)
        assert "left alone" in failed.reason
        assert "UNREACHABLE" in failed.reason
        assert failed.answers_recorded < QUERIES
        sent = len(endpoint.of("m"))
        assert sent < QUERIES
        # Nobody asks it meanwhile; whoever knows better has it asked again, all of it.
        endpoint.behave("m", says("42"))
        assert (await gateway.AskAnswersAgain(pb.AskAnswersAgainRequest(model=name))).answers == QUERIES
        ready = await is_(gateway, pb.ENTRANT_STATE_READY)
        assert (ready.answers_usable, ready.answers_recorded) == (QUERIES, QUERIES)


async def test_an_endpoint_out_of_reach_is_tried_again_without_being_waited_for(
    arena_settings: ArenaSettings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint
) -> None:
    queries, address = selector
    queries.add("algebra", *(f"{n}" for n in range(QUERIES)))
    settings = arena_settings(
        GatewaySettings, query_selector_address=address, **OUTAGE | {"answer_unreached_seconds": 0.5}
    )
    endpoint.behave("m", resets)
    async with serving(settings) as (gateway, _):
        await register(gateway, model("m", endpoint.base_url))
        await is_(gateway, pb.ENTRANT_STATE_FAILED)
        sent = len(endpoint.of("m"))
        await eventually(lambda: len(endpoint.of("m")) > sent)
        # Failed once more: the others of its cohort are not held up by it.
        assert (await is_(gateway, pb.ENTRANT_STATE_FAILED)).answers_recorded < QUERIES
        endpoint.behave("m", says("42"))
        assert (await is_(gateway, pb.ENTRANT_STATE_READY)).answers_usable == QUERIES


async def test_a_few_failures_beside_usable_answers_keep_a_model_out_only_for_so_long(
    arena_settings: ArenaSettings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint
) -> None:
    queries, address = selector
    queries.add("algebra", "one", "two")
    quick = {"answer_again_pause_seconds": 0.05, "answer_again_longest_pause_seconds": 0.05}
    settings = arena_settings(GatewaySettings, query_selector_address=address, **OUTAGE | quick)
    # A server that breaks on one query, every time.
    endpoint.behave("m", says("42"), fails(500))
    async with serving(settings.model_copy(update={"http_attempts": 1, "breaker_failures": 100})) as (gateway, _):
        await register(gateway, model("m", endpoint.base_url, concurrency=1))
        ready = await is_(gateway, pb.ENTRANT_STATE_READY)
        assert (ready.answers_usable, ready.answers_recorded) == (1, 2)
        # Asked twice, and twice again each of four times.
        assert len(endpoint.requests) == 1 + 2 * 5


async def test_an_operator_has_failed_answers_asked_again(
    arena_settings: ArenaSettings, selector: tuple[QuerySelector, str], endpoint: ModelEndpoint
) -> None:
    queries, address = selector
    queries.add("algebra", "one", "two")
    settings = arena_settings(
        GatewaySettings, query_selector_address=address, **OUTAGE | {"answer_again_times": 0, "sweep_seconds": 60}
    )
    endpoint.behave("m", fails(400))
    async with serving(settings) as (gateway, _):
        name = (await register(gateway, model("m", endpoint.base_url))).name
        await is_(gateway, pb.ENTRANT_STATE_FAILED)
        endpoint.behave("m", says("42"))
        elsewhere = pb.AskAnswersAgainRequest(model=name, dimension="projects/default/dimensions/logic")
        assert (await gateway.AskAnswersAgain(elsewhere)).answers == 0
        request = pb.AskAnswersAgainRequest(model=name, dimension=ALGEBRA, request_id="once")
        assert (await gateway.AskAnswersAgain(request)).answers == 2
        ready = await is_(gateway, pb.ENTRANT_STATE_READY)
        assert ready.answers_usable == 2
        # Once, however often it is asked; and what is ready stays what it is.
        assert (await gateway.AskAnswersAgain(request)).answers == 2
        assert (await gateway.AskAnswersAgain(pb.AskAnswersAgainRequest(model=name))).answers == 0
        assert (await entrant(gateway)).state == pb.ENTRANT_STATE_READY
        assert len(endpoint.requests) == 4
        await gateway.RetireModel(pb.RetireModelRequest(name=name))
        with refused(faults.ModelNotActive):
            await gateway.AskAnswersAgain(pb.AskAnswersAgainRequest(model=name))
