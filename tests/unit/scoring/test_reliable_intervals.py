"""Intervals under `reliability`: bread and filling as they are derived, and as large as jackknives find them."""

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import scipy.optimize

from dearena.scoring import Fit, FitSettings, Votes, fit, reliable_intervals
from dearena.scoring.arrays import ONE, FloatArray
from dearena.scoring.intervals import Filling, covariance, filling
from dearena.scoring.reliability import DISCRIMINATION_DEVIATION, JudgedPairs, fit_reliability
from dearena.scoring.reliable_intervals import Answer, Sandwich, Shared, with_judges_learnt
from dearena.scoring.residuals import HALF_WINS
from dearena.scoring.style import Style
from dearena.scoring.ties import DAVIDSON, HALF, TIE_RULES, chances
from tests.unit.scoring.boards import assert_same_bits
from tests.unit.scoring.worlds import planted

RULE = FitSettings(weighting="reliability")
PRECISION = RULE.prior_deviation**-2
EASE = DISCRIMINATION_DEVIATION**-2


@dataclass(frozen=True)
class Board:
    """Votes, their fit, and what a sandwich is made of."""

    votes: Votes
    covariates: FloatArray | None
    fit: Fit
    discrimination: FloatArray
    influence: FloatArray

    def place(self) -> FloatArray:
        found = self.fit._working.fit
        log_nu = [] if found.log_nu is None else [found.log_nu]
        return np.concatenate([found.strengths, log_nu, found.coefficients])

    def given(self) -> Filling:
        return filling(self.votes, self.fit._working.pulls, self.votes.query, len(self.votes.queries))

    def sandwich(self) -> Sandwich:
        work = self.fit._working
        return with_judges_learnt(self.votes, work.pulls, work.fit, work.factors, self.covariates, self.given())


def board(ties: str, *, styled: bool = False, weighted: bool = False) -> Board:
    _, votes = planted(11, models=5, judges=6, queries=7, votes=600, tie=0.2)
    random = np.random.default_rng(1)
    if weighted:
        votes = replace(votes, weight=random.integers(1, 4, len(votes)), unit=0.5)
    style = None
    if styled:
        counts = random.integers(1, 50, (len(votes.queries), len(votes.models), 2)).astype(float)
        style = Style(("words", "bold"), votes.models, votes.queries, counts)
    found = fit(votes, replace(RULE, ties=ties), style)
    assert found.judging.influence is not None
    assert np.any(found.judging.influence < ONE)
    return Board(
        votes,
        None if style is None else style.differences(votes),
        found,
        found.judging.parts / ONE,
        found.judging.influence / ONE,
    )


def equations(of: Board, place: FloatArray) -> FloatArray:
    """Left-hand sides of the parameters' estimating equations, discriminations solved out, influences held."""
    votes, n = of.votes, len(of.votes.models)
    davidson = of.fit.log_nu is not None
    log_nu = float(place[n]) if davidson else None
    coefficients = place[n + davidson :]
    difference = place[votes.first] - place[votes.second]
    beside = np.zeros(len(votes)) if of.covariates is None else of.covariates @ coefficients
    weight = np.ones(len(votes)) if votes.weight is None else votes.weight * votes.unit

    def at(discrimination: FloatArray) -> tuple[FloatArray, FloatArray]:
        found = chances(discrimination[votes.judge] * difference + beside, log_nu)
        return weight * (HALF_WINS[votes.outcome] - found.mean), weight * ((votes.outcome == 2) - found.tie)

    def conditions(unknown: FloatArray) -> FloatArray:
        discrimination, multiplier = unknown[:-1], unknown[-1]
        moved = np.bincount(votes.judge, at(discrimination)[0] * difference, minlength=len(votes.judges))
        return np.append(moved - EASE * (discrimination - 1) - multiplier, np.sum(discrimination - 1))

    solved = scipy.optimize.root(conditions, np.append(of.discrimination, 0.0), tol=1e-13)
    surplus, tie_surplus = at(solved.x[:-1])
    shares = of.influence[votes.judge, votes.first] * of.influence[votes.judge, votes.second]
    pull = shares * solved.x[votes.judge] * surplus
    of_models = np.bincount(votes.first, pull, minlength=n) - np.bincount(votes.second, pull, minlength=n)
    of_ties = [np.sum(shares * tie_surplus)] if davidson else []
    of_style: FloatArray = np.zeros(0) if of.covariates is None else of.covariates.T @ (shares * surplus)
    return np.concatenate([of_models, of_ties, of_style]) - PRECISION * place


