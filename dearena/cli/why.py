"""`dearena why`: from a number on the board to its votes, and to a judge's own words."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Table

from dearena.cli import columns, output, why_comparison, why_votes, words
from dearena.cli.running import DEFAULT, MAX_UINT32, AsJson, Project, run
from dearena.cli.votes import line_of
from dearena.cli.why_votes import Opponent, Told
from dearena.client import ArenaClient, Vote
from dearena.faults import InvalidField, UnknownTemplate
from dearena.judging.choice import choice_of
from dearena.judging.templates import template_hashed
from dearena.plain import plain
from dearena.v1 import common_pb2, judge_dispatcher_pb2, scorer_pb2


def why(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    model: Annotated[str, typer.Argument(metavar="[MODEL]", help="A model, slug or slug@n.")] = "",
    opponent: Annotated[str, typer.Argument(metavar="[OPPONENT]", help="Another one: the votes on the two.")] = "",
    *,
    cell: Annotated[str, typer.Option("--cell", help="One comparison: its cell's id, or the beginning of it.")] = "",
    attempt: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="Of the cell; 0: the newest.")] = 0,
    prompts: Annotated[bool, typer.Option("--prompts", help="Also what the judge was sent, whole.")] = False,
    version: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="A board version; 0: the last settled one.")] = 0,
    trace_url: Annotated[
        str,
        typer.Option(
            envvar="DEARENA_TRACE_URL", help="Where traces are shown, such as http://127.0.0.1:16686/trace/{trace_id}."
        ),
    ] = "",
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Follow a number on the board to the judges' own words.

    With MODEL: its place, and whom it met. With OPPONENT too: every vote on the two, by judge and question, and
    whether the board counts it. With --cell: one comparison, with both replies of the judge as they came.
    """

    async def body(client: ArenaClient) -> None:
        asked = _Asked(client, dimension, version, as_json)
        if cell:
            if model or opponent:
                raise InvalidField.of("--cell", "names a comparison by itself; leave MODEL and OPPONENT out")
            prefix = why_votes.checked_prefix(cell)
            await _tell_of_comparison(asked, prefix, attempt, prompts=prompts, trace_url=trace_url)
        elif not model:
            raise InvalidField.of("MODEL", "is required, or --cell")
        elif opponent:
            await _tell_of_pair(asked, model, opponent)
        else:
            await _tell_of_model(asked, model)

    run(body, project=project)


@dataclass(frozen=True, slots=True)
class _Asked:
    client: ArenaClient
    dimension: str
    version: int
    as_json: bool


async def _tell_of_model(asked: _Asked, model: str) -> None:
    board = await asked.client.leaderboard(asked.dimension, asked.version)
    row = why_votes.row_of(board, model)
    matrices = await asked.client.matrices(asked.dimension, board.board_version)
    met = why_votes.opponents(matrices, board, row.model)
    if asked.as_json:
        output.show_json({**_of_board(board), "row": plain(row), "opponents": [asdict(one) for one in met]})
    else:
        output.show(of_model(board, row, met))


async def _tell_of_pair(asked: _Asked, model: str, opponent: str) -> None:
    board = await asked.client.leaderboard(asked.dimension, asked.version)
    one, other = why_votes.pair_of(board, model, opponent)
    votes = [vote async for vote in asked.client.votes(asked.dimension) if {vote.model_a, vote.model_b} == {one, other}]
    found = why_votes.of_pair(votes, board, one, other)
    matrices = await asked.client.matrices(asked.dimension, board.board_version)
    counted = why_votes.board_votes(matrices, one, other)
    if asked.as_json:
        lines = [_line(told, asked.dimension) for told in found]
        pair = {"model": one, "opponent": other, "board_votes": counted, "votes": lines}
        output.show_json({**_of_board(board), **pair})
    else:
        output.show(of_pair(board, one, other, found, counted))


async def _tell_of_comparison(asked: _Asked, prefix: str, attempt: int, *, prompts: bool, trace_url: str) -> None:
    client, dimension = asked.client, asked.dimension
    board = await client.leaderboard(dimension, asked.version)
    attempts: dict[str, list[Vote]] = {}
    async for vote in client.votes(dimension, canaries=True):
        if vote.cell_id.startswith(prefix):
            attempts.setdefault(vote.cell_id, []).append(vote)
    cell_id = why_votes.cell_named(attempts, prefix)
    comparison = await client.comparison(dimension, cell_id, attempt, with_prompts=prompts)
    judge_weight, why_not = _weight(board, attempts[cell_id], comparison)
    template = await _template(client, dimension, comparison.cell.template_hash)
    link = why_comparison.trace_link(trace_url, comparison.trace_id)
    if asked.as_json:
        weighs = {"counts": not why_not, "why_not": why_not, "judge_weight": judge_weight, "trace_url": link}
        told = _told_of(comparison) | {"template": template, **weighs}
        output.show_json({**_of_board(board), "comparison": plain(comparison), **told})
    else:
        weight = why_comparison.weight(judge_weight, comparison.cell.draw or words.WEIGHT_PARTS, why_not)
        output.show_text(
            why_comparison.rendered(comparison, weight, template=template, trace_link=link, prompts=prompts)
        )


