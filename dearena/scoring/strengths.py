"""Bradley-Terry strengths: the maximum of a log-likelihood of weighted votes, with a weak prior.

The model (Bradley and Terry, Biometrika 39, 1952): the mean of a vote depends on the difference of two
strengths, times the slope of the judge, plus what covariates add; `ties.chances` says how. Strengths have the
prior N(0, prior_deviation^2), which keeps undefeated models and boards of several parts finite and, since
wins and losses cancel in the sum of the gradient, sets the mean of the strengths to 0. The logarithm of
Davidson's tie parameter and the coefficients of covariates have the same prior.

Every fit starts cold, from zero, and follows a fixed rule. Pure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.linalg

from dearena.faults import ArenaFault
from dearena.scoring.arrays import FloatArray
from dearena.scoring.cells import Cells
from dearena.scoring.ties import DAVIDSON, Chances, chances

GAIN_TOLERANCE: Final = 1e-16
"""Log-posterior that a step may still gain, per unit of weight, for the next step to be the last.

That is where rounding hides it. Newton's method squares its error with each step, so the last one ends
far below a billionth of a log-odds; a rule on the length of steps would wait for ever on a board
where a million votes stand against a weak prior.
"""

STEP_LIMIT: Final = 100
"""Of Newton steps. Boards need about ten, one-sided ones 40; meeting the limit is a fault."""


class FitDidNotConverge(ArenaFault):
    """Newton's method met its limit; the board would mean nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class StrengthFit:
    """Where the log-posterior is largest.

    Attributes:
        strengths: in log-odds, mean 0, shape (models,).
        log_nu: logarithm of Davidson's tie parameter; None under the half rule.
        coefficients: of the covariates, in log-odds a unit; shape (covariates,).
        curvature: negative second derivative of the log-posterior, by the strengths, then `log_nu` if
            there is one, then the coefficients; positive definite.
        steps: Newton steps made.
    """

    strengths: FloatArray
    log_nu: float | None
    coefficients: FloatArray
    curvature: FloatArray
    steps: int


def fit_strengths(cells: Cells, prior_deviation: float, ties: str = "half") -> StrengthFit:
    """Strengths under which the votes are likeliest.

    Args:
        cells: weighted votes.
        prior_deviation: standard deviation of the prior on each parameter, in log-odds.
        ties: one of `ties.TIE_RULES`.

    Raises:
        FitDidNotConverge: after `STEP_LIMIT` steps.
    """
    surface = _Surface(cells, prior_deviation**-2, with_nu=ties == DAVIDSON)
    tolerance = GAIN_TOLERANCE * (1 + float(np.sum(cells.votes)))
    place = np.zeros(surface.parameters)
    close = False
    for step in range(1, STEP_LIMIT + 1):
        change, gain = surface.newton_step(place)
        place = place + change
        if close:
            return surface.described(place, step)
        close = gain <= tolerance
    raise FitDidNotConverge(f"no maximum within {STEP_LIMIT} Newton steps on a board of {cells.models} models")


