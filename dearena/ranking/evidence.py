"""Outcomes as an insertion uses them: by pair, judge and query, whatever the order in which they came. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from dearena.outcomes import Outcome
from dearena.ranking.pairs import Pair

EVEN_DRAW: Final = 2**16
"""The `draw` of a cell whose judge had the same chance as every other."""


class Vote(NamedTuple):
    """One row of the log of outcomes.

    `a_first` and `b_first` are what the judge said with model_a and with model_b in the first seat: names of
    SeatVerdict without prefix, empty where the log does not say.
    """

    cell_id: str
    attempt: int
    pair: Pair
    judge: str
    query_id: str
    outcome: Outcome
    judge_calls: int = 0
    cost_nano_units: int = 0
    currency: str = ""
    draw: int = EVEN_DRAW
    kind: str = "VOTE"
    a_first: str = ""
    b_first: str = ""


class Ballot(NamedTuple):
    """One judge on one query: with a pair it is a cell."""

    judge: str
    query_id: str


NO_BALLOTS: Final[Mapping[Ballot, Outcome]] = MappingProxyType({})


class Evidence:
    """The outcomes of the rounds of one insertion; of a cell's attempts the newest counts."""

    def __init__(self, votes: Iterable[Vote] = ()) -> None:
        self._votes: dict[tuple[Pair, Ballot], Vote] = {}
        self._by_pair: dict[Pair, dict[Ballot, Outcome]] = {}
        self.add(votes)

    def add(self, votes: Iterable[Vote]) -> None:
        """Take in more; what is there already does no harm."""
        for vote in votes:
            ballot = Ballot(vote.judge, vote.query_id)
            known = self._votes.get((vote.pair, ballot))
            if known is None or vote.attempt > known.attempt:
                self._votes[vote.pair, ballot] = vote
                self._by_pair.setdefault(vote.pair, {})[ballot] = vote.outcome

    def of_pair(self, pair: Pair) -> Mapping[Ballot, Outcome]:
        """What is known of a pair."""
        return self._by_pair.get(pair, NO_BALLOTS)


def newest(votes: Iterable[Vote]) -> dict[str, Vote]:
    """The newest attempt of each cell, by cell id."""
    found: dict[str, Vote] = {}
    for vote in votes:
        known = found.get(vote.cell_id)
        if known is None or vote.attempt > known.attempt:
            found[vote.cell_id] = vote
    return found


def counted(votes: Iterable[Vote]) -> dict[str, int]:
    """Number of cells by outcome, in the order of `Outcome`, without those that did not occur."""
    counts = Counter(vote.outcome for vote in newest(votes).values())
    return {str(outcome): counts[outcome] for outcome in Outcome if counts[outcome]}
