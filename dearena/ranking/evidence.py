"""Outcomes as juries use them: by pair, judge and query, whatever the order in which they came. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from dearena import parts
from dearena.outcomes import Outcome
from dearena.ranking.pairs import Pair, pairs_in_order

EVEN_DRAW: Final = parts.ONE
"""The `draw` of a cell whose judge had the same chance as every other."""

VOTE: Final = "VOTE"
CANARY: Final = "CANARY"
"""Kinds of cells, as in common.proto without their prefixes."""


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
    kind: str = VOTE
    a_first: str = ""
    b_first: str = ""


class Ballot(NamedTuple):
    """One judge on one query: with a pair it is a cell."""

    judge: str
    query_id: str


class Heard(NamedTuple):
    """What came of one cell.

    Attributes:
        round: that asked it.
        attempt: at which it came.
    """

    outcome: Outcome
    round: int = 0
    attempt: int = 1


READABLE: Final = frozenset({Outcome.A, Outcome.B, Outcome.TIE, Outcome.FLIP})
"""A judge has judged, whatever it said. All other outcomes tell nothing of the pair."""

NO_BALLOTS: Final[Mapping[Ballot, Heard]] = MappingProxyType({})


@dataclass(slots=True)
class Spent:
    """What something has taken so far: cells with an outcome, calls, and nano-units by currency."""

    cells: int = 0
    calls: int = 0
    costs: Counter[str] = field(default_factory=Counter)

    def add(self, vote: Vote) -> None:
        """Count one more outcome."""
        self.cells += 1
        self.calls += vote.judge_calls
        if vote.cost_nano_units:
            self.costs[vote.currency] += vote.cost_nano_units


class Evidence:
    """The outcomes of closed rounds: of a pair for its whole life, since nothing is asked twice.

    Of a cell's attempts the newest counts. Canaries are no evidence; they only cost.
    """

    def __init__(self) -> None:
        self._by_pair: dict[Pair, dict[Ballot, Heard]] = {}
        self._pairs_of: dict[str, dict[Pair, None]] = {}
        self.shown: Counter[tuple[str, str]] = Counter()
        """In how many cells each answer has been judged, by model and query."""
        self.judged: Counter[tuple[str, str]] = Counter()
        """In how many cells each judge has judged each model, by judge and model."""
        self.canaries: set[tuple[str, str, str]] = set()
        """Judge, model and query of those that were asked: a second look at the same answer would tell nothing new."""
        self._spent_on: dict[str, Spent] = {}
        self._spent_by: dict[str, Spent] = {}
        self.rounds: set[int] = set()
        """Numbers of the rounds that were added."""

    def add(self, round_number: int, votes: Iterable[Vote]) -> None:
        """Take in the outcomes of a round; what is there already does no harm."""
        if round_number in self.rounds:
            return
        self.rounds.add(round_number)
        for vote in votes:
            self._spent_by.setdefault(vote.judge, Spent()).add(vote)
            if vote.kind != VOTE:
                self.canaries.add((vote.judge, vote.pair.model_a, vote.query_id))
                continue
            ballot = Ballot(vote.judge, vote.query_id)
            known = self._by_pair.setdefault(vote.pair, {}).get(ballot)
            if known is None:
                self.shown.update((model, vote.query_id) for model in vote.pair)
                self.judged.update((vote.judge, model) for model in vote.pair)
                for model in vote.pair:
                    self._pairs_of.setdefault(model, {})[vote.pair] = None
            for model in vote.pair:
                self._spent_on.setdefault(model, Spent()).add(vote)
            if known is None or vote.attempt > known.attempt:
                self._by_pair[vote.pair][ballot] = Heard(vote.outcome, round_number, vote.attempt)

    def of_pair(self, pair: Pair) -> Mapping[Ballot, Heard]:
        """What is known of a pair."""
        return self._by_pair.get(pair, NO_BALLOTS)

    def of_model(self, model: str) -> Iterator[tuple[Pair, Mapping[Ballot, Heard]]]:
        """Pairs that a model has met in, in canonical order, with what is known of each."""
        for pair in pairs_in_order(self._pairs_of.get(model, ())):
            yield pair, self.of_pair(pair)

    @property
    def pairs(self) -> Iterable[Pair]:
        """All pairs that have met."""
        return self._by_pair.keys()

    def spent_on(self, model: str) -> Spent:
        """What the pairs of a model have taken."""
        return self._spent_on.get(model, Spent())

    def spent_by(self, judge: str) -> Spent:
        """What a judge has taken, canaries too."""
        return self._spent_by.get(judge, Spent())


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
