"""Completions a second through the gateway and through LiteLLM's proxy, and CPU per call beside two bare clients.

    python -m benchmarks.gateway_speed --peers-python PYTHON [--rounds 3] [--calls 1500] [--in-flight 64] [--json]

Starts the local stack in a temporary directory, with a sparring server that takes no time to reply, and the proxy in
front of the same server: one worker each, the same prompts of CHARACTERS characters, the same number in flight. What
is asked of the gateway goes through its gRPC, under request ids of its own, with limits and records as always (a real
mongod, majority writes); the proxy has neither keys nor a database to mind. Its calls come from an aiohttp client,
which costs less than any other. The bare clients, httpx with its own and with the aiohttp transport, call the server
directly from a process of their own. The four take turns, every round in another order, and medians over rounds
count. CPU is that of the process that makes the calls to the server, without mongod's. Callers, server and contestants
share the machine, so ratios say more than rates. At the end calls of the last round are asked for again: if any is
made a second time, nothing was measured.
"""

import argparse
import asyncio
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import grpc.aio
from rich.console import Console
from rich.table import Table

from benchmarks.gateway_peers import bare_clients
from benchmarks.gateway_peers.litellm_proxy import proxy
from benchmarks.judge_calls import cpu_seconds
from dearena.local import passing, stack
from dearena.local.ports import free_port
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1.common_pb2 import ChatMessage

WORLD: Final = "planted"
MODEL: Final = "amber"
PROJECT: Final = "default"
CHARACTERS: Final = 2_000
"""Of a prompt: a question and two short answers."""
SHARE_OF_CALLS: Final[Mapping[str, float]] = {"gateway": 1.0, "LiteLLM": 0.2, "httpx": 0.4, "httpx-aiohttp": 1.0}
"""So that no bout is much longer than another."""
ASKED_AGAIN: Final = 50
DEADLINE_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Bout:
    """What one contestant needed in one round."""

    calls: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Completions a second."""
        return self.calls / self.seconds

    @property
    def cpu_milliseconds(self) -> float:
        """Of one call."""
        return 1000 * self.cpu_seconds / self.calls


Contestant = Callable[[int, int], Awaitable[Bout]]
"""Makes so many calls in the round of this number."""


def summary(bouts: Mapping[str, Sequence[Bout]]) -> dict[str, Any]:
    """Medians by contestant, and the medians over rounds of the ratios within a round."""

    def ratio(of: Callable[[Bout], float], first: str, second: str) -> float:
        return statistics.median(of(a) / of(b) for a, b in zip(bouts[first], bouts[second], strict=True))

    return {
        "contestants": {
            name: {
                "calls_a_second": round(statistics.median(bout.rate for bout in of_one), 1),
                "cpu_milliseconds_a_call": round(statistics.median(bout.cpu_milliseconds for bout in of_one), 3),
            }
            for name, of_one in bouts.items()
        },
        "rate_over_litellm": round(ratio(lambda bout: bout.rate, "gateway", "LiteLLM"), 2),
        "cpu_over_litellm": round(ratio(lambda bout: bout.cpu_milliseconds, "gateway", "LiteLLM"), 3),
        "cpu_over_httpx": round(ratio(lambda bout: bout.cpu_milliseconds, "gateway", "httpx"), 3),
        "cpu_over_httpx_aiohttp": round(ratio(lambda bout: bout.cpu_milliseconds, "gateway", "httpx-aiohttp"), 3),
    }


def order_of(round_number: int, names: Sequence[str]) -> list[str]:
    """Who goes first moves on by one each round, and every second time they go the other way."""
    first = round_number % len(names)
    order = [*names[first:], *names[:first]]
    return order if round_number % 2 == 0 else order[::-1]


def prompt(number: int) -> str:
    """All differ, so that nothing is answered from a cache."""
    return f"{number} ".ljust(CHARACTERS, "x")


def request_id(round_number: int, number: int) -> str:
    """What the gateway knows a call by."""
    return hashlib.sha256(f"{round_number}/{number}".encode()).hexdigest()


async def in_flight(calls: int, at_once: int, say: Callable[[int], Awaitable[None]]) -> float:
    """Make the calls, so many at once; wall seconds."""
    numbers = iter(range(calls))

    async def caller() -> None:
        for number in numbers:
            await say(number)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return time.perf_counter() - began


def through_gateway(gateway: "stubs.GatewayServiceAsyncStub", pid: int, at_once: int) -> Contestant:
    """The gateway as a contestant."""

    async def bout(round_number: int, calls: int) -> Bout:
        async def say(number: int) -> None:
            await complete(gateway, round_number, number)

        before = cpu_seconds(pid)
        seconds = await in_flight(calls, at_once, say)
        return Bout(calls, seconds, cpu_seconds(pid) - before)

    return bout


async def complete(gateway: "stubs.GatewayServiceAsyncStub", round_number: int, number: int) -> None:
    """One completion, which must not fail."""
    request = pb.CompleteRequest(
        project=PROJECT,
        model=f"{MODEL}@1",
        messages=[ChatMessage(role="user", content=prompt(number))],
        request_id=request_id(round_number, number),
        purpose=pb.PURPOSE_JUDGE,
    )
    completion = (await gateway.Complete(request, timeout=DEADLINE_SECONDS)).completion
    if completion.state != pb.COMPLETION_STATE_DONE or not completion.text:
        raise RuntimeError(f"a completion failed: {completion.failure.detail}")


def through_proxy(url: str, pid: int, session: aiohttp.ClientSession, at_once: int) -> Contestant:
    """LiteLLM's proxy as a contestant."""

    async def say(number: int) -> None:
        body = {"model": MODEL, "messages": [{"role": "user", "content": prompt(number)}]}
        async with session.post(f"{url}/v1/chat/completions", json=body) as reply:
            reply.raise_for_status()
            if not (await reply.json())["choices"][0]["message"]["content"]:
                raise RuntimeError("a completion is empty")

    async def bout(_round: int, calls: int) -> Bout:
        before = cpu_seconds(pid)
        seconds = await in_flight(calls, at_once, say)
        return Bout(calls, seconds, cpu_seconds(pid) - before)

    return bout


