"""Votes a row at a time, as whoever has them in memory tells them: their columns, their log, and their board.

The scorer reads its votes as columns, without an object a vote; from there on both go the same way. Pure.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from dearena.scoring import FitSettings, Outcome
from dearena.scoring.arrays import Codes
from dearena.scoring.boards.board import Entrant, Made, make_board
from dearena.scoring.boards.marks import marks_of
from dearena.scoring.boards.round_votes import RoundVotes
from dearena.scoring.boards.vote_log import VoteLog
from dearena.scoring.draws import EVEN
from dearena.scoring.outcomes import CODES
from dearena.scoring.seats import UNSAID


class Vote(NamedTuple):
    """One row of the log: an attempt at a cell.

    Attributes:
        attempt: counts up from 1; a later one follows a FAILED one only.
        model_a, model_b, judge: revisions; `model_a` comes first in canonical order.
        query_id: of the query that both models answered.
        judge_calls, cost_nano_units, currency: what the attempt took.
        seats: codes of `dearena.scoring.seats`, what the judge said with A first and with B first.
        draw: chance with which the judge was drawn over the even one, in parts of 65,536.
    """

    cell_id: str
    attempt: int
    model_a: str
    model_b: str
    judge: str
    query_id: str
    outcome: Outcome
    judge_calls: int = 0
    cost_nano_units: int = 0
    currency: str = ""
    seats: tuple[int, int] = (UNSAID, UNSAID)
    draw: int = EVEN


def columns_of(votes: Iterable[Vote]) -> RoundVotes:
    """The votes of a round as columns, in their order. Whether they can be counted is found out by who counts them."""
    rows = list(votes)
    models, queries, currencies = _Table(), _Table(), _Table()
    numbers = {"attempt": np.int32, "judge_calls": np.int32, "cost_nano_units": np.int64, "draw": np.uint32}
    cell_ids = [row.cell_id for row in rows]
    return RoundVotes(
        first=models.codes([row.model_a for row in rows]),
        second=models.codes([row.model_b for row in rows]),
        judge=models.codes([row.judge for row in rows]),
        query=queries.codes([row.query_id for row in rows]),
        currency=currencies.codes([row.currency for row in rows]),
        models=tuple(models),
        queries=tuple(queries),
        currencies=tuple(currencies),
        cell_id=cell_ids,
        mark=marks_of(cell_ids),
        outcome=np.array([CODES[row.outcome] for row in rows], dtype=np.int8),
        seats=np.array([row.seats for row in rows], dtype=np.int8).reshape(-1, 2),
        **{name: np.array([getattr(row, name) for row in rows], dtype=kind) for name, kind in numbers.items()},
    )


def log_of(*rounds: Iterable[Vote]) -> VoteLog:
    """The log of all rounds in turn; the next one may be added to it.

    Raises:
        BrokenLog: a vote is malformed, doubled, or contradicts a final outcome.
    """
    log = VoteLog()
    for number, votes in enumerate(rounds, start=1):
        log.add_round(number, columns_of(votes))
    return log


def board_of_rounds(rounds: Iterable[Iterable[Vote]], entrants: Iterable[Entrant], settings: FitSettings) -> Made:
    """The board of all rounds, with what its rows met and the fit behind it.

    It depends neither on the order of the votes within a round nor on who brings them: its digest is that
    of the board which a scorer makes of the same votes, entrants and settings. Whoever wants the boards of
    one round after another adds to a `VoteLog` and calls `make_board` each time.

    Args:
        rounds: the votes of round 1, of round 2, and so on.
        entrants: as of the last round; those that stood in no cell yet are left out.

    Raises:
        BrokenLog: a vote is malformed, doubled, or contradicts a final outcome.
        StrangerVoted: a cell names a model that is no entrant.
        FitDidNotConverge: the fit met its limit.
    """
    return make_board(log_of(*rounds).counted(), entrants, settings)


class _Table(dict[str, int]):
    """Names, each with its place, in the order in which they came."""

    def codes(self, names: Iterable[str]) -> Codes:
        """Places of the names, which are taken in when they are new."""
        return np.array([self.setdefault(name, len(self)) for name in names], dtype=np.int32)
