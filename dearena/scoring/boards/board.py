"""A board: who stands where, how surely, and what that rests on.

A pure function of the outcomes through a round, of that round's entrants, and of the settings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
from scipy.special import expit

from dearena.faults import ArenaFault
from dearena.identity import Digest, digest_of
from dearena.outcomes import Outcome
from dearena.scoring import Fit, FitSettings, fit
from dearena.scoring.arrays import ONE, BoolArray, FloatArray, IntArray
from dearena.scoring.boards.pair_votes import PairVotes, pair_votes
from dearena.scoring.boards.vote_log import Counted
from dearena.scoring.first_seat import SeatEffect
from dearena.scoring.ranks import Separation, separation
from dearena.scoring.weightings import BY_STRENGTH, in_parts

RATING_OF_AVERAGE = 1000.0
RATING_PER_LOG_ODDS = 400 / log(10)
"""As in Elo's scale: 400 points are odds of 10 to 1."""

Counts = Mapping[Outcome, int]


class StrangerVoted(ArenaFault):
    """Votes name a model that is no entrant of the round."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A model revision admitted to the dimension.

    Attributes:
        retired: it has no rank and judges no more; its votes count.
        suspended: its votes count nothing, until it is reinstated; it stays ranked.
    """

    model: str
    retired: bool = False
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One model on a board.

    Attributes:
        rank: 1 is best; 0 when retired, as are `rank_low`, `rank_high` and `group`.
        strength, low, high: log-odds against the board's mean, with their interval.
        votes: preferences and ties that concern the model.
        half_wins: its wins in halves, a tie being one half.
        judge_weight: in parts of 65,536, mean 65,536 over the rows that may judge; 0 when retired or suspended.
        rank_low, rank_high: best and worst rank that the evidence allows.
        group: of models that cannot be told apart from the strongest of it; 1 is the best.
        part: of the board that a chain of votes joins; numbered from 1 in the order of the rows.
        undefeated, winless: it has votes, and lost none, or won none, not even half.
        contested: outcomes of the cells it contested: A where it was preferred, B where the other was; without those
            that a suspended judge gave, as `votes` and `half_wins` are.
        judged: outcomes of the cells it judged; of a suspended judge too.
        suspended: as a judge; its votes count nothing.
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
    rank_low: int
    rank_high: int
    group: int
    part: int
    undefeated: bool
    winless: bool
    contested: Counts
    judged: Counts
    suspended: bool = False

    @property
    def score(self) -> float:
        """Chance in per cent to be preferred to a model of average strength."""
        return 100 * float(expit(self.strength))


@dataclass(frozen=True, slots=True)
class VoteClusters:
    """What intervals are clustered by; as `dearena.scoring.intervals.Clusters`."""

    questions: int
    judges: int
    method: str
    sampled: int
    degrees: int


