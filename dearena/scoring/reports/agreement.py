"""How far each judge decides as the rest of the jury does.

The rest is the board fitted without the judge, so that nobody agrees with itself. A board is taken, and not
the majority of other votes on the same two answers: there is one for every judge on every dimension,
however thinly the cells are spread, and its doubt is small beside that of a handful of votes. No
judge agrees with it always, since answers of a weaker model are often the better ones: `expected` says
how often one would that decides with the board's own chances. Pure.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from dearena.outcomes import Outcome
from dearena.scoring.arrays import ONE, FloatArray
from dearena.scoring.fit import Fit
from dearena.scoring.outcomes import CODES
from dearena.scoring.reports.ratios import Share, share_by_question
from dearena.scoring.reports.refits import Rows, refit_combined
from dearena.scoring.residuals import JudgeFactors
from dearena.scoring.votes import Votes
from dearena.scoring.weightings import STRENGTH_DECIMALS


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one judge with the board of the others.

    Attributes:
        share: of its decided votes that prefer the model which stands higher there.
        expected: share of a judge who decides with that board's chances.
        kappa: agreement beyond chance, 1 for a judge who always agrees, 0 for one who tosses a coin, below
            for one who says the opposite: Scott's pi (Public Opinion Quarterly 19, 1955) where chance
            agrees half the time, as it does when which of two models is named first means nothing.
    """

    share: Share
    expected: float

    @property
    def kappa(self) -> float:
        """Twice the share, less one."""
        return 2 * self.share.value - 1

    @property
    def falls_short(self) -> bool:
        """Whether it is surely below what is expected, and nearer to a tossed coin or beyond it."""
        return self.share.high < self.expected and self.share.value < (self.expected + 1 / 2) / 2


def boards_without(votes: Votes, found: Fit) -> FloatArray:
    """Strengths without each judge, weights held, cut as those of a board are; shape (judges, models).

    Under `reliability` discriminations count as weights here, which keeps one row a pair.

    Args:
        votes: preferences only.

    Raises:
        FitDidNotConverge: a board has no maximum within the limit.
    """
    influence = None if found.judging.influence is None else found.judging.influence / ONE
    rows = Rows.of(votes, JudgeFactors(found.judging.parts / ONE, None, influence), len(votes))
    sums = rows.sums(slice(None), votes.outcome, votes.judge, len(votes.judges))
    strengths = refit_combined(rows, sums, 1 - np.eye(len(votes.judges)), found)
    return np.asarray(np.round(strengths, STRENGTH_DECIMALS)) + 0.0


def agreement(decided: Votes, strengths: FloatArray, confidence: float) -> Agreement | None:
    """Agreement of one judge; None where it decided nothing that the board tells apart.

    Args:
        decided: its votes, preferences only; ties are passed over.
        strengths: of the board without it.
    """
    difference = strengths[decided.first] - strengths[decided.second]
    telling = (decided.outcome != CODES[Outcome.TIE]) & (np.abs(difference) > 0)
    agrees = (decided.outcome == CODES[Outcome.A]) == (difference > 0)
    share = share_by_question(agrees[telling], decided.question[telling], confidence)
    if share is None:
        return None
    return Agreement(share, float(np.mean(np.sort(expit(np.abs(difference[telling]))))))
