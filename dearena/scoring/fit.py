"""Votes into scores: strengths, judge weights, and how sure all of it is.

One call for everybody: the scorer's boards, `dearena fit` on a file, and whoever imports it. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import expit

from dearena.scoring.answer_pairs import AnswerPairs
from dearena.scoring.arrays import ONE, BoolArray, FloatArray, IntArray
from dearena.scoring.cells import Cells
from dearena.scoring.connection import Connection, connection
from dearena.scoring.evidence import Evidence, preferences
from dearena.scoring.few_clusters import widened
from dearena.scoring.first_seat import CORRECT, SeatEffect, seats_of_one_look
from dearena.scoring.fixed_point import RESIDUAL_TOLERANCE, settle
from dearena.scoring.intervals import Clusters, covariance, filling, independent_errors, quantile
from dearena.scoring.ranks import Separation, better, rank_intervals, separation
from dearena.scoring.reliability import JudgedPairs, fit_reliability
from dearena.scoring.reliable_intervals import Sandwich, with_judges_learnt
from dearena.scoring.residuals import HALF_WINS, JudgeFactors, Pulls, pulls
from dearena.scoring.settings import FitSettings
from dearena.scoring.strengths import StrengthFit, curvature_at, fit_strengths
from dearena.scoring.style import Style
from dearena.scoring.tallies import half_wins, tally
from dearena.scoring.ties import chances
from dearena.scoring.votes import Votes
from dearena.scoring.weightings import BY_STRENGTH, RELIABILITY, STRENGTH_DECIMALS, UNIFORM, in_parts


@dataclass(frozen=True, slots=True, eq=False)
class Judging:
    """How the judges of a fit weigh, and how that was found.

    Attributes:
        parts: weight of each judge, in parts of 65,536, mean 65,536 over the judges who voted. Under
            `reliability` its discrimination.
        influence: share of a judge's votes on a model that is listened to, in parts of 65,536,
            shape (judges, models); None: all of them.
        fits: made until weights and strengths stood still.
        residual: largest difference, in parts, of a weight to the one that the strengths imply.
        learnt: whether intervals know that the weights are learnt from a sample of judges. Under `reliability`
            they do, but where votes hardly say which of judges and strengths are to be believed.
    """

    parts: IntArray
    influence: IntArray | None
    fits: int
    residual: int
    learnt: bool = False

    @property
    def settled(self) -> bool:
        """Whether weights and strengths stand still; if not, the board must say so."""
        return self.residual <= RESIDUAL_TOLERANCE


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Scores with all they rest on. Models and judges stand in canonical order.

    Attributes:
        strengths: in log-odds, mean 0, cut to a billionth; shape (models,).
        covariance: of the strengths around their mean, shape (models, models).
        covariance_of_pairs: the same as comparisons of many pairs read it, further out than an interval does: models
            that few clusters have told of are wider there.
        low, high: interval of each strength at the settings' confidence.
        rank, rank_low, rank_high: 1 is best; best and worst rank that the evidence allows.
        judging: the judges' weights.
        log_nu: logarithm of Davidson's tie parameter, where there is one.
        coefficients: of style features by name, in log-odds a standard deviation of their difference.
        coefficient_errors: standard errors of these, likewise.
        first_seat: what the first seat is worth before judges who look once, for which strengths are corrected; None
            where nobody did, or where it is left.
        tallies: preferences by outcome and ordered pair, unweighted, shape (3, models, models).
        connection: how the models hang together.
        clusters: what the intervals are clustered by.
        effective_votes: how many independent votes of equal weight would make strengths as sure as these.
    """

    settings: FitSettings
    models: tuple[str, ...]
    judges: tuple[str, ...]
    strengths: FloatArray
    covariance: FloatArray
    covariance_of_pairs: FloatArray
    low: FloatArray
    high: FloatArray
    rank: IntArray
    rank_low: IntArray
    rank_high: IntArray
    judging: Judging
    log_nu: float | None
    coefficients: Mapping[str, float]
    coefficient_errors: Mapping[str, float]
    first_seat: SeatEffect | None
    tallies: FloatArray
    connection: Connection
    clusters: Clusters
    effective_votes: float
    _working: "Working" = field(repr=False)

    @property
    def order(self) -> IntArray:
        """Models best first."""
        return np.argsort(self.rank, kind="stable")

    @property
    def scores(self) -> FloatArray:
        """Chance in per cent to be preferred to a model of average strength."""
        return 100 * np.asarray(expit(self.strengths))

    @property
    def half_wins(self) -> IntArray:
        """Unweighted wins of row over column in halves, shape (models, models)."""
        return half_wins(self.tallies)

    @property
    def votes(self) -> IntArray:
        """Preferences and ties that concern each model."""
        met = self.half_wins
        return np.asarray(np.sum(met + met.T, axis=1) // 2)

    @property
    def better(self) -> FloatArray:
        """Confidence that row is stronger than column, from 0 to 1."""
        return better(self.strengths, self.covariance_of_pairs, self.clusters.degrees)

    def separation(self) -> Separation:
        """Which models can be told apart, over all pairs at once."""
        return separation(
            self.strengths, self.covariance_of_pairs, self.clusters.degrees, self.settings.confidence, self.order
        )

    def ranks_among(self, counted: BoolArray) -> tuple[IntArray, IntArray]:
        """Rank intervals among some of the models; 0 for the others."""
        return rank_intervals(
            self.strengths, self.covariance_of_pairs, self.clusters.degrees, self.settings.confidence, counted
        )

    @property
    def independent_errors(self) -> FloatArray:
        """Standard errors as if votes were independent: the usual sandwich, too small under a jury."""
        work = self._working
        return independent_errors(
            work.votes, work.pulls, work.fit.curvature, len(self.models), self.settings.prior_deviation**-2
        )


@dataclass(frozen=True, slots=True, eq=False)
class Working:
    """What a fit was made of; further reports start from it."""

    votes: Votes
    fit: StrengthFit
    factors: JudgeFactors
    pulls: Pulls


def fit(evidence: Evidence | Votes, settings: FitSettings | None = None, style: Style | None = None) -> Fit:
    """Fit strengths to votes, weigh the judges, and say how sure that is.

    Args:
        evidence: votes; those that are no preferences are left out, or read as the settings say.
        style: what the answers look like, to be controlled for.

    Raises:
        FitDidNotConverge: the fit met its limit.
    """
    settings = settings or FitSettings()
    given = evidence.votes if isinstance(evidence, Evidence) else evidence
    votes = preferences(given, flips_as_ties=settings.flips == "half")
    counted = (
        evidence.tallies
        if isinstance(evidence, Evidence) and (votes is given or settings.flips == "leave")
        else tally(votes)
    )
    seat = seats_of_one_look(votes) if settings.first_seat == CORRECT else None
    covariates = covariates_of(votes, style, seat)
    found, judging, factors = judged(votes, counted, settings, covariates)
    work = Working(votes, found, factors, pulls(votes, counted, found, factors, covariates))
    precision = settings.prior_deviation**-2
    filled = filling(votes, work.pulls, votes.question, votes.question_count)
    models = len(votes.models)
    clusters = filled.clusters
    sandwich = with_judges_learnt(votes, work.pulls, found, factors, covariates, filled)
    clustered = covariance(sandwich.curvature, sandwich.filling.total, models, precision)
    spread = widened(clustered, filled.seen, clusters.degrees, settings.confidence, settings.prior_deviation)
    of_pairs = widened(
        clustered,
        filled.seen,
        clusters.degrees,
        1 - (1 - settings.confidence) / max(models * (models - 1) // 2, 1),
        settings.prior_deviation,
    )
    strengths = cut(found.strengths)
    reach = quantile(settings.confidence, clusters.degrees) * np.sqrt(np.maximum(np.diag(spread), 0.0))
    halves = half_wins(counted)
    low, high = rank_intervals(strengths, of_pairs, clusters.degrees, settings.confidence, np.ones(models, dtype=bool))
    names = () if style is None else style.names
    coefficients, errors = list(map(float, found.coefficients)), _coefficient_errors(found, sandwich, precision)
    first_seat = None
    if seat is not None:
        reach_of_seat = quantile(settings.confidence, clusters.degrees) * errors[-1]
        effect = coefficients[-1]
        first_seat = SeatEffect(
            effect, errors[-1], effect - reach_of_seat, effect + reach_of_seat, int(np.count_nonzero(seat))
        )
    return Fit(
        settings=settings,
        models=votes.models,
        judges=votes.judges,
        strengths=strengths,
        covariance=spread,
        covariance_of_pairs=of_pairs,
        low=cut(strengths - reach),
        high=cut(strengths + reach),
        rank=ranked(strengths, halves),
        rank_low=low,
        rank_high=high,
        judging=replace(judging, learnt=sandwich.learnt),
        log_nu=found.log_nu,
        coefficients=dict(zip(names, coefficients, strict=False)),
        coefficient_errors=dict(zip(names, errors, strict=False)),
        first_seat=first_seat,
        tallies=counted,
        connection=connection(half_wins(_heard(votes, counted, factors))),
        clusters=clusters,
        effective_votes=_effective_votes(counted, found, clustered, precision),
        _working=work,
    )


def judged(
    votes: Votes, counted: FloatArray, settings: FitSettings, covariates: FloatArray | None
) -> tuple[StrengthFit, Judging, JudgeFactors]:
    """Strengths under the weighting of the settings."""
    if settings.weighting == RELIABILITY:
        return _reliable(votes, settings, covariates)
    if settings.weighting == UNIFORM:
        return _equal(votes, counted, settings, covariates)
    weigh = BY_STRENGTH[settings.weighting]
    model_of = votes.model_of_judge()
    voted = np.bincount(votes.judge, minlength=len(votes.judges)) > 0
    pairs = None if covariates is None else AnswerPairs.of(votes, covariates)

    def fit_under(parts: IntArray) -> StrengthFit:
        cells = weighted_cells(votes, counted, parts, pairs)
        return fit_strengths(cells, settings.prior_deviation, settings.ties)

    def raw_weights(found: StrengthFit) -> FloatArray:
        # A judge from outside has no score: it weighs as the average.
        raw = np.append(weigh(found.strengths), np.nan)[model_of]
        known = ~np.isnan(raw)
        raw[~known] = np.mean(raw[known & voted]) if np.any(known & voted) else 1.0
        return raw

    def implied_by(found: StrengthFit) -> IntArray:
        parts = np.full(len(voted), ONE, dtype=np.int64)
        parts[voted] = in_parts(raw_weights(found)[voted])
        return parts

    found, fits = settle(len(votes.judges), fit_under, implied_by)
    parts = found.parts.copy()
    if not np.all(voted) and np.any(voted):
        # Who has not voted yet would weigh so; it takes nothing from the others.
        raw = raw_weights(found.fit)
        parts[~voted] = np.maximum(np.rint(raw[~voted] * (ONE / np.mean(raw[voted]))), 1)
    return found.fit, Judging(parts, None, fits, found.residual), JudgeFactors(parts / ONE)


def _equal(
    votes: Votes, counted: FloatArray, settings: FitSettings, covariates: FloatArray | None
) -> tuple[StrengthFit, Judging, JudgeFactors]:
    """Every judge weighs the same: one fit, and nothing to iterate."""
    parts = np.full(len(votes.judges), ONE, dtype=np.int64)
    pairs = None if covariates is None else AnswerPairs.of(votes, covariates)
    found = fit_strengths(weighted_cells(votes, counted, parts, pairs), settings.prior_deviation, settings.ties)
    return found, Judging(parts, None, 1, 0), JudgeFactors(parts / ONE)


def weighted_cells(votes: Votes, counted: FloatArray, parts: IntArray, pairs: AnswerPairs | None) -> Cells:
    """Pairs of models that met, or pairs of answers where covariates tell these apart, under weights in parts.

    Args:
        counted: the unweighted tallies of the votes.
    """
    if pairs is None and votes.weight is None and np.all(parts == ONE):
        return Cells.of_pairs(counted)
    weight = parts[votes.judge]
    unit = 1 / ONE
    if votes.weight is not None:
        weight, unit = weight * votes.weight, unit * votes.unit
    return Cells.of_pairs(tally(votes, weight) * unit) if pairs is None else pairs.cells(weight, unit)


def _reliable(
    votes: Votes, settings: FitSettings, covariates: FloatArray | None
) -> tuple[StrengthFit, Judging, JudgeFactors]:
    pairs = JudgedPairs.of(votes) if covariates is None else JudgedPairs.of_answers(votes, covariates)
    found = fit_reliability(pairs, len(votes.judges), len(votes.models), settings.prior_deviation, settings.ties)
    judging = Judging(found.discrimination, found.influence, found.iterations, found.residual)
    factors = JudgeFactors(
        weight=np.ones(len(votes.judges)), slope=found.discrimination / ONE, influence=found.influence / ONE
    )
    return found.fit, judging, factors


def cut(log_odds: FloatArray) -> FloatArray:
    """As they stand on a board."""
    return np.asarray(np.round(log_odds, STRENGTH_DECIMALS)) + 0.0  # no negative zero


def ranked(strengths: FloatArray, halves: IntArray) -> IntArray:
    """By strength, equal ones in canonical order; models without any vote come last."""
    unseen = ~(halves + halves.T).any(axis=1)
    order = np.lexsort((np.arange(len(strengths)), -strengths, unseen))
    ranks = np.empty(len(strengths), dtype=np.int64)
    ranks[order] = np.arange(1, len(strengths) + 1)
    return ranks


def covariates_of(votes: Votes, style: Style | None, seat: FloatArray | None) -> FloatArray | None:
    """What else moves a vote: style, then the seat; shape (votes, covariates). None: nothing."""
    columns = [] if style is None else [style.differences(votes)]
    columns += [] if seat is None else [seat[:, None]]
    return np.column_stack(columns) if columns else None


def _coefficient_errors(found: StrengthFit, sandwich: Sandwich, precision: float) -> list[float]:
    if not len(found.coefficients):
        return []
    bread, filled = np.linalg.inv(sandwich.curvature), sandwich.filling.total
    variances = np.diag(bread @ (filled + precision * np.eye(len(filled))) @ bread.T)[-len(found.coefficients) :]
    return list(map(float, np.sqrt(np.maximum(variances, 0.0))))


def _heard(votes: Votes, counted: FloatArray, factors: JudgeFactors) -> FloatArray:
    """Tallies of the votes that move a strength at all: a judge of no discrimination joins no models."""
    if factors.slope is None or np.all(factors.slope > 0):
        return counted
    return tally(votes.where(np.flatnonzero(factors.slope[votes.judge] > 0)))


def _effective_votes(counted: FloatArray, found: StrengthFit, spread: FloatArray, precision: float) -> float:
    """Votes times the mean variance that these would have, were they independent and of equal weight, over theirs.

    No more than there are: a clustered variance may fall below the independent one by chance.
    """
    votes, models = float(np.sum(counted)), len(spread)
    if not votes or not np.trace(spread) > 0:
        return votes
    curvature = curvature_at(Cells.of_pairs(counted), found.strengths, found.log_nu, precision)[:models, :models]
    mean = chances(found.strengths[:, None] - found.strengths[None, :], found.log_nu).mean
    squares = np.sum(counted * np.square(HALF_WINS[:, None, None] - mean), axis=0)
    squares = squares + squares.T
    independent = covariance(curvature, np.diag(np.sum(squares, axis=1)) - squares, models, precision)
    return float(min(votes * np.trace(independent) / np.trace(spread), votes))
