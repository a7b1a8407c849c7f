"""Which pairs the fit of all votes can tell apart by its questions: what fewer votes should order as it does.

The questions are drawn again with replacement, as in `dearena.scoring.reports.bootstrap`, with the judge
weights held. A pair can be told apart if the same model of it is ahead in nearly all draws. Pairs that cannot are
ordered by chance in the fit of all votes too: another order of them is not wrong. Pure.
"""

from typing import Final

import numpy as np

from dearena.scoring import Fit, Votes
from dearena.scoring.arrays import FloatArray
from dearena.scoring.evidence import preferences
from dearena.scoring.reports.refits import Rows, held_factors, refit_combined

DRAWS: Final = 1_000
AHEAD_IN: Final = 0.975
"""Share of the draws: as an interval at 95 % that has 0 on one side."""


def separable_pairs(votes: Votes, found: Fit, draws: int = DRAWS, seed: int = 0) -> tuple[tuple[str, str], ...]:
    """Pairs that can be told apart, as (better, worse), the better by rank.

    Args:
        votes: those that `found` was fitted to, without style controlled for.
        draws: of the questions.
        seed: equal seeds give equal draws.

    Returns:
        None of the pairs where fewer than two questions have votes that count: nothing can be drawn.

    Raises:
        FitDidNotConverge: a draw met its limit.
    """
    strengths = _drawn(votes, found, draws, seed)
    ahead = np.mean(strengths[:, :, None] > strengths[:, None, :], axis=0)
    names, order = found.models, found.order.tolist()
    return tuple((names[one], names[other]) for one in order for other in order if ahead[one, other] >= AHEAD_IN)


def _drawn(votes: Votes, found: Fit, draws: int, seed: int) -> FloatArray:
    """Strengths by draw, shape (draws, models); equal ones where nothing can be drawn."""
    counted = preferences(votes, flips_as_ties=found.settings.flips == "half")
    asked, question = np.unique(counted.question, return_inverse=True)
    questions = len(asked)
    if questions <= 1:
        return np.zeros((1, len(found.models)))
    most = questions * int(np.max(np.bincount(question)))
    rows = Rows.of(counted, held_factors(found), most)
    sums = rows.sums(slice(None), counted.outcome, question, questions)
    shares = np.full(questions, 1 / questions)
    multiplicity = np.random.default_rng(seed).multinomial(questions, shares, size=draws).astype(np.float64)
    return refit_combined(rows, sums, multiplicity, found)
