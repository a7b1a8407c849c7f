"""`dearena pairs`: how surely one model is better than another, and the votes that would still tell them apart."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table

from dearena.cli import columns, output, words
from dearena.cli.running import DEFAULT, MAX_UINT32, AsJson, Project, Wait, run
from dearena.client import REPORT_SECONDS, ArenaClient
from dearena.faults import InvalidField, UnknownModel
from dearena.v1 import scorer_pb2


@dataclass(frozen=True, slots=True)
class Pair:
    """What can be said of two models of a board.

    Attributes:
        better: confidence that `model` is better than `other`, 0 to 1.
        votes_needed: votes between all models, in all, that would tell the two apart; None: no number would.
        votes: those there are.
        told_apart: whether they are enough, over all pairs at once.
    """

    model: str
    other: str
    rank: int
    other_rank: int
    group: int
    other_group: int
    better: float
    votes_needed: int | None
    votes: int
    told_apart: bool


def pairs(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    model: Annotated[str, typer.Argument(metavar="[A]", help="A model, slug or slug@n: against all others.")] = "",
    other: Annotated[str, typer.Argument(metavar="[B]", help="Only against this one.")] = "",
    *,
    version: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="A board version; 0: the last settled one.")] = 0,
    wait: Wait = REPORT_SECONDS,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Say how surely A is better than B, and how many votes would still tell them apart.

    Without B: A against every other model. Without A: each model against the one right below it. Votes needed are
    those of the whole board, were they spread as they are now.
    """

    async def body(client: ArenaClient) -> None:
        found = await client.pairs(dimension, version, wait_seconds=wait)
        chosen = [pair_of(found, i, j) for i, j in places(found, model, other)]
        if as_json:
            output.show_json([asdict(pair) for pair in chosen])
        else:
            output.show(rendered(dimension, found, chosen))

    run(body, project=project)


def places(found: scorer_pb2.GetPairsResponse, model: str, other: str) -> list[tuple[int, int]]:
    """Places of the pairs asked for, in the report's order.

    Raises:
        UnknownModel: one that was named has no rank on the board.
        InvalidField: both are the same.
    """
    n = len(found.models)
    if not model:
        return [(i, i + 1) for i in range(n - 1)]
    i = _place(found, model)
    if not other:
        return [(i, j) for j in range(n) if j != i]
    if (j := _place(found, other)) == i:
        raise InvalidField.of("B", f"is {found.models[i]}, and so is A")
    return [(i, j)]


def _place(found: scorer_pb2.GetPairsResponse, name: str) -> int:
    """Of a revision; of a slug's best revision, if it has several."""
    for place, model in enumerate(found.models):
        if name in (model, model.rpartition("@")[0]):
            return place
    raise UnknownModel(f"{name} has no rank on board {found.board_version}")


def pair_of(found: scorer_pb2.GetPairsResponse, i: int, j: int) -> Pair:
    """What the report says of two places."""
    cell = i * len(found.models) + j
    needed = found.votes_needed[cell]
    return Pair(
        model=found.models[i],
        other=found.models[j],
        rank=i + 1,
        other_rank=j + 1,
        group=found.groups[i],
        other_group=found.groups[j],
        better=found.better[cell],
        votes_needed=needed or None,
        votes=found.votes,
        told_apart=0 < needed <= found.votes,
    )


def rendered(dimension: str, found: scorer_pb2.GetPairsResponse, chosen: Sequence[Pair]) -> Group:
    """Pairs for people."""
    heading = words.joined(
        [
            dimension,
            f"board {found.board_version}",
            f"{found.votes:,} votes",
            f"told apart: beyond {found.critical:.2f} standard errors, over all pairs at once",
        ]
    )
    return Group(heading, _table(chosen) if chosen else "fewer than two models are ranked")


def _table(chosen: Sequence[Pair]) -> Table:
    shown = {
        "model": [f"{pair.rank} {pair.model}" for pair in chosen],
        "better than": [f"{pair.other_rank} {pair.other}" for pair in chosen],
        "confidence": [words.percent(pair.better, 1) for pair in chosen],
        "groups": [f"{pair.group}, {pair.other_group}" for pair in chosen],
        "told apart": ["yes" if pair.told_apart else "no" for pair in chosen],
        "votes still needed": [_still_needed(pair) for pair in chosen],
    }
    return columns.table(shown, left=("model", "better than", "told apart"))


def _still_needed(pair: Pair) -> str:
    if pair.votes_needed is None:
        return "no number would do"
    return f"{max(pair.votes_needed - pair.votes, 0):,}"
