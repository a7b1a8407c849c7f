"""How fast a board of a large dimension is read, made anew after a restart, and made again after a round.

    python benchmarks/leaderboard.py [--votes 2000000] [--json]

The scorer runs in this process, on a real mongod and a real nats-server in a temporary directory, and is asked
over gRPC on loopback. Its ranker and judge dispatcher are played by another process, which has all batches of
votes ready: what is timed is the scorer's reading of the log, not the making of it. Votes are those of a
planted dimension of MODELS models who all judge, on QUERIES queries, in rounds of ROUND.

First the board of all rounds but the last few is made; then the scorer is stopped, and started again with an
empty memory. Linux only.
Peak memory is that of the scorer's process with the client in it. Half a minute on two idle cores.
"""

import os

# One thread, as `services.scorer` sets it: read when NumPy is loaded.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import asyncio  # noqa: E402
import hashlib  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import multiprocessing  # noqa: E402
import resource  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import AsyncIterator, Awaitable, Callable  # noqa: E402
from contextlib import asynccontextmanager  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402
from multiprocessing.connection import Connection  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Annotated, Any, Final  # noqa: E402

import grpc.aio  # noqa: E402
import numpy as np  # noqa: E402
import structlog  # noqa: E402
import typer  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from dearena.local import ports, servers  # noqa: E402
from dearena.v1 import common_pb2, judge_dispatcher_pb2, ranker_pb2  # noqa: E402
from dearena.v1 import scorer_pb2 as pb  # noqa: E402
from dearena.v1.judge_dispatcher_pb2_grpc import (  # noqa: E402
    JudgeDispatcherServiceServicer,
    add_JudgeDispatcherServiceServicer_to_server,
)
from dearena.v1.ranker_pb2_grpc import RankerServiceServicer, add_RankerServiceServicer_to_server  # noqa: E402
from dearena.v1.scorer_pb2_grpc import ScorerServiceStub  # noqa: E402
from services.runtime import topology  # noqa: E402
from services.runtime.lifecycle import running  # noqa: E402
from services.runtime.rpc import Server, Servicer  # noqa: E402
from services.scorer.room import build  # noqa: E402
from services.scorer.settings import ScorerSettings  # noqa: E402

NAME: Final = "projects/default/dimensions/algebra"
MODELS: Final = 200
QUERIES: Final = 1_000
ROUND: Final = 10_000
"""Votes of a round of the log that is there at the start."""
SMALL_ROUND: Final = 1_000
SMALL_ROUNDS: Final = 6
"""Rounds to come: the first is asked for while the log is being read, the others one by one."""
BATCH: Final = 2_000
"""Votes of a message, as the judge dispatcher sends them."""
REQUESTS: Final = 500
PATIENCE_SECONDS: Final = 600.0
NOWHERE: Final = "127.0.0.1:9"


