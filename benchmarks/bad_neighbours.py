"""Completions a second of a healthy model alone, and beside six endpoints that misbehave.

    python -m benchmarks.bad_neighbours [--calls 2000] [--rounds 3] [--json]

Starts the local stack in a temporary directory. A healthy endpoint replies after DELAY_SECONDS; six others answer 429
with Retry-After, reset connections, dribble a byte at a time, send 2 GB, show a certificate of another host, and
redirect to a private address. `--calls` completions of the healthy model go through the gateway's gRPC, IN_FLIGHT at a
time: alone, then while each bad model has BAD_CALLS in flight, a new one a second after one has ended. The rounds take
turns at which comes first, and the median counts. Endpoints and callers share a process and the machine with the
gateway, so the ratio says more than the rates do.
"""

import argparse
import asyncio
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc.aio
from aiohttp import web
from google.protobuf.duration_pb2 import Duration
from rich.console import Console

from dearena.local import stack
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1.common_pb2 import ChatMessage
from tests.fixtures.model_endpoint import ModelEndpoint, fails, model_endpoint, resets, says
from tests.fixtures.raw_endpoint import TestAuthority, dribbles, floods, listening, redirects, replies

IN_FLIGHT: Final = 32
DELAY_SECONDS: Final = 0.1
"""With IN_FLIGHT calls that leaves the gateway CPU to spare, so that what slows a call is its neighbours in the
gateway and not their share of the machine."""
BAD_CALLS: Final = 8
PAUSE_SECONDS: Final = 1.0
BAD_TIMEOUT: Final = Duration(seconds=10)
HEALTHY: Final = "healthy"
PROJECT: Final = "default"
DEADLINE_SECONDS: Final = 120.0


async def replies_late(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(DELAY_SECONDS)
    return await says("42")(request, body)


async def register(gateway: "stubs.GatewayServiceAsyncStub", slug: str, base_url: str) -> None:
    model = pb.Model(
        name=f"projects/{PROJECT}/models/{slug}",
        endpoint=pb.Endpoint(base_url=base_url, upstream_model=slug),
        concurrency=IN_FLIGHT,
        timeout=BAD_TIMEOUT,
    )
    await gateway.RegisterModel(pb.RegisterModelRequest(model=model), timeout=DEADLINE_SECONDS)


async def complete(gateway: "stubs.GatewayServiceAsyncStub", slug: str, prompt: str) -> int:
    request = pb.CompleteRequest(
        project=PROJECT,
        model=f"{slug}@1",
        messages=[ChatMessage(role="user", content=prompt)],
        request_id=hashlib.sha256(f"{slug} {prompt}".encode()).hexdigest(),
        purpose=pb.PURPOSE_JUDGE,
    )
    return (await gateway.Complete(request, timeout=DEADLINE_SECONDS)).completion.state


async def rate(gateway: "stubs.GatewayServiceAsyncStub", calls: int, label: str) -> float:
    """Completions a second of the healthy model."""
    numbers = iter(range(calls))

    async def caller() -> None:
        for number in numbers:
            state = await complete(gateway, HEALTHY, f"{label} {number}")
            assert state == pb.COMPLETION_STATE_DONE, "the healthy model failed"

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return calls / (time.perf_counter() - began)


@asynccontextmanager
async def misbehaving(gateway: "stubs.GatewayServiceAsyncStub", slugs: list[str], label: str) -> AsyncIterator[None]:
    """Calls to every bad model in flight."""

    async def caller(slug: str, number: int) -> None:
        for again in range(10_000):
            await complete(gateway, slug, f"{label} {number} {again}")
            await asyncio.sleep(PAUSE_SECONDS)

    tasks = [asyncio.ensure_future(caller(slug, number)) for slug in slugs for number in range(BAD_CALLS)]
    await asyncio.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def plant(within: AsyncExitStack, gateway: "stubs.GatewayServiceAsyncStub", healthy: ModelEndpoint) -> list[str]:
    """Register the healthy model and six bad ones; the slugs of these."""
    healthy.behave("busy", fails(429, headers={"retry-after": "2"}))
    healthy.behave("resets", resets)
    healthy.behave(HEALTHY, replies_late)
    for slug in (HEALTHY, "busy", "resets"):
        await register(gateway, slug, healthy.base_url)
    other_host = TestAuthority().for_host("other.example.com")
    for slug, serve, tls in (
        ("dribbles", dribbles, None),
        ("floods", floods(says_so=False), None),
        ("wrong-tls", replies, other_host),
        ("redirects", redirects("http://10.0.0.1/v1"), None),
    ):
        served = await within.enter_async_context(listening(serve, tls))
        await register(gateway, slug, f"{'https' if tls else 'http'}://127.0.0.1:{served.port}/v1")
    return ["busy", "resets", "dribbles", "floods", "wrong-tls", "redirects"]


async def measure(calls: int, rounds: int) -> dict[str, float]:
    """The medians of what was measured."""
    alone: list[float] = []
    beside: list[float] = []
    async with AsyncExitStack() as within:
        state = within.enter_context(tempfile.TemporaryDirectory())
        environment = {"DEARENA_PROBE_EVERY_SECONDS": "0", "DEARENA_LOG_LEVEL": "error"}
        running = await within.enter_async_context(stack.running(Path(state), worlds=None, environment=environment))
        channel = await within.enter_async_context(grpc.aio.insecure_channel(running.endpoints.address_of("gateway")))
        gateway = stubs.GatewayServiceStub(channel)
        healthy = await within.enter_async_context(model_endpoint())
        bad = await plant(within, gateway, healthy)
        await rate(gateway, IN_FLIGHT, "to warm up")
        for number in range(rounds):
            for is_beside in (False, True) if number % 2 == 0 else (True, False):
                if is_beside:
                    async with misbehaving(gateway, bad, f"round {number}"):
                        beside.append(await rate(gateway, calls, f"beside {number}"))
                else:
                    alone.append(await rate(gateway, calls, f"alone {number}"))
                healthy.requests.clear()
    result = {"alone_per_second": statistics.median(alone), "beside_per_second": statistics.median(beside)}
    return result | {"ratio": result["beside_per_second"] / result["alone_per_second"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000, help="completions of the healthy model a measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind")
    parser.add_argument("--json", action="store_true", help="print the figures for programs")
    asked = parser.parse_args()
    found = asyncio.run(measure(asked.calls, asked.rounds))
    if asked.json:
        print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    else:
        Console().print(
            f"a healthy model: {found['alone_per_second']:.0f} completions a second alone, "
            f"{found['beside_per_second']:.0f} beside six bad endpoints ({found['ratio']:.2f})"
        )


if __name__ == "__main__":
    main()
