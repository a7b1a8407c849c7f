"""Strengths and judge weights from cells as columns of places: a board as far as spending depends on it. Pure.

The fit is that of the scorer's boards, without the intervals that nobody here asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dearena.scoring import FitSettings, Votes
from dearena.scoring.arrays import Codes, FloatArray, IntArray, OutcomeCodes
from dearena.scoring.evidence import preferences
from dearena.scoring.fit import cut, judged
from dearena.scoring.tallies import tally


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells that have outcomes, as columns of equal length: places in the world's models and queries."""

    judge: Codes
    first: Codes
    second: Codes
    query: Codes
    outcome: OutcomeCodes

    def __len__(self) -> int:
        return len(self.outcome)

    @classmethod
    def joined(cls, parts: Sequence["Cells"]) -> "Cells":
        """All of them, in their order; at least one."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Strengths:
    """Of all models of a world, in its order.

    Attributes:
        strengths: log-odds, mean 0; 0 for a model without a vote.
        weights: of the models as judges, mean 1 over those who judged; 1 for others.
    """

    strengths: FloatArray
    weights: FloatArray

    def best_first(self, models: IntArray) -> IntArray:
        """Some of the models in their order."""
        return models[np.lexsort((models, -self.strengths[models]))]


def strengths_of(cells: Cells, models: Sequence[str], queries: Sequence[str], settings: FitSettings) -> Strengths:
    """Fit strengths and weights to what was asked so far.

    Raises:
        FitDidNotConverge: the fit met its limit.
    """
    columns = {name: getattr(cells, name) for name in Cells.__slots__}
    given = Votes.of_codes(models=models, judges=models, queries=queries, **columns)
    votes = preferences(given, flips_as_ties=settings.flips == "half")
    found, judging, _ = judged(votes, tally(votes), settings, None)
    return Strengths(cut(found.strengths), judging.parts / np.mean(judging.parts))
