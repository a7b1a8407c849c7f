"""`dearena leaderboard`: the board as it stands, or each new one as it comes."""

from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table

from dearena.cli import output, words
from dearena.cli.running import DEFAULT, MAX_UINT32, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.plain import plain
from dearena.v1 import scorer_pb2


def leaderboard(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on and print each new board.")] = False,
    version: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="A board version; 0: the last settled one.")] = 0,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Show who stands where, and how sure that is."""

    async def body(client: ArenaClient) -> None:
        if follow:
            async for board in client.watch_leaderboard(dimension, cursor=version):
                _show(board, as_json=as_json)
        else:
            _show(await client.leaderboard(dimension, version), as_json=as_json)

    run(body, project=project)


def _show(board: scorer_pb2.Board, *, as_json: bool) -> None:
    if as_json:
        output.show_json(plain(board))
    else:
        output.show(rendered(board), "")


def rendered(board: scorer_pb2.Board) -> Group:
    """A board for people: heading, table, what it rests on."""
    heading = words.joined(
        [
            words.slug(board.dimension),
            f"board {board.board_version}{'' if board.settled else ' (not settled)'}",
            f"{len(board.rows)} models",
            board.board_digest[:12],
        ]
    )
    notes = [
        f"votes: {words.outcomes(board.outcomes)}",
        words.joined([f"judge calls: {board.judge_calls:,}", f"cost: {words.money(board.judge_cost)}"]),
    ]
    if not board.connected:
        notes.append("not all models are connected by comparisons: ranks between the parts mean nothing")
    if board.weight_residual > 1:
        notes.append("the judge weights did not come to rest")
    return Group(heading, _table(board), *notes)


def _table(board: scorer_pb2.Board) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("rank", "model", "rating", "95 % interval", "score", "votes", "wins", "weight"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for row in board.rows:
        table.add_row(
            "retired" if row.retired else str(row.rank),
            row.model,
            f"{row.rating:.0f}",
            f"{row.rating_low:.0f} to {row.rating_high:.0f}",
            f"{row.score:.1f}",
            f"{row.votes:,}",
            f"{row.wins:,.1f}",
            words.share(row.judge_weight),
        )
    return table
