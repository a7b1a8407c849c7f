"""Waiting for a model to be admitted, through restarts of the services."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, cast

import pytest
from rich.console import Console

from dearena.cli import watch
from dearena.client import ArenaClient
from dearena.faults import ModelNotActive, ServiceUnavailable
from dearena.v1 import gateway_pb2, ranker_pb2

READY = gateway_pb2.Entrant(model="alpha@1", state=gateway_pb2.ENTRANT_STATE_READY)
ADMITTED = ranker_pb2.Insertion(model="alpha@1")
GONE = ServiceUnavailable("the service is restarting")

Told = Sequence[Any] | Exception


class Played:
    """A client whose services say what stands in the script, one line a call."""

    def __init__(self, insertions: Sequence[Told], entrants: Sequence[Told]) -> None:
        self._insertions = iter(insertions)
        self._entrants = iter(entrants)

    async def insertions(self, dimension: str) -> AsyncIterator[ranker_pb2.Insertion]:
        for insertion in _said(self._insertions):
            yield insertion

    async def watch_insertion(self, dimension: str, model: str) -> AsyncIterator[ranker_pb2.WatchInsertionResponse]:
        """One step, and nothing more."""
        yield ranker_pb2.WatchInsertionResponse(why="settled in version 1")
        await asyncio.Event().wait()

    async def entrants(self, dimension: str) -> Sequence[gateway_pb2.Entrant]:
        return _said(self._entrants)


def _said(script: Iterator[Told]) -> Sequence[Any]:
    told = next(script)
    if isinstance(told, Exception):
        raise told
    return told


async def _wait(client: Played) -> str:
    screen = Console(file=io.StringIO())
    await watch.admitted(cast("ArenaClient", client), "algebra", "alpha@1", quiet=False, screen=screen)
    return cast("io.StringIO", screen.file).getvalue()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_AGAIN_SECONDS", 0.0)


async def test_services_that_restart_meanwhile_are_waited_for() -> None:
    said = await _wait(Played([[], GONE, [], [], [ADMITTED]], [[READY], GONE, [READY]]))
    assert said == "alpha@1 has answered, and waits to be admitted\n"


async def test_a_service_that_is_not_there_to_begin_with_is_told_at_once() -> None:
    with pytest.raises(ServiceUnavailable):
        await _wait(Played([GONE, [ADMITTED]], []))


async def test_why_answers_wait_is_said() -> None:
    waits = gateway_pb2.Entrant(
        model="alpha@1",
        state=gateway_pb2.ENTRANT_STATE_COLLECTING,
        reason="budget of dimension algebra is exhausted; raise it to go on",
        answers_recorded=3,
        queries=8,
    )
    said = await _wait(Played([[], [], [ADMITTED]], [[waits], [READY]]))
    assert " ".join(said.split()) == (
        "alpha@1 is answering: 3/8 queries; budget of dimension algebra is exhausted; raise it to go on "
        "alpha@1 has answered, and waits to be admitted"
    )


async def test_a_watch_ends_where_the_ranker_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def twice(*_: str) -> AsyncIterator[ranker_pb2.WatchInsertionResponse]:
        for why in ("beats beta", "settles"):
            yield ranker_pb2.WatchInsertionResponse(why=why)

    played = Played([], [])
    monkeypatch.setattr(played, "watch_insertion", twice)
    steps = watch.still_coming(cast("ArenaClient", played), "algebra", "alpha@1")
    assert [step.why async for step in steps] == ["beats beta", "settles"]


@pytest.mark.parametrize(
    ("entrant", "why"),
    [
        (gateway_pb2.Entrant(model="alpha@1", state=gateway_pb2.ENTRANT_STATE_FAILED, reason="TIMEOUT"), "TIMEOUT"),
        (gateway_pb2.Entrant(model="alpha@1", state=gateway_pb2.ENTRANT_STATE_RETIRED), "is retired"),
        (gateway_pb2.Entrant(model="beta@1"), "not let in"),
    ],
)
async def test_a_model_that_never_enters_the_next_version_is_watched_no_longer(
    monkeypatch: pytest.MonkeyPatch, entrant: gateway_pb2.Entrant, why: str
) -> None:
    monkeypatch.setattr(watch, "SILENT_SECONDS", 0.01)
    # Still admitted, then a service away, then on its way to the next version, which it does not reach.
    played = Played([[ADMITTED], GONE, [], []], [[READY], [entrant]])
    told: list[str] = []
    with pytest.raises(ModelNotActive, match=why):
        async for step in watch.still_coming(cast("ArenaClient", played), "algebra", "alpha@1"):
            told.append(step.why)  # noqa: PERF401 - it ends by a fault
    assert told == ["settled in version 1"]


async def test_without_a_screen_it_is_said_once_why_an_insertion_waits() -> None:
    def step(done: int, reason: str = "", why: str = "") -> ranker_pb2.WatchInsertionResponse:
        insertion = ranker_pb2.Insertion(
            model="alpha@1",
            phase=ranker_pb2.INSERTION_PHASE_COARSE,
            cells_done=done,
            cells_total=8,
            waiting_reason=reason,
        )
        return ranker_pb2.WatchInsertionResponse(insertion=insertion, why=why)

    async def steps() -> AsyncIterator[ranker_pb2.WatchInsertionResponse]:
        for one in (step(1), step(2, "WAITING(x)"), step(3, "WAITING(x)"), step(3, why="goes on"), step(4)):
            yield one

    screen = Console(file=io.StringIO(), width=200)
    await watch._lines(steps(), screen)
    lines = cast("io.StringIO", screen.file).getvalue().splitlines()
    assert ["WAITING(x)" in line for line in lines] == [True, False]
    assert "2/8 cells" in lines[0]