def _told_of(comparison: judge_dispatcher_pb2.Comparison) -> dict[str, Any]:
    """Of a canary which it is, and in which seat of each call its truncated answer sat."""
    sort = why_comparison.sort_of(comparison.cell)
    return {
        "canary": str(sort) if sort else None,
        "truncated_seats": [seat or None for seat in why_comparison.truncated_seats(comparison)],
    }


async def _template(client: ArenaClient, dimension: str, template_hash: str) -> str:
    """Name of a cell's template; empty where neither the arena nor the dimension has it."""
    with suppress(UnknownTemplate):
        return template_hashed(template_hash).id
    found = await client.get_dimension(dimension)
    judging = found.judging
    with suppress(UnknownTemplate):
        choice = choice_of(found.template, judging.template_text, judging.rubric, judging.template_without_reference)
        return choice.hashed(template_hash).id
    return ""


def _weight(
    board: scorer_pb2.Board, votes: Sequence[Vote], comparison: judge_dispatcher_pb2.Comparison
) -> tuple[float, str]:
    """The judge's weight on the board, and why the comparison does not count there."""
    if comparison.cell.kind == common_pb2.CELL_KIND_CANARY:
        return 0.0, "a canary watches its judge, and is no vote"
    for one in why_votes.told(votes, board, comparison.cell.model_a):
        if one.vote.attempt == comparison.cell.attempt:
            return one.judge_weight, one.why_not
    return 0.0, "the log of votes does not show it yet"


def _of_board(board: scorer_pb2.Board) -> dict[str, Any]:
    return {"dimension": words.slug(board.dimension), "board_version": board.board_version}


def _line(told: Told, dimension: str) -> dict[str, Any]:
    money = {"currency": told.vote.currency, "nano_units": told.vote.cost_nano_units}
    rest = {"wins": told.wins, "counts": told.counts, "why_not": told.why_not, "judge_weight": told.judge_weight}
    return {**line_of(told.vote, dimension), "judge_calls": told.vote.judge_calls, "cost": money, **rest}


def of_model(board: scorer_pb2.Board, row: scorer_pb2.BoardRow, met: Sequence[Opponent]) -> Group:
    """A model's place, and whom it met."""
    dimension = words.slug(board.dimension)
    rank = words.rank(row.rank, row.rank_low, row.rank_high)
    stands = words.joined(
        [
            f"{row.model}: rank {rank} of {len(board.rows)}" if row.rank else f"{row.model}: {rank}",
            f"rating {row.rating:.0f} ({row.rating_low:.0f} to {row.rating_high:.0f})",
            f"score {row.score:.1f}",
        ]
    )
    made_of = f"made of {row.votes:,} votes, {row.wins:,.1f} of them won, on {len(met):,} opponents"
    shown = {
        "rank": [str(one.rank or "retired") for one in met],
        "opponent": [one.model for one in met],
        "votes": [f"{one.votes:,}" for one in met],
        "won": [f"{one.wins:,.1f}" for one in met],
        "win rate": [words.percent(one.win_rate) for one in met],
    }
    table = columns.table(shown, left=("rank", "opponent"))
    heading = words.joined([dimension, f"board {board.board_version}"])
    if not met:
        return Group(heading, stands, "no vote that counts")
    example = f"dearena why {dimension} {row.model} {met[0].model}"
    return Group(heading, stands, made_of, table, f"the votes on one opponent: {example}")


def of_pair(board: scorer_pb2.Board, model: str, opponent: str, found: Sequence[Told], board_votes: int) -> Group:
    """Every vote on two models, and whether the board counts it."""
    counted = [one for one in found if one.counts]
    wins = sum(one.wins or 0 for one in counted)
    heading = words.joined([words.slug(board.dimension), f"board {board.board_version}", f"{model} and {opponent}"])
    sums = f"{len(counted):,} of {len(found):,} outcomes count, {wins:,.1f} of them for {model}"
    # Both come from the same log; were they ever to differ, whoever reads this has to know.
    matches = "as on the board" if len(counted) == board_votes else f"but the board counts {board_votes:,}"
    return Group(
        heading,
        f"{sums}, {matches}",
        *([_votes_table(model, found)] if found else []),
        *([f"one of them: dearena why {words.slug(board.dimension)} --cell {_shorts(found)[0]}"] if found else []),
    )


def _shorts(found: Sequence[Told]) -> list[str]:
    return why_comparison.short([one.vote.cell_id for one in found])


def _votes_table(model: str, found: Sequence[Told]) -> Table:
    votes = [one.vote for one in found]
    shown = {
        "judge": [vote.judge for vote in votes],
        "weight": [f"{one.judge_weight:.2f}" for one in found],
        "query": [why_comparison.visible(vote.query_id) for vote in votes],
        f"won by {model}": ["" if one.wins is None else f"{one.wins:g}" for one in found],
        "outcome": [vote.outcome for vote in votes],
        "cell": _shorts(found),
        "attempt": [str(vote.attempt) if vote.attempt > 1 else "" for vote in votes],
        "cost": [_cost(vote) for vote in votes],
        "does not count": [one.why_not for one in found],
    }
    return columns.table(shown, left=("judge", "query", "outcome", "cell", "does not count"))


def _cost(vote: Vote) -> str:
    if not vote.cost_nano_units:
        return ""
    return words.money(common_pb2.Money(currency=vote.currency, nano_units=vote.cost_nano_units))
