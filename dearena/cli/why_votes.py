"""Which votes a number on the board is made of: what counts, what does not, and why not. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dearena.cli import words
from dearena.client.votes import Vote
from dearena.faults import InvalidField, UnknownModel
from dearena.v1 import scorer_pb2

HALVES: Final = {"a": 2, "tie": 1, "b": 0}
"""Halves of a win to model_a."""


@dataclass(frozen=True, slots=True)
class Opponent:
    """What a model and another one made of each other.

    Attributes:
        votes: between the two that the board counts.
        wins: of the model, a tie being half of one.
        win_rate: wins by votes.
    """

    model: str
    rank: int
    votes: int
    wins: float
    win_rate: float


@dataclass(frozen=True, slots=True)
class Told:
    """One outcome of a pair, and what the board makes of it.

    Attributes:
        vote: as the log has it.
        wins: of the model that was asked about: 1, 0.5 or 0; None where nothing was decided.
        counts: whether it is one of the board's votes on the pair.
        why_not: why it does not count; empty where it does.
        judge_weight: of the judge on the board, where the mean is 1.
    """

    vote: Vote
    wins: float | None
    counts: bool
    why_not: str
    judge_weight: float


def row_of(board: scorer_pb2.Board, name: str) -> scorer_pb2.BoardRow:
    """The row of a revision; of a slug, that of its best revision.

    Raises:
        UnknownModel: it has no row.
    """
    for row in board.rows:
        if name in (row.model, row.model.rpartition("@")[0]):
            return row
    raise UnknownModel(f"{name} is not on board {board.board_version} of {words.slug(board.dimension)}")


def pair_of(board: scorer_pb2.Board, model: str, opponent: str) -> tuple[str, str]:
    """Revisions of two models that are not the same; raises UnknownModel and InvalidField."""
    one, other = row_of(board, model).model, row_of(board, opponent).model
    if one == other:
        raise InvalidField.of("OPPONENT", f"is {other}, and so is MODEL")
    return one, other


def opponents(found: scorer_pb2.GetMatricesResponse, board: scorer_pb2.Board, model: str) -> list[Opponent]:
    """Those that a model met, in the order of the board."""
    ranks = {row.model: row.rank for row in board.rows}
    n = len(found.models)
    start = list(found.models).index(model) * n
    met = []
    for place, other in enumerate(found.models):
        if votes := found.comparisons[start + place]:
            rate = found.win_rate[start + place]
            met.append(Opponent(other, ranks.get(other, 0), votes, round(2 * rate * votes) / 2, rate))
    return met


def board_votes(found: scorer_pb2.GetMatricesResponse, model: str, opponent: str) -> int:
    """How many votes the board counts between two of its models."""
    models = list(found.models)
    return found.comparisons[models.index(model) * len(models) + models.index(opponent)]


def of_pair(votes: Iterable[Vote], board: scorer_pb2.Board, model: str, opponent: str) -> list[Told]:
    """Outcomes of a pair in a board's rounds, by judge, then query, then attempt."""
    rounds = range(board.first_round, board.board_version + 1)
    chosen = [vote for vote in votes if vote.round in rounds and _on(vote, model, opponent)]
    return sorted(told(chosen, board, model), key=lambda one: (one.vote.judge, one.vote.query_id, one.vote.attempt))


def _on(vote: Vote, model: str, opponent: str) -> bool:
    return {vote.model_a, vote.model_b} == {model, opponent}


def told(votes: Sequence[Vote], board: scorer_pb2.Board, model: str) -> list[Told]:
    """What a board makes of outcomes, for one of their models; `votes` hold all attempts of their cells."""
    newest: dict[str, int] = {}
    for vote in (vote for vote in votes if vote.round <= board.board_version):
        newest[vote.cell_id] = max(vote.attempt, newest.get(vote.cell_id, 0))
    rows = {row.model: row for row in board.rows}
    found = []
    for vote in votes:
        judge = rows.get(vote.judge)
        why_not = _why_not(vote, board, judge, newest.get(vote.cell_id, 0))
        weight = judge.judge_weight / words.WEIGHT_PARTS if judge else 0.0
        found.append(Told(vote, _wins(vote, board, model), not why_not, why_not, weight))
    return found


def _why_not(vote: Vote, board: scorer_pb2.Board, judge: scorer_pb2.BoardRow | None, newest: int) -> str:
    if vote.round > board.board_version:
        return f"round {vote.round} came after the board"
    if vote.round < board.first_round:
        return f"round {vote.round} was of an earlier version of the dimension"
    if vote.attempt < newest:
        return f"attempt {newest} took its place"
    if judge is not None and judge.suspended:
        return "the judge is suspended"
    if vote.winner is None and not _flip_counts(vote, board):
        return f"{vote.outcome} decides nothing"
    return ""


def _flip_counts(vote: Vote, board: scorer_pb2.Board) -> bool:
    """By settings, flips may count as ties."""
    return vote.outcome == "FLIP" and board.settings.flips == "half"


def _wins(vote: Vote, board: scorer_pb2.Board, model: str) -> float | None:
    if _flip_counts(vote, board):
        return 0.5
    if vote.winner is None:
        return None
    halves = HALVES[vote.winner]
    return (halves if model == vote.model_a else 2 - halves) / 2


SHORTEST: Final = 4
WHOLE: Final = 64
"""Hexadecimal digits of a cell's id."""
MOST_NAMED: Final = 5


def cell_named(cells: Iterable[str], prefix: str) -> str:
    """The one cell id that begins so.

    Raises:
        InvalidField: none does, or several do.
    """
    found = sorted({cell for cell in cells if cell.startswith(prefix)})
    if not found:
        raise InvalidField.of("--cell", f"no cell begins with {prefix!r}")
    if len(found) > 1:
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise InvalidField.of("--cell", f"{prefix!r} begins {', '.join(found[:MOST_NAMED])}{more}; say more of it")
    return found[0]


def checked_prefix(text: str) -> str:
    """A cell's id, or the beginning of one; raises InvalidField."""
    prefix = text.lower()
    if not SHORTEST <= len(prefix) <= WHOLE or not set(prefix) <= set("0123456789abcdef"):
        raise InvalidField.of("--cell", f"must be the first {SHORTEST} to {WHOLE} hexadecimal digits of a cell's id")
    return prefix
