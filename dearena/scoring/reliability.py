"""`reliability`: how sharply each judge tells models apart, found jointly with the strengths.

Judge j prefers a to b with the mean of a difference of `beta_j (theta_a - theta_b)`; its discrimination beta_j
is at least 0, and 1 on average (judge-aware Bradley-Terry-Luce, arXiv 2601.21817). Who votes at random, or
against the rest, comes to count nothing. Who favours a model or a family does not: beside its discrimination,
each judge has an influence for each model (`influence`). Together they solve

- strengths: the maximum of the log-posterior of votes counted by the influences on their two models;
- discriminations: the maximum of the log-likelihood of all votes and of the prior N(1, DISCRIMINATION_DEVIATION^2),
  under their two conditions. All votes: were those who part from the rest listened to less here too, the prior
  would clear them;
- influences: those that the surpluses under both ask for.

As whole parts of 65,536 both are exact, and the strengths are the fit under precisely these. Pure.
"""

from dataclasses import dataclass, fields, replace
from typing import Final, NamedTuple, Self

import numpy as np
import scipy.linalg

from dearena.outcomes import Outcome
from dearena.scoring.answer_pairs import AnswerPairs
from dearena.scoring.arrays import ONE, BoolArray, FloatArray, IntArray
from dearena.scoring.cells import Cells
from dearena.scoring.fixed_point import RESIDUAL_TOLERANCE
from dearena.scoring.influence import Surplus, influence
from dearena.scoring.mixing import Mixing
from dearena.scoring.outcomes import CODES
from dearena.scoring.strengths import StrengthFit, fit_strengths
from dearena.scoring.ties import HALF, chances
from dearena.scoring.votes import Votes
from dearena.scoring.weightings import in_parts

DISCRIMINATION_DEVIATION: Final = 0.3
"""Of the prior on a discrimination around 1. A wider one learns sooner who votes at random, and takes more from
honest judges with few votes."""

PASS_LIMIT: Final = 1_000
"""Of passes over the votes. Boards need about 20, and few need hundreds; where the limit is met, the residual on
the board says so."""

STILL: Final = 0.1 / ONE
"""No pass moves anything by as much: a tenth of a part, hence rounding to parts is all that is left."""

