"""Many boards of the same models at once: other votes, the same judge weights.

What a bootstrap, a bound or a board without one judge differ in are sums of votes over pairs of models (and
judges, where their slopes differ). So votes are summed up once, by whatever groups the boards are made of,
and Newton's method runs on all boards side by side, started from the board of all votes.

Judge weights, slopes and influence, and what the first seat is worth, are held as that board has them; a full fit
would weigh again. Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.sparse import csr_array

from dearena.outcomes import Outcome
from dearena.scoring.arrays import ONE, BoolArray, Codes, FloatArray, IntArray, OutcomeCodes
from dearena.scoring.evidence import Evidence
from dearena.scoring.first_seat import SeatEffect, seats_of_one_look
from dearena.scoring.fit import Fit, fit
from dearena.scoring.outcomes import CODES
from dearena.scoring.residuals import EXACT_BITS, JudgeFactors
from dearena.scoring.settings import FitSettings
from dearena.scoring.strengths import GAIN_TOLERANCE, STEP_LIMIT, FitDidNotConverge
from dearena.scoring.ties import chances
from dearena.scoring.votes import Votes
from dearena.scoring.weightings import RELIABILITY

AT_ONCE: Final = 2**21
"""Numbers in a table of boards (16 MB); more boards than fit are taken in turns."""


def fit_without_style(evidence: Evidence | Votes, settings: FitSettings | None, found: Fit | None) -> Fit:
    """The fit found already, unless it controls for style: what is summed up by pair knows no style."""
    if found is None:
        return fit(evidence, settings)
    return fit(evidence, found.settings) if found.coefficients else found


def held_factors(found: Fit) -> JudgeFactors:
    """How judges entered a fit, from what it published."""
    judging = found.judging
    if found.settings.weighting != RELIABILITY:
        return JudgeFactors(judging.parts / ONE)
    influence = None if judging.influence is None else judging.influence / ONE
    return JudgeFactors(np.ones(len(judging.parts)), judging.parts / ONE, influence)


def vote_weights(votes: Votes, factors: JudgeFactors) -> FloatArray:
    """Weight of each vote, its judge's influence on the two models included; shape (votes,)."""
    weight = factors.weight[votes.judge]
    if factors.influence is not None:
        weight = weight * factors.influence[votes.judge, votes.first] * factors.influence[votes.judge, votes.second]
    return weight if votes.weight is None else weight * (votes.weight * votes.unit)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums of weights by board and row of `Rows`: dense, or sparse by group; shape (boards, rows).

    Attributes:
        votes: of all votes.
        half_wins: of those for the row's first model, a tie half.
        ties: of ties.
    """

    votes: Any
    half_wins: Any
    ties: Any

    def map(self, change: Callable[[Any], Any]) -> "Sums":
        """The same change to each of the three."""
        return Sums(change(self.votes), change(self.half_wins), change(self.ties))

    def combined(self, multiplicity: FloatArray) -> "Sums":
        """Boards that hold each group as often as it says; shape (boards, groups)."""
        return self.map(lambda table: np.asarray((table.T @ multiplicity.T).T, dtype=np.float64))

    def total(self) -> "Sums":
        """Of all groups, as one board."""
        return self.map(lambda table: np.asarray(table.sum(axis=0), dtype=np.float64).reshape(1, -1))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What chances depend on: the pair, the judge where slopes differ, and the seats where judges looked once.

    Attributes:
        models: how many.
        first, second: of each row, first below second.
        slope: of each row's judge; None: 1.
        of_vote: row of each vote.
        turned: whether the vote names the row's second model first.
        weight: of each vote in whole steps, so that sums are exact in any order.
        step: what one step weighs.
        offset: log-odds that the row's first model gains by its seat; None: nothing.
    """

    models: int
    first: IntArray
    second: IntArray
    slope: FloatArray | None
    of_vote: IntArray
    turned: BoolArray
    weight: FloatArray
    step: float
    offset: FloatArray | None = None

    @classmethod
    def of(cls, votes: Votes, factors: JudgeFactors, most: int, first_seat: SeatEffect | None = None) -> Self:
        """Rows of votes of any outcome.

        Args:
            most: votes, counted as often as they are repeated, that are ever summed up.
            first_seat: what the first seat is worth; None: nothing, or it is left.
        """
        n = len(votes.models)
        low, high = np.minimum(votes.first, votes.second), np.maximum(votes.first, votes.second)
        key = low.astype(np.int64) * n + high
        if factors.slope is not None:
            key = votes.judge * np.int64(n * n) + key
        seat = seats_of_one_look(votes) if first_seat is not None else None
        if seat is not None:
            key = 3 * key + np.where(votes.first > votes.second, 1 - seat, 1 + seat).astype(np.int64)
        keys, of_vote = np.unique(key, return_inverse=True)
        offset = None
        if seat is not None and first_seat is not None:
            keys, side = np.divmod(keys, 3)
            offset = first_seat.log_odds * (side - 1.0)
        pair = keys % max(n * n, 1)
        weight = vote_weights(votes, factors)
        step = 2.0 ** -np.floor(EXACT_BITS - np.log2(max(most, 1) * max(float(np.max(weight, initial=0.0)), 1e-300)))
        return cls(
            models=n,
            first=pair // max(n, 1),
            second=pair % max(n, 1),
            slope=None if factors.slope is None else factors.slope[keys // (n * n)],
            of_vote=of_vote,
            turned=votes.first > votes.second,
            weight=np.rint(weight / step),
            step=float(step),
            offset=offset,
        )

    def sums(self, votes: IntArray | slice, outcome: OutcomeCodes, group: Codes | IntArray, groups: int) -> Sums:
        """Sums of some votes by group; sparse.

        Args:
            votes: which of them.
            outcome: of these, preferences only.
            group: of these.
        """
        weight, tie = self.weight[votes], outcome == CODES[Outcome.TIE]
        won = np.where(tie, 0.5, (outcome == CODES[Outcome.A]) != self.turned[votes])
        return self.summed(group, groups, self.of_vote[votes], weight, won * weight, tie * weight)

    def summed(
        self,
        group: Codes | IntArray,
        groups: int,
        row: IntArray,
        votes: FloatArray,
        half_wins: FloatArray,
        ties: FloatArray,
    ) -> Sums:
        """Sums of numbers in steps by group and row; sparse, in weights."""
        shape = (groups, len(self.first))
        return Sums(
            *(csr_array((values, (group, row)), shape=shape) * self.step for values in (votes, half_wins, ties))
        )


def refit(rows: Rows, boards: Sums, found: Fit) -> FloatArray:
    """Strengths of each board, mean 0; shape (boards, models).

    Args:
        boards: dense sums.
        found: the fit to start from, whose prior and tie rule hold.

    Raises:
        FitDidNotConverge: a board has no maximum within `STEP_LIMIT` steps.
    """
    surface = _Boards(rows, found)
    return _in_turns(
        rows, len(boards.votes), lambda turn: surface.fitted(boards.map(lambda table: np.asarray(table[turn])))
    )


def refit_combined(rows: Rows, groups: Sums, multiplicity: FloatArray, found: Fit) -> FloatArray:
    """As `refit`, on boards that hold each group of votes as often as it says; shape (boards, groups)."""
    surface = _Boards(rows, found)
    return _in_turns(rows, len(multiplicity), lambda turn: surface.fitted(groups.combined(multiplicity[turn])))


def _in_turns(rows: Rows, boards: int, fitted: Callable[[slice], FloatArray]) -> FloatArray:
    at_once = max(AT_ONCE // max(len(rows.first), rows.models**2, 1), 1)
    parts = [fitted(slice(begin, begin + at_once)) for begin in range(0, boards, at_once)]
    return np.concatenate(parts) if parts else np.zeros((0, rows.models))


class _Boards:
    """The log-posteriors of several boards over strengths, then log nu where there is one."""

    def __init__(self, rows: Rows, found: Fit) -> None:
        self._rows = rows
        self._precision = found.settings.prior_deviation**-2
        self._with_nu = found.log_nu is not None
        start = found.strengths - np.mean(found.strengths)
        self._start = start if found.log_nu is None else np.append(start, found.log_nu)
        slope = np.ones(len(rows.first)) if rows.slope is None else rows.slope
        self._slope = slope
        place, n = np.arange(len(slope)), rows.models
        both = np.concatenate([rows.first, rows.second])
        twice = np.concatenate([place, place])
        # Differences of a row, and what a row adds to the curvature by its two models.
        self._differ = csr_array((np.concatenate([slope, -slope]), (twice, both)), shape=(len(slope), n))
        entry = np.concatenate([both * (n + 1), rows.first * n + rows.second, rows.second * n + rows.first])
        square = np.concatenate([slope**2, slope**2, -(slope**2), -(slope**2)])
        self._adds = csr_array((square, (entry, np.concatenate([twice, twice]))), shape=(n * n, len(slope)))

    def fitted(self, boards: Sums) -> FloatArray:
        """As `strengths.fit_strengths`, from another start."""
        place = np.tile(self._start, (len(boards.votes), 1))
        tolerance = GAIN_TOLERANCE * (1 + np.sum(boards.votes, axis=1))
        close = False
        for _ in range(STEP_LIMIT):
            change, gain = self._newton_step(place, boards)
            place = place + change
            if close:
                strengths = place[:, : self._rows.models]
                return np.asarray(strengths - np.mean(strengths, axis=1, keepdims=True))
            close = bool(np.all(gain <= tolerance))
        raise FitDidNotConverge(f"no maximum within {STEP_LIMIT} Newton steps on one of {len(place)} boards")

    def _newton_step(self, place: FloatArray, boards: Sums) -> tuple[FloatArray, FloatArray]:
        n = self._rows.models
        log_nu = place[:, n:] if self._with_nu else None
        differences = self._differences(place)
        if self._rows.offset is not None:
            differences = differences + self._rows.offset
        at = chances(differences, log_nu)  # type: ignore[arg-type]  # one a board
        gradient = -self._precision * place
        gradient[:, :n] += (self._differ.T @ (boards.half_wins - boards.votes * at.mean).T).T
        matrix = np.zeros((len(place), place.shape[1], place.shape[1]))
        matrix[:, :n, :n] = (self._adds @ (boards.votes * at.slope).T).T.reshape(-1, n, n)
        if self._with_nu:
            gradient[:, n] += np.sum(boards.ties - boards.votes * at.tie, axis=1)
            shared = (self._differ.T @ (boards.votes * at.tie * (0.5 - at.mean)).T).T
            matrix[:, :n, n] = matrix[:, n, :n] = shared
            matrix[:, n, n] = np.sum(boards.votes * at.tie * (1 - at.tie), axis=1)
        diagonal = np.arange(place.shape[1])
        matrix[:, diagonal, diagonal] += self._precision
        full: FloatArray = np.linalg.solve(matrix, gradient[:, :, None])[:, :, 0].astype(np.float64, copy=False)
        reach = np.max(np.abs(self._differences(full)), axis=1, initial=0.0)
        if self._with_nu:
            reach += np.abs(full[:, n])
        damping = np.where(reach > 0, np.log1p(reach) / np.where(reach > 0, reach, 1.0), 1.0)
        return full * damping[:, None], np.sum(gradient * full, axis=1)

    def _differences(self, place: FloatArray) -> FloatArray:
        return np.asarray((self._differ @ place[:, : self._rows.models].T).T)
