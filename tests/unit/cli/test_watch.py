"""Waiting for a model to be admitted, through restarts of the services."""

import io
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, cast

import pytest
from rich.console import Console

from dearena.cli import watch
from dearena.client import ArenaClient
from dearena.faults import ServiceUnavailable
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
