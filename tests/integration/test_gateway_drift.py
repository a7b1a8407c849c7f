"""Endpoints that change behind their name, on a real mongod and a real endpoint."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

from collections.abc import AsyncIterator

import pytest

from dearena import faults
from dearena.client import Addresses, ArenaClient
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from services.gateway.drift import PROMPTS
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, ledger, model, query_selector, refused, register, serving
from tests.fixtures.model_endpoint import ModelEndpoint, fails, says
from tests.fixtures.waiting import eventually

MODEL = "projects/default/models/m"


@pytest.fixture
async def gateway(arena_settings: ArenaSettings) -> AsyncIterator[stubs.GatewayServiceAsyncStub]:
    async with serving(arena_settings(GatewaySettings, **QUICK)) as (stub, _):
        yield stub


async def probe(gateway: stubs.GatewayServiceAsyncStub) -> pb.Probe:
    return (await gateway.ProbeModel(pb.ProbeModelRequest(model=MODEL), timeout=20)).probe


async def probes(gateway: stubs.GatewayServiceAsyncStub, **page: int) -> list[pb.Probe]:
    found: list[pb.Probe] = []
    token = ""
    while True:
        response = await gateway.ListProbes(pb.ListProbesRequest(model=MODEL, page_token=token, **page), timeout=10)
        found += response.probes
        if not (token := response.next_page_token):
            return found


async def shown(gateway: stubs.GatewayServiceAsyncStub) -> pb.Model:
    got = (await gateway.GetModel(pb.GetModelRequest(name=MODEL), timeout=10)).model
    (listed,) = (await gateway.ListModels(pb.ListModelsRequest(parent="projects/default"), timeout=10)).models
    assert listed == got
    return got


async def test_a_changed_endpoint_is_noticed_and_said(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    endpoint.behave("m", says("42", system_fingerprint="fp_1"))
    await register(gateway, model("m", endpoint.base_url))
    assert [(await probe(gateway)).drift for _ in range(3)] == [""] * 3
    assert not (await shown(gateway)).drift_detail

    endpoint.behave("m", says("43", system_fingerprint="fp_2"))
    changed = await probe(gateway)
    assert changed.drift == "fingerprint fp_1 is now fp_2; 4 of 4 replies differ that were the same twice"
    now = await shown(gateway)
    assert (now.drift_detail, now.drift_time) == (changed.drift, changed.time)

    await probe(gateway)
    assert (await shown(gateway)).drift_time == changed.time  # when it was first seen
    assert [one.number for one in await probes(gateway, page_size=2)] == [1, 2, 3, 4, 5]


async def test_a_note_ends_when_the_endpoint_is_as_before_and_another_change_is_another_note(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    await register(gateway, model("m", endpoint.base_url))
    for _ in range(2):
        await probe(gateway)
    endpoint.behave("m", says("43"))
    first = await probe(gateway)
    endpoint.behave("m", fails(401))
    await probe(gateway)
    assert not (await shown(gateway)).HasField("drift_end_time")  # who does not reply is not as before
    endpoint.behave("m", says("42"))
    as_before = await probe(gateway)
    await probe(gateway)
    now = await shown(gateway)
    assert (now.drift_time, now.drift_end_time) == (first.time, as_before.time)
    endpoint.behave("m", says("44"))
    second = await probe(gateway)
    now = await shown(gateway)
    assert now.drift_time == second.time
    assert not now.HasField("drift_end_time")


async def test_an_operator_takes_a_changed_endpoint_for_what_it_is(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    await register(gateway, model("m", endpoint.base_url))
    for _ in range(2):
        await probe(gateway)
    endpoint.behave("m", says("43"))
    assert (await probe(gateway)).drift
    request = pb.AcknowledgeDriftRequest(model=MODEL, request_id="once")
    known = (await gateway.AcknowledgeDrift(request, timeout=10)).model
    assert known == await shown(gateway)
    assert not known.drift_detail
    # Two more tell how steady it is now; then it is held against these.
    assert [(await probe(gateway)).drift for _ in range(3)] == [""] * 3
    assert not (await shown(gateway)).drift_detail
    endpoint.behave("m", says("42"))
    back = (await probe(gateway)).drift
    assert back == "4 of 4 replies differ that were the same twice"
    # The same request takes no later note away.
    await gateway.AcknowledgeDrift(request, timeout=10)
    assert (await shown(gateway)).drift_detail == back


async def test_probes_stand_in_the_ledger_with_a_purpose_of_their_own(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    await register(gateway, model("m", endpoint.base_url))
    await probe(gateway)
    entries = await ledger(gateway)
    assert [entry.purpose for entry in entries] == [pb.PURPOSE_PROBE] * len(PROMPTS)
    assert {received.prompt for received in endpoint.requests} == set(PROMPTS)
    assert all(received.body["temperature"] == 0 and "seed" in received.body for received in endpoint.requests)


async def test_an_endpoint_that_is_away_has_not_changed(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    await register(gateway, model("m", endpoint.base_url))
    for _ in range(2):
        await probe(gateway)
    endpoint.behave("m", fails(401))
    away = await probe(gateway)
    assert (away.drift, set(away.reply_hashes)) == ("", {""})


async def test_a_retired_model_is_not_probed(gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint) -> None:
    await register(gateway, model("m", endpoint.base_url))
    await gateway.RetireModel(pb.RetireModelRequest(name=MODEL), timeout=10)
    with refused(faults.ModelNotActive):
        await probe(gateway)


async def test_a_client_probes_and_reads_probes(arena_settings: ArenaSettings, endpoint: ModelEndpoint) -> None:
    async with (
        serving(arena_settings(GatewaySettings, **QUICK)) as (stub, running),
        ArenaClient(Addresses(gateway=running.address)) as client,
    ):
        await register(stub, model("m", endpoint.base_url))
        made = [await client.probe_model("m") for _ in range(2)]
        assert [one async for one in client.probes("m")] == made
        endpoint.behave("m", says("43"))
        assert (await client.probe_model("m")).drift
        assert not (await client.acknowledge_drift("m")).drift_detail


async def test_of_two_gateways_one_probes_and_the_first_two_come_at_once(
    arena_settings: ArenaSettings, endpoint: ModelEndpoint
) -> None:
    async with query_selector() as (_, selector):
        often = {"probe_every_seconds": 3600, "sweep_seconds": 0.2, "query_selector_address": selector}
        settings = [arena_settings(GatewaySettings, **QUICK | often) for _ in range(2)]
        async with serving(settings[0]) as (one, _), serving(settings[1]):
            await register(one, model("m", endpoint.base_url))
            await register(one, model("sparring", endpoint.base_url, endpoint=pb.Endpoint(sparring=True)))
            await eventually(lambda: probes_of(one), equals=2)
            await eventually(lambda: swept(one))
            assert await probes_of(one) == 2
            assert len(endpoint.of("m")) == 2 * len(PROMPTS)
            assert not endpoint.of("sparring")


async def probes_of(gateway: stubs.GatewayServiceAsyncStub) -> int:
    return len(await probes(gateway))


async def swept(gateway: stubs.GatewayServiceAsyncStub) -> bool:
    """A model registered now is probed, so every sweep before has passed the others by."""
    other = "projects/default/models/later"
    found = await gateway.ListModels(pb.ListModelsRequest(parent="projects/default"), timeout=10)
    if other not in {one.name for one in found.models}:
        base_url = found.models[0].endpoint.base_url
        await register(gateway, model("later", base_url))
    listed = await gateway.ListProbes(pb.ListProbesRequest(model=other), timeout=10)
    return len(listed.probes) == 2
