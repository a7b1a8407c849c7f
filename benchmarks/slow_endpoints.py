"""Many calls in flight to endpoints that take seconds: wall time beside the ideal, and memory.

    python -m benchmarks.slow_endpoints completions [--calls 20000] [--in-flight 1000] [--seconds 2] [--json]
    python -m benchmarks.slow_endpoints judging [--queries 30] [--in-flight 1008] [--seconds 10] [--json]

Starts the local stack in a temporary directory, and a planted endpoint in a process of its own whose every reply takes
so many seconds. In flight are calls that are at the endpoint: the models allow so many together, and no more. The ideal
is what the endpoint alone would take if always so many were with it: calls times seconds over calls in flight. Filling
up at the start and running empty at the end count as they are.

`completions` sends calls to the gateway's gRPC, spread over MODELS models. Beyond those in flight WAITING times as many
wait for leave at the gateway, so that it has the next one at hand when one ends. Wall time runs from the first call to
the last reply.

`judging` registers JUDGES models, which allow so many in flight together, in a dimension that ranks all of them as
seed models by every judge on every query: one round, of 336 judge calls a query. Wall time runs from the decision that
opens the round to the one that closes it, and holds all services' work in between; canaries count as calls. Settings
are the defaults.

Memory is the greatest resident size of each process, looked at every LOOK_SECONDS. CPU time of everything is shown, for
all share the machine: where its cores are full, wall time says how fast the machine is. Linux only.
"""

import argparse
import asyncio
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc.aio
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.judge_calls import cpu_seconds, processes_of
from benchmarks.slow_world import slow_world
from dearena.client import ArenaClient
from dearena.local import following, passing, questions, stack
from dearena.local.stack import Stack
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1 import query_selector_pb2, ranker_pb2
from dearena.v1.common_pb2 import ChatMessage

PROJECT: Final = "default"
DIMENSION: Final = "algebra"
MODELS: Final = 10
JUDGES: Final = ("amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath")
"""28 pairs, each judged by the six others in both seat orders."""
WAITING: Final = 0.5
CONNECTIONS: Final = 4
SERVERS: Final = ("mongod", "nats-server")
CHARACTERS: Final = 2_000
"""Of a prompt that is sent to the gateway directly."""
LOOK_SECONDS: Final = 0.5
DEADLINE_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class Measured:
    """How long the calls took, and what the services needed for them."""

    calls: int
    in_flight: int
    seconds_a_call: float
    wall_seconds: float
    memory_mib: Mapping[str, float]
    """Greatest resident size by process."""
    cpu: Mapping[str, float]
    """Seconds by process."""

    @property
    def ideal_seconds(self) -> float:
        """What the endpoints alone would take."""
        return self.calls * self.seconds_a_call / self.in_flight

    @property
    def over_ideal(self) -> float:
        """Wall time over the ideal."""
        return self.wall_seconds / self.ideal_seconds

    def summary(self) -> dict[str, Any]:
        """What was measured, for programs."""
        return {
            "calls": self.calls,
            "in_flight": self.in_flight,
            "seconds_a_call": self.seconds_a_call,
            "ideal_seconds": round(self.ideal_seconds, 1),
            "wall_seconds": round(self.wall_seconds, 1),
            "over_ideal": round(self.over_ideal, 3),
            "memory_mib": {name: round(size, 1) for name, size in self.memory_mib.items()},
            "cpu_seconds": {name: round(seconds, 1) for name, seconds in self.cpu.items()},
        }

    def table(self) -> Table:
        """What was measured, for people."""
        table = Table("", "memory MiB", "CPU s", "CPU ms a call")
        for column in table.columns[1:]:
            column.justify = "right"
        for name, size in self.memory_mib.items():
            spent = self.cpu[name]
            table.add_row(name, f"{size:,.0f}", f"{spent:,.1f}", f"{1000 * spent / self.calls:.2f}")
        total = sum(self.cpu.values())
        table.add_row("all", "", f"{total:,.1f}", f"{1000 * total / self.calls:.2f}", style="bold")
        percent = 100 * (self.over_ideal - 1)
        table.title = (
            f"{self.calls:,} calls of {self.seconds_a_call:g} s, {self.in_flight:,} in flight\n"
            f"{self.wall_seconds:.1f} s: {percent:.0f} % over the ideal of {self.ideal_seconds:.1f} s"
        )
        return table


def resident_mib(status: str) -> float:
    """The resident size in the text of /proc/…/status.

    Raises:
        ValueError: it does not tell.
    """
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError("no VmRSS")


@asynccontextmanager
async def watched(processes: Mapping[str, int]) -> AsyncIterator[dict[str, float]]:
    """Greatest resident sizes during the block, kept up to date."""
    greatest = dict.fromkeys(processes, 0.0)

    def look() -> None:
        for name, pid in processes.items():
            with suppress(OSError, ValueError):
                size = resident_mib(Path(f"/proc/{pid}/status").read_text("ascii", "replace"))
                greatest[name] = max(greatest[name], size)

    async def keep_looking() -> None:
        while True:
            look()
            await asyncio.sleep(LOOK_SECONDS)

    watching = asyncio.ensure_future(keep_looking())
    try:
        yield greatest
    finally:
        watching.cancel()
        look()