SMALLEST_DISCRIMINATION: Final = 2 / ONE
"""Smaller ones, which rounding might not tell from none, are none."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPairs:
    """Sums of weights of the votes of one judge on one pair, a row each, in canonical order.

    Attributes:
        judge, first, second: indices, shape (rows,).
        wins_first, wins_second, ties: shape (rows,).
        covariates: what else moves a vote, shape (rows, covariates); None: nothing.
    """

    judge: IntArray
    first: IntArray
    second: IntArray
    wins_first: FloatArray
    wins_second: FloatArray
    ties: FloatArray
    covariates: FloatArray | None = None

    @classmethod
    def of(cls, votes: Votes) -> Self:
        """Sum votes up: preferences only. Sums of whole units are exact, whatever the order of the votes."""
        n = len(votes.models)
        low, high = np.minimum(votes.first, votes.second), np.maximum(votes.first, votes.second)
        key = (low.astype(np.int64) * n + high) * max(len(votes.judges), 1) + votes.judge
        rows, row = np.unique(key, return_inverse=True)
        tied = votes.outcome == CODES[Outcome.TIE]
        won_by_low = (votes.outcome == CODES[Outcome.A]) == (votes.first == low)
        counted = np.bincount(3 * row + np.where(tied, 2, ~won_by_low), votes.weight, minlength=3 * len(rows))
        sums = counted.reshape(-1, 3).T.astype(np.float64) * votes.unit
        pair, judge = np.divmod(rows, max(len(votes.judges), 1))
        return cls(judge, *np.divmod(pair, max(n, 1)), *sums)

    @classmethod
    def of_answers(cls, votes: Votes, covariates: FloatArray) -> Self:
        """The same by pair of answers, where covariates of each vote, shape (votes, covariates), tell these apart."""
        answers = AnswerPairs.of(votes, covariates)
        pair, winner = np.divmod(answers.place, 3)
        rows, row = np.unique(pair * max(len(votes.judges), 1) + votes.judge, return_inverse=True)
        counted = np.bincount(3 * row + winner, votes.weight, minlength=3 * len(rows))
        first, second, ties = counted.reshape(-1, 3).T.astype(np.float64) * votes.unit
        of_row, judge = np.divmod(rows, max(len(votes.judges), 1))
        return cls(
            judge, answers.first[of_row], answers.second[of_row], first, second, ties, answers.covariates[of_row]
        )

    def cells(self, models: int) -> Cells:
        """The rows as the strengths' fit takes them."""
        return Cells(
            models, self.first, self.second, self.wins_first, self.wins_second, self.ties, covariates=self.covariates
        )

    def tallies(self, models: int) -> FloatArray:
        """Summed over judges, by outcome and ordered pair, shape (3, models, models)."""
        pair = self.first * models + self.second
        columns = (self.wins_first, self.wins_second, self.ties)
        sums = [np.bincount(pair, column, minlength=models * models) for column in columns]
        return np.array(sums, dtype=np.float64).reshape(3, models, models)


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Strengths, and the judges they rest on.

    Attributes:
        fit: the strengths under `discrimination` and `influence`.
        discrimination: of each judge, in parts of 65,536, at least 0, with mean 65,536 over the judges who
            voted; 65,536 for those who did not.
        influence: share of a judge's votes on a model that is listened to, in parts of 65,536, 0 .. 65,536;
            shape (judges, models).
        iterations: passes made over the votes.
        residual: by how much, in parts, one pass more would still move anything. Rounding to parts, and the
            strengths that follow from it, come after.
    """

    fit: StrengthFit
    discrimination: IntArray
    influence: IntArray
    iterations: int
    residual: int

    @property
    def strengths(self) -> FloatArray:
        """In log-odds, mean 0, shape (models,)."""
        return self.fit.strengths

    @property
    def settled(self) -> bool:
        """Whether all stands still; if not, the board must say so."""
        return self.residual <= RESIDUAL_TOLERANCE


def fit_reliability(
    pairs: JudgedPairs, judges: int, models: int, prior_deviation: float, ties: str = HALF
) -> Reliability:
    """Fit strengths, discriminations and influences from a cold start, by a fixed rule.

    Args:
        pairs: weighted votes.
        judges, models: how many there are.
        prior_deviation: standard deviation of the prior on each strength, in log-odds.
        ties: one of `ties.TIE_RULES`.

    Raises:
        FitDidNotConverge: the strengths have no maximum under some discriminations and influences.
    """
    start = fit_strengths(Cells.of_pairs(pairs.tallies(models)), prior_deviation, ties)
    search = _Search(pairs, judges, models, prior_deviation**-2)
    found = search.rest(start)
    discrimination, shares = search.parts(found.place)
    exact = replace(found.place, discrimination=discrimination / ONE, influence=shares / ONE)
    cells = pairs.cells(models).weighed(search.counted(exact), search.slopes(exact))
    return Reliability(
        fit=fit_strengths(cells, prior_deviation, ties),
        discrimination=discrimination,
        influence=shares,
        iterations=found.passes,
        residual=int(np.ceil(found.movement * ONE)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where the search is.

    Attributes:
        strengths: shape (models,).
        discrimination: mean 1 over the judges who voted, shape (judges,).
        influence: shape (judges, models).
        log_nu: logarithm of Davidson's tie parameter, shape (1,); empty under the half rule.
        coefficients: of the covariates, shape (covariates,).
    """

    strengths: FloatArray
    discrimination: FloatArray
    influence: FloatArray
    log_nu: FloatArray
    coefficients: FloatArray

    def numbers(self) -> FloatArray:
        """All in one row."""
        return np.concatenate([getattr(self, field.name).ravel() for field in fields(self)])

    def moved_to(self, numbers: FloatArray) -> "_Place":
        """The place of other numbers."""
        moved, at = {}, 0
        for field in fields(self):
            held = getattr(self, field.name)
            moved[field.name] = numbers[at : at + held.size].reshape(held.shape)
            at += held.size
        return _Place(**moved)


class _Rest(NamedTuple):
    """Where a search came to rest: after how many passes, and by how much the last one still moved something."""

    place: _Place
    passes: int
    movement: float


