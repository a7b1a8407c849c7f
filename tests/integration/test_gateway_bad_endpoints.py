"""Planted endpoints, each handled as written, and none slowing its neighbours."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from dearena import faults
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1.common_pb2 import GenerationParameters
from services.gateway import endpoint_client
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, call, complete, model, refused, register, serving
from tests.fixtures.model_endpoint import ModelEndpoint, fails, resets, says
from tests.fixtures.raw_endpoint import (
    RawEndpoint,
    Serve,
    TestAuthority,
    dribbles,
    floods,
    hangs,
    listening,
    redirects,
    replies,
    speaks_http2,
)

LONG = Duration(seconds=60)
SHORT = Duration(nanos=300_000_000)


@pytest.fixture
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
async def gateway(
    arena_settings: ArenaSettings, authority: TestAuthority, tmp_path: Path
) -> AsyncIterator[stubs.GatewayServiceAsyncStub]:
    settings = arena_settings(GatewaySettings, **QUICK | {"ca_file": authority.write(tmp_path)})
    async with serving(settings) as (stub, _):
        yield stub


@dataclass(frozen=True)
class Planted:
    """What is planted, and how it is to be handled."""

    serve: Callable[[RawEndpoint], Serve]
    kind: int
    says: str
    certificate: str = ""
    """Host name of the certificate that is shown; empty: no TLS."""
    expired: bool = False


PLANTED = {
    "dribbles": Planted(dribbles, pb.FAILURE_KIND_TIMEOUT, "did not reply within 0.3 s"),
    "floods": Planted(floods(says_so=False), pb.FAILURE_KIND_UNREADABLE_REPLY, "longer than"),
    "hangs": Planted(hangs, pb.FAILURE_KIND_TIMEOUT, "did not reply"),
    "redirects": Planted(
        redirects("http://169.254.169.254/latest"), pb.FAILURE_KIND_REDIRECTED, "redirect to 169.254.169.254"
    ),
    "wrong-name": Planted(replies, pb.FAILURE_KIND_TLS_FAILED, "mismatch", certificate="other.example.com"),
    "expired": Planted(replies, pb.FAILURE_KIND_TLS_FAILED, "expired", certificate="127.0.0.1", expired=True),
}


async def plant(
    stack: AsyncExitStack,
    gateway: stubs.GatewayServiceAsyncStub,
    authority: TestAuthority,
    slug: str,
    timeout: Duration,
) -> RawEndpoint:
    planted = PLANTED[slug]
    tls = authority.for_host(planted.certificate, expired=planted.expired) if planted.certificate else None
    served = await stack.enter_async_context(listening(planted.serve, tls))
    scheme = "https" if tls else "http"
    await register(gateway, model(slug, f"{scheme}://127.0.0.1:{served.port}/v1", timeout=timeout))
    return served


@pytest.mark.parametrize("slug", PLANTED)
async def test_a_planted_endpoint_is_handled_as_written(
    gateway: stubs.GatewayServiceAsyncStub, authority: TestAuthority, slug: str
) -> None:
    async with AsyncExitStack() as stack:
        served = await plant(stack, gateway, authority, slug, SHORT if "dribble" in slug or "hang" in slug else LONG)
        completion = await complete(gateway, call(f"{slug}@1"))
        assert completion.state == pb.COMPLETION_STATE_FAILED
        assert completion.failure.kind == PLANTED[slug].kind, completion.failure
        assert PLANTED[slug].says in completion.failure.detail
        assert completion.http_requests == 1
        assert served.connections == (0 if PLANTED[slug].certificate else 1)  # of handshakes that were finished


async def test_none_of_them_slows_its_neighbours(
    gateway: stubs.GatewayServiceAsyncStub, authority: TestAuthority, endpoint: ModelEndpoint
) -> None:
    """While each bad endpoint has all its calls in flight, all calls to a healthy one finish; none is waited for."""
    endpoint.behave("busy", fails(429, headers={"retry-after": "30"}))
    endpoint.behave("resets", resets)
    bad = [*PLANTED, "busy", "resets"]
    async with AsyncExitStack() as stack:
        for slug in PLANTED:
            await plant(stack, gateway, authority, slug, LONG)
        for slug in ("busy", "resets", "healthy"):
            await register(gateway, model(slug, endpoint.base_url))
        hanging = [
            asyncio.ensure_future(gateway.Complete(call(f"{slug}@1", f"prompt {number}"), timeout=60))
            for slug in bad
            for number in range(16)
        ]
        healthy = await asyncio.wait_for(
            asyncio.gather(*(complete(gateway, call("healthy@1", f"prompt {number}")) for number in range(100))), 20
        )
        assert {completion.text for completion in healthy} == {"42"}
        still = [task for task in hanging if not task.done()]
        assert len(still) >= 48  # those that dribble, hang, and are asked for patience
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_where_no_call_may_go_no_model_is_registered(arena_settings: ArenaSettings) -> None:
    strict = QUICK | {"allow_private": "", "allowed_schemes": "https", "allowed_hosts": "*.example.com,10.0.0.1"}
    async with serving(arena_settings(GatewaySettings, **strict)) as (gateway, _):
        for url, setting in (
            ("http://api.example.com/v1", "allowed_schemes"),
            ("https://api.example.org/v1", "allowed_hosts"),
            ("https://10.0.0.1/v1", "allow_private"),
        ):
            with refused(faults.InvalidField) as found:
                await register(gateway, model("m", url))
            (violation,) = found[0].violations
            assert violation.field == "model.endpoint.base_url"
            assert setting in violation.description
        with refused(faults.InvalidField) as found:
            keyed = pb.Endpoint(key_reference="env:MONGO_PASSWORD")
            await register(gateway, model("m", "https://api.example.com/v1", endpoint=keyed))
        assert "key_variables" in str(found[0])


async def test_a_key_goes_to_no_host_that_it_is_not_for(
    arena_settings: ArenaSettings, endpoint: ModelEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANY_KEY", "sk-company-000000")
    keyed = model("m", endpoint.base_url, endpoint=pb.Endpoint(key_reference="env:COMPANY_KEY"))
    strict = {**QUICK, "key_hosts": "env:COMPANY_KEY=api.example.com"}
    async with serving(arena_settings(GatewaySettings, **strict)) as (gateway, _):
        with refused(faults.InvalidField) as found:
            await register(gateway, keyed)
        (violation,) = found[0].violations
        assert violation.field == "model.endpoint.key_reference"
        assert "key_hosts" in violation.description
    async with serving(arena_settings(GatewaySettings, **QUICK)) as (gateway, _):
        await register(gateway, keyed)
    # A model of before the setting is held to it as well, at its calls.
    async with serving(arena_settings(GatewaySettings, **strict)) as (gateway, _):
        completion = await complete(gateway, call("m@1"))
        assert completion.failure.kind == pb.FAILURE_KIND_REFUSED_BY_POLICY
        assert "key_hosts" in completion.failure.detail
        assert (completion.http_requests, endpoint.requests) == (0, [])
    theirs = {**QUICK, "key_hosts": "env:COMPANY_KEY=api.example.com,env:COMPANY_KEY=127.0.0.1"}
    async with serving(arena_settings(GatewaySettings, **theirs)) as (gateway, _):
        assert (await complete(gateway, call("m@1", "again"))).text == "42"


async def test_a_model_of_before_a_policy_is_refused_at_its_calls(
    arena_settings: ArenaSettings, endpoint: ModelEndpoint
) -> None:
    async with serving(arena_settings(GatewaySettings, **QUICK)) as (gateway, _):
        await register(gateway, model("m", endpoint.base_url))
    async with serving(arena_settings(GatewaySettings, **QUICK | {"allow_private": ""})) as (gateway, _):
        completion = await complete(gateway, call("m@1"))
        assert completion.failure.kind == pb.FAILURE_KIND_REFUSED_BY_POLICY
        assert "allow_private" in completion.failure.detail
        assert (completion.http_requests, endpoint.requests) == (0, [])


async def test_a_reply_of_another_model_is_no_answer(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    endpoint.behave("m", says("42", model="m-mini"))
    await register(gateway, model("m", endpoint.base_url))
    completion = await complete(gateway, call("m@1"))
    assert completion.failure.kind == pb.FAILURE_KIND_OTHER_MODEL
    assert "m-mini" in completion.failure.detail
    assert (completion.text, completion.http_requests) == ("", 1)

    known = pb.Endpoint(answers_as=["m-mini"])
    await register(gateway, model("n", endpoint.base_url, endpoint=known))
    endpoint.behave("n", says("42", model="m-mini", system_fingerprint="fp_1", provider="There"))
    completion = await complete(gateway, call("n@1"))
    assert (completion.text, completion.upstream_model) == ("42", "m-mini")
    assert (completion.system_fingerprint, completion.served_by) == ("fp_1", "There")


async def test_thoughts_are_kept_beside_the_reply_and_their_tokens_are_asked_for(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    endpoint.behave("m", says("<think>6 x 7</think>42"))
    await register(
        gateway,
        model("m", endpoint.base_url, endpoint=pb.Endpoint(reply_limit_member="max_completion_tokens")),
    )
    parameters = GenerationParameters(max_tokens=10, reasoning_tokens=100)
    completion = await complete(gateway, call("m@1", parameters=parameters))
    assert (completion.text, completion.reasoning) == ("42", "6 x 7")
    body = endpoint.requests[0].body
    assert body["max_completion_tokens"] == 110
    assert not {"max_tokens", "reasoning_tokens"} & set(body)


async def test_a_defect_in_reading_is_a_reply_that_cannot_be_read_and_is_paid_once(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(endpoint_client, "read_reply", breaks)
    await register(gateway, model("m", endpoint.base_url))
    for _ in range(2):
        completion = await complete(gateway, call("m@1"))
        assert completion.failure.kind == pb.FAILURE_KIND_UNREADABLE_REPLY
        assert (completion.usage.input_tokens, completion.usage.output_tokens) == (7, 3)
    assert len(endpoint.requests) == 1


async def test_a_schema_is_sent_where_the_endpoint_can_be_held_to_it(
    gateway: stubs.GatewayServiceAsyncStub, endpoint: ModelEndpoint
) -> None:
    schema = '{"type":"object","properties":{"z":{"const":1},"a":{"const":2}}}'
    await register(gateway, model("m", endpoint.base_url, endpoint=pb.Endpoint(structured_output=True)))
    await register(gateway, model("plain", endpoint.base_url))
    assert (await complete(gateway, call("m@1", response_schema=schema))).structured
    sent = endpoint.requests[0].body["response_format"]["json_schema"]["schema"]
    assert list(sent["properties"]) == ["z", "a"]  # members of a reply come in this order
    assert not (await complete(gateway, call("plain@1", response_schema=schema))).structured
    assert "response_format" not in endpoint.requests[1].body
    with refused(faults.InvalidField):
        await complete(gateway, call("m@1", "again", response_schema="[]"))


async def test_http2_is_spoken_where_a_model_is_registered_for_it(gateway: stubs.GatewayServiceAsyncStub) -> None:
    async with listening(speaks_http2) as served:
        await register(gateway, model("m", f"http://127.0.0.1:{served.port}/v1", endpoint=pb.Endpoint(http2=True)))
        found = await asyncio.gather(*(complete(gateway, call("m@1", str(number))) for number in range(20)))
        assert {completion.text for completion in found} == {"42"}


async def test_a_key_is_rotated_without_a_restart(
    arena_settings: ArenaSettings, endpoint: ModelEndpoint, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("sk-first-000000\n")
    async with serving(arena_settings(GatewaySettings, **QUICK | {"key_directory": str(tmp_path)})) as (gateway, _):
        await register(gateway, model("m", endpoint.base_url, endpoint=pb.Endpoint(key_reference=f"file:{key}")))
        await complete(gateway, call("m@1", "before"))
        key.write_text("sk-second-000000\n")
        await complete(gateway, call("m@1", "after"))
    assert [received.headers["authorization"] for received in endpoint.requests] == [
        "Bearer sk-first-000000",
        "Bearer sk-second-000000",
    ]
