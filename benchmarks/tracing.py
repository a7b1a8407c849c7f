"""CPU time of the services per judge call without telemetry, with it, and with a tenth of the cells traced.

    python -m benchmarks.tracing [--rounds 1] [--queries 16] [--json]

Each round ranks the models of `benchmarks.judge_calls` three times, in arenas of their own, one after the other: no
DEARENA_OTLP_ENDPOINT; all traces, and metrics; metrics and traces with DEARENA_TRACE_RATIO=0.1. What is exported is
taken and thrown away by this process, whose time does not count, nor does a collector's. The ratio to a plain httpx
client that `judge_calls` gives stands beside each figure, for other work on the machine slows both. Linux only.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any, Final

import grpc
import grpc.aio
from rich.console import Console
from rich.table import Table

from benchmarks import judge_calls
from dearena.local.ports import free_port

ENDPOINT: Final = "DEARENA_OTLP_ENDPOINT"
RATIO: Final = "DEARENA_TRACE_RATIO"
WAYS: Final = {"off": {}, "all traces": {RATIO: "1"}, "a tenth of cells": {RATIO: "0.1"}}


class _Taken(grpc.GenericRpcHandler):
    """Takes whatever is exported, unread; an empty message is what each of OTLP's services replies."""

    def __init__(self) -> None:
        self.bytes = 0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        async def take(request: bytes, _context: Any) -> bytes:
            self.bytes += len(request)
            return b""

        return grpc.unary_unary_rpc_method_handler(take)


@asynccontextmanager
async def receiver(taker: grpc.GenericRpcHandler) -> AsyncIterator[str]:
    """Serve whoever takes what is exported, on loopback; gives the endpoint."""
    server = grpc.aio.server(handlers=[taker])
    port = free_port()
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def compare(rounds: int, queries: int) -> dict[str, list[dict[str, float]]]:
    """Measure each way so many times, by turns."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, given in WAYS.items():
            taken = _Taken()
            async with receiver(taken) as endpoint:
                environment = {**given, ENDPOINT: endpoint} if given else {ENDPOINT: ""}
                one = await judge_calls.measure(queries, 200, profiled=False, environment=environment)
            found[way].append(
                {
                    "judge_calls": one.judge_calls,
                    "cpu_ms_per_call": 1_000 * one.per_call,
                    "ratio_to_httpx": one.per_call / one.plain_per_call,
                    "bytes_per_call": taken.bytes / one.judge_calls,
                }
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time of the services per judge call, by what they export.")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--queries", type=int, default=judge_calls.QUERIES, help="84 judge calls each")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    asked = parser.parse_args()
    found = asyncio.run(compare(asked.rounds, asked.queries))
    if asked.json:
        print(json.dumps(found))
        return
    table = Table("exported", "calls", "CPU ms a call", "over off", "beside httpx", "bytes a call")
    off = median(one["cpu_ms_per_call"] for one in found["off"])
    for way, several in found.items():
        middle = {name: median(one[name] for one in several) for name in several[0]}
        table.add_row(
            way,
            f"{middle['judge_calls']:,.0f}",
            f"{middle['cpu_ms_per_call']:.2f}",
            f"{middle['cpu_ms_per_call'] / off:.2f}",
            f"{middle['ratio_to_httpx']:.2f}",
            f"{middle['bytes_per_call']:,.0f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