@pytest.mark.parametrize("ties", TIE_RULES)
@pytest.mark.parametrize("styled", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_bread_is_the_derivative_of_the_equations(ties: str, *, styled: bool, weighted: bool) -> None:
    of = board(ties, styled=styled, weighted=weighted)
    place, step = of.place(), 1e-4
    assert np.abs(equations(of, place)).max() < 0.01
    slopes = [
        (equations(of, place + step * axis) - equations(of, place - step * axis)) / (2 * step)
        for axis in np.eye(len(place))
    ]

    found, learnt = of.sandwich().curvature, -np.array(slopes).T

    np.testing.assert_allclose(found, learnt, atol=2e-3, rtol=1e-4)
    # By much more than that, it is not the bread of judges who are given.
    assert np.abs(found - of.fit._working.fit.curvature).max() > 0.5


def spread(rows: FloatArray, keys: list[Hashable]) -> FloatArray:
    """Sum over clusters of the outer products of their sums."""
    sums: dict[Hashable, FloatArray] = defaultdict(lambda: np.zeros(rows.shape[1]))
    for key, row in zip(keys, rows, strict=True):
        sums[key] = sums[key] + row
    return np.asarray(sum(np.outer(one, one) for one in sums.values()))


@pytest.mark.parametrize("ties", TIE_RULES)
@pytest.mark.parametrize("styled", [False, True])
def test_the_filling_is_what_each_vote_and_each_judge_does(ties: str, *, styled: bool) -> None:
    """With the multiplier as one more parameter, which is taken out at the end."""
    of = board(ties, styled=styled)
    votes, n = of.votes, len(of.votes.models)
    place, pulls = of.place(), of.fit._working.pulls
    beside = np.zeros(len(votes)) if of.covariates is None else of.covariates @ of.fit._working.fit.coefficients
    difference = place[votes.first] - place[votes.second]
    slope = of.discrimination[votes.judge]
    at = chances(slope * difference + beside, of.fit.log_nu)
    surplus = HALF_WINS[votes.outcome] - at.mean
    ends = np.eye(n)[votes.first] - np.eye(n)[votes.second]
    columns = [*((surplus - slope * difference * at.slope)[:, None] * ends).T]
    columns += [] if of.fit.log_nu is None else [at.tie * (at.mean - 0.5) * difference]
    columns += [] if of.covariates is None else [*(-at.slope * difference * of.covariates.T)]
    shares = of.influence[votes.judge, votes.first] * of.influence[votes.judge, votes.second]
    judges = range(len(votes.judges))
    effect = np.array([(np.array(columns) * shares)[:, votes.judge == judge].sum(axis=1) for judge in judges])
    ease = np.array([1 / ((at.slope * difference**2)[votes.judge == judge].sum() + EASE) for judge in judges])
    move = surplus * difference * ease[votes.judge]
    pull = np.column_stack([pulls.own[:, None] * ends, pulls.others])

    by_vote = np.column_stack([pull + move[:, None] * effect[votes.judge], move])
    of_judge = np.array([pull[votes.judge == judge].sum(axis=0) for judge in judges])
    by_judge = np.column_stack([of_judge, of.discrimination - 1])
    total = spread(by_vote, list(votes.query)) * 7 / 6 + spread(by_judge, list(judges)) * 6 / 5
    total -= spread(by_vote, list(zip(votes.query, votes.judge, strict=True)))
    taken_out = np.column_stack([np.eye(len(place)), -(ease @ effect) / ease.sum()])

    np.testing.assert_allclose(of.sandwich().filling.total, taken_out @ total @ taken_out.T, rtol=1e-6, atol=1e-6)


def without(votes: Votes, column: str) -> list[FloatArray]:
    """Strengths of the board without the votes of each cluster."""
    names = getattr(votes, column)
    judges, models = len(votes.judges), len(votes.models)
    rest = [votes.where(np.flatnonzero(names != one)) for one in np.unique(names)]
    return [fit_reliability(JudgedPairs.of(some), judges, models, RULE.prior_deviation).strengths for some in rest]


def jackknifed(left_out: list[FloatArray]) -> FloatArray:
    """Variance from what leaving out each cluster does."""
    from_mean = np.array(left_out) - np.mean(left_out, axis=0)
    return np.asarray(from_mean.T @ from_mean * (len(left_out) - 1) / len(left_out))


def test_errors_are_as_large_as_leaving_out_judges_and_questions_says() -> None:
    """Influences, which count as given in an interval, are found anew each time here."""
    _, votes = planted(3, models=8, judges=14, queries=15, votes=8_000)
    found = fit(votes, RULE)
    work = found._working
    by_both = jackknifed(without(votes, "judge")) + jackknifed(without(votes, "query"))
    filled = filling(votes, work.pulls, votes.query, len(votes.queries)).total
    given = covariance(work.fit.curvature, filled, len(votes.models), PRECISION)

    def share(ours: FloatArray, along: FloatArray) -> float:
        return float(np.sqrt(along @ ours @ along / (along @ by_both @ along)))

    assert np.sqrt(np.trace(found.covariance) / np.trace(by_both)) == pytest.approx(1, abs=0.2)
    # Of how far the board stretches, judges as given say least.
    assert share(found.covariance, found.strengths) == pytest.approx(1, abs=0.2)
    assert share(given, found.strengths) < 0.7


@pytest.mark.parametrize("ties", TIE_RULES)
def test_the_order_of_votes_does_not_change_a_bit(ties: str) -> None:
    _, votes = planted(4, models=6, judges=7, queries=9, votes=2_000)
    rule = replace(RULE, ties=ties)
    other = fit(votes.where(np.random.default_rng(0).permutation(len(votes))), rule)
    assert_same_bits(fit(votes, rule), other)
    assert other.judging.learnt


def test_questions_in_turns_and_without_a_table_are_the_same_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = board(DAVIDSON, styled=True)
    monkeypatch.setattr(reliable_intervals, "AT_ONCE", 20)
    monkeypatch.setattr(reliable_intervals, "TABLE_LIMIT", 10)
    in_turns = board(DAVIDSON, styled=True)
    np.testing.assert_allclose(in_turns.fit.covariance, whole.fit.covariance, rtol=1e-10)


def test_questions_that_one_judge_has_seen_are_told_with_the_others() -> None:
    of = board(HALF)
    query = np.where(of.votes.query < 4, of.votes.query, 4 + of.votes.judge)
    votes = replace(of.votes, query=query.astype(np.int32), queries=tuple(f"q{number:02d}" for number in range(12)))
    work = of.fit._working
    answer = Answer.of(votes, work.fit, of.discrimination, of.influence, None)
    n = len(votes.models)
    ends = np.eye(n)[votes.first] - np.eye(n)[votes.second]
    pull = work.pulls.own[:, None] * ends
    keys: list[Hashable] = list(query)
    expected = spread(pull + answer.moves[:, None] * answer.effect[votes.judge], keys) - spread(pull, keys)

    found = answer.by_question(votes, work.pulls, Shared.of(votes, answer.moves))

    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_judges_who_have_not_voted_change_nothing() -> None:
    _, votes = planted(5, models=5, judges=6, queries=8, votes=900)
    heard = votes.where(np.flatnonzero(~np.isin(votes.judge, (0, 3))))
    among = Votes.of_codes(
        models=heard.models,
        judges=[name for judge, name in enumerate(heard.judges) if judge not in (0, 3)],
        queries=heard.queries,
        judge=np.array([-1, 0, 1, -1, 2, 3])[heard.judge],
        first=heard.first,
        second=heard.second,
        query=heard.query,
        outcome=heard.outcome,
    )
    assert_same_bits(fit(heard, RULE), fit(among, RULE))


def test_one_judge_is_no_sample() -> None:
    _, votes = planted(6, judges=1, votes=500)
    alone = fit(votes, RULE)
    given = fit(votes, replace(RULE, weighting="uniform"))
    assert alone.clusters.method == "question"
    np.testing.assert_allclose(alone.covariance, given.covariance, rtol=1e-3)


def test_of_one_question_judges_are_a_sample_still() -> None:
    _, votes = planted(7, queries=1, judges=9, votes=4_000)
    found = fit(votes, RULE)
    work = found._working
    filled = filling(votes, work.pulls, votes.query, 1).total
    given = covariance(work.fit.curvature, filled, len(votes.models), PRECISION)
    along = found.strengths
    assert (found.clusters.method, found.judging.learnt) == ("judge", True)
    assert along @ found.covariance @ along > 1.3 * (along @ given @ along)


def test_judges_who_contradict_each_other_in_everything_are_taken_as_given() -> None:
    """Either could be the one to believe: the fit stands where neither is, which is no maximum."""
    queries = np.arange(40)
    votes = Votes.of_codes(
        models=["a", "b"],
        judges=["one", "other"],
        queries=[f"{query:02d}" for query in queries],
        judge=np.repeat([0, 1], 40),
        first=np.zeros(80, dtype=int),
        second=np.ones(80, dtype=int),
        query=np.tile(queries, 2),
        outcome=np.repeat([0, 1], 40),
    )
    found = fit(votes, RULE)
    assert not found.judging.learnt
    assert np.all(np.isfinite(found.covariance))
    assert np.all(found.high > found.low)


@pytest.mark.parametrize("weighting", ["uniform", "score", "rank"])
def test_weights_that_are_not_learnt_count_as_given(weighting: str) -> None:
    _, votes = planted(8, votes=300)
    rule = replace(RULE, weighting=weighting)
    assert not fit(votes, rule).judging.learnt
    assert rule.echo()["intervals"] != RULE.echo()["intervals"]
