"""A board: who stands where, how surely, and what that rests on.

A pure function of the tallies through a round, of that round's entrants, and of the method.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from scipy.special import expit

from dearena.identity import Digest, digest_of
from dearena.names import Revision
from services.scorer.evidence import Evidence, IntArray, StrangerVoted, is_connected
from services.scorer.fixed_point import FIT_LIMIT, RESIDUAL_TOLERANCE, settle
from services.scorer.intervals import CONFIDENCE, QUANTILE, standard_errors
from services.scorer.tallies import Outcome, Tallies
from services.scorer.weightings import SCORE_FLOOR, in_parts, weighting_named

RATING_OF_AVERAGE = 1000.0
RATING_PER_LOG_ODDS = 400 / log(10)
"""As in Elo's scale: 400 points are odds of 10 to 1."""

STRENGTH_DECIMALS = 9
"""Strengths are cut to a billionth before they are ranked and hashed. That is far below what they mean,
and above the last bits, in which processors differ: equal evidence for two models gives equal strengths."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A model revision admitted to the dimension."""

    model: str
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """How a board is made.

    Attributes:
        weighting: one of `weightings.WEIGHTINGS`.
        prior_deviation: standard deviation of the prior on each strength, in log-odds.
    """

    weighting: str
    prior_deviation: float

    @property
    def settings_hash(self) -> Digest:
        """The same for two boards made alike."""
        return digest_of(
            {
                "model": "bradley-terry",
                "ties": "half",
                "weighting": self.weighting,
                "score_floor": SCORE_FLOOR,
                "weight_fits_limit": FIT_LIMIT,
                "weight_residual_tolerance": RESIDUAL_TOLERANCE,
                "prior_deviation": self.prior_deviation,
                "intervals": "sandwich",
                "confidence": CONFIDENCE,
                "strength_decimals": STRENGTH_DECIMALS,
            }
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One model on a board.

    Attributes:
        rank: 1 is best; 0 when retired.
        strength, low, high: log-odds against the board's mean, with a 95 % interval.
        votes: preferences and ties that concern the model.
        half_wins: its wins in halves, a tie being one half.
        judge_weight: in parts of 65,536, mean 65,536 over the rows that are not retired; 0 when retired.
    """

    model: str
    rank: int
    strength: float
    low: float
    high: float
    votes: int
    half_wins: int
    judge_weight: int
    retired: bool

    @property
    def score(self) -> float:
        """Chance in per cent to be preferred to a model of average strength."""
        return 100 * float(expit(self.strength))


@dataclass(frozen=True, slots=True)
class PairVotes:
    """Votes between two rows of a board: `row` stands above `column`."""

    row: int
    column: int
    votes: int
    half_wins: int


@dataclass(frozen=True, slots=True)
class Board:
    """The rows in order, and what they rest on.

    Attributes:
        rows: best first; models without any vote after those with votes, retired ones last.
        pairs: of all rows that met, by their places among the rows.
        connected: whether a chain of votes joins any two rows; if not, ranks between parts mean nothing.
        cost_nano_units: by currency.
        weight_residual: in parts; above 1 when the weights did not come to rest.
    """

    rows: tuple[Row, ...]
    pairs: tuple[PairVotes, ...]
    connected: bool
    outcomes: Mapping[Outcome, int]
    judge_calls: int
    cost_nano_units: Mapping[str, int]
    weight_iterations: int
    weight_residual: int
    settings_hash: Digest

    @property
    def digest(self) -> Digest:
        """SHA-256 of the canonical JSON of models, strengths, intervals and ranks."""
        return digest_of(
            [
                {"model": row.model, "rank": row.rank, "strength": row.strength, "interval": [row.low, row.high]}
                for row in self.rows
            ]
        )


def rating(strength: float) -> float:
    """A strength on Elo's scale."""
    return RATING_OF_AVERAGE + RATING_PER_LOG_ODDS * strength


def score_board(tallies: Tallies, entrants: Iterable[Entrant], method: Method) -> Board:
    """Make the board of the rounds in `tallies`.

    Entrants that stood in no cell yet are left out; retired ones stay in the fit with all their votes.

    Raises:
        StrangerVoted: a cell names a model that is no entrant.
        InvalidField: no such weighting.
        FitDidNotConverge: the fit met its limit.
    """
    retired = {entrant.model: entrant.retired for entrant in entrants}
    if strangers := sorted(tallies.models - retired.keys()):
        raise StrangerVoted(f"{', '.join(strangers)} stood in a cell, but was never admitted")
    models = sorted(tallies.models, key=Revision.parse)
    evidence = Evidence.of(tallies, models)
    found, fits = settle(evidence, weighting_named(method.weighting), method.prior_deviation)
    errors = standard_errors(evidence, found.parts, found.strengths, method.prior_deviation)
    half_wins = evidence.half_wins()
    votes = (half_wins + half_wins.T) // 2
    is_retired = np.array([retired[model] for model in models], dtype=bool)
    weights = _of_the_active(found.parts, is_retired)

    strengths = [_cut(strength) for strength in found.strengths]
    order = sorted(
        range(len(models)),
        key=lambda i: (bool(is_retired[i]), not votes[i].any(), -strengths[i], i),
    )
    rows = tuple(
        Row(
            model=models[i],
            rank=0 if is_retired[i] else place,
            strength=strengths[i],
            low=_cut(strengths[i] - QUANTILE * errors[i]),
            high=_cut(strengths[i] + QUANTILE * errors[i]),
            votes=int(votes[i].sum()),
            half_wins=int(half_wins[i].sum()),
            judge_weight=int(weights[i]),
            retired=bool(is_retired[i]),
        )
        for place, i in enumerate(order, start=1)
    )
    return Board(
        rows=rows,
        pairs=_pairs(votes, half_wins, order),
        connected=is_connected(half_wins),
        outcomes={outcome: tallies.outcomes[outcome] for outcome in Outcome},
        judge_calls=tallies.judge_calls,
        cost_nano_units=dict(tallies.cost_nano_units),
        weight_iterations=fits,
        weight_residual=found.residual,
        settings_hash=method.settings_hash,
    )


def matrices(board: Board) -> tuple[list[float], list[int]]:
    """Win rates (NaN where two never met) and numbers of votes, row-major, in the order of the rows."""
    n = len(board.rows)
    win_rate = np.full((n, n), np.nan)
    comparisons = np.zeros((n, n), dtype=np.int64)
    for pair in board.pairs:
        comparisons[pair.row, pair.column] = comparisons[pair.column, pair.row] = pair.votes
        win_rate[pair.row, pair.column] = pair.half_wins / (2 * pair.votes)
        win_rate[pair.column, pair.row] = (2 * pair.votes - pair.half_wins) / (2 * pair.votes)
    return [float(share) for share in win_rate.flat], [int(count) for count in comparisons.flat]


def _of_the_active(parts: IntArray, retired: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> IntArray:
    """Weights of those that are not retired, with mean 65,536 again; 0 for the retired."""
    weights = np.zeros_like(parts)
    weights[~retired] = in_parts(parts[~retired].astype(np.float64))
    return weights


def _pairs(votes: IntArray, half_wins: IntArray, order: Sequence[int]) -> tuple[PairVotes, ...]:
    return tuple(
        PairVotes(row, column, int(votes[i, j]), int(half_wins[i, j]))
        for row, i in enumerate(order)
        for column, j in enumerate(order[row + 1 :], start=row + 1)
        if votes[i, j]
    )


def _cut(log_odds: float) -> float:
    return round(float(log_odds), STRENGTH_DECIMALS) + 0.0  # no negative zero
