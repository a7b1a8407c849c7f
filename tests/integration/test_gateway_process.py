"""The gateway as a process: killed in mid-call, traced, and silent about keys and prompts."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

from dearena.local import ports, servers
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from services.gateway.entrances import ANSWERS_A_TRACE
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, QuerySelector, call, complete, ledger, model, query_selector, register, sent
from tests.fixtures.model_endpoint import ModelEndpoint, fails, says, waits_for
from tests.fixtures.otlp import Spans, otlp_receiver
from tests.fixtures.waiting import eventually

KEY = "sk-planted-0123456789abcdef"
PROMPT = "What is the secret of six times seven?"
ALGEBRA = "projects/default/dimensions/algebra"


@pytest.fixture
async def selector() -> AsyncIterator[tuple[QuerySelector, str]]:
    async with query_selector() as served:
        yield served


@pytest.fixture
async def spans_at() -> AsyncIterator[tuple[str, Spans]]:
    async with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture
async def process(
    arena_settings: ArenaSettings, selector: tuple[QuerySelector, str], spans_at: tuple[str, Spans], tmp_path: Path
) -> AsyncIterator[servers.Server]:
    port = ports.free_port()
    settings = arena_settings(
        GatewaySettings,
        listen=f"127.0.0.1:{port}",
        otlp_endpoint=spans_at[0],
        query_selector_address=selector[1],
        **QUICK,
    )
    given = settings.model_dump(exclude={"instance"})
    environment = [f"DEARENA_{name.upper()}={value}" for name, value in given.items()]
    process = servers.Server(
        name="gateway",
        command=["env", *environment, f"PLANTED_KEY={KEY}", sys.executable, "-m", "services.gateway"],
        log=tmp_path / "gateway.log",
        is_ready=lambda: servers.accepts(port),
    )
    await process.start()
    yield process
    process.stop()


@pytest.fixture
async def gateway(process: servers.Server) -> AsyncIterator[stubs.GatewayServiceAsyncStub]:
    listen = next(setting for setting in process.command if setting.startswith("DEARENA_LISTEN="))
    async with grpc.aio.insecure_channel(listen.partition("=")[2]) as channel:
        await asyncio.wait_for(channel.channel_ready(), 20)
        yield stubs.GatewayServiceStub(channel)


async def entrant_states(gateway: stubs.GatewayServiceAsyncStub) -> list[int]:
    request = pb.ListEntrantsRequest(dimension=ALGEBRA, dimension_version=1)
    response = await gateway.ListEntrants(request, timeout=10, wait_for_ready=True)
    return [entrant.state for entrant in response.entrants]


async def test_killed_in_mid_call_it_goes_on_and_sends_again_only_what_was_in_flight(
    process: servers.Server,
    gateway: stubs.GatewayServiceAsyncStub,
    selector: tuple[QuerySelector, str],
    endpoint: ModelEndpoint,
    nats_url: str,
) -> None:
    selector[0].add("algebra", *(f"{n}" for n in range(12)))
    never = asyncio.Event()
    endpoint.behave("m", *[says("42")] * 5, *[waits_for(never, says("lost"))] * 3, says("42"))
    await register(gateway, model("m", endpoint.base_url, concurrency=3))
    await eventually(lambda: len(endpoint.requests) == 8)
    process.stop(signal.SIGKILL)
    never.set()
    await process.start()

    async def ready() -> bool:
        return await entrant_states(gateway) == [pb.ENTRANT_STATE_READY]

    await eventually(ready)
    entries = await ledger(gateway)
    assert {entry.state for entry in entries} == {pb.COMPLETION_STATE_DONE}
    interrupted = {entry.request_id for entry in entries if entry.interruptions}
    assert len(interrupted) == 3
    asked = Counter(received.request_id for received in endpoint.requests)
    assert {request_id for request_id, times in asked.items() if times > 1} == interrupted
    assert sum(asked.values()) == 12 + 3
    assert len(await sent(nats_url, "answers.ready.>")) == 1


async def test_one_trace_leads_from_the_registration_to_the_news_and_holds_no_secret(
    process: servers.Server,
    gateway: stubs.GatewayServiceAsyncStub,
    selector: tuple[QuerySelector, str],
    spans_at: tuple[str, Spans],
    endpoint: ModelEndpoint,
) -> None:
    _, spans = spans_at
    selector[0].add("algebra", PROMPT)
    endpoint.behave("m", says("forty-two", usage=(11, 5)), fails(401, "invalid_api_key"))
    keyed = pb.Endpoint(key_reference="env:PLANTED_KEY")
    await register(gateway, model("m", endpoint.base_url, provider="in-house", endpoint=keyed))
    (registration,) = await eventually(lambda: spans.named("/dearena.v1.GatewayService/RegisterModel"))
    for name in ("model.registered", "answers.ready"):
        (told,) = await eventually(lambda name=name: spans.named(f"send {name}.{{project}}.{{name}}"))
        assert told.trace_id == registration.trace_id
        assert told.key in spans.reachable(registration)
    (chat,) = spans.named("chat m")
    assert chat.trace_id == registration.trace_id
    assert chat.attributes["gen_ai.request.model"] == "m"
    assert chat.attributes["gen_ai.response.model"] == "m-2026-11-24"
    assert (chat.attributes["gen_ai.usage.input_tokens"], chat.attributes["gen_ai.usage.output_tokens"]) == (11, 5)
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.provider.name"] == "in-house"
    assert chat.attributes["gen_ai.output.type"] == "text"
    assert chat.attributes["gen_ai.request.temperature"] == 0.0
    assert chat.attributes["gen_ai.request.max_tokens"] == 2048
    host, port = endpoint.base_url.removeprefix("http://").partition("/")[0].split(":")
    assert (chat.attributes["server.address"], chat.attributes["server.port"]) == (host, int(port))
    assert registration.attributes["dearena.model"] == "m"

    # A judge's call stands in the trace of who asked for it, with its failure.
    await complete(gateway, call("m@1", PROMPT))
    (asked,) = await eventually(lambda: spans.named("/dearena.v1.GatewayService/Complete"))
    failed = next(span for span in spans.named("chat m") if span.key != chat.key)
    assert (failed.trace_id, failed.parent_id) == asked.key
    assert failed.attributes["error.type"] == "UNAUTHENTICATED"

    process.stop()
    told_to_all = process.log.read_text("utf-8") + "".join(
        f"{span.name} {span.attributes}" for span in spans.received.values()
    )
    assert "chat m" in told_to_all
    assert endpoint.requests[0].headers["authorization"] == f"Bearer {KEY}"
    for secret in (KEY, PROMPT, "forty-two"):
        assert secret not in told_to_all


async def test_answers_beyond_those_that_a_trace_bears_are_traces_of_their_own(
    gateway: stubs.GatewayServiceAsyncStub,
    selector: tuple[QuerySelector, str],
    spans_at: tuple[str, Spans],
    endpoint: ModelEndpoint,
) -> None:
    _, spans = spans_at
    selector[0].add("algebra", *(f"{number}?" for number in range(ANSWERS_A_TRACE + 6)))
    endpoint.behave("m", says("42"))
    await register(gateway, model("m", endpoint.base_url, concurrency=8))
    await eventually(lambda: spans.named("send answers.ready.{project}.{name}"), 30)
    [collection] = spans.named("collect answers")
    apart = {span.key: span for span in spans.named("answer query")}
    assert len(apart) == len({trace_id for trace_id, _ in apart}) == 6
    assert set(collection.links) == set(apart)
    for span in apart.values():
        assert span.links == (collection.key,)
        assert span.attributes["dearena.insertion.trace_id"] == collection.trace_id
    where = Counter(span.trace_id for span in spans.named("chat m"))
    assert where == {
        collection.trace_id: ANSWERS_A_TRACE,
        **dict.fromkeys((span.trace_id for span in apart.values()), 1),
    }


async def test_what_is_collected_again_is_a_trace_of_its_own_and_the_news_are_of_the_insertion(
    process: servers.Server,
    gateway: stubs.GatewayServiceAsyncStub,
    selector: tuple[QuerySelector, str],
    spans_at: tuple[str, Spans],
    endpoint: ModelEndpoint,
) -> None:
    _, spans = spans_at
    selector[0].add("algebra", "one", "two", "three")
    never = asyncio.Event()
    endpoint.behave("m", says("42"), waits_for(never, says("lost")), says("42"))
    await register(gateway, model("m", endpoint.base_url, concurrency=1))
    [registration] = await eventually(lambda: spans.named("/dearena.v1.GatewayService/RegisterModel"))
    await eventually(lambda: len(endpoint.requests) == 2)
    process.stop(signal.SIGKILL)
    never.set()
    await process.start()
    [news] = await eventually(lambda: spans.named("send answers.ready.{project}.{name}"), 30)
    assert news.trace_id == registration.trace_id
    again = await eventually(lambda: spans.named("collect answers again"))
    assert len({span.trace_id for span in again}) == len(again)
    for span in again:
        assert span.trace_id != registration.trace_id
        assert span.links == (registration.key,)
        assert span.attributes["dearena.insertion.trace_id"] == registration.trace_id