class _Search:
    """One pass over the votes moves strengths, discriminations and influences a step, all from the same residuals."""

    def __init__(self, pairs: JudgedPairs, judges: int, models: int, precision: float) -> None:
        self._pairs = pairs
        self._shape = (judges, models)
        self._precision = precision
        self._votes = pairs.wins_first + pairs.wins_second + pairs.ties
        self._half_wins = pairs.wins_first + pairs.ties / 2
        self._pair = pairs.first * models + pairs.second
        self._of_first = pairs.judge * models + pairs.first
        self._of_second = pairs.judge * models + pairs.second
        self._seen: BoolArray = np.asarray(self._by_judge_and_model(self._votes, self._votes) > 0)
        self._voted: BoolArray = np.asarray(self._seen.any(axis=1))

    def rest(self, start: StrengthFit) -> _Rest:
        """Pass from equal judges until all is still, or the limit is met."""
        judges, models = self._shape
        covariates = self._pairs.covariates
        place = _Place(
            strengths=start.strengths,
            discrimination=np.ones(judges),
            influence=np.ones((judges, models)),
            log_nu=np.zeros(0) if start.log_nu is None else np.array([start.log_nu]),
            coefficients=np.zeros(0 if covariates is None else covariates.shape[1]),
        )
        mixing = Mixing()
        passes = 0
        while True:
            implied = self._implied(place)
            passes += 1
            before, after = place.numbers(), implied.numbers()
            movement = float(np.max(np.abs(after - before), initial=0.0))
            if movement < STILL or passes == PASS_LIMIT:
                return _Rest(implied, passes, movement)
            place = self._in_bounds(place.moved_to(mixing.next(before, after)))

    def _implied(self, at: _Place) -> _Place:
        """One pass."""
        pairs = self._pairs
        slope, counted = self.slopes(at), self.counted(at)
        difference = at.strengths[pairs.first] - at.strengths[pairs.second]
        moved = slope * difference
        if pairs.covariates is not None:
            moved += pairs.covariates @ at.coefficients
        mean, spread, tie = chances(moved, float(at.log_nu[0]) if len(at.log_nu) else None)
        surplus = self._half_wins - self._votes * mean
        variance = self._votes * spread
        return _Place(
            strengths=self._strengths(at, counted * slope * surplus, counted * np.square(slope) * variance),
            discrimination=self._discriminations(at, surplus * difference, variance * np.square(difference)),
            influence=influence(
                Surplus(
                    total=self._by_judge_and_model(surplus, -surplus),
                    variance=self._by_judge_and_model(variance, variance),
                    seen=self._seen,
                )
            ),
            log_nu=self._log_nu(at, counted, tie),
            coefficients=self._coefficients(at, counted * surplus, counted * variance),
        )

    def slopes(self, at: _Place) -> FloatArray:
        """Discrimination of each row's judge."""
        return at.discrimination[self._pairs.judge]

    def counted(self, at: _Place) -> FloatArray:
        """How much of each row is listened to."""
        shares = at.influence.ravel()
        return np.asarray(shares[self._of_first] * shares[self._of_second])

    def parts(self, at: _Place) -> tuple[IntArray, IntArray]:
        """Discriminations and influences in parts of 65,536; of the former, the smallest are none."""
        discrimination = np.full(self._shape[0], ONE, dtype=np.int64)
        if self._voted.any():
            among = at.discrimination[self._voted]
            discrimination[self._voted] = in_parts(np.where(among < SMALLEST_DISCRIMINATION, 0.0, among))
        return discrimination, np.rint(at.influence * ONE).astype(np.int64)

    def _strengths(self, at: _Place, pull: FloatArray, weight: FloatArray) -> FloatArray:
        """After a Newton step, damped as in `strengths`."""
        n = self._shape[1]
        gradient = self._by_model(pull) - self._precision * at.strengths
        laplacian = np.bincount(self._pair, weight, minlength=n * n).reshape(n, n)
        laplacian = laplacian + laplacian.T
        curvature = np.diag(np.sum(laplacian, axis=1) + self._precision) - laplacian
        step = scipy.linalg.solve(curvature, gradient, assume_a="pos", check_finite=False)
        return at.strengths + step * _damping(_width(step) * float(np.max(at.discrimination, initial=0.0)))

    def _discriminations(self, at: _Place, pull: FloatArray, weight: FloatArray) -> FloatArray:
        """Likewise, kept at least 0 and with mean 1 over the judges who voted."""
        judge, judges = self._pairs.judge, self._shape[0]
        prior = DISCRIMINATION_DEVIATION**-2
        gradient = np.bincount(judge, pull, minlength=judges) - prior * (at.discrimination - 1)
        curvature: FloatArray = np.asarray(np.bincount(judge, weight, minlength=judges) + prior, dtype=np.float64)
        aim = at.discrimination.copy()
        voted = self._voted
        peak = np.asarray(at.discrimination + gradient / curvature, dtype=np.float64)
        aim[voted] = nearest_of_mean_one(peak[voted], curvature[voted])
        step = aim - at.discrimination
        return at.discrimination + step * _damping(float(np.max(np.abs(step), initial=0.0)) * _width(at.strengths))

    def _log_nu(self, at: _Place, counted: FloatArray, tie: FloatArray) -> FloatArray:
        if not len(at.log_nu):
            return at.log_nu
        gradient = np.sum(counted * (self._pairs.ties - self._votes * tie)) - self._precision * at.log_nu
        curvature = np.sum(counted * self._votes * tie * (1 - tie)) + self._precision
        step = gradient / curvature
        return np.asarray(at.log_nu + step * _damping(abs(float(step[0]))))

    def _coefficients(self, at: _Place, pull: FloatArray, weight: FloatArray) -> FloatArray:
        columns = self._pairs.covariates
        if columns is None:
            return at.coefficients
        gradient = columns.T @ pull - self._precision * at.coefficients
        curvature = (columns * weight[:, None]).T @ columns + self._precision * np.eye(columns.shape[1])
        step = np.linalg.solve(curvature, gradient)
        reach = float(np.max(np.abs(columns @ step), initial=0.0))
        return np.asarray(at.coefficients + step * _damping(reach))

    def _by_model(self, of_rows: FloatArray) -> FloatArray:
        n = self._shape[1]
        gained = np.bincount(self._pairs.first, of_rows, minlength=n)
        return np.asarray(gained - np.bincount(self._pairs.second, of_rows, minlength=n), dtype=np.float64)

    def _by_judge_and_model(self, to_first: FloatArray, to_second: FloatArray) -> FloatArray:
        judges, models = self._shape
        sums = np.bincount(self._of_first, to_first, minlength=judges * models)
        sums = sums + np.bincount(self._of_second, to_second, minlength=judges * models)
        return np.asarray(sums.reshape(judges, models), dtype=np.float64)

    def _in_bounds(self, at: _Place) -> _Place:
        """Mixing steps over bounds at times."""
        discrimination = np.maximum(at.discrimination, 0.0)
        mean = np.sum(discrimination[self._voted]) / max(np.count_nonzero(self._voted), 1)
        if mean > 0:
            discrimination[self._voted] /= mean
        return replace(at, discrimination=discrimination, influence=np.clip(at.influence, 0.0, 1.0))


def nearest_of_mean_one(aim: FloatArray, curvature: FloatArray) -> FloatArray:
    """The numbers of mean 1, none below 0, that maximise a sum of parabolas with these peaks and curvatures.

    Numbers that would fall below 0 stay there, which only lowers the others (Michelot, J. Optim. Theory
    Appl. 50, 1986).
    """
    above = np.ones(len(aim), dtype=bool)
    while True:
        excess = np.sum(aim[above]) - len(aim)
        found = np.where(above, aim - excess / (np.sum(1 / curvature[above]) * curvature), 0.0)
        if not np.any(found < 0):
            return found
        above &= found >= 0


def _width(values: FloatArray) -> float:
    return float(np.max(values) - np.min(values)) if len(values) else 0.0


def _damping(reach: float) -> float:
    """Share of a step that never overshoots, when the step changes differences in log-odds by at most `reach`."""
    return float(np.log1p(reach) / reach) if reach > 0 else 1.0
