"""`dearena leaderboard`: the board as it stands, or each new one as it comes."""

from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table

from dearena.cli import board_notes, columns, output, words
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
    """Show who stands where, and how sure that is.

    Rank 7 (6-9) is the seventh, and may be from the sixth to the ninth. Models of one group cannot be told apart
    from the strongest of it.
    """

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
    """A board for people: heading, table, what it rests on, what must be known of it."""
    heading = words.joined(
        [
            words.slug(board.dimension),
            words.version(board.dimension_version),
            f"board {board.board_version}{'' if board.settled else ' (not settled)'}",
            f"{len(board.rows)} models",
            board.board_digest[:12],
        ]
    )
    worth = f"worth {board.effective_votes:,.0f} independent ones" if board.effective_votes else ""
    rests_on = [
        words.joined([f"votes: {words.outcomes(board.outcomes)}", worth]),
        words.joined([f"judge calls: {board.judge_calls:,}", f"cost: {words.money(board.judge_cost)}"]),
        words.joined([words.settings(board.settings), _clusters(board)]),
    ]
    told = [f"note: {note}" for note in notes(board)]
    return Group(heading, _table(board), *(line for line in rests_on if line), *told)


def _clusters(board: scorer_pb2.Board) -> str:
    if not board.HasField("clusters"):
        return ""
    return f"{board.clusters.questions:,} questions · {board.clusters.judges:,} judges"


def _table(board: scorer_pb2.Board) -> Table:
    rows = board.rows
    shown = {
        "rank": [words.rank(row.rank, row.rank_low, row.rank_high) for row in rows],
        "group": [str(row.group or "") for row in rows],
        "model": [row.model for row in rows],
        "rating": [f"{row.rating:.0f}" for row in rows],
        f"{100 * (board.settings.confidence or 0.95):g} % interval": [
            f"{row.rating_low:.0f} to {row.rating_high:.0f}" for row in rows
        ],
        "score": [f"{row.score:.1f}" for row in rows],
        "votes": [f"{row.votes:,}" for row in rows],
        "wins": [f"{row.wins:,.1f}" for row in rows],
        "weight": ["suspended" if row.suspended else words.share(row.judge_weight) for row in rows],
    }
    return columns.table(shown, left=("rank", "model"))


def notes(board: scorer_pb2.Board) -> list[str]:
    """What whoever reads the board must know, in words."""
    parts: dict[int, list[str]] = {}
    for row in board.rows:
        if row.votes:
            parts.setdefault(row.part, []).append(row.model)
    silent = [row.model for row in board.rows if not row.votes and not row.retired]
    found = board_notes.no_votes(board.outcomes.a + board.outcomes.b + board.outcomes.tie, silent)
    found += board_notes.connection(sorted(parts.values(), key=len, reverse=True))
    if not board.connected and not found:
        found.append("not connected by votes: ranks between parts of the board mean nothing")
    found += board_notes.bounds(
        [row.model for row in board.rows if row.undefeated],
        [row.model for row in board.rows if row.winless],
        bounded=not board.unbounded,
        connected=board.connected,
    )
    found += board_notes.suspended([row.model for row in board.rows if row.suspended])
    if board.weight_residual > 1:
        found += board_notes.unrest(board.weight_iterations, board.weight_residual / words.WEIGHT_PARTS)
    if board.HasField("seat_effect"):
        seat = board.seat_effect
        found += board_notes.first_seat(seat.log_odds, seat.low, seat.high, seat.votes)
    if board.HasField("clusters"):
        found += board_notes.clusters(
            board.clusters.method,
            questions=board.clusters.questions,
            judges=board.clusters.judges,
            sampled=board.clusters.sampled,
        )
    return found
