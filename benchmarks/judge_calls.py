"""CPU time of the arena per judge call, beside that of a plain HTTP client.

    python -m benchmarks.judge_calls [--queries 16] [--plain-calls 600] [--profile] [--json]

Starts the local stack in a temporary directory, ranks MODELS planted models on QUERIES queries, and reads the user and
system time of the five service processes from /proc before the first registration and after the last model has its
place. All they did in between counts, answers and rankings too, but what mongod, nats-server and the sparring server
did for them does not. A plain httpx client with its default transport sends judging prompts of the same template and
planted answers to the same sparring server, IN_FLIGHT at a time, half of them before and half after, and its own CPU
time is taken. Linux only; under 90 seconds on two idle cores.

CPU seconds per call, and above all the ratio, compare across machines better than wall time does; a busy machine makes
both a little worse. Times come in clock ticks (usually 10 ms), far below what is measured.

With --profile the services sample themselves meanwhile (cpu_profile.py), and a second table says where the time goes;
sampling costs a few per cent.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks import cpu_profile
from dearena.client import ArenaClient
from dearena.judging.templates import PAIRWISE_1
from dearena.local import following, passing, questions, stack
from dearena.local.stack import Stack
from dearena.v1 import gateway_pb2, query_selector_pb2

WORLD: Final = "planted"
DIMENSION: Final = "algebra"
MODELS: Final = ("amber", "birch", "cedar", "dune", "ember", "fjord")
QUERIES: Final = 16
IN_FLIGHT: Final = 16
PLAIN_CALLS: Final = 600
DEADLINE_SECONDS: Final = 60.0
"""For the ranking: a machine that takes longer has other things to do, and would tell nothing."""


@dataclass(frozen=True)
class Measured:
    """CPU seconds, and the calls they were spent on."""

    services: Mapping[str, float]
    judge_calls: int
    plain_seconds: float
    plain_calls: int
    wall_seconds: float
    profile: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """CPU seconds by service and by whose code it is, where asked for; starts of services are not in it."""

    @property
    def per_call(self) -> float:
        """CPU seconds of all services per judge call."""
        return sum(self.services.values()) / self.judge_calls

    @property
    def plain_per_call(self) -> float:
        """CPU seconds of the plain client per call."""
        return self.plain_seconds / self.plain_calls

    def summary(self) -> dict[str, Any]:
        """What was measured, for programs."""
        return {
            "judge_calls": self.judge_calls,
            "services_cpu_seconds": {name: round(seconds, 2) for name, seconds in self.services.items()},
            "services_cpu_seconds_per_call": self.per_call,
            "plain_calls": self.plain_calls,
            "plain_cpu_seconds_per_call": self.plain_per_call,
            "ratio": self.per_call / self.plain_per_call,
            "wall_seconds": round(self.wall_seconds, 1),
            **({"profile_cpu_seconds": self.profile} if self.profile else {}),
        }

    def table(self) -> Table:
        """What was measured, for people."""
        table = Table("", "calls", "CPU s", "CPU ms a call")
        for column in table.columns[1:]:
            column.justify = "right"
        calls, total = f"{self.judge_calls:,}", sum(self.services.values())
        for name, seconds in self.services.items():
            table.add_row(name, calls, f"{seconds:.2f}", f"{1000 * seconds / self.judge_calls:.3f}")
        table.add_row("all services", calls, f"{total:.2f}", f"{1000 * self.per_call:.3f}", style="bold")
        plain = f"{self.plain_seconds:.2f}", f"{1000 * self.plain_per_call:.3f}"
        table.add_row("plain httpx", f"{self.plain_calls:,}", *plain)
        table.add_row("ratio", "", "", f"{self.per_call / self.plain_per_call:.2f}", style="bold")
        return table


def cpu_seconds(pid: int) -> float:
    """User and system time of a process since it began."""
    # The name, in brackets, may hold anything; state, the third field, follows it.
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    utime, stime = int(fields[11]), int(fields[12])
    return (utime + stime) / os.sysconf("SC_CLK_TCK")


def processes_of(running: Stack) -> dict[str, int]:
    """The process ids of the services, all of which run."""
    found = {name: running.pid_of(name) for name in running.services}
    return {name: pid for name, pid in found.items() if pid is not None}


async def rank(running: Stack, queries: int) -> int:
    """Rank the models; returns the judge calls that it took."""
    async with ArenaClient(running.addresses) as client:
        selection = query_selector_pb2.Selection(k=queries, seed=0)
        # Every judge on every query: the work is the same in every version, whatever a jury learns to save.
        ranking = query_selector_pb2.RankingSettings(jury="exhaustive")
        dimension = query_selector_pb2.Dimension(
            name=client.dimension_name(DIMENSION), selection=selection, ranking=ranking
        )
        await client.create_dimension(dimension, questions.POOLS[DIMENSION](queries))
        revisions = []
        for slug in MODELS:
            endpoint = gateway_pb2.Endpoint(base_url=base_url(running), upstream_model=slug, sparring=True)
            model = gateway_pb2.Model(
                name=client.model_name(slug), endpoint=endpoint, concurrency=IN_FLIGHT, cohort="benchmark"
            )
            revisions.append(f"{slug}@{(await client.register_model(model)).revision}")
        board = await following.until_ranked(client, DIMENSION, revisions, lambda _dimension, _step: None)
    return board.judge_calls


def base_url(running: Stack) -> str:
    """Where the planted world is served."""
    return f"{running.endpoints.sparring_url}/{WORLD}/v1"


async def plain_calls(running: Stack, calls: int) -> float:
    """Send judging prompts as simply as httpx can; returns the CPU seconds of this process."""
    pool = questions.POOLS[DIMENSION](QUERIES)
    async with httpx.AsyncClient(base_url=base_url(running)) as client:

        async def say(model: str, query_id: str, purpose: str, prompt: str) -> str:
            messages = [{"role": "user", "content": prompt}]
            body = {
                "model": model,
                "messages": messages,
                "dearena": {"query_id": query_id, "purpose": purpose},
            }
            reply = await client.post("/chat/completions", json=body)
            reply.raise_for_status()
            return str(reply.json()["choices"][0]["message"]["content"])

        prompts = []
        for query in pool:
            first, second = [await say(model, query["id"], "answer", query["text"]) for model in MODELS[:2]]
            prompt = PAIRWISE_1.render(
                turns=[query["text"]], first=first, second=second, fence="0123456789abcdef", nonce="fedcba9876543210"
            )
            prompts.append((query["id"], prompt))

        numbers = iter(range(calls))

        async def several() -> None:
            for number in numbers:
                query_id, prompt = prompts[number % len(prompts)]
                await say(MODELS[2], query_id, "judge", prompt)

        before = time.process_time()
        await asyncio.gather(*(several() for _ in range(IN_FLIGHT)))
        return time.process_time() - before


async def measure(
    queries: int, calls: int, *, profiled: bool, environment: Mapping[str, str] | None = None
) -> Measured:
    """Start an arena, measure, and end it.

    Args:
        queries: each judged by all judges for every pair.
        calls: of the plain client, half of them before the ranking and half after it.
        profiled: let the services sample themselves.
        environment: further variables for the services.
    """
    begin = time.monotonic()
    worlds = {WORLD: {"kind": "planted", "seed": 0}}
    with passing.state("dearena-judge-calls-") as state, tempfile.TemporaryDirectory() as samples:
        given = dict(environment or {})
        if profiled:
            given |= cpu_profile.environment(Path(samples), os.environ.get("PYTHONPATH", ""))
        async with stack.running(state, fresh=True, worlds=worlds, environment=given) as running:
            processes = processes_of(running)
            plain_seconds = await plain_calls(running, calls // 2)
            before = {name: cpu_seconds(pid) for name, pid in processes.items()}
            async with asyncio.timeout(DEADLINE_SECONDS * max(1, queries / QUERIES)):
                judge_calls = await rank(running, queries)
            after = {name: cpu_seconds(pid) for name, pid in processes.items()}
            if processes_of(running) != processes:
                raise RuntimeError("a service was restarted meanwhile: nothing was measured")
            plain_seconds += await plain_calls(running, calls - calls // 2)
        # Samples are written when a process ends.
        profile = {name: cpu_profile.read(Path(samples) / str(pid)) for name, pid in processes.items() if profiled}
    spent = {name: after[name] - before[name] for name in processes}
    return Measured(spent, judge_calls, plain_seconds, calls, time.monotonic() - begin, profile)


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time of the arena per judge call, beside a plain client's.")
    parser.add_argument("--queries", type=int, default=QUERIES, help="84 judge calls each")
    parser.add_argument("--plain-calls", type=int, default=PLAIN_CALLS)
    parser.add_argument("--profile", action="store_true", help="say where the services' time goes")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    asked = parser.parse_args()
    measured = asyncio.run(measure(asked.queries, asked.plain_calls, profiled=asked.profile))
    if asked.json:
        print(json.dumps(measured.summary()))
        return
    Console().print(measured.table())
    if asked.profile:
        Console().print(cpu_profile.table(measured.profile, measured.judge_calls))


if __name__ == "__main__":
    main()
