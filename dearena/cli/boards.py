"""`dearena boards`: every version of a board, and what produced it."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from dearena.cli import columns, output, words
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.plain import plain
from dearena.v1 import scorer_pb2


def boards(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    last: Annotated[int, typer.Option(min=0, help="So many of the newest; 0: all.")] = 20,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """List the versions of a board, newest first.

    `dearena leaderboard --version` shows one, `dearena diff` what lies between two.
    """

    async def body(client: ArenaClient) -> None:
        found: list[scorer_pb2.BoardSummary] = []
        async for board in client.boards(dimension):
            found.append(board)
            if len(found) == last:
                break
        if as_json:
            output.show_json([plain(board) for board in found])
        elif found:
            output.show(table(found))
        else:
            output.show(f"{dimension} has no board yet")

    run(body, project=project)


def table(found: Sequence[scorer_pb2.BoardSummary]) -> Table:
    """Versions as a table."""
    shown = {
        "board": [str(board.board_version) for board in found],
        "version": [str(board.dimension_version or "") for board in found],
        "settled": ["yes" if board.settled else "no" for board in found],
        "models": [f"{board.models:,}" for board in found],
        "votes": [f"{board.votes:,}" for board in found],
        "settings": [words.settings(board.settings) for board in found],
        "digest": [board.board_digest[:12] for board in found],
        "made": [board.create_time.ToDatetime().isoformat(" ", "seconds") for board in found],
    }
    return columns.table(shown, left=("settled", "settings", "digest", "made"))
