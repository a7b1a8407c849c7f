"""`dearena watch`: insertions as they happen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live

from dearena.cli import output, progress
from dearena.cli.revisions import revision_of
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.client.streams import resumed
from dearena.faults import ModelNotActive, ServiceUnavailable, StoreUnavailable
from dearena.plain import plain
from dearena.v1 import gateway_pb2, ranker_pb2

Steps = AsyncIterator[ranker_pb2.WatchInsertionResponse]

LOOK_AGAIN_SECONDS: Final = 0.5
"""Between looks at a model that has not been admitted."""
SILENT_SECONDS: Final = 5.0
"""After which of a model of which nothing is heard it is asked whether it is still to come."""


def watch(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    model: Annotated[
        str, typer.Argument(help="A model, slug or slug@n; ends when it has settled. None: all, without end.")
    ] = "",
    *,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Show insertions as they happen.

    Phase, places, cells, calls and cost of each newcomer, and why the last steps were taken.
    """

    async def body(client: ArenaClient) -> None:
        screen = output.console()
        if not model:
            steps = client.watch_insertion(dimension)
        else:
            revision = await revision_of(client, model)
            await admitted(client, dimension, revision, quiet=as_json, screen=screen)
            steps = still_coming(client, dimension, revision)
        if as_json:
            async for step in steps:
                output.show_json(plain(step))
        elif screen.is_terminal:
            await _live(steps, screen)
        else:
            await _lines(steps, screen)

    run(body, project=project)


async def admitted(client: ArenaClient, dimension: str, revision: str, *, quiet: bool, screen: Console) -> None:
    """Wait until a model is admitted to a dimension, and say how far its answers are.

    A service that goes away meanwhile is waited for, as in every watch.

    Raises:
        ModelNotActive: it never will be: it is no entrant, it is retired, or its answers are not usable.
        ServiceUnavailable, StoreUnavailable: a service was not there, or was away for too long.
    """
    said = ""
    async for now in resumed(lambda _: _looks(client, dimension, revision), 0, lambda _: 0):
        if now != said and not quiet:
            screen.print(f"{revision} {now}")
            said = now


async def still_coming(client: ArenaClient, dimension: str, revision: str) -> Steps:
    """The steps of a model's insertion, while there may be more of them.

    A model that rested in an earlier version of the dimension may never be admitted to the newest one: nothing more
    would be heard of it.

    Raises:
        ModelNotActive: it will not be admitted any more.
    """
    steps = client.watch_insertion(dimension, revision)
    while True:
        coming = asyncio.ensure_future(anext(steps))
        try:
            while not (await asyncio.wait([coming], timeout=SILENT_SECONDS))[0]:
                with suppress(ServiceUnavailable, StoreUnavailable):  # the watch itself says so, if that lasts
                    await _look(client, dimension, revision)
            yield await coming
        except StopAsyncIteration:
            return
        finally:
            coming.cancel()


async def _looks(client: ArenaClient, dimension: str, revision: str) -> AsyncIterator[str]:
    """What a model waits for, again and again until it is admitted."""
    while (entrant := await _look(client, dimension, revision)) is not None:
        yield _waiting(entrant)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _look(client: ArenaClient, dimension: str, revision: str) -> gateway_pb2.Entrant | None:
    """A model that has not been admitted to the version that is ranked; None where it has.

    Raises:
        ModelNotActive: it never will be.
    """
    if any([insertion.model == revision async for insertion in client.insertions(dimension)]):
        return None
    entrant = next((one for one in await client.entrants(dimension) if one.model == revision), None)
    if entrant is None:
        # The gateway lists every revision that was ever registered and that the dimension lets in.
        raise ModelNotActive(f"{revision} does not enter {dimension}: it is not registered, or not let in")
    match entrant.state:
        case gateway_pb2.ENTRANT_STATE_FAILED:
            raise ModelNotActive(f"{revision} cannot enter {dimension}: {entrant.reason}")
        case gateway_pb2.ENTRANT_STATE_RETIRED:
            raise ModelNotActive(f"{revision} is retired, and does not enter {dimension}")
    return entrant


def _waiting(entrant: gateway_pb2.Entrant) -> str:
    if entrant.state == gateway_pb2.ENTRANT_STATE_READY:
        return "has answered, and waits to be admitted"
    answering = f"is answering: {entrant.answers_recorded}/{entrant.queries} queries"
    return f"{answering}; {entrant.reason}" if entrant.reason else answering


async def _live(steps: Steps, screen: Console) -> None:
    shown = progress.Progress()
    with Live(shown.rendered(), console=screen, refresh_per_second=8, transient=False) as live:
        async for step in steps:
            shown.take(step)
            live.update(shown.rendered())


async def _lines(steps: Steps, screen: Console) -> None:
    """One line a step; of mere progress within a round only why it waits, when that changes."""
    waits: dict[str, str] = {}
    async for step in steps:
        model, reason = step.insertion.model, step.insertion.waiting_reason
        if step.why or step.HasField("decision") or (reason and reason != waits.get(model)):
            screen.print(progress.line(step), soft_wrap=True)
        waits[model] = reason
