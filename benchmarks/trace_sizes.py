"""Spans in the trace of a registration, by how many dimensions the model enters.

    python -m benchmarks.trace_sizes [--dimensions 2 10] [--queries 2] [--seeds 4] [--json]

For each number an arena of its own: so many dimensions, whose seeds are ranked first, then one more model that enters
all of them. What services export is counted by this process, by trace and name. Beside the trace of the registration
stands the largest of all that were exported.
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.console import Console
from rich.table import Table

from benchmarks.tracing import ENDPOINT, receiver
from dearena.client import ArenaClient
from dearena.faults import ArenaFault
from dearena.local import stack as local
from dearena.v1 import gateway_pb2, query_selector_pb2

WORLD: Final = {"planted": {"kind": "planted", "seed": 0, "tie_rate": 0.05}}
PATIENCE_SECONDS: Final = 900.0


class Counted(grpc.GenericRpcHandler):
    """Counts spans by trace; of metrics nothing is read."""

    def __init__(self) -> None:
        self.sizes: Counter[str] = Counter()
        self.registrations: dict[str, str] = {}
        """Trace of each model's, by slug."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """What takes the calls of a method."""
        spans = "TraceService" in handler_call_details.method

        async def take(request: bytes, _context: Any) -> bytes:
            if spans:
                self._count(ExportTraceServiceRequest.FromString(request))
            return b""

        return grpc.unary_unary_rpc_method_handler(take)

    def _count(self, request: ExportTraceServiceRequest) -> None:
        for span in (span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans):
            trace_id = span.trace_id.hex()
            self.sizes[trace_id] += 1
            if span.name.endswith("/RegisterModel"):
                said = {one.key: one.value.string_value for one in span.attributes}
                if slug := said.get("dearena.model"):
                    self.registrations[slug] = trace_id


async def measure(dimensions: int, queries: int, seeds: int) -> dict[str, int]:
    """Rank one model in so many dimensions, and count."""
    counted = Counted()
    with tempfile.TemporaryDirectory() as directory:
        async with receiver(counted) as endpoint:
            environment = {ENDPOINT: endpoint, "DEARENA_SWEEP_SECONDS": "1"}
            async with local.running(Path(directory), fresh=True, worlds=WORLD, environment=environment) as stack:
                await _rank(stack, [f"d{number:03}" for number in range(dimensions)], queries, seeds)
    return {
        "dimensions": dimensions,
        "registration": counted.sizes[counted.registrations[f"planted-{seeds}"]],
        "largest": max(counted.sizes.values()),
        "traces": len(counted.sizes),
    }


async def _rank(stack: local.Stack, dimensions: Sequence[str], queries: int, seeds: int) -> None:
    async with ArenaClient(stack.addresses, project="traces") as client:
        for slug in dimensions:
            await client.create_dimension(
                query_selector_pb2.Dimension(
                    name=client.dimension_name(slug),
                    selection=query_selector_pb2.Selection(k=queries),
                    ranking=query_selector_pb2.RankingSettings(jury="exhaustive", seed_models=seeds),
                ),
                [{"id": f"{slug}-{n}", "text": f"Question {n} of {slug}?"} for n in range(queries)],
            )
        url = f"{stack.endpoints.sparring_url}/planted/v1"
        for number in range(seeds + 1):
            endpoint = gateway_pb2.Endpoint(base_url=url, upstream_model=f"planted-{number}", sparring=True)
            name = client.model_name(f"planted-{number}")
            await client.register_model(gateway_pb2.Model(name=name, endpoint=endpoint, cohort="one"))
            if number >= seeds - 1:
                for slug in dimensions:
                    await _settled(client, slug, number + 1)


async def _settled(client: ArenaClient, dimension: str, models: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                ranking = await client.ranking(dimension)
            except ArenaFault:
                ranking = None
            if ranking and len(ranking.models) == models and not ranking.newcomer and not ranking.open_round:
                return
            await asyncio.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description="Spans in a registration's trace, by dimensions entered.")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--queries", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    asked = parser.parse_args()
    found = [asyncio.run(measure(number, asked.queries, asked.seeds)) for number in asked.dimensions]
    if asked.json:
        print(json.dumps(found))
        return
    table = Table("dimensions", "spans of the registration's trace", "of the largest trace", "traces")
    for one in found:
        table.add_row(*(f"{one[name]:,}" for name in ("dimensions", "registration", "largest", "traces")))
    Console().print(table)


if __name__ == "__main__":
    main()
