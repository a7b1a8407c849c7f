"""Where models stand, without how sure that is: what boards beside the board are made of.

The strengths are those of `fit.fit`, to the bit, for a fraction of its work. Pure.
"""

from dataclasses import dataclass

import numpy as np

from dearena.scoring.answer_pairs import AnswerPairs
from dearena.scoring.arrays import ONE, BoolArray, FloatArray, IntArray
from dearena.scoring.cells import Cells
from dearena.scoring.evidence import preferences
from dearena.scoring.first_seat import CORRECT, seats_of_one_look
from dearena.scoring.fit import Judging, covariates_of, cut, judged, ranked, weighted_cells
from dearena.scoring.reliability import JudgedPairs
from dearena.scoring.settings import FitSettings
from dearena.scoring.strengths import StrengthFit, fit_strengths
from dearena.scoring.style import Style
from dearena.scoring.tallies import half_wins, tally
from dearena.scoring.votes import Votes
from dearena.scoring.weightings import RELIABILITY


@dataclass(frozen=True, slots=True, eq=False)
class Placing:
    """Strengths and ranks; models and judges stand in canonical order.

    Attributes:
        strengths: in log-odds, mean 0, cut to a billionth; shape (models,).
        rank: 1 is best; models without any vote come last.
        seen: whether a model has a vote that counts.
        judging: the judges' weights.
    """

    settings: FitSettings
    models: tuple[str, ...]
    judges: tuple[str, ...]
    strengths: FloatArray
    rank: IntArray
    seen: BoolArray
    judging: Judging


def place(votes: Votes, settings: FitSettings, style: Style | None = None, held: Judging | None = None) -> Placing:
    """Fit strengths to votes, and weigh the judges.

    Args:
        votes: those that are no preferences are left out, or read as the settings say.
        style: what the answers look like, to be controlled for.
        held: weights that the votes' judges have whatever the strengths say; None: as the settings weigh them.

    Raises:
        FitDidNotConverge: the fit met its limit.
    """
    votes = preferences(votes, flips_as_ties=settings.flips == "half")
    counted = tally(votes)
    seat = seats_of_one_look(votes) if settings.first_seat == CORRECT else None
    covariates = covariates_of(votes, style, seat)
    if held is None:
        found, judging, _ = judged(votes, counted, settings, covariates)
    else:
        found, judging = _fit_under(held, votes, counted, settings, covariates), held
    halves = half_wins(counted)
    strengths = cut(found.strengths)
    return Placing(
        settings=settings,
        models=votes.models,
        judges=votes.judges,
        strengths=strengths,
        rank=ranked(strengths, halves),
        seen=np.any(halves + halves.T > 0, axis=1),
        judging=judging,
    )


def _fit_under(
    held: Judging, votes: Votes, counted: FloatArray, settings: FitSettings, covariates: FloatArray | None
) -> StrengthFit:
    """The fit that `judged` ends with when it finds these weights."""
    if settings.weighting == RELIABILITY:
        cells = _discriminated_cells(held, votes, covariates)
    else:
        pairs = None if covariates is None else AnswerPairs.of(votes, covariates)
        cells = weighted_cells(votes, counted, held.parts, pairs)
    return fit_strengths(cells, settings.prior_deviation, settings.ties)


def _discriminated_cells(held: Judging, votes: Votes, covariates: FloatArray | None) -> Cells:
    """A row for each judge and pair, counted as far as the judge is listened to."""
    pairs = JudgedPairs.of(votes) if covariates is None else JudgedPairs.of_answers(votes, covariates)
    shares = np.ones((len(votes.judges), len(votes.models))) if held.influence is None else held.influence / ONE
    counted = shares[pairs.judge, pairs.first] * shares[pairs.judge, pairs.second]
    return pairs.cells(len(votes.models)).weighed(counted, held.parts[pairs.judge] / ONE)
