"""Calls to models that misbehave, made once for each request id, on a real mongod and a real endpoint."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc.aio
import pytest
import structlog
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from dearena import faults
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1.common_pb2 import ChatMessage, GenerationParameters, Money
from services.gateway.settings import GatewaySettings
from services.gateway.store import COMPLETIONS, INSTANCES
from services.runtime.lifecycle import Running
from services.runtime.store import Store, now
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, call, complete, ledger, model, refused, register, serving
from tests.fixtures.model_endpoint import (
    Behaviour,
    ModelEndpoint,
    echoes_key,
    fails,
    resets,
    says,
    sends,
    waits_for,
)
from tests.fixtures.waiting import eventually

KEY = "sk-planted-0123456789abcdef"
PRICE = pb.Price(
    per_million_input_tokens=Money(currency="USD", nano_units=3_000_000_000),
    per_million_output_tokens=Money(currency="USD", nano_units=15_000_000_000),
)


@pytest.fixture
def settings(arena_settings: ArenaSettings) -> GatewaySettings:
    made: GatewaySettings = arena_settings(GatewaySettings, **QUICK)
    return made


@pytest.fixture
async def service(
    settings: GatewaySettings, endpoint: ModelEndpoint
) -> AsyncIterator[tuple[stubs.GatewayServiceAsyncStub, Running[GatewaySettings]]]:
    async with serving(settings) as (stub, running):
        await register(stub, model("m", endpoint.base_url, price=PRICE))
        yield stub, running


@pytest.fixture
def gateway(
    service: tuple[stubs.GatewayServiceAsyncStub, Running[GatewaySettings]],
) -> stubs.GatewayServiceAsyncStub:
    return service[0]


async def test_a_reply_is_recorded_with_its_tokens_and_cost(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    endpoint.behave("m", says("VERDICT: 1", usage=(1000, 10)))
    completion = await complete(gateway, call("m@1"))
    assert completion.state == pb.COMPLETION_STATE_DONE
    assert (completion.text, completion.finish_reason) == ("VERDICT: 1", "stop")
    assert completion.upstream_model == "m-2026-11-24"
    assert (completion.usage.input_tokens, completion.usage.output_tokens, completion.usage.estimated) == (
        1000,
        10,
        False,
    )
    assert completion.cost == Money(currency="USD", nano_units=3_150_000)
    assert completion.latency.ToTimedelta() > timedelta()
    assert completion.http_requests == 1

    [received] = endpoint.requests
    assert received.request_id == completion.request_id
    assert received.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "What is 6 x 7?"}],
        "temperature": 0.0,
        "max_tokens": 1024,
    }
    assert "authorization" not in received.headers

    [entry] = await ledger(gateway)
    assert (entry.request_id, entry.model, entry.purpose) == (completion.request_id, "m@1", pb.PURPOSE_JUDGE)
    assert (entry.state, entry.cost, entry.interruptions) == (pb.COMPLETION_STATE_DONE, completion.cost, 0)


FAILURES: dict[str, tuple[Behaviour, int, int]] = {
    "wrong key": (fails(401), pb.FAILURE_KIND_UNAUTHENTICATED, 1),
    "key without rights": (fails(403), pb.FAILURE_KIND_UNAUTHENTICATED, 1),
    "bad request": (fails(400), pb.FAILURE_KIND_REFUSED_BY_ENDPOINT, 1),
    "redirect": (fails(307, headers={"location": "/elsewhere"}), pb.FAILURE_KIND_REDIRECTED, 1),
    "no record, but not sparring": (fails(404, "no_record"), pb.FAILURE_KIND_REFUSED_BY_ENDPOINT, 1),
    "limited": (fails(429), pb.FAILURE_KIND_RATE_LIMITED, 4),
    "server error": (fails(500), pb.FAILURE_KIND_ENDPOINT_ERROR, 4),
    # The endpoint may have done the work, and bill it each time.
    "reset": (resets, pb.FAILURE_KIND_UNREACHABLE, 2),
    "bad gateway": (fails(502), pb.FAILURE_KIND_ENDPOINT_ERROR, 2),
    "gateway timeout": (fails(504), pb.FAILURE_KIND_ENDPOINT_ERROR, 2),
    "HTML": (sends(b"<html>Welcome to nginx</html>"), pb.FAILURE_KIND_UNREADABLE_REPLY, 1),
    "broken JSON": (sends(b'{"choices": [', "application/json"), pb.FAILURE_KIND_UNREADABLE_REPLY, 1),
    "endless": (sends(b'"' + b"x" * 3_000_000 + b'"'), pb.FAILURE_KIND_UNREADABLE_REPLY, 1),
    # The last one: no call is sent for a while afterwards.
    "limited for an hour": (fails(429, headers={"retry-after": "3600"}), pb.FAILURE_KIND_RATE_LIMITED, 1),
}


async def test_an_endpoint_that_does_not_deliver_is_a_recorded_failure(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint, subtests: pytest.Subtests
) -> None:
    for trouble, (behaviour, kind, requests) in FAILURES.items():
        with subtests.test(trouble):
            endpoint.requests.clear()
            endpoint.behave("m", behaviour)
            completion = await complete(gateway, call("m@1", trouble))
            assert completion.state == pb.COMPLETION_STATE_FAILED
            assert completion.failure.kind == kind, completion.failure
            assert completion.failure.detail
            assert completion.http_requests == len(endpoint.requests) == requests
            assert await complete(gateway, call("m@1", trouble)) == completion
            assert len(endpoint.requests) == requests


PASSING: dict[str, Behaviour] = {
    "limited": fails(429, headers={"retry-after": "0"}),
    "server error": fails(500),
    "overloaded": fails(503),
    "request timeout": fails(408),
    "reset": resets,
}


async def test_trouble_that_passes_is_waited_out(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint, subtests: pytest.Subtests
) -> None:
    for trouble, behaviour in PASSING.items():
        with subtests.test(trouble):
            endpoint.requests.clear()
            endpoint.behave("m", behaviour, says("at last"))
            completion = await complete(gateway, call("m@1", trouble))
            assert (completion.state, completion.text) == (pb.COMPLETION_STATE_DONE, "at last")
            assert completion.http_requests == 2
            assert endpoint.requests[0].request_id == endpoint.requests[1].request_id


async def test_retry_after_is_waited_for(gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint) -> None:
    endpoint.behave("m", fails(429, headers={"retry-after": "1"}), says("at last"))
    began = asyncio.get_running_loop().time()
    assert (await complete(gateway, call("m@1"))).text == "at last"
    assert asyncio.get_running_loop().time() - began >= 1.0


async def test_empty_and_cut_off_replies_are_replies(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    endpoint.behave("m", says(""), says(None), says("cut", "length"))
    completions = [await complete(gateway, call("m@1", str(n))) for n in range(3)]
    assert {completion.state for completion in completions} == {pb.COMPLETION_STATE_DONE}
    assert [(one.text, one.finish_reason) for one in completions] == [("", "stop"), ("", "stop"), ("cut", "length")]


async def test_tokens_that_are_not_reported_are_estimated(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    endpoint.behave("m", says("x" * 40, usage=None))
    completion = await complete(gateway, call("m@1"))
    assert completion.usage.estimated
    assert completion.usage.output_tokens == 10


async def test_a_slow_endpoint_times_out_once(gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint) -> None:
    await register(gateway, model("slow", endpoint.base_url, timeout=Duration(nanos=200_000_000)))
    never = asyncio.Event()
    endpoint.behave("slow", waits_for(never, says("late")))
    completion = await complete(gateway, call("slow@1"))
    never.set()
    assert completion.failure.kind == pb.FAILURE_KIND_TIMEOUT
    assert "0.2 s" in completion.failure.detail
    assert completion.http_requests == 1


async def test_an_endpoint_that_is_not_there_is_unreachable(gateway: stubs.GatewayServiceAsyncStub) -> None:
    await register(gateway, model("gone", "http://127.0.0.1:9/v1"))
    await register(gateway, model("nowhere", "http://nowhere.invalid/v1"))
    for slug in ("gone", "nowhere"):
        completion = await complete(gateway, call(f"{slug}@1"))
        assert completion.failure.kind == pb.FAILURE_KIND_UNREACHABLE
        assert completion.http_requests == 4
    assert "Connection refused" in (await complete(gateway, call("gone@1"))).failure.detail


async def test_a_sparring_endpoint_is_told_the_query_and_may_have_no_record(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    await register(gateway, model("spar", endpoint.base_url, endpoint=pb.Endpoint(sparring=True)))
    endpoint.behave("spar", fails(404, "no_record"))
    request = call("spar@1")
    completion = await complete(gateway, request)
    assert completion.failure.kind == pb.FAILURE_KIND_NO_RECORD
    assert [received.body["dearena"] for received in endpoint.requests] == [
        {"query_id": "q00", "purpose": "judge", "request_id": request.request_id}
    ]


async def test_a_call_has_the_parameters_of_its_purpose_or_its_own(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    await complete(gateway, call("m@1", "a", purpose=pb.PURPOSE_ANSWER))
    own = GenerationParameters(top_p=0.5)
    own.extra_body.update({"top_k": 40})
    await complete(gateway, call("m@1", "b", parameters=own))
    first, second = endpoint.requests
    assert first.body["max_tokens"] == 2048
    assert {"top_p", "top_k"} <= second.body.keys()
    assert json.dumps(second.body["top_k"]) == "40"
    assert "max_tokens" not in second.body


MALFORMED: dict[str, dict[str, Any]] = {
    "project": {"project": "No!"},
    "model": {"model": "m"},
    "request_id": {"request_id": "ABC"},
    "messages": {"messages": [ChatMessage(role="tool", content="x")]},
    "dimension": {"dimension": "x" * 257},
    "query_id": {"query_id": "x" * 257},
    "purpose": {"purpose": pb.PURPOSE_UNSPECIFIED},
    "parameters.temperature": {"parameters": GenerationParameters(temperature=-1)},
}


async def test_a_malformed_call_is_refused_by_field(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint, subtests: pytest.Subtests
) -> None:
    for field, fields in MALFORMED.items():
        with subtests.test(field):
            with refused(faults.InvalidField) as found:
                await complete(gateway, call("m@1", **fields))
            assert [violation.field for violation in found[0].violations] == [field]
    with refused(faults.InvalidField):
        await complete(gateway, call("m@1", messages=[]))
    assert endpoint.requests == []


async def test_fifty_callers_of_one_id_make_one_request(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    go = asyncio.Event()
    endpoint.behave("m", waits_for(go, says("once")))
    calls = [asyncio.ensure_future(complete(gateway, call("m@1"))) for _ in range(50)]
    await eventually(lambda: endpoint.requests)
    go.set()
    completions = await asyncio.gather(*calls)
    assert len(endpoint.requests) == 1
    assert {completion.text for completion in completions} == {"once"}
    assert await complete(gateway, call("m@1")) == completions[0]
    assert len(endpoint.requests) == 1


async def test_an_id_of_another_model_is_refused(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    await register(gateway, model("other", endpoint.base_url))
    first = await complete(gateway, call("m@1"))
    with refused(faults.RequestIdReused):
        await complete(gateway, call("other@1", request_id=first.request_id))


async def test_an_id_of_another_body_is_refused_in_flight_and_after(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    go = asyncio.Event()
    endpoint.behave("m", waits_for(go, says("once")))
    first = asyncio.ensure_future(complete(gateway, call("m@1")))
    await eventually(lambda: endpoint.requests)
    other = call("m@1", "another", request_id=call("m@1").request_id)
    with refused(faults.RequestIdReused):
        await complete(gateway, other)
    go.set()
    assert (await first).text == "once"
    with refused(faults.RequestIdReused):
        await complete(gateway, other)
    assert len(endpoint.requests) == 1


async def test_a_call_outlives_its_caller(gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint) -> None:
    go = asyncio.Event()
    endpoint.behave("m", waits_for(go, says("paid for")))
    caller = gateway.Complete(call("m@1"), timeout=20)
    waiting = asyncio.ensure_future(_result(caller))
    await eventually(lambda: endpoint.requests)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()

    async def done() -> bool:
        return [entry.state for entry in await ledger(gateway)] == [pb.COMPLETION_STATE_DONE]

    await eventually(done)
    assert (await complete(gateway, call("m@1"))).text == "paid for"
    assert len(endpoint.requests) == 1


async def _result(caller: grpc.aio.UnaryUnaryCall[Any, pb.CompleteResponse]) -> pb.CompleteResponse:
    return await caller


async def test_a_deadline_of_the_caller_does_not_cut_the_call(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    go = asyncio.Event()
    endpoint.behave("m", waits_for(go, says("paid for")))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.Complete(call("m@1"), timeout=0.2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    go.set()
    assert (await complete(gateway, call("m@1"))).text == "paid for"
    assert len(endpoint.requests) == 1


async def test_no_more_calls_are_in_flight_than_the_model_bears(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    await register(gateway, model("narrow", endpoint.base_url, concurrency=3))
    go = asyncio.Event()
    endpoint.behave("narrow", waits_for(go, says("x")))
    calls = [asyncio.ensure_future(complete(gateway, call("narrow@1", str(n)))) for n in range(20)]
    await eventually(lambda: len(endpoint.requests) == 3)
    # Others are not held up by it.
    assert (await complete(gateway, call("m@1"))).text == "42"
    assert len(endpoint.of("narrow")) == 3
    assert len(await ledger(gateway, state=pb.COMPLETION_STATE_STARTED)) == 3
    go.set()
    await asyncio.gather(*calls)
    assert len(endpoint.of("narrow")) == 20


async def test_models_out_of_force_answer_from_the_record_only(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    first = await complete(gateway, call("m@1"))
    await gateway.RetireModel(pb.RetireModelRequest(name="projects/default/models/m"))
    assert await complete(gateway, call("m@1")) == first
    with refused(faults.ModelNotActive):
        await complete(gateway, call("m@1", "another"))
    with refused(faults.UnknownModel):
        await complete(gateway, call("none@1"))
    assert len(endpoint.requests) == 1


async def test_a_model_that_may_judge_no_more_is_not_asked_to(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    asked = call("m@1", purpose=pb.PURPOSE_JUDGE)
    first = await complete(gateway, asked)
    mask = FieldMask(paths=["may_judge"])
    await gateway.UpdateModel(
        pb.UpdateModelRequest(model=pb.Model(name="projects/default/models/m", may_judge=False), update_mask=mask)
    )
    assert await complete(gateway, asked) == first
    with refused(faults.ModelNotActive):
        await complete(gateway, call("m@1", "another", purpose=pb.PURPOSE_JUDGE))
    assert (await complete(gateway, call("m@1", "another", purpose=pb.PURPOSE_ANSWER))).text == "42"
    assert len(endpoint.requests) == 2


async def test_a_key_is_sent_and_nowhere_kept(
    service: tuple[stubs.GatewayServiceAsyncStub, Running[GatewaySettings]],
    endpoint: ModelEndpoint,
    settings: GatewaySettings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    gateway, running = service
    with structlog.testing.capture_logs() as logs:
        monkeypatch.setenv("PLANTED_KEY", KEY)
        keyed = pb.Endpoint(key_reference="env:PLANTED_KEY")
        await register(gateway, model("keyed", endpoint.base_url, endpoint=keyed))
        with refused(faults.InvalidField):
            await register(gateway, model("literal", endpoint.base_url, endpoint=pb.Endpoint(key_reference=KEY)))
        escaped = json.dumps({"choices": [{"message": {"content": KEY}}]}).replace("sk-", "\\u0073k-").encode()
        behaviours = (echoes_key, sends(escaped), fails(401, "invalid_api_key"), fails(400, KEY), resets)
        endpoint.behave("keyed", *behaviours)
        texts = [str(await complete(gateway, call("keyed@1", str(n)))) for n in range(len(behaviours))]
        assert endpoint.requests[0].headers["authorization"] == f"Bearer {KEY}"
        monkeypatch.delenv("PLANTED_KEY")
        missing = await complete(gateway, call("keyed@1", "missing"))
        assert missing.failure.kind == pb.FAILURE_KIND_KEY_NOT_FOUND
        assert "env:PLANTED_KEY" in missing.failure.detail
        assert missing.http_requests == 0

    assert "key withheld" in texts[0]
    assert "key withheld" in texts[1]
    assert KEY not in "".join(texts) + repr(logs) + "".join(capfd.readouterr())
    assert KEY not in await _everything_stored(running.shell.store)


async def _everything_stored(store: Store) -> str:
    database = store.collection("x").database
    stored = [
        repr(document)
        for name in await database.list_collection_names()
        async for document in store.collection(name).find({})
    ]
    assert len(stored) > 5
    return "\n".join(stored)


async def test_a_call_of_a_dead_gateway_is_unknown_and_sent_once_more(
    service: tuple[stubs.GatewayServiceAsyncStub, Running[GatewaySettings]], endpoint: ModelEndpoint
) -> None:
    gateway, running = service
    store = running.shell.store
    request = call("m@1")
    await _start_elsewhere(store, request, owner="dead")

    async def unknown() -> list[pb.LedgerEntry]:
        return await ledger(gateway, interrupted_only=True, state=pb.COMPLETION_STATE_UNKNOWN)

    [entry] = await eventually(unknown)
    assert (entry.request_id, entry.interruptions) == (request.request_id, 1)
    assert endpoint.requests == []

    completions = await asyncio.gather(*(complete(gateway, request) for _ in range(5)))
    assert {completion.text for completion in completions} == {"42"}
    assert len(endpoint.requests) == 1
    [entry] = await ledger(gateway, interrupted_only=True)
    assert (entry.state, entry.interruptions) == (pb.COMPLETION_STATE_DONE, 1)


async def test_a_call_interrupted_twice_is_not_sent_again(
    service: tuple[stubs.GatewayServiceAsyncStub, Running[GatewaySettings]], endpoint: ModelEndpoint
) -> None:
    gateway, running = service
    request = call("m@1")
    await _start_elsewhere(running.shell.store, request, owner="dead", interruptions=1)
    completion = await complete(gateway, request)
    assert completion.failure.kind == pb.FAILURE_KIND_INTERRUPTED
    assert endpoint.requests == []
    [entry] = await ledger(gateway, interrupted_only=True)
    assert (entry.state, entry.interruptions) == (pb.COMPLETION_STATE_FAILED, 2)


async def test_a_call_of_a_living_gateway_is_waited_for(
    service: tuple[stubs.GatewayServiceAsyncStub, Running[GatewaySettings]], endpoint: ModelEndpoint
) -> None:
    gateway, running = service
    store = running.shell.store
    request = call("m@1")
    lease = {"_id": "other", "expires_at": now() + timedelta(minutes=1)}
    await store.collection(INSTANCES).insert_one(lease)
    await _start_elsewhere(store, request, owner="other")
    waiting = asyncio.ensure_future(complete(gateway, request))
    assert (await complete(gateway, call("m@1", "meanwhile"))).text == "42"
    assert not waiting.done()

    # It dies: its lease runs out, and the call is made here.
    await store.collection(INSTANCES).update_one({"_id": "other"}, {"$set": {"expires_at": now()}})
    assert (await waiting).text == "42"
    assert len(endpoint.requests) == 2
    [entry] = await ledger(gateway, interrupted_only=True)
    assert entry.interruptions == 1


async def test_two_gateways_make_one_request(settings: GatewaySettings, endpoint: ModelEndpoint) -> None:
    other = settings.model_copy(update={"instance": "second"})
    go = asyncio.Event()
    endpoint.behave("m", waits_for(go, says("once")))
    async with serving(settings) as (one, _), serving(other) as (two, _):
        await register(one, model("m", endpoint.base_url))
        calls = [asyncio.ensure_future(complete(stub, call("m@1"))) for stub in (one, two) for _ in range(3)]
        await eventually(lambda: endpoint.requests)
        go.set()
        assert {(await one_call).text for one_call in calls} == {"once"}
    assert len(endpoint.requests) == 1


async def test_calls_in_flight_at_a_stop_end_or_are_taken_over(
    settings: GatewaySettings, endpoint: ModelEndpoint
) -> None:
    go = asyncio.Event()
    endpoint.behave("m", waits_for(go, says("late")), says("again"))
    async with serving(settings.model_copy(update={"drain_calls_seconds": 0.1})) as (stub, _):
        await register(stub, model("m", endpoint.base_url))
        waiting = asyncio.ensure_future(complete(stub, call("m@1")))
        await eventually(lambda: endpoint.requests)
    with pytest.raises(asyncio.CancelledError):
        await waiting  # its channel was closed
    async with serving(settings.model_copy(update={"instance": "next"})) as (stub, _):
        assert (await complete(stub, call("m@1"))).text == "again"
        [entry] = await ledger(stub, interrupted_only=True)
        assert (entry.state, entry.interruptions) == (pb.COMPLETION_STATE_DONE, 1)
    go.set()


async def test_the_ledger_is_paged_in_the_order_of_starting(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    requests = [call("m@1", str(n), dimension="algebra" if n % 2 else "logic") for n in range(7)]
    for request in requests:
        await complete(gateway, request)
    found: list[str] = []
    token = ""
    while True:
        page = await gateway.ListLedger(
            pb.ListLedgerRequest(parent="projects/default", page_size=3, page_token=token), timeout=10
        )
        found += [entry.request_id for entry in page.entries]
        if not (token := page.next_page_token):
            break
        assert len(page.entries) == 3
    assert found == [request.request_id for request in requests]
    assert len(await ledger(gateway, dimension="logic")) == 4
    assert await ledger(gateway, state=pb.COMPLETION_STATE_FAILED) == []
    assert await ledger(gateway, interrupted_only=True) == []


async def _start_elsewhere(store: Store, request: pb.CompleteRequest, owner: str, interruptions: int = 0) -> None:
    """A call as another gateway leaves it that dies in mid-call."""
    await store.collection(COMPLETIONS).insert_one(
        {
            "_id": f"{request.project}/{request.request_id}",
            "project": request.project,
            "request_id": request.request_id,
            "model": request.model,
            "purpose": "JUDGE",
            "dimension": request.dimension,
            "query_id": request.query_id,
            "state": "STARTED",
            "owner": owner,
            "number": 1,
            "interruptions": interruptions,
            "started_at": now(),
        }
    )
