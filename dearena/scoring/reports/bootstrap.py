"""How sure strengths are, by drawing the questions again: a check on the sandwich.

Votes on one question lean the same way, so whole questions are drawn, with replacement, and every draw is
fitted (cluster bootstrap; Cameron, Gelbach and Miller, Rev. Econ. Stat. 90, 2008). It knows nothing of
judges: beside the intervals of `intervals`, which are clustered by judge as well, it is the smaller doubt,
and is to be held against the sandwich clustered by question alone.

A draw has too little spread, by (G - 1) / G in variance for G questions, and its quantiles are those of no
more than G observations, where Student's t would be asked for: errors and intervals are widened for both.
The ends of a percentile interval lie between draws at (draws + 1) times their level; with 100 draws and the
plain percentile, intervals are 3 to 6 % too narrow. What is published as a strength is always
the fit of all votes, never the middle of the draws. Pure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from dearena.faults import InvalidField
from dearena.scoring.arrays import FloatArray
from dearena.scoring.evidence import Evidence, preferences
from dearena.scoring.fit import Fit
from dearena.scoring.intervals import quantile
from dearena.scoring.reports.refits import Rows, fit_without_style, held_factors, refit_combined
from dearena.scoring.settings import FitSettings
from dearena.scoring.votes import Votes
from dearena.scoring.weightings import UNIFORM

DRAWS: Final = 1_000
"""More draws steady the ends of an interval; time grows with them."""


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """Doubt of strengths by the questions alone.

    Attributes:
        strengths: of the fit of all votes.
        errors: standard errors, shape (models,).
        low, high: percentile interval at the settings' confidence, widened for few questions.
        questions: with a vote that counts: clusters.
        draws: fitted.
        weights_held: whether judges weighed in every draw as in the fit of all votes, where they would
            have been weighed anew; false under `uniform`, which weighs nothing.
    """

    strengths: FloatArray
    errors: FloatArray
    low: FloatArray
    high: FloatArray
    questions: int
    draws: int
    weights_held: bool


def bootstrap_by_question(
    evidence: Evidence | Votes,
    settings: FitSettings | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    found: Fit | None = None,
) -> Bootstrap | None:
    """Draw the questions again and fit each draw, with the judge weights held.

    Args:
        draws: enough for both ends of the interval to lie between two of them.
        seed: equal seeds give equal draws.
        found: the fit of these votes, if there is one; its settings hold.

    Returns:
        None where fewer than two questions have votes that count: nothing can be drawn.

    Raises:
        InvalidField: too few draws.
        FitDidNotConverge: a fit met its limit.
    """
    given = evidence.votes if isinstance(evidence, Evidence) else evidence
    found = fit_without_style(evidence, settings, found)
    settings = found.settings
    fewest = int(np.ceil(2 / (1 - settings.confidence) - 1e-9))
    if draws < fewest:
        raise InvalidField.of("draws", f"{draws} is too few for intervals at {settings.confidence}: {fewest} or more")
    votes = preferences(given, flips_as_ties=settings.flips == "half")
    asked, question = np.unique(votes.question, return_inverse=True)
    questions = len(asked)
    if questions <= 1:
        return None
    most = questions * int(np.max(np.bincount(question)))
    rows = Rows.of(votes, held_factors(found), most, found.first_seat)
    sums = rows.sums(slice(None), votes.outcome, question, questions)
    random = np.random.default_rng(seed)
    shares = np.full(questions, 1 / questions)
    multiplicity = random.multinomial(questions, shares, size=draws).astype(np.float64)
    strengths = refit_combined(rows, sums, multiplicity, found)
    low, high = _percentiles(strengths, found.strengths, settings.confidence, questions)
    return Bootstrap(
        strengths=found.strengths,
        errors=np.std(strengths, axis=0, ddof=1) * np.sqrt(questions / (questions - 1)),
        low=low,
        high=high,
        questions=questions,
        draws=draws,
        weights_held=settings.weighting != UNIFORM,
    )


def _percentiles(
    drawn: FloatArray, strengths: FloatArray, confidence: float, questions: int
) -> tuple[FloatArray, FloatArray]:
    """Percentiles of the draws, their distance from the strength widened as t to normal and as G to G - 1."""
    levels = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(drawn, levels, axis=0, method="weibull")
    wider = quantile(confidence, questions - 1) / float(ndtri(levels[1])) * np.sqrt(questions / (questions - 1))
    return (
        strengths - wider * np.maximum(strengths - low, 0.0),
        strengths + wider * np.maximum(high - strengths, 0.0),
    )