def bare_client(python: Path, transport: str, base_url: str, at_once: int) -> Contestant:
    """A client without anything between it and the server."""

    async def bout(_round: int, calls: int) -> Bout:
        arguments = (transport, f"{base_url}/chat/completions", MODEL, calls, at_once, CHARACTERS)
        process = await asyncio.create_subprocess_exec(
            python, str(bare_clients.__file__), *map(str, arguments), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"the bare client {transport} failed")
        spent = json.loads(said)
        return Bout(calls, spent["seconds"], spent["cpu_seconds"])

    return bout


async def measure(peers_python: Path, *, rounds: int, calls: int, at_once: int, screen: Console) -> dict[str, Any]:
    """Let all take turns.

    Raises:
        RuntimeError: a call failed, or was made twice.
    """
    worlds = {WORLD: {"kind": "planted", "seed": 0}}
    environment = {"DEARENA_PROBE_EVERY_SECONDS": "0"}
    with passing.state("dearena-gateway-speed-") as state:
        async with AsyncExitStack() as within:
            running = await within.enter_async_context(
                stack.running(state / "arena", fresh=True, worlds=worlds, environment=environment)
            )
            base_url = f"{running.endpoints.sparring_url}/{WORLD}/v1"
            screen.print("starting the proxy …")
            peer = await within.enter_async_context(
                proxy(peers_python, state, port=free_port(), model=MODEL, base_url=base_url)
            )
            channel = await within.enter_async_context(
                grpc.aio.insecure_channel(running.endpoints.address_of("gateway"))
            )
            session = await within.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
            gateway = stubs.GatewayServiceStub(channel)
            await register(gateway, base_url, at_once)
            pid = running.pid_of("gateway")
            if pid is None:
                raise RuntimeError("the gateway does not run")
            contestants: dict[str, Contestant] = {
                "gateway": through_gateway(gateway, pid, at_once),
                "LiteLLM": through_proxy(peer.url, peer.pid, session, at_once),
                **{name: bare_client(peers_python, name, base_url, at_once) for name in ("httpx", "httpx-aiohttp")},
            }
            bouts: dict[str, list[Bout]] = {name: [] for name in contestants}
            for number in range(-1, rounds):
                for name in order_of(number, list(contestants)):
                    if number < 0:  # to warm up: connections, first imports
                        await contestants[name](number, 2 * at_once)
                        continue
                    bout = await contestants[name](number, max(at_once, round(SHARE_OF_CALLS[name] * calls)))
                    bouts[name].append(bout)
                    screen.print(f"{name}: {bout.rate:,.0f} calls/s, {bout.cpu_milliseconds:.2f} ms CPU a call")
            if running.pid_of("gateway") != pid:
                raise RuntimeError("the gateway was restarted meanwhile: nothing was measured")
            await check_records(gateway, session, running.endpoints.sparring_url, rounds - 1)
    return {"calls": calls, "in_flight": at_once, "rounds": rounds, **summary(bouts)}


