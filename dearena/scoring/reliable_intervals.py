"""How sure strengths are under `reliability`, whose judges are a sample too.

A discrimination is relative to the mean of the judges at hand. A draw of judges that happens to be sharp stretches the
board, and since each judge's own slope is fitted, no vote parts from what is expected: a sandwich that takes the
judges as given never sees it. So discriminations are parameters, solved out of the estimating equations.

Let judge j's votes i have weight w, share listened to omega, half-win less mean r, variance v = d mean / d difference,
covariance s of half-win and tie, and difference in strength D = theta_a - theta_b; d = e_a - e_b. Discriminations
solve, under a multiplier c,

    sum of w r D over j's votes - (beta_j - 1) / DISCRIMINATION_DEVIATION^2 = c,    mean of beta = 1

and answer to the other parameters p = (theta, log nu, coefficients) by d beta_j = (G_j . dp - dc) / K_j, with

    K_j = sum of w v D^2 + 1 / DISCRIMINATION_DEVIATION^2;  a judge that counts nothing stays where it is: 1 / K_j = 0,
    B_j = sum of w omega ((r - beta_j D v) d, -s D, -v D x): what beta_j does to the equations of p,
    G_j = the same with all omega 1.

Since the mean is held, c answers as well, and what is left of B_j is B_j less the mean of all B weighted by 1 / K:
B'_j. Hence, for the equations of p alone (A is the curvature under given judges):

    bread: the inverse of A - sum of B'_j G'_j^T / K_j, which is not symmetric;
    filling by question, and by question and judge: a vote adds its pull and B'_j w r D / K_j;
    filling by judge: a judge adds the sum of its pulls, less (beta_j - 1) times the mean of B.

A new draw of judges has another mean, which is the last. Influences count as given. Pure.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self

import numpy as np
import scipy.sparse

from dearena.scoring.arrays import BoolArray, FloatArray, IntArray
from dearena.scoring.clusters import AT_ONCE, cluster_sums
from dearena.scoring.intervals import Filling
from dearena.scoring.reliability import DISCRIMINATION_DEVIATION
from dearena.scoring.residuals import HALF_WINS, JudgeFactors, Pulls, summable
from dearena.scoring.strengths import StrengthFit
from dearena.scoring.ties import chances
from dearena.scoring.votes import Votes

LEAST_CURVATURE: Final = 0.05
"""Share of its curvature under given judges that a direction must keep where judges are learnt. With less, strengths
and judges hardly hold one another (two judges who contradict each other in everything): what a small change does to
them is not told by derivatives, and the judges are taken as given."""

TABLE_LIMIT: Final = 2**24
"""Questions times judges of which a table is kept, whether they met or not (128 MB)."""


class Sandwich(NamedTuple):
    """What a covariance is made of.

    Attributes:
        curvature: negative derivative of the estimating equations, shape (parameters, parameters).
        filling: of the same parameters.
        learnt: whether it knows that judges are learnt from a sample; if not, they count as given.
    """

    curvature: FloatArray
    filling: Filling
    learnt: bool


def with_judges_learnt(
    votes: Votes,
    pulls: Pulls,
    found: StrengthFit,
    factors: JudgeFactors,
    covariates: FloatArray | None,
    given: Filling,
) -> Sandwich:
    """The sandwich under discriminations that are learnt; where there are none, judges count as given.

    Args:
        votes: preferences only.
        pulls: of each vote, judges as given.
        factors: the judges'.
        covariates: of each vote, shape (votes, k); None: none.
        given: the filling of the pulls, judges as given.
    """
    if factors.slope is None or factors.influence is None:
        return Sandwich(found.curvature, given, learnt=False)
    if given.clusters.judges <= 1:
        # The only judge has the mean discrimination, whatever it is.
        return Sandwich(found.curvature, given, learnt=True)
    heard: IntArray = np.flatnonzero(np.bincount(votes.judge, minlength=len(votes.judges)))
    votes = _among(votes, heard)
    answer = Answer.of(votes, found, factors.slope[heard], factors.influence[heard], covariates)
    curvature = answer.curvature(found.curvature)
    if not _holds(curvature, found.curvature):
        return Sandwich(found.curvature, given, learnt=False)
    judges = given.clusters.judges
    total = given.total + answer.by_judge(votes, pulls) * (judges / (judges - 1))
    questions = given.clusters.questions
    if questions > 1:
        shared = Shared.of(votes, answer.moves)
        total += answer.by_question(votes, pulls, shared) * (questions / (questions - 1))
        total -= answer.by_both(votes, pulls, shared)
    return Sandwich(curvature, replace(given, total=total), learnt=True)


def _among(votes: Votes, heard: IntArray) -> Votes:
    """The votes with the judges who have voted, so that others do not even change the order of additions."""
    if len(heard) == len(votes.judges):
        return votes
    place = np.zeros(len(votes.judges), dtype=votes.judge.dtype)
    place[heard] = np.arange(len(heard))
    return replace(votes, judges=tuple(votes.judges[judge] for judge in heard), judge=place[votes.judge])


def _holds(curvature: FloatArray, under_given_judges: FloatArray) -> bool:
    try:
        np.linalg.cholesky((curvature + curvature.T) / 2 - LEAST_CURVATURE * under_given_judges)
    except np.linalg.LinAlgError:
        return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Votes on one question by one judge, and by how much they move that judge's discrimination.

    Attributes:
        cell: of each vote.
        question, judge: of each cell, in canonical order.
        moved: sum over the cell's votes.
    """

    cell: IntArray
    question: IntArray
    judge: IntArray
    moved: FloatArray

    @classmethod
    def of(cls, votes: Votes, moves: FloatArray) -> Self:
        """Sum the moves up."""
        judges = len(votes.judges)
        key = votes.question.astype(np.int64) * judges + votes.judge
        table = votes.question_count * judges
        cells, cell = (np.arange(table), key) if table <= TABLE_LIMIT else np.unique(key, return_inverse=True)
        moved = np.bincount(cell, moves, minlength=len(cells))
        return cls(cell, *np.divmod(cells, judges), np.asarray(moved, dtype=np.float64))

    @property
    def questions(self) -> int:
        """One more than the largest."""
        return int(self.question[-1]) + 1 if len(self.question) else 0

    def judges_of_questions(self) -> IntArray:
        """How many have a vote on each question; shape (questions,)."""
        filled = np.bincount(self.cell, minlength=len(self.moved)) > 0
        return np.bincount(self.question[filled], minlength=self.questions)

    def only(self, questions: BoolArray, votes: IntArray) -> Self:
        """Those of some questions, numbered without gaps, given the votes on them."""
        kept = questions[self.question]
        number, cell = np.cumsum(questions) - 1, np.cumsum(kept) - 1
        return type(self)(cell[self.cell[votes]], number[self.question[kept]], self.judge[kept], self.moved[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """How discriminations answer to votes and to the other parameters, and these to discriminations.

    Attributes:
        moves: by how much each vote moves its judge's discrimination, the multiplier held; shape (votes,).
        ease: 1 / K of each judge, 0 for those that do not move; shape (judges,).
        excess: discrimination less 1, shape (judges,).
        effect: B' of each judge, shape (judges, parameters).
        mean_effect: the mean that was taken from B.
        response: G' of each judge, shape (judges, parameters).
    """

    moves: FloatArray
    ease: FloatArray
    excess: FloatArray
    effect: FloatArray
    mean_effect: FloatArray
    response: FloatArray

    @classmethod
    def of(
        cls,
        votes: Votes,
        found: StrengthFit,
        discrimination: FloatArray,
        influence: FloatArray,
        covariates: FloatArray | None,
    ) -> Self:
        """At a fit under these judges, all of whom have voted."""
        judges, judge = len(votes.judges), votes.judge
        slope = discrimination[judge]
        difference = found.strengths[votes.first] - found.strengths[votes.second]
        moved = slope * difference
        if covariates is not None:
            moved += covariates @ found.coefficients
        at = chances(moved, found.log_nu)
        surplus, spread = HALF_WINS[votes.outcome] - at.mean, at.slope * difference
        # Of half-win and tie.
        tied = None if found.log_nu is None else at.tie * (0.5 - at.mean) * difference
        if votes.weight is not None:
            weight = votes.weight * votes.unit
            surplus, spread = surplus * weight, spread * weight
            tied = None if tied is None else tied * weight
        columns = [] if tied is None else [-tied]
        columns += [] if covariates is None else [-spread * column for column in covariates.T]
        curvature = np.bincount(judge, summable(spread * difference, len(votes)), minlength=judges)
        ease = np.where(discrimination > 0, 1 / (curvature + DISCRIMINATION_DEVIATION**-2), 0.0)
        both = surplus - slope * spread
        shares = influence[judge, votes.first] * influence[judge, votes.second]
        effect = _by_judge(votes, both * shares, [column * shares for column in columns])
        response = _by_judge(votes, both, columns)
        mean_effect, mean_response = (ease @ of_judges / np.sum(ease) for of_judges in (effect, response))
        return cls(
            moves=summable(surplus * difference * ease[judge], len(votes)),
            ease=ease,
            excess=discrimination - 1,
            effect=effect - mean_effect,
            mean_effect=mean_effect,
            response=response - mean_response,
        )

    def curvature(self, under_given_judges: FloatArray) -> FloatArray:
        """Negative derivative of the parameters' estimating equations; shape (parameters, parameters)."""
        return under_given_judges - (self.effect * self.ease[:, None]).T @ self.response

    def by_judge(self, votes: Votes, pulls: Pulls) -> FloatArray:
        """What learning the judges adds to the spread over judges."""
        of_pulls = cluster_sums(votes.judge, len(votes.judges), votes, pulls)
        return _added(of_pulls, -self.excess[:, None] * self.mean_effect)

    def by_question(self, votes: Votes, pulls: Pulls, shared: Shared) -> FloatArray:
        """What it adds to the spread over questions."""
        judges = shared.judges_of_questions()
        if np.all(judges > 1):
            return self._by_full_question(votes, pulls, shared)
        # There may be as many questions as votes. One that a single judge has seen is such a cluster of both.
        alone, together = (np.flatnonzero(chosen[shared.question[shared.cell]]) for chosen in (judges == 1, judges > 1))
        return self.by_both(votes.where(alone), pulls.where(alone), shared.only(judges == 1, alone)) + (
            self._by_full_question(votes.where(together), pulls.where(together), shared.only(judges > 1, together))
        )

    def _by_full_question(self, votes: Votes, pulls: Pulls, shared: Shared) -> FloatArray:
        questions, width = shared.questions, self.effect.shape[1]
        question = shared.question[shared.cell]
        moved = scipy.sparse.csr_array(
            (shared.moved, (shared.question, shared.judge)), shape=(questions, len(votes.judges))
        )
        at_once = max(AT_ONCE // width, 1)
        if questions <= at_once:
            return _added(cluster_sums(question, questions, votes, pulls), np.asarray(moved @ self.effect))
        order = np.argsort(question, kind="stable")
        starts = np.searchsorted(question[order], np.arange(0, questions + at_once, at_once))
        total = np.zeros((width, width))
        for turn, begin in enumerate(range(0, questions, at_once)):
            some, rows = moved[begin : begin + at_once], order[starts[turn] : starts[turn + 1]]
            of_pulls = cluster_sums(question[rows] - begin, some.shape[0], votes.where(rows), pulls.where(rows))
            total += _added(of_pulls, np.asarray(some @ self.effect))
        return total

    def by_both(self, votes: Votes, pulls: Pulls, shared: Shared) -> FloatArray:
        """What it adds to the spread over questions and judges at once.

        In such a cluster only one judge moves, and sums over its clusters do for all parameters: this costs
        nothing that would have to be sampled.
        """
        own = shared.moved[shared.cell]
        beside = _by_judge(votes, pulls.own * own, [column * own for column in pulls.others.T])
        squares = np.bincount(shared.judge, np.square(shared.moved), minlength=len(self.ease))
        crossed = beside.T @ self.effect
        return np.asarray(crossed + crossed.T + (self.effect * squares[:, None]).T @ self.effect)


def _added(pulled: FloatArray, moved: FloatArray) -> FloatArray:
    """Spread of sums of two parts, less that of the first alone; a cluster a row."""
    crossed = pulled.T @ moved
    return np.asarray(crossed + crossed.T + moved.T @ moved)


def _by_judge(votes: Votes, own: FloatArray, others: list[FloatArray]) -> FloatArray:
    """Sums, over each judge's votes, of what pulls on strengths and on other parameters; (judges, parameters)."""
    exact = [summable(column, len(votes)) for column in others]
    stacked = np.column_stack(exact) if exact else np.zeros((len(votes), 0))
    return cluster_sums(votes.judge, len(votes.judges), votes, Pulls(summable(own, len(votes)), stacked))
