"""Following insertions until every model of a list has its place, and saying so on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from rich.console import Console, Group
from rich.live import Live

from dearena.cli import progress
from dearena.client import ArenaClient
from dearena.faults import NotReady, UnknownDimension, UnknownInsertion
from dearena.v1 import gateway_pb2, ranker_pb2, scorer_pb2

LOOK_SECONDS: Final = 0.5

Step = ranker_pb2.WatchInsertionResponse
Seen = Callable[[str, Step], None]
"""Told of a dimension's slug and a step in it."""


class NotRanked(RuntimeError):
    """A model that will not have a place; says which, where and why."""


@asynccontextmanager
async def in_time(seconds: float, where: str = "") -> AsyncIterator[None]:
    """Give up what is done inside when it takes longer.

    Args:
        seconds: for all of it.
        where: a dimension, where the message is to name it.

    Raises:
        NotRanked: it took longer.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        place = f"its place in {where}" if where else "its place"
        raise NotRanked(f"not every model had {place} within {seconds:.0f} s") from None


async def until_ranked(client: ArenaClient, dimension: str, models: Collection[str], seen: Seen) -> scorer_pb2.Board:
    """Wait until all these models have settled, and return the board on which they stand.

    Args:
        client: of the models' project.
        dimension: its slug.
        models: model revisions.
        seen: told of every step.

    Raises:
        NotRanked: one of them cannot enter, or has left.
    """
    watching = asyncio.create_task(_until_settled(client, dimension, set(models), seen))
    looking = asyncio.create_task(_until_one_fails(client, dimension, set(models)))
    try:
        await asyncio.wait({watching, looking}, return_when=asyncio.FIRST_COMPLETED)
        if not watching.done():
            raise NotRanked(await looking)
        await watching
    finally:
        for task in (watching, looking):
            task.cancel()
        await asyncio.gather(watching, looking, return_exceptions=True)
    return await _board_of(client, dimension, set(models))


async def _until_settled(client: ArenaClient, dimension: str, waiting: set[str], seen: Seen) -> None:
    while waiting:
        # The ranker may not have heard of the dimension yet.
        with suppress(UnknownDimension, UnknownInsertion):
            async for step in client.watch_insertion(dimension):
                seen(dimension, step)
                if step.insertion.phase == ranker_pb2.INSERTION_PHASE_WITHDRAWN and step.insertion.model in waiting:
                    raise NotRanked(f"{step.insertion.model} has left {dimension} before it settled")
                if step.insertion.phase == ranker_pb2.INSERTION_PHASE_SETTLED:
                    waiting.discard(step.insertion.model)
                if not waiting:
                    return
        await asyncio.sleep(LOOK_SECONDS)


async def _until_one_fails(client: ArenaClient, dimension: str, models: set[str]) -> str:
    while True:
        with suppress(UnknownDimension):
            for entrant in await client.entrants(dimension):
                if entrant.model in models and entrant.state == gateway_pb2.ENTRANT_STATE_FAILED:
                    return f"{entrant.model} cannot enter {dimension}: {entrant.reason}"
        await asyncio.sleep(LOOK_SECONDS)


async def _board_of(client: ArenaClient, dimension: str, models: set[str]) -> scorer_pb2.Board:
    while True:
        with suppress(NotReady):
            board = await client.leaderboard(dimension)
            if models <= {row.model for row in board.rows}:
                return board
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def shown(screen: Console, dimensions: Collection[str]) -> AsyncIterator[Seen]:
    """Show steps as they are seen: a picture that moves on a terminal, a line a step elsewhere."""
    if not screen.is_terminal:
        yield lambda dimension, step: _print_line(screen, dimension, step)
        return
    pictures = {dimension: progress.Progress() for dimension in dimensions}
    with Live(_picture(pictures), console=screen, refresh_per_second=8) as live:

        def take(dimension: str, step: Step) -> None:
            pictures[dimension].take(step)
            live.update(_picture(pictures))

        yield take


def _picture(pictures: Mapping[str, progress.Progress]) -> Group:
    return Group(*(part for name, one in pictures.items() for part in (f"\n{name}", one.rendered())))


def _print_line(screen: Console, dimension: str, step: Step) -> None:
    """Mere progress within a round is left out."""
    if step.why or step.HasField("decision"):
        screen.print(f"{dimension}: {progress.line(step)}", soft_wrap=True)
