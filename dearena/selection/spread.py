"""How much of what a board says is of its queries, of its judges, and of single votes. Pure.

A vote of a pair is 1/2 + s_first - s_second and noise, where s is a model's mean score (`query_scores`). A model's
score on one query strays from its mean by what is particular to its answer, before one judge by that judge's taste. The
three variances are found by moments: scores fitted query by query scatter around the whole fit by the first, by what
noise of votes leaves, and by the tastes of the few judges of a query; judge by judge likewise. Two equations, two
unknowns. What comes out below 0 is taken for 0, so that small variances are somewhat too large on the average.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dearena.faults import InvalidField
from dearena.scoring.arrays import FloatArray, IntArray
from dearena.selection.pilot import PilotVotes
from dearena.selection.query_scores import QueryScores

FEWEST_GROUPS: Final = 2
"""Queries or judges, below which nothing is known of how they differ."""


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Variances in squares of mean score.

    Attributes:
        models: names.
        scores: mean score of each model against the others, mean 0; shape (models,).
        query: of a model's score on one query, around its mean.
        judge: of a model's score before one judge.
        vote: of one vote, around what query and judge make likely.
    """

    models: tuple[str, ...]
    scores: FloatArray
    query: float
    judge: float
    vote: float

    def difference(self, one: str, other: str) -> float:
        """By how much the first's mean score is above the second's.

        Raises:
            InvalidField: a model has no votes.
        """
        for name in (one, other):
            if name not in self.models:
                raise InvalidField.of("model", f"{name!r} has no votes here")
        return float(self.scores[self.models.index(one)] - self.scores[self.models.index(other)])


def spread_of(votes: PilotVotes) -> Spread:
    """The three variances of a board's votes.

    Raises:
        InvalidField: there are no votes, or none on a second query.
    """
    by_query = QueryScores.of(votes)
    if len(by_query.query) < FEWEST_GROUPS:
        raise InvalidField.of("votes", "say nothing of how queries differ: they are on fewer than two")
    vote = by_query.around
    whole = replace(votes, query=np.zeros_like(votes.query))
    scores = QueryScores.of(whole).of_models()[0]
    by_judge = QueryScores.of(replace(votes, query=votes.judge))
    query, judge = _beyond_votes(by_query, scores, vote), 0.0
    if len(by_judge.query) >= FEWEST_GROUPS:
        of_judges = _beyond_votes(by_judge, scores, vote)
        judges_left, queries_left = _left(votes.query, votes.judge), _left(votes.judge, votes.query)
        both = 1 - judges_left * queries_left
        if both > 0:
            query, judge = (query - judges_left * of_judges) / both, (of_judges - queries_left * query) / both
    return Spread(votes.models, scores, max(query, 0.0), max(judge, 0.0), vote)


def _left(group: IntArray, other: IntArray) -> float:
    """Share of the other's variance that stands in the score of a group, since it has some of the others only."""
    others = int(other.max()) + 1
    met = np.unique(group * others + other) // others
    _, sizes = np.unique(met, return_counts=True)
    return float(np.mean(1 / sizes) - 1 / len(np.unique(other)))


def _beyond_votes(scores: QueryScores, mean: FloatArray, vote: float) -> float:
    """Variance of a group's scores around the mean, less what votes explain; weighed by how well they are known."""
    strayed = scores.score - np.einsum("qmc,m->qc", scores.directions, mean)
    known = scores.votes > 0
    groups = len(scores.query)
    of_votes = np.where(known, vote / np.where(known, scores.votes, 1.0), 0.0)
    # The mean is of the same groups, and follows each by its share.
    beyond = strayed**2 * (groups / (groups - 1)) - of_votes
    weight = np.where(known, 1 / (of_votes + vote / max(float(scores.votes[known].mean()), 1.0)), 0.0)
    return float(np.sum(beyond * weight) / np.sum(weight)) if known.any() else 0.0
