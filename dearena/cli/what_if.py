"""`dearena what-if`: boards that might have been, from the same votes, and how stable each rank is."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from dearena.cli import columns, fit_tables, output, words
from dearena.cli.running import DEFAULT, MAX_UINT32, AsJson, Project, Wait, run
from dearena.client import REPORT_SECONDS, ArenaClient
from dearena.plain import plain
from dearena.v1 import scorer_pb2 as pb


class Kind(StrEnum):
    """In what a board differs from the one there is."""

    JUDGE = "judge"
    FAMILY_JUDGES = "family-judges"
    FAMILY = "family"
    WEIGHTING = "weighting"
    TIES = "ties"
    FLIPS = "flips"
    STYLE = "style"

    @property
    def number(self) -> pb.CounterfactualKind.ValueType:
        """As the contract has it."""
        return pb.CounterfactualKind.Value(f"COUNTERFACTUAL_KIND_{self.name}")


_KINDS = {kind.number: kind for kind in Kind}


def what_if(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    kind: Annotated[
        list[Kind] | None,
        typer.Option(
            "--kind",
            help="Without a judge, a family's judges or a family; by another weighting, rule for ties or for flips; "
            "with style controlled for. May be repeated; default: all but family and style.",
        ),
    ] = None,
    version: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="A board version; 0: the last settled one.")] = 0,
    wait: Wait = REPORT_SECONDS,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Show boards that might have been, from the same votes.

    And how each model's rank fares on them, and where it would stand had all its undecided comparisons (flips,
    unreadable and failed ones) been won, or lost. Nobody is asked anything: it takes no calls.
    """

    async def body(client: ArenaClient) -> None:
        which = [one.number for one in kind or ()]
        found = await client.counterfactuals(dimension, version, which=which, wait_seconds=wait)
        if as_json:
            output.show_json(plain(found))
        else:
            output.show(rendered(dimension, found))

    run(body, project=project)


def rendered(dimension: str, found: pb.GetCounterfactualsResponse) -> Group:
    """Models by rank, then the other boards, for people."""
    heading = words.joined([dimension, f"board {found.board_version}", f"{len(found.boards)} other boards"])
    parts: list[RenderableType] = [heading]
    if found.models:
        parts.append(_models(sorted(found.models, key=lambda model: (not model.rank, model.rank))))
    if found.boards:
        parts += ["", _boards(found)]
    parts += [f"note: {_name(board)}: {board.fault}" for board in found.boards if board.fault]
    parts += [
        f"note: {_name(board)}: the judge weights did not come to rest"
        for board in found.boards
        if not board.fault and not board.settled
    ]
    return Group(*parts)


def _models(models: Sequence[pb.CounterfactualModel]) -> Table:
    def bounded(model: pb.CounterfactualModel) -> str:
        return words.from_to(model.rank_all_won, model.rank_all_lost) if model.undecided else ""

    shown = {
        "rank": [str(model.rank or "") for model in models],
        "group": [str(model.group or "") for model in models],
        "model": [model.model for model in models],
        "other boards": [
            words.from_to(model.rank_lowest, model.rank_highest) if model.rank else "" for model in models
        ],
        "same rank": [words.percent(model.same_rank) if model.boards else "" for model in models],
        "same group": [words.percent(model.same_group) if model.boards else "" for model in models],
        "undecided": [f"{model.undecided:,}" if model.undecided else "" for model in models],
        "ranks if won or lost": [bounded(model) for model in models],
    }
    return columns.table(shown, left=("model",))


def _boards(found: pb.GetCounterfactualsResponse) -> Table:
    boards = [board for board in found.boards if not board.fault]
    shown = {
        "other board": [_name(board) for board in boards],
        "votes": [f"{board.votes:,}" for board in boards],
        "agreement": [f"{board.agreement:.3f}" if board.HasField("agreement") else "" for board in boards],
        "first": [_first(found.models, board) for board in boards],
        "farthest move": [_farthest(found.models, board) for board in boards],
    }
    return columns.table(shown, left=("other board", "first", "farthest move"))


def _name(board: pb.CounterfactualBoard) -> str:
    """`without the judge kappa@1`."""
    if board.kind not in _KINDS:
        return board.what
    return f"{fit_tables.KINDS[_KINDS[board.kind].name.lower()]} {board.what}"


def _first(models: Sequence[pb.CounterfactualModel], board: pb.CounterfactualBoard) -> str:
    return next((model.model for model, rank in zip(models, board.ranks, strict=True) if rank == 1), "")


def _farthest(models: Sequence[pb.CounterfactualModel], board: pb.CounterfactualBoard) -> str:
    """`kappa@1 3 to 7`: whose rank is the most another."""
    ranked = [(model, rank) for model, rank in zip(models, board.ranks, strict=True) if model.rank and rank]
    if not ranked:
        return ""
    model, rank = max(ranked, key=lambda one: abs(one[1] - one[0].rank))
    return f"{model.model} {model.rank} to {rank}" if rank != model.rank else "none"