async def register(gateway: "stubs.GatewayServiceAsyncStub", base_url: str, at_once: int) -> None:
    """Make the model known to the gateway, with room for all calls in flight."""
    model = pb.Model(
        name=f"projects/{PROJECT}/models/{MODEL}",
        endpoint=pb.Endpoint(base_url=base_url, upstream_model=MODEL),
        concurrency=at_once,
    )
    await gateway.RegisterModel(pb.RegisterModelRequest(model=model), timeout=DEADLINE_SECONDS)


async def check_records(
    gateway: "stubs.GatewayServiceAsyncStub", session: aiohttp.ClientSession, sparring_url: str, round_number: int
) -> None:
    """Ask again for calls that were made: the server must not hear of it."""

    async def heard() -> int:
        async with session.get(f"{sparring_url}/requests") as reply:
            return int((await reply.json())["total"])

    before = await heard()
    await asyncio.gather(*(complete(gateway, round_number, number) for number in range(ASKED_AGAIN)))
    if await heard() != before:
        raise RuntimeError("calls were made a second time: they were not on record")


def table(measured: Mapping[str, Any]) -> Table:
    """What was measured, for people."""
    shown = Table(f"{measured['in_flight']} in flight, {measured['rounds']} rounds", "calls a second", "CPU ms a call")
    for column in shown.columns[1:]:
        column.justify = "right"
    for name, of_one in measured["contestants"].items():
        shown.add_row(name, f"{of_one['calls_a_second']:,.0f}", f"{of_one['cpu_milliseconds_a_call']:.2f}")
    shown.add_row("gateway over LiteLLM", f"{measured['rate_over_litellm']:.1f}", f"{measured['cpu_over_litellm']:.2f}")
    shown.add_row("gateway over httpx", "", f"{measured['cpu_over_httpx']:.2f}")
    shown.add_row("gateway over httpx-aiohttp", "", f"{measured['cpu_over_httpx_aiohttp']:.2f}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description="The gateway beside LiteLLM's proxy and bare clients.")
    parser.add_argument("--peers-python", type=Path, required=True, help="of the environment with LiteLLM")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=1_500, help="of the gateway in one round")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    asked = parser.parse_args()
    if not asked.peers_python.is_file():
        sys.exit(f"there is no {asked.peers_python}; `make bench-gateway` makes it")
    # Not resolved: the environment is known by the link's own place.
    python = asked.peers_python.absolute()
    measured = asyncio.run(
        measure(python, rounds=asked.rounds, calls=asked.calls, at_once=asked.in_flight, screen=Console(stderr=True))
    )
    if asked.json:
        print(json.dumps(measured))
    else:
        Console().print(table(measured))


if __name__ == "__main__":
    main()
