"""The judge dispatcher as a process: killed in mid-flight, and traced."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio

from dearena.local.ports import free_port
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1.common_pb2 import OUTCOME_A
from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceStub
from services.judge_dispatcher.settings import JudgeDispatcherSettings
from tests.fixtures.judges import QUERIES, Gate, cell_of
from tests.fixtures.judging import ALGEBRA, SECRET, Arena, outcomes, votes
from tests.fixtures.otlp import otlp_receiver
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub

TRACE = "0af7651916cd43dd8448eb211c80319c"
INSERTION_SPAN = "b7ad6b7169203331"
START_SECONDS = 30.0


@asynccontextmanager
async def dispatcher_process(
    settings: JudgeDispatcherSettings, log: Path, **more: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, JudgeDispatcherServiceAsyncStub]]:
    """`python -m services.judge_dispatcher`, serving; ended by SIGTERM unless the test did it otherwise."""
    address = f"127.0.0.1:{free_port()}"
    given = ("mongo_url", "mongo_database", "nats_url", "gateway_address", "query_selector_address")
    environment = {f"DEARENA_{name.upper()}": getattr(settings, name) for name in given}
    environment |= {"DEARENA_LISTEN": address, "DEARENA_INSTALLATION_SECRET": SECRET, **more}
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.judge_dispatcher",
            env={**os.environ, **environment}, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                async with asyncio.timeout(START_SECONDS):
                    await channel.channel_ready()
                yield process, JudgeDispatcherServiceStub(channel)
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def test_a_dispatcher_killed_in_mid_flight_loses_and_doubles_nothing(arena: Arena, tmp_path: Path) -> None:
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:16]]
    gate = arena.gateway.habits["gamma@1"] = Gate()
    async with dispatcher_process(arena.settings, tmp_path / "log") as (process, _):
        await arena.ask(cells[:8])
        await arena.ask(cells[8:])
        await eventually(lambda: gate.entered, equals=32)
        process.kill()
        await process.wait()
    gate.open.set()

    async with dispatcher_process(arena.settings, tmp_path / "log") as (_, dispatcher):
        await arena.ask(cells[:8])  # as the ranker does when nothing comes
        await arena.ask(cells[8:])
        comparisons = await outcomes(dispatcher, cells)
        assert {one.outcome for one in comparisons} == {OUTCOME_A}
        assert len(await votes(dispatcher)) == len(cells)
    assert set(arena.gateway.paid.values()) == {1}


async def test_a_path_leads_from_the_insertion_over_the_cell_to_the_vote(arena: Arena, tmp_path: Path) -> None:
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:3]]
    async with otlp_receiver() as (endpoint, spans):
        async with dispatcher_process(arena.settings, tmp_path / "log", DEARENA_OTLP_ENDPOINT=endpoint) as (_, stub):
            await arena.ask(cells, traceparent=f"00-{TRACE}-{INSERTION_SPAN}-01")
            comparisons = await outcomes(stub, cells)
            told = pb.ListVotesRequest(dimension=ALGEBRA, with_trace_ids=True)
            traces = [dict(zip(one.cell_id, one.trace_id, strict=True)) async for one in stub.ListVotes(told)]
            plain = pb.ListVotesRequest(dimension=ALGEBRA)
            untold = [tuple(one.trace_id) async for one in stub.ListVotes(plain)]
        await eventually(lambda: spans.named("send vote.cast.{project}.{name}"))

        asked = spans.named("judge cell")
        assert {span.trace_id for span in asked} == {comparison.trace_id for comparison in comparisons}
        assert traces == [{one.cell.cell_id: one.trace_id for one in comparisons}]
        assert untold == [()]
        [message] = spans.named("process judging.requested.{shard}.{judge}")
        assert {span.key for span in asked} == set(message.links)
        assert len({span.trace_id for span in asked}) == len(cells)
        for span in asked:
            assert not span.parent_id
            assert (TRACE, INSERTION_SPAN) in span.links
            assert span.attributes["dearena.insertion.trace_id"] == TRACE
            calls = [one for one in spans.received.values() if one.trace_id == span.trace_id and "Complete" in one.name]
            assert len(calls) == 2
        onward = set[tuple[str, str]]().union(*(spans.reachable(span) for span in asked))
        for sent in spans.named("send vote.cast.{project}.{name}"):
            assert sent.key in onward
