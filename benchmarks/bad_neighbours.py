"""Completions a second of a healthy model alone, and beside endpoints that misbehave.

    python -m benchmarks.bad_neighbours [--calls 4000] [--rounds 3] [--json]

Starts the local stack in a temporary directory. A healthy endpoint replies after DELAY_SECONDS; six others answer 429
with Retry-After, reset connections, dribble a byte at a time, send 2 GB, show a certificate of another host, and
redirect to a private address. HANGING_HOSTS more have names whose lookup hangs, as with a resolver that does not reply:
planted below the gateway's own lookups, in the system's (hanging_lookups/sitecustomize.py). The healthy one closes each
connection after its reply and has a name, too: it is looked up again whenever its addresses are no longer fresh, which
happens in every measurement that takes more than ten seconds.

`--calls` completions of the healthy model go through the gateway, IN_FLIGHT at a time: alone, then while each of
the six has BAD_CALLS in flight, then while each host whose lookup hangs has HANGING_CALLS, a new one a second after one
has ended. The rounds take turns at which comes first, and the median counts; the machine's load at the beginning stands
beside the figures, which counts what has nothing to do with this, too. Endpoints and callers share a process and the
machine with the gateway, so the ratio says more than the rates do.
"""

import argparse
import asyncio
import hashlib
import json
import os
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
HANGING_HOSTS: Final = 20
"""More than the threads that Python's own executor has on most machines, in which lookups would hang by default."""
HANGING_CALLS: Final = 2
LOOKUP_SECONDS: Final = 30.0
"""A little more than glibc takes with two tries and three servers that do not reply."""
LOOKUPS: Final = Path(__file__).parent / "hanging_lookups"
BAD_TIMEOUT: Final = Duration(seconds=10)
HEALTHY: Final = "healthy"
ALONE: Final = "alone"
BESIDE_BAD: Final = "beside_bad"
BESIDE_HANGING: Final = "beside_hanging"
PROJECT: Final = "default"
DEADLINE_SECONDS: Final = 120.0


async def replies_late(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(DELAY_SECONDS)
    reply = await says("42")(request, body)
    reply.force_close()
    return reply


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
async def misbehaving(
    gateway: "stubs.GatewayServiceAsyncStub", calls: dict[str, int], label: str
) -> AsyncIterator[None]:
    """So many calls to every bad model in flight."""

    async def caller(slug: str, number: int) -> None:
        for again in range(10_000):
            await complete(gateway, slug, f"{label} {number} {again}")
            await asyncio.sleep(PAUSE_SECONDS)

    tasks = [asyncio.ensure_future(caller(slug, number)) for slug in calls for number in range(calls[slug])]
    await asyncio.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def plant(
    within: AsyncExitStack, gateway: "stubs.GatewayServiceAsyncStub", healthy: ModelEndpoint
) -> dict[str, dict[str, int]]:
    """Register the healthy model and the bad ones: by company, their slugs and how many calls each has in flight."""
    healthy.behave("busy", fails(429, headers={"retry-after": "2"}))
    healthy.behave("resets", resets)
    healthy.behave(HEALTHY, replies_late)
    for slug in ("busy", "resets"):
        await register(gateway, slug, healthy.base_url)
    await register(gateway, HEALTHY, healthy.base_url.replace("127.0.0.1", "localhost"))
    other_host = TestAuthority().for_host("other.example.com")
    for slug, serve, tls in (
        ("dribbles", dribbles, None),
        ("floods", floods(says_so=False), None),
        ("wrong-tls", replies, other_host),
        ("redirects", redirects("http://10.0.0.1/v1"), None),
    ):
        served = await within.enter_async_context(listening(serve, tls))
        await register(gateway, slug, f"{'https' if tls else 'http'}://127.0.0.1:{served.port}/v1")
    hanging = {f"hangs-{number}": HANGING_CALLS for number in range(HANGING_HOSTS)}
    for slug in hanging:
        await register(gateway, slug, f"http://{slug}.example.com/v1")
    bad = ("busy", "resets", "dribbles", "floods", "wrong-tls", "redirects")
    return {ALONE: {}, BESIDE_BAD: dict.fromkeys(bad, BAD_CALLS), BESIDE_HANGING: hanging}


async def measure(calls: int, rounds: int) -> dict[str, float]:
    """The medians of what was measured."""
    found: dict[str, list[float]] = {ALONE: [], BESIDE_BAD: [], BESIDE_HANGING: []}
    load = os.getloadavg()[0]
    async with AsyncExitStack() as within:
        state = within.enter_context(tempfile.TemporaryDirectory())
        environment = {
            "DEARENA_PROBE_EVERY_SECONDS": "0",
            "DEARENA_LOG_LEVEL": "error",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(LOOKUPS), os.environ.get("PYTHONPATH", "")])),
            "BENCHMARK_HANGING_HOSTS": "hangs-",
            "BENCHMARK_LOOKUP_SECONDS": str(LOOKUP_SECONDS),
        }
        running = await within.enter_async_context(stack.running(Path(state), worlds=None, environment=environment))
        channel = await within.enter_async_context(grpc.aio.insecure_channel(running.endpoints.address_of("gateway")))
        gateway = stubs.GatewayServiceStub(channel)
        healthy = await within.enter_async_context(model_endpoint())
        companies = list((await plant(within, gateway, healthy)).items())
        await rate(gateway, IN_FLIGHT, "to warm up")
        for number in range(rounds):
            first = number % len(companies)
            for company, bad in companies[first:] + companies[:first]:
                async with misbehaving(gateway, bad, f"{company} {number}"):
                    found[company].append(await rate(gateway, calls, f"{company} {number}"))
                healthy.requests.clear()
    rates = {company: statistics.median(each) for company, each in found.items()}
    return {
        **{f"{company}_per_second": each for company, each in rates.items()},
        "bad_ratio": rates[BESIDE_BAD] / rates[ALONE],
        "hanging_ratio": rates[BESIDE_HANGING] / rates[ALONE],
        "load": load,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=4000, help="completions of the healthy model a measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind")
    parser.add_argument("--json", action="store_true", help="print the figures for programs")
    asked = parser.parse_args()
    found = asyncio.run(measure(asked.calls, asked.rounds))
    if asked.json:
        print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    else:
        Console().print(
            f"a healthy model: {found['alone_per_second']:.0f} completions a second alone, "
            f"{found['beside_bad_per_second']:.0f} beside six bad endpoints ({found['bad_ratio']:.2f}), "
            f"{found['beside_hanging_per_second']:.0f} beside {HANGING_HOSTS} hosts whose lookup hangs "
            f"({found['hanging_ratio']:.2f}); the machine's load was {found['load']:.1f} before, "
            f"on {os.cpu_count()} processors"
        )


if __name__ == "__main__":
    main()
