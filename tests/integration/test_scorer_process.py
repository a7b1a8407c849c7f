"""The scorer as a process: killed while it makes a board, traced, and with one thread for its sums."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest

from dearena.local import ports, servers
from dearena.v1 import scorer_pb2 as pb
from dearena.v1.scorer_pb2_grpc import ScorerServiceStub
from tests.fixtures.otlp import Spans, otlp_receiver
from tests.fixtures.scored_rounds import ALGEBRA, Arena, playing
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.scorer_pb2_grpc import ScorerServiceAsyncStub


@pytest.fixture
async def arena() -> AsyncIterator[Arena]:
    async with playing() as arena:
        yield arena


@pytest.fixture
async def spans_at() -> AsyncIterator[tuple[str, Spans]]:
    async with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture
async def process(
    arena: Arena, spans_at: tuple[str, Spans], arena_settings: Callable[..., Any], tmp_path: Path
) -> AsyncIterator[servers.Server]:
    port = ports.free_port()
    given = arena_settings(
        listen=f"127.0.0.1:{port}",
        otlp_endpoint=spans_at[0],
        ranker_address=arena.address,
        judge_dispatcher_address=arena.address,
        query_selector_address=arena.address,
        sweep_seconds=60,
    )
    environment = [
        f"DEARENA_{name.upper()}={value}" for name, value in given.model_dump().items() if name != "instance"
    ]
    process = servers.Server(
        name="scorer",
        command=["env", *environment, sys.executable, "-m", "services.scorer"],
        log=tmp_path / "scorer.log",
        is_ready=lambda: servers.accepts(port),
    )
    await process.start()
    yield process
    process.stop()


@pytest.fixture
async def scorer(process: servers.Server) -> AsyncIterator[ScorerServiceAsyncStub]:
    listen = next(setting for setting in process.command if setting.startswith("DEARENA_LISTEN="))
    async with grpc.aio.insecure_channel(listen.partition("=")[2]) as channel:
        yield ScorerServiceStub(channel)


async def score(scorer: ScorerServiceAsyncStub, number: int) -> pb.Board:
    request = pb.ScoreThroughRequest(dimension=str(ALGEBRA), round=number)
    return (await scorer.ScoreThrough(request, timeout=20, wait_for_ready=True)).board


async def test_killed_while_it_makes_a_board_it_makes_the_same_one_afterwards(
    process: servers.Server, scorer: ScorerServiceAsyncStub, arena: Arena
) -> None:
    arena.play(1)
    await score(scorer, 1)
    for seed in (2, 3):
        arena.play(seed)
    arena.gate.clear()
    asked = arena.asked["votes"]
    dying = asyncio.ensure_future(score(scorer, 3))
    await eventually(lambda: arena.asked["votes"] > asked)
    process.stop(signal.SIGKILL)
    with pytest.raises(grpc.aio.AioRpcError):
        await dying
    arena.gate.set()
    await process.start()
    board = await score(scorer, 3)
    assert board.board_digest == arena.expected(3).digest
    assert board.judge_calls == arena.expected(3).judge_calls


async def test_the_fit_stands_in_the_trace_of_the_call_that_asked(
    scorer: ScorerServiceAsyncStub, arena: Arena, spans_at: tuple[str, Spans]
) -> None:
    _, spans = spans_at
    arena.play(1)
    await score(scorer, 1)
    (fit,) = await eventually(lambda: spans.named("fit board", "dearena.scorer"))
    (call,) = await eventually(lambda: spans.named("/dearena.v1.ScorerService/ScoreThrough", "dearena.scorer"))
    assert (fit.trace_id, fit.parent_id) == call.key
    (told,) = await eventually(lambda: spans.named("send scores.updated.{project}.{name}", "dearena.scorer"))
    assert told.key in spans.reachable(call)


@pytest.mark.parametrize("service", ["ranker", "scorer"])
def test_sums_are_taken_by_one_thread(service: str) -> None:
    """The setting stands when numpy is loaded; later it would be read by nobody."""
    script = """
import os, runpy, sys
seen = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            seen.append(os.environ.get("OPENBLAS_NUM_THREADS"))
sys.meta_path.insert(0, Watch())
import services.runtime.lifecycle
services.runtime.lifecycle.main = lambda *_: None
runpy.run_module("services." + sys.argv[1], run_name="__main__")
print(seen)
"""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    ran = subprocess.run(
        [sys.executable, "-c", script, service], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "['1']\n"
