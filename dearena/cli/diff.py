"""`dearena diff`: why ranks are others than on an earlier board."""

from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from dearena.cli import board_notes, columns, output, words
from dearena.cli.running import DEFAULT, MAX_UINT32, AsJson, Project, Wait, run
from dearena.client import REPORT_SECONDS, ArenaClient
from dearena.plain import plain
from dearena.v1 import scorer_pb2 as pb


def diff(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    from_version: Annotated[int, typer.Argument(metavar="FROM", min=1, max=MAX_UINT32, help="A board version.")],
    to_version: Annotated[
        int, typer.Argument(metavar="TO", min=0, max=MAX_UINT32, help="A later one; 0: the last settled one.")
    ] = 0,
    *,
    wait: Wait = REPORT_SECONDS,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Say why ranks are others than on an earlier board.

    A change of rank is split into what settings, new models, new votes, judge weights and models that left have
    done. A rank that becomes smaller has risen.
    """

    async def body(client: ArenaClient) -> None:
        found = await client.diff_boards(dimension, from_version, to_version, wait_seconds=wait)
        if as_json:
            output.show_json(plain(found))
        else:
            output.show(rendered(dimension, found))

    run(body, project=project)


def rendered(dimension: str, found: pb.DiffBoardsResponse) -> Group:
    """What lies between two boards, for people."""
    changes = sorted(found.models, key=lambda change: change.rank_after)
    moved = sum(change.rank_before != change.rank_after for change in changes)
    parts: list[RenderableType] = [
        words.joined(
            [
                dimension,
                f"board {found.from_version} to {found.to_version}",
                f"{moved} of {len(changes)} models have another rank",
            ]
        )
    ]
    if changes:
        parts.append(_table(changes))
    if found.came:
        parts.append(f"came: {board_notes.listed(found.came)}")
    if found.left:
        parts.append(f"left: {board_notes.listed(found.left)}")
    parts += _changed_settings(found)
    return Group(*parts)


def _table(changes: Sequence[pb.ModelChange]) -> Table:
    def by(part: Callable[[pb.ChangeParts], int]) -> list[str]:
        steps = [part(change.rank) for change in changes]
        # A cause that moved nobody has no column.
        return [_signed(step) if any(steps) else "" for step in steps]

    shown = {
        "model": [change.model for change in changes],
        "rank": [f"{change.rank_before} to {change.rank_after}" for change in changes],
        "change": [_signed(change.rank_after - change.rank_before) for change in changes],
        "by settings": by(lambda rank: rank.settings),
        "by new models": by(lambda rank: rank.new_models),
        "by new votes": by(lambda rank: rank.new_votes),
        "by weights": by(lambda rank: rank.weights),
        "by models that left": by(lambda rank: rank.left),
        "strength": [f"{change.strength_before:+.3f} to {change.strength_after:+.3f}" for change in changes],
    }
    return columns.table(shown, left=("model",))


def _signed(change: int) -> str:
    return f"{change:+d}" if change else "0"


def _changed_settings(found: pb.DiffBoardsResponse) -> list[str]:
    """`weighting: score, then reliability`, for each setting that is another."""
    if not (found.HasField("from_settings") and found.HasField("to_settings")):
        return []
    before, after = (_flat(settings) for settings in (found.from_settings, found.to_settings))
    return [
        f"{name}: {before.get(name, 'none')}, then {after.get(name, 'none')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _flat(settings: pb.ScoringSettings) -> dict[str, object]:
    told = plain(settings)
    return {**told.pop("constants"), **told}