@dataclass(frozen=True, slots=True)
class Board:
    """The rows in order, and what they rest on.

    Attributes:
        rows: best first; models without any vote after those with votes, retired ones last.
        connected: whether a chain of votes joins any two rows; if not, ranks between parts mean nothing.
        bounded: whether more than the prior keeps every strength finite.
        outcomes: of the judges that are not suspended.
        judge_calls, cost_nano_units: of all judges, cost by currency.
        weight_residual: in parts; above 1 when the weights did not come to rest.
        effective_votes: how many independent votes would make strengths as sure.
        tie_parameter: Davidson's nu; None under half ties.
        settings: all that two boards made alike share, as plain data.
        clusters: None on a board made before this was kept.
        first_seat: what the first seat is worth before judges who look once, for which the strengths are corrected;
            None where every vote that counts was asked in both seat orders.
    """

    rows: tuple[Row, ...]
    connected: bool
    bounded: bool
    outcomes: Counts
    judge_calls: int
    cost_nano_units: Mapping[str, int]
    weight_iterations: int
    weight_residual: int
    effective_votes: float
    tie_parameter: float | None
    settings: Mapping[str, Any]
    settings_hash: Digest
    clusters: VoteClusters | None
    first_seat: SeatEffect | None = None

    @property
    def digest(self) -> Digest:
        """SHA-256 of the canonical JSON of models, strengths, intervals and ranks."""
        return digest_of(
            [
                {"model": row.model, "rank": row.rank, "strength": row.strength, "interval": [row.low, row.high]}
                for row in self.rows
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A board, what its rows met, and the fit behind it."""

    board: Board
    pairs: PairVotes
    fit: Fit


def rating(strength: float) -> float:
    """A strength on Elo's scale."""
    return RATING_OF_AVERAGE + RATING_PER_LOG_ODDS * strength


def make_board(counted: Counted, entrants: Iterable[Entrant], settings: FitSettings) -> Made:
    """Make the board of what counts through a round.

    Entrants that stood in no cell yet are left out; retired ones stay in the fit with all their votes. Votes of
    suspended judges are set aside: strengths and intervals are those of a log in which they never voted.

    Raises:
        StrangerVoted: a cell names a model that is no entrant.
        FitDidNotConverge: the fit met its limit.
    """
    of_model = {entrant.model: entrant for entrant in entrants}
    if strangers := [model for model in counted.votes.models if model not in of_model]:
        raise StrangerVoted(f"{', '.join(strangers)} stood in a cell, but was never admitted")
    heard = counted.without_judges({model for model, entrant in of_model.items() if entrant.suspended})
    found = fit(heard.evidence, settings)
    retired = np.array([of_model[model].retired for model in found.models], dtype=bool)
    suspended = np.array([of_model[model].suspended for model in found.models], dtype=bool)
    order = _order(found, retired)
    board = Board(
        rows=_rows(found, counted, heard, retired, suspended, order),
        connected=found.connection.connected,
        bounded=found.connection.bounded,
        outcomes=by_outcome(heard.outcomes.by_judge.sum(axis=0)),
        judge_calls=counted.spent.judge_calls,
        cost_nano_units=counted.spent.cost_nano_units,
        weight_iterations=found.judging.fits,
        weight_residual=found.judging.residual,
        effective_votes=found.effective_votes,
        tie_parameter=None if found.log_nu is None else exp(found.log_nu),
        settings=settings.echo(),
        settings_hash=settings.digest,
        clusters=VoteClusters(
            found.clusters.questions,
            found.clusters.judges,
            found.clusters.method,
            found.clusters.sampled,
            found.clusters.degrees,
        ),
        first_seat=found.first_seat,
    )
    return Made(board, pair_votes(found.half_wins, order), found)


def judge_weights(found: Fit, may_judge: BoolArray) -> IntArray:
    """Weights of the models as judges, in parts of mean 65,536 over those that may judge; shape (models,).

    A model that has not judged yet gets the weight that its strength implies, or the mean where
    strength implies none.
    """
    place = {judge: index for index, judge in enumerate(found.judges)}
    judges = np.array([place.get(model, -1) for model in found.models], dtype=np.int64)
    weights = np.full(len(found.models), float(ONE))
    if weigh := BY_STRENGTH.get(found.settings.weighting):
        raw = weigh(found.strengths)
        weights = raw * (ONE / np.mean(raw[judges >= 0])) if np.any(judges >= 0) else raw
    weights[judges >= 0] = found.judging.parts[judges[judges >= 0]]
    return _shared_out(weights, may_judge)


def by_outcome(numbers: IntArray) -> dict[Outcome, int]:
    """Numbers in the order of `Outcome`, by name."""
    return {outcome: int(number) for outcome, number in zip(Outcome, numbers, strict=True)}


def _shared_out(weights: FloatArray, counted: BoolArray) -> IntArray:
    """The weights of those that count, with mean 65,536; 0 for the others, and for what is less than a part."""
    parts = np.zeros(len(weights), dtype=np.int64)
    some = weights[counted]
    if not some.any():
        some = np.ones_like(some)
    some = np.where(some * (ONE * len(some)) < np.sum(some), 0.0, some)
    parts[counted] = in_parts(some)
    return parts


def _order(found: Fit, retired: BoolArray) -> IntArray:
    """Models in the order of rows; equal ones in canonical order."""
    unseen = found.votes == 0
    return np.lexsort((np.arange(len(retired)), -found.strengths, unseen, retired))


def _rows(
    found: Fit, counted: Counted, heard: Counted, retired: BoolArray, suspended: BoolArray, order: IntArray
) -> tuple[Row, ...]:
    """The rows in order.

    Args:
        counted, heard: with and without the outcomes that suspended judges gave.
    """
    half_wins = found.half_wins.sum(axis=1)
    votes = found.votes
    weights = judge_weights(found, ~(retired | suspended))
    rank_low, rank_high = found.ranks_among(~retired)
    groups = _groups(found, order[~retired[order]])
    parts = _parts_in_order(found.connection.part, order)
    by_judge = counted.outcomes.by_judge
    judge = {name: index for index, name in enumerate(counted.votes.judges)}
    nothing = np.zeros(len(Outcome), dtype=np.int64)
    rows = []
    for place, i in enumerate(order.tolist(), start=1):
        model = found.models[i]
        rank = 0 if retired[i] else place
        rows.append(
            Row(
                model=model,
                rank=rank,
                strength=float(found.strengths[i]),
                low=float(found.low[i]),
                high=float(found.high[i]),
                votes=int(votes[i]),
                half_wins=int(half_wins[i]),
                judge_weight=int(weights[i]),
                retired=bool(retired[i]),
                # A model without votes stands last whatever its strength.
                rank_low=min(int(rank_low[i]), rank),
                rank_high=max(int(rank_high[i]), rank),
                group=int(groups[i]),
                part=int(parts[i]),
                undefeated=i in found.connection.undefeated,
                winless=i in found.connection.winless,
                contested=by_outcome(heard.outcomes.by_model[i]),
                judged=by_outcome(by_judge[judge[model]] if model in judge else nothing),
                suspended=bool(suspended[i]),
            )
        )
    return tuple(rows)


def _groups(found: Fit, active: IntArray) -> IntArray:
    """Group of each model that is not retired, 0 for the others; `active` is best first."""
    groups = np.zeros(len(found.models), dtype=np.int64)
    groups[active] = separation_among(found, active).groups
    return groups


def separation_among(found: Fit, models: IntArray) -> Separation:
    """Which of some models, given best first, can be told apart; in that order."""
    return separation(
        found.strengths[models],
        found.covariance_of_pairs[np.ix_(models, models)],
        found.clusters.degrees,
        found.settings.confidence,
        np.arange(len(models)),
    )


def _parts_in_order(part: IntArray, order: IntArray) -> IntArray:
    """Parts numbered from 1 in the order of the rows."""
    numbers: dict[int, int] = {}
    for of_row in part[order].tolist():
        numbers.setdefault(of_row, len(numbers) + 1)
    return np.array([numbers[of_model] for of_model in part.tolist()], dtype=np.int64)
