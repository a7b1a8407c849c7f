"""What mutual TLS costs a call between services: processor time with it over that without, in one run.

    python -m benchmarks.tls_cost [--calls 1000] [--repeats 15] [--json]

A server of ours in a process of its own, and a channel as services have them in this one, on loopback. A call asks for
a board: an empty one, and one of MODELS models. Plain and secured take turns, and the median of the ratios of
neighbours is told. Processor time of both processes, for the clock tells little on a busy machine; of connections the
clock, with the handshake and the first call. Nothing is computed, so TLS weighs as much as it can: calls of a real
arena do more. Linux only.
"""

import asyncio
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any, Final

import trustme
import typer

from dearena.transport import PLAINTEXT, Tls, open_channel
from dearena.v1 import scorer_pb2 as pb
from dearena.v1.scorer_pb2_grpc import ScorerServiceServicer, ScorerServiceStub, add_ScorerServiceServicer_to_server
from services.runtime.rpc import Server, Servicer

MODELS: Final = 200
AT_ONCE: Final = 32
CONNECTIONS: Final = 20
NAME: Final = pb.DESCRIPTOR.services_by_name["ScorerService"].full_name


class Boards(ScorerServiceServicer):
    """Says an empty board, or where a version is named a large one."""

    def __init__(self) -> None:
        rows = [
            pb.BoardRow(rank=n, model=f"projects/p/models/m{n:03}@1", strength=n / 7, strength_low=n / 8, votes=n)
            for n in range(MODELS)
        ]
        self._large = pb.GetLeaderboardResponse(board=pb.Board(rows=rows))
        self._empty = pb.GetLeaderboardResponse()

    async def GetLeaderboard(self, request: pb.GetLeaderboardRequest, context: Any) -> pb.GetLeaderboardResponse:
        """See ScorerService."""
        return self._large if request.board_version else self._empty

    async def _not_asked(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    ScoreThrough = GetMatrices = ListBoards = GetPairs = _not_asked
    GetJudgeReport = GetCounterfactuals = DiffBoards = _not_asked

    async def WatchLeaderboard(self, request: Any, context: Any) -> AsyncIterator[pb.WatchLeaderboardResponse]:
        """See ScorerService."""
        yield pb.WatchLeaderboardResponse()


async def _serve(modes: list[Tls], pipe: Connection) -> None:
    servers = [
        Server([Servicer(add_ScorerServiceServicer_to_server, Boards(), NAME)], traced=False, reflected=False, tls=tls)
        for tls in modes
    ]
    pipe.send([await server.start("127.0.0.1:0") for server in servers])
    await asyncio.to_thread(pipe.recv)
    for server in servers:
        await server.stop(0)


def _served(modes: list[Tls], pipe: Connection) -> None:
    asyncio.run(_serve(modes, pipe))


def _certificates(directory: Path) -> Tls:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    tls = Tls(*(str(directory / name) for name in ("tls.crt", "tls.key", "ca.crt")))
    issued.cert_chain_pems[0].write_to_path(tls.cert_file)
    issued.private_key_pem.write_to_path(tls.key_file)
    authority.cert_pem.write_to_path(tls.ca_file)
    return tls


def _processor_seconds(pid: int) -> float:
    """Processor time of a process until now: user and system. Source: proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def microseconds_a_call(address: str, tls: Tls, calls: int, version: int, pids: Sequence[int]) -> float:
    """Processor time of a call in all processes, over one connection, AT_ONCE at the same time."""
    async with open_channel(address, tls=tls, options=()) as channel:
        stub = ScorerServiceStub(channel)
        request = pb.GetLeaderboardRequest(board_version=version)
        await stub.GetLeaderboard(request)

        async def some() -> None:
            for _ in range(calls // AT_ONCE):
                await stub.GetLeaderboard(request)

        begun = sum(map(_processor_seconds, pids))
        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        return (sum(map(_processor_seconds, pids)) - begun) * 1e6 / (calls // AT_ONCE * AT_ONCE)


async def milliseconds_to_connect(address: str, tls: Tls) -> float:
    """Median time of a new connection and its first call."""
    taken = []
    for number in range(CONNECTIONS):
        begun = time.perf_counter()
        async with open_channel(address, tls=tls, options=[("grpc.channel_id", number)]) as channel:
            await ScorerServiceStub(channel).GetLeaderboard(pb.GetLeaderboardRequest())
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of the repeats."""

    kind: str
    plain: float
    secured: float
    ratio: float
    """Secured over plain, of neighbours in time."""


async def measure(calls: int, repeats: int) -> list[Cost]:
    """Costs of small calls, of large ones, and of connections."""
    with tempfile.TemporaryDirectory() as directory:
        modes = [PLAINTEXT, _certificates(Path(directory))]
        spawned = multiprocessing.get_context("spawn")
        ours, theirs = spawned.Pipe()
        process = spawned.Process(target=_served, args=(modes, theirs))
        process.start()
        addresses: list[str] = await asyncio.to_thread(ours.recv)
        pids = [os.getpid(), process.pid or 0]
        kinds: dict[str, Callable[[int], Awaitable[float]]] = {
            "us a small call": lambda n: microseconds_a_call(addresses[n], modes[n], calls, 0, pids),
            f"us a board of {MODELS}": lambda n: microseconds_a_call(addresses[n], modes[n], calls, 1, pids),
            "ms to connect": lambda n: milliseconds_to_connect(addresses[n], modes[n]),
        }
        costs = []
        for kind, timed in kinds.items():
            pairs = [(await timed(0), await timed(1)) for _ in range(repeats)]
            plain, secured = (statistics.median(column) for column in zip(*pairs, strict=True))
            costs.append(Cost(kind, plain, secured, statistics.median(b / a for a, b in pairs)))
        ours.send(None)
        process.join()
        return costs


def main(
    calls: Annotated[int, typer.Option(min=AT_ONCE)] = 1_000,
    repeats: Annotated[int, typer.Option(min=1)] = 15,
    *,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure and print."""
    costs = asyncio.run(measure(calls, repeats))
    if as_json:
        print(json.dumps([{name: getattr(cost, name) for name in Cost.__slots__} for cost in costs]))
        return
    for cost in costs:
        print(f"{cost.kind:24} plain {cost.plain:8.1f}   secured {cost.secured:8.1f}   ratio {cost.ratio:.2f}")


if __name__ == "__main__":
    typer.run(main)