async def completions(running: Stack, base_url: str, calls: int, at_once: int) -> float:
    """Wall seconds of completions at the gateway."""
    async with AsyncExitStack() as within:
        address = running.endpoints.address_of("gateway")
        # Connections that gRPC would otherwise share.
        channels = [
            await within.enter_async_context(grpc.aio.insecure_channel(address, [("grpc.channel_id", number)]))
            for number in range(CONNECTIONS)
        ]
        gateways = [stubs.GatewayServiceStub(channel) for channel in channels]
        slugs = [f"model-{number}" for number in range(MODELS)]
        for slug in slugs:
            model = pb.Model(
                name=f"projects/{PROJECT}/models/{slug}",
                endpoint=pb.Endpoint(base_url=base_url, upstream_model=slug),
                concurrency=-(-at_once // MODELS),
            )
            await gateways[0].RegisterModel(pb.RegisterModelRequest(model=model), timeout=60)

        async def say(number: int) -> None:
            request = pb.CompleteRequest(
                project=PROJECT,
                model=f"{slugs[number % MODELS]}@1",
                messages=[ChatMessage(role="user", content=f"{number} ".ljust(CHARACTERS, "x"))],
                request_id=hashlib.sha256(str(number).encode()).hexdigest(),
                purpose=pb.PURPOSE_JUDGE,
            )
            reply = await gateways[number % CONNECTIONS].Complete(request, timeout=DEADLINE_SECONDS)
            if reply.completion.state != pb.COMPLETION_STATE_DONE:
                raise RuntimeError(f"a completion failed: {reply.completion.failure.detail}")

        numbers = iter(range(calls))

        async def caller() -> None:
            for number in numbers:
                await say(number)

        began = time.monotonic()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await asyncio.gather(*(caller() for _ in range(round((1 + WAITING) * at_once))))
        return time.monotonic() - began


async def judging(running: Stack, base_url: str, queries: int, at_once: int) -> tuple[int, float]:
    """Judge calls of the round that ranks all judges, and its wall seconds."""
    async with ArenaClient(running.addresses) as client:
        dimension = query_selector_pb2.Dimension(
            name=client.dimension_name(DIMENSION),
            selection=query_selector_pb2.Selection(k=queries, seed=0),
            ranking=query_selector_pb2.RankingSettings(jury="exhaustive", seed_models=len(JUDGES)),
        )
        await client.create_dimension(dimension, questions.POOLS[DIMENSION](queries))
        revisions = []
        for slug in JUDGES:
            model = pb.Model(
                name=client.model_name(slug),
                endpoint=pb.Endpoint(base_url=base_url, upstream_model=slug, sparring=True),
                concurrency=at_once // len(JUDGES),
                cohort="benchmark",
            )
            revisions.append(f"{slug}@{(await client.register_model(model)).revision}")
        async with asyncio.timeout(DEADLINE_SECONDS):
            board = await following.until_ranked(client, DIMENSION, revisions, lambda _dimension, _step: None)
        times = {
            decision.kind: decision.time.ToDatetime()
            async for decision in client.decisions(DIMENSION)
            if decision.kind in (ranker_pb2.DECISION_KIND_ROUND_OPENED, ranker_pb2.DECISION_KIND_ROUND_CLOSED)
        }
    opened = times[ranker_pb2.DECISION_KIND_ROUND_OPENED]
    return board.judge_calls, (times[ranker_pb2.DECISION_KIND_ROUND_CLOSED] - opened).total_seconds()


async def measure(part: str, *, calls: int, queries: int, at_once: int, seconds: float) -> Measured:
    """Start an arena and slow endpoints, measure, and end them."""
    environment = {"DEARENA_PROBE_EVERY_SECONDS": "0"}
    with passing.state("dearena-slow-endpoints-") as state:
        async with (
            slow_world(seconds) as endpoint,
            stack.running(state, fresh=True, worlds=None, environment=environment) as running,
        ):
            services = processes_of(running)
            servers = {name: pid for name in SERVERS if (pid := running.pid_of(name)) is not None}
            processes = {**services, **servers, "endpoint": endpoint.pid, "caller": os.getpid()}
            before = {name: cpu_seconds(pid) for name, pid in processes.items()}
            async with watched(processes) as memory:
                if part == "completions":
                    wall = await completions(running, endpoint.base_url, calls, at_once)
                else:
                    calls, wall = await judging(running, endpoint.base_url, queries, at_once)
                cpu = {name: cpu_seconds(pid) - before[name] for name, pid in processes.items()}
            if processes_of(running) != services:
                raise RuntimeError("a service was restarted meanwhile: nothing was measured")
    return Measured(calls, at_once, seconds, wall, memory, cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description="Many calls in flight to slow endpoints, beside the ideal.")
    parser.add_argument("part", choices=("completions", "judging"))
    parser.add_argument("--calls", type=int, default=20_000, help="of `completions`")
    parser.add_argument("--queries", type=int, default=30, help="of `judging`: 336 judge calls each")
    parser.add_argument("--in-flight", type=int, help="1000, or 1008 for `judging`, which is divided by 8 judges")
    parser.add_argument("--seconds", type=float, help="of a reply: 2, or 10 for `judging`")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    asked = parser.parse_args()
    is_judging = asked.part == "judging"
    measured = uvloop.run(
        measure(
            asked.part,
            calls=asked.calls,
            queries=asked.queries,
            at_once=asked.in_flight or (1_008 if is_judging else 1_000),
            seconds=asked.seconds or (10.0 if is_judging else 2.0),
        )
    )
    if asked.json:
        print(json.dumps(measured.summary()))
    else:
        Console().print(measured.table())


if __name__ == "__main__":
    main()