@dataclass(frozen=True)
class Measured:
    """Seconds unless said otherwise."""

    votes: int
    models: int
    rounds: int
    rebuild: float
    leaderboard_median: float
    leaderboard_p99: float
    leaderboard_worst_in_rebuild: float
    refit: float
    memory_mb: float
    peak_memory_mb: float

    def table(self) -> Table:
        """What was measured, for people."""
        table = Table("", "", title=f"{self.votes:,} votes, {self.models} models, {self.rounds} rounds")
        table.columns[1].justify = "right"
        for what, seconds in (
            ("restart: log read and counted, board fitted", self.rebuild),
            ("leaderboard, median", self.leaderboard_median),
            ("leaderboard, 99 %", self.leaderboard_p99),
            ("leaderboard while the log is read, slowest", self.leaderboard_worst_in_rebuild),
            (f"board after {SMALL_ROUND:,} more votes, median", self.refit),
        ):
            table.add_row(what, f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms")
        table.add_row("memory once the log is read", f"{self.memory_mb:,.0f} MB")
        table.add_row("memory at most", f"{self.peak_memory_mb:,.0f} MB")
        return table


class Played(RankerServiceServicer, JudgeDispatcherServiceServicer):
    """Ranker and judge dispatcher of a dimension whose rounds are all closed."""

    def __init__(self, sizes: list[int]) -> None:
        self._sizes = sizes
        self._models = [f"model-{index:03d}@1" for index in range(MODELS)]
        self._queries = [f"query-{index:04d}" for index in range(QUERIES)]
        lot = np.random.default_rng(7)
        self._skill = lot.normal(0, 1, MODELS)
        self._effect = lot.normal(0, 0.8, (MODELS, QUERIES))
        self._batches = [self._round(lot, number, size) for number, size in enumerate(sizes, start=1)]

    def _round(self, lot: np.random.Generator, number: int, size: int) -> list[bytes]:
        return [self._batch(lot, number, start, min(BATCH, size - start)) for start in range(0, size, BATCH)]

    def _batch(self, lot: np.random.Generator, number: int, start: int, size: int) -> bytes:
        # Three different models each: judge, and two contestants in order.
        three = np.argsort(lot.random((size, MODELS)), axis=1)[:, :3]
        first, second = np.sort(three[:, :2], axis=1).T
        query = lot.integers(0, QUERIES, size)
        difference = (self._skill[first] + self._effect[first, query]) - (
            self._skill[second] + self._effect[second, query]
        )
        looks = lot.random((size, 2)) < (1 / (1 + np.exp(-1.5 * difference)))[:, None]
        outcome = np.where(
            looks[:, 0] != looks[:, 1],
            common_pb2.OUTCOME_FLIP,
            np.where(looks[:, 0], common_pb2.OUTCOME_A, common_pb2.OUTCOME_B),
        )
        verdict = np.array([common_pb2.SEAT_VERDICT_SECOND, common_pb2.SEAT_VERDICT_FIRST])
        message = judge_dispatcher_pb2.ListVotesResponse(
            models=self._models,
            query_ids=self._queries,
            sequence=range(start + 1, start + size + 1),
            round=[number] * size,
            cell_id=[hashlib.sha256(f"{number}/{start + row}".encode()).hexdigest() for row in range(size)],
            attempt=[1] * size,
            model_a=first.tolist(),
            model_b=second.tolist(),
            judge=three[:, 2].tolist(),
            query=query.tolist(),
            outcome=outcome.tolist(),
            judge_calls=[2] * size,
            cost_nano_units=lot.integers(1_000, 90_000, size).tolist(),
            currency="USD",
            a_first=verdict[looks[:, 0].astype(int)].tolist(),
            b_first=verdict[1 - looks[:, 1].astype(int)].tolist(),
        )
        return message.SerializeToString()

    async def GetRound(self, request: ranker_pb2.GetRoundRequest, context: Any) -> ranker_pb2.GetRoundResponse:
        """A round; of 0, the last of the log that is there at the start."""
        number = request.round or len(self._sizes) - SMALL_ROUNDS
        entrants = [ranker_pb2.RoundEntrant(model=model) for model in self._models]
        closed = ranker_pb2.Round(
            dimension=request.dimension,
            dimension_version=1,
            round=number,
            state=ranker_pb2.ROUND_STATE_CLOSED,
            cells=self._sizes[number - 1],
            settles=True,
            entrants=entrants,
            weighting="score",
        )
        return ranker_pb2.GetRoundResponse(round=closed)

    async def ListVotes(
        self, request: judge_dispatcher_pb2.ListVotesRequest, context: Any
    ) -> AsyncIterator[judge_dispatcher_pb2.ListVotesResponse]:
        """The batches of a round."""
        for batch in self._batches[request.round - 1]:
            yield judge_dispatcher_pb2.ListVotesResponse.FromString(batch)


def play(sizes: list[int], at: Connection) -> None:
    """The other process: serve until told to end."""

    async def serve() -> None:
        played = Played(sizes)  # type: ignore[abstract] # the methods a scorer calls are there
        files = (
            (add_RankerServiceServicer_to_server, ranker_pb2, "RankerService"),
            (add_JudgeDispatcherServiceServicer_to_server, judge_dispatcher_pb2, "JudgeDispatcherService"),
        )
        names = [(add, file.DESCRIPTOR.services_by_name[name].full_name) for add, file, name in files]
        server = Server([Servicer(add, played, name) for add, name in names], traced=False, reflected=False)
        at.send(await server.start("127.0.0.1:0"))
        await asyncio.to_thread(at.recv)
        await server.stop(0)

    asyncio.run(serve())


@asynccontextmanager
async def peers(sizes: list[int]) -> AsyncIterator[str]:
    """The address of ranker and judge dispatcher."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=play, args=(sizes, there))
    process.start()
    try:
        yield await asyncio.to_thread(here.recv)
        here.send("end")
    finally:
        await asyncio.to_thread(process.join, 10)
        process.kill()


async def timed(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def memory_mb() -> float:
    """Memory that this process has in use now. Linux only."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


async def measure(votes: int) -> Measured:
    before = [min(ROUND, votes - start) for start in range(0, votes, ROUND)]
    sizes = [*before, *[SMALL_ROUND] * SMALL_ROUNDS]
    with tempfile.TemporaryDirectory(prefix="dearena-leaderboard-") as folder:
        mongod_port, nats_port = ports.free_port(), ports.free_port()
        mongod = await servers.start_mongod(Path(folder) / "mongod", mongod_port)
        nats = await servers.start_nats(Path(folder) / "nats", nats_port)
        try:
            await topology.provision(servers.nats_url(nats_port))
            async with peers(sizes) as address:
                settings = ScorerSettings(
                    mongo_url=servers.mongo_url(mongod_port),
                    mongo_database="leaderboard",
                    nats_url=servers.nats_url(nats_port),
                    listen="127.0.0.1:0",
                    ranker_address=address,
                    judge_dispatcher_address=address,
                    query_selector_address=NOWHERE,
                    gateway_address=NOWHERE,
                    scorer_address=NOWHERE,
                )
                return await measured(settings, len(before), votes)
        finally:
            nats.stop()
            mongod.stop()


async def measured(settings: ScorerSettings, rounds: int, votes: int) -> Measured:
    async def score(scorer: Any, number: int) -> None:
        await scorer.ScoreThrough(pb.ScoreThroughRequest(dimension=NAME, round=number), timeout=PATIENCE_SECONDS)

    async def leaderboard(scorer: Any) -> None:
        found = await scorer.GetLeaderboard(pb.GetLeaderboardRequest(dimension=NAME), timeout=PATIENCE_SECONDS)
        if len(found.board.rows) != MODELS:
            raise RuntimeError(f"a board of {len(found.board.rows)} models, where there are {MODELS}")

    async with serving(settings) as scorer:
        await score(scorer, rounds)
    async with serving(settings) as scorer:
        rebuild = asyncio.ensure_future(timed(lambda: score(scorer, rounds + 1)))
        in_rebuild = [await timed(lambda: leaderboard(scorer))]
        while not rebuild.done():
            in_rebuild.append(await timed(lambda: leaderboard(scorer)))
            await asyncio.sleep(0.02)
        memory = memory_mb()
        times = np.array([await timed(lambda: leaderboard(scorer)) for _ in range(REQUESTS)])
        later = range(rounds + 2, rounds + SMALL_ROUNDS + 1)
        refits = [await timed(lambda number=number: score(scorer, number)) for number in later]  # type: ignore[misc]
        return Measured(
            votes=votes,
            models=MODELS,
            rounds=rounds,
            rebuild=await rebuild,
            leaderboard_median=float(np.median(times)),
            leaderboard_p99=float(np.quantile(times, 0.99)),
            leaderboard_worst_in_rebuild=max(in_rebuild),
            refit=float(np.median(refits)),
            memory_mb=memory,
            peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )


@asynccontextmanager
async def serving(settings: ScorerSettings) -> AsyncIterator[Any]:
    """A scorer with an empty memory, and a client of it."""
    async with running("scorer", settings, build) as service, grpc.aio.insecure_channel(service.address) as channel:
        yield ScorerServiceStub(channel)


def main(
    votes: Annotated[int, typer.Option(min=SMALL_ROUND, help="Votes in the log.")] = 2_000_000,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Time the scorer on a large dimension."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    found = asyncio.run(measure(votes))
    if json_output:
        print(json.dumps(asdict(found)))
    else:
        Console().print(found.table())


if __name__ == "__main__":
    typer.run(main)