class _Surface:
    """The log-posterior over all parameters: strengths, then log nu, then coefficients."""

    def __init__(self, cells: Cells, precision: float, *, with_nu: bool) -> None:
        self._cells = cells
        self._precision = precision
        self._nu = cells.models if with_nu else None
        self._first_coefficient = cells.models + with_nu
        self._columns = None if cells.covariates is None else np.ascontiguousarray(cells.covariates.T)
        self.parameters = self._first_coefficient + (0 if self._columns is None else len(self._columns))
        self._votes = cells.votes
        self._half_wins = cells.wins_first + cells.ties / 2
        pair = cells.first * cells.models + cells.second
        # Rows of one pair often stand together, and are summed before they are dealt out to the models.
        self._starts = np.flatnonzero(np.diff(pair, prepend=-1))
        self._pair, self._first, self._second = (
            pair[self._starts],
            cells.first[self._starts],
            cells.second[self._starts],
        )

    def newton_step(self, place: FloatArray) -> tuple[FloatArray, float]:
        """The damped step, and twice what the full step gains in log-posterior.

        A full step can overshoot where the evidence is one-sided. Let r be the largest change of a
        difference between two models that met: shortened by log(1 + r) / r the step never lowers the
        likelihood, and loses nothing close to the maximum (Sun and Tran-Dinh, Generalized self-concordant
        functions, Math. Program. 178, 2019; the logistic loss is of their order 2).
        """
        at = self._chances(place)
        gradient = self._gradient(place, at)
        full = scipy.linalg.solve(self._curvature(at), gradient, assume_a="pos", check_finite=False)
        reach = float(np.max(np.abs(self._differences(full)), initial=0.0))
        if self._nu is not None:
            reach += abs(float(full[self._nu]))
        damped = full * (np.log1p(reach) / reach) if reach > 0 else full
        return damped, float(gradient @ full)

    def described(self, place: FloatArray, steps: int) -> StrengthFit:
        """The place as a fit."""
        n = self._cells.models
        strengths = place[:n]
        return StrengthFit(
            strengths=strengths - np.sum(strengths) / max(n, 1),
            log_nu=None if self._nu is None else float(place[self._nu]),
            coefficients=place[self._first_coefficient :],
            curvature=self.curvature(place),
            steps=steps,
        )

    def curvature(self, place: FloatArray) -> FloatArray:
        """Negative second derivative there."""
        return self._curvature(self._chances(place))

    def _differences(self, place: FloatArray) -> FloatArray:
        """What decides each row's chances; linear in the parameters."""
        cells = self._cells
        difference = place[cells.first] - place[cells.second]
        if cells.slope is not None:
            difference = difference * cells.slope
        if self._columns is not None:
            difference = difference + place[self._first_coefficient :] @ self._columns
        return difference

    def _chances(self, place: FloatArray) -> Chances:
        return chances(self._differences(place), None if self._nu is None else float(place[self._nu]))

    def _gradient(self, place: FloatArray, at: Chances) -> FloatArray:
        cells = self._cells
        surplus = self._half_wins - self._votes * at.mean
        gradient = -self._precision * place
        gradient[: cells.models] += self._by_model(surplus)
        if self._nu is not None:
            gradient[self._nu] += np.sum(cells.ties - self._votes * at.tie)
        if self._columns is not None:
            gradient[self._first_coefficient :] += self._columns @ surplus
        return gradient

    def _curvature(self, at: Chances) -> FloatArray:
        cells, n, c = self._cells, self._cells.models, self._first_coefficient
        weight = self._votes * at.slope
        matrix = np.zeros((self.parameters, self.parameters))
        of_pairs = weight if cells.slope is None else weight * cells.slope**2
        laplacian = np.bincount(self._pair, self._of_runs(of_pairs), minlength=n * n).reshape(n, n)
        laplacian += laplacian.T
        matrix[:n, :n] = np.diag(np.sum(laplacian, axis=1)) - laplacian
        if self._nu is not None:
            # Of a tie and the half-win: P(tie) (1/2 - mean).
            shared = self._votes * at.tie * (0.5 - at.mean)
            matrix[:n, self._nu] = self._by_model(shared)
            matrix[self._nu, self._nu] = np.sum(self._votes * at.tie * (1 - at.tie))
            if self._columns is not None:
                matrix[self._nu, c:] = self._columns @ shared
        if self._columns is not None:
            for number, column in enumerate(self._columns, start=c):
                weighed = weight * column
                matrix[:n, number] = self._by_model(weighed)
                matrix[number, c:] = self._columns @ weighed
        if self.parameters > n:
            upper = np.triu(matrix, 1)
            matrix = upper + upper.T + np.diag(np.diag(matrix))
        matrix[np.diag_indices(self.parameters)] += self._precision
        return matrix

    def _by_model(self, of_rows: FloatArray) -> FloatArray:
        """Sum over the rows of `of_rows * slope * (e_first - e_second)`; shape (models,)."""
        cells = self._cells
        if cells.slope is not None:
            of_rows = of_rows * cells.slope
        of_runs = self._of_runs(of_rows)
        gained = np.bincount(self._first, of_runs, minlength=cells.models)
        return np.asarray(gained - np.bincount(self._second, of_runs, minlength=cells.models), dtype=np.float64)

    def _of_runs(self, of_rows: FloatArray) -> FloatArray:
        """Sums over rows of one pair that follow one another."""
        return of_rows if len(self._starts) == len(of_rows) else np.add.reduceat(of_rows, self._starts)


def curvature_at(cells: Cells, strengths: FloatArray, log_nu: float | None, precision: float) -> FloatArray:
    """Negative second derivative of the log-posterior at given strengths; no covariates."""
    surface = _Surface(cells, precision, with_nu=log_nu is not None)
    place = strengths if log_nu is None else np.append(strengths, log_nu)
    return surface.curvature(place)
