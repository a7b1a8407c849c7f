"""Style control: how long and how marked-up an answer is, as what else may sway a judge.

A feature enters a vote as the difference of the two answers, in standard deviations of such differences,
so that a coefficient is log-odds a standard deviation; strengths are then those of answers alike in style. Pure.
"""

from dataclasses import dataclass

import numpy as np

from dearena.scoring.arrays import FloatArray
from dearena.scoring.votes import Votes


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """Features of answers.

    Attributes:
        names: of the features.
        models, queries: which answers are known.
        values: shape (queries, models, features).
    """

    names: tuple[str, ...]
    models: tuple[str, ...]
    queries: tuple[str, ...]
    values: FloatArray

    def differences(self, votes: Votes) -> FloatArray:
        """First answer's features minus the second's, each of deviation 1; shape (votes, features)."""
        raise NotImplementedError
