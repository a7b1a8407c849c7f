"""Sharp judges weigh more, random and inverted ones nothing, partial ones little where they are partial."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dearena.scoring import Votes, reliability
from dearena.scoring.arrays import ONE, FloatArray
from dearena.scoring.cells import Cells
from dearena.scoring.reliability import (
    DISCRIMINATION_DEVIATION,
    JudgedPairs,
    Reliability,
    fit_reliability,
    nearest_of_mean_one,
)
from dearena.scoring.strengths import fit_strengths
from dearena.scoring.ties import DAVIDSON, HALF, chances
from tests.unit.scoring.plain import Ballot, mean_of
from tests.unit.scoring.worlds import ballots, planted, votes_of

PRIOR = 3.0


def reliable(votes: Votes, ties: str = HALF) -> Reliability:
    return fit_reliability(JudgedPairs.of(votes), len(votes.judges), len(votes.models), PRIOR, ties)


def with_judge(votes: Votes, judge: int, outcome: FloatArray) -> Votes:
    """The votes, one judge's outcomes being others."""
    return replace(votes, outcome=np.where(votes.judge == judge, outcome, votes.outcome).astype(np.int8))


@settings(deadline=None)
@given(log=ballots(max_size=60, weights=(1.0, 2.0, 0.5)), ties=st.sampled_from([HALF, DAVIDSON]))
def test_any_votes_have_a_finite_fit_whose_judges_weigh_one_on_average(log: list[Ballot], ties: str) -> None:
    votes = votes_of(log, weighted=True)

    found = reliable(votes, ties)

    assert found.settled
    assert np.all(np.isfinite(found.strengths))
    assert np.all((found.influence >= 0) & (found.influence <= ONE))
    assert np.all(found.discrimination >= 0)
    assert np.sum(found.discrimination) == ONE * len(votes.judges)


@settings(deadline=None)
@given(log=ballots(min_size=1, max_size=40), seed=st.integers(0, 99))
def test_the_order_of_the_votes_and_of_the_pair_changes_nothing(log: list[Ballot], seed: int) -> None:
    random = np.random.default_rng(seed)
    shuffled = [log[index] for index in random.permutation(len(log))]
    turned = [
        b._replace(first=b.second, second=b.first, half_win=1 - b.half_win) if random.random() < 0.5 else b
        for b in shuffled
    ]

    one, other = reliable(votes_of(log)), reliable(votes_of(turned))

    assert np.array_equal(one.strengths, other.strengths)
    assert np.array_equal(one.discrimination, other.discrimination)
    assert np.array_equal(one.influence, other.influence)


def test_the_strengths_are_the_fit_under_precisely_these_parts() -> None:
    _, votes = planted(3)
    found = reliable(votes)

    pull = -found.strengths / PRIOR**2
    for judge, first, second, outcome in zip(votes.judge, votes.first, votes.second, votes.outcome, strict=True):
        slope = found.discrimination[judge] / ONE
        share = found.influence[judge, first] * found.influence[judge, second] / ONE**2
        expected = mean_of(slope * (found.strengths[first] - found.strengths[second]))
        surplus = share * slope * ((1.0, 0.0, 0.5)[outcome] - expected)
        pull[first] += surplus
        pull[second] -= surplus

    assert np.max(np.abs(pull)) < 1e-8
    assert abs(np.sum(found.strengths)) < 1e-9


def test_no_discrimination_could_be_likelier_at_these_strengths() -> None:
    skill, votes = planted(5)
    votes = with_judge(votes, 2, np.random.default_rng(1).integers(0, 2, len(votes)).astype(float))
    votes = with_judge(votes, 4, np.where(skill[votes.first] > skill[votes.second], 1.0, 0.0))
    found = reliable(votes)

    slopes = found.discrimination / ONE
    difference = found.strengths[votes.first] - found.strengths[votes.second]
    surplus = np.array([1.0, 0.0, 0.5])[votes.outcome] - chances(slopes[votes.judge] * difference, None).mean
    uphill = np.bincount(votes.judge, surplus * difference) - (slopes - 1) / DISCRIMINATION_DEVIATION**2

    # The mean is held at 1: where all could gain alike, none can at the cost of another.
    free = slopes > 0
    assert slopes[4] == 0
    assert np.ptp(uphill[free]) < 0.05
    assert np.all(uphill[~free] < np.min(uphill[free]))


def test_sharp_judges_count_for_more_than_judges_who_guess() -> None:
    _, votes = planted(5)
    guesses = np.random.default_rng(1).integers(0, 2, len(votes)).astype(float)

    found = reliable(with_judge(votes, 2, guesses))

    assert found.discrimination[2] < 0.3 * ONE
    assert np.argmin(found.discrimination) == 2


def test_who_favours_one_model_is_not_listened_to_about_it() -> None:
    _, votes = planted(6, models=10, judges=12, votes=8_000)
    weakest = int(np.argmin(reliable(votes).strengths))
    favoured = np.select([votes.first == weakest, votes.second == weakest], [0.0, 1.0], votes.outcome)

    found = reliable(with_judge(with_judge(votes, 3, favoured), 7, favoured))
    honest = reliable(votes.where(np.flatnonzero((votes.judge != 3) & (votes.judge != 7))))
    trusting = fit_strengths(
        Cells.of_pairs(JudgedPairs.of(with_judge(with_judge(votes, 3, favoured), 7, favoured)).tallies(10)), PRIOR
    )

    assert np.max(found.influence[[3, 7], weakest]) < 0.25 * ONE
    assert np.min(np.delete(found.influence, [3, 7], axis=0)[:, weakest]) > 0.5 * ONE
    rise = found.strengths[weakest] - honest.strengths[weakest]
    assert rise < 0.35 * (trusting.strengths[weakest] - honest.strengths[weakest])


def test_one_judge_is_listened_to_in_full() -> None:
    _, votes = planted(8, judges=1, votes=400)

    found = reliable(votes)

    assert found.discrimination.tolist() == [ONE]
    assert np.all(found.influence == ONE)
    plain = fit_strengths(Cells.of_pairs(JudgedPairs.of(votes).tallies(8)), PRIOR)
    assert np.allclose(found.strengths, plain.strengths, atol=1e-9)


def test_two_judges_who_contradict_each_other_cancel_out() -> None:
    log = [Ballot("ann", "alpha", "beta", "q1", 1.0), Ballot("ben", "alpha", "beta", "q1", 0.0)] * 20

    found = reliable(votes_of(log))

    assert np.allclose(found.strengths, 0, atol=1e-9)
    assert found.discrimination.tolist() == [ONE, ONE]


@pytest.mark.parametrize("times", [1, 10, 100_000])
def test_judges_who_never_disagree_are_believed_and_separation_stays_finite(times: int) -> None:
    models = ("alpha", "beta", "gamma")
    log = [
        Ballot(judge, models[a], models[b], "q1", 1.0, weight=float(times))
        for judge in ("ann", "ben", "cid")
        for a, b in ((0, 1), (1, 2), (0, 2))
    ]

    found = reliable(votes_of(log, weighted=True))

    assert found.settled
    assert found.strengths[0] > found.strengths[1] > found.strengths[2]
    assert np.all(np.abs(found.discrimination - ONE) <= 1)
    assert np.all(found.influence > 0.95 * ONE)


def test_with_few_votes_all_judges_are_alike() -> None:
    _, votes = planted(9, models=8, judges=10, votes=30)

    found = reliable(votes)

    assert np.all(np.abs(found.discrimination - ONE) < 0.15 * ONE)
    assert np.mean(found.influence) > 0.95 * ONE


def test_who_never_voted_is_neither_trusted_nor_mistrusted() -> None:
    _, votes = planted(9, judges=10)
    silent = votes.where(np.flatnonzero(votes.judge != 6))

    found = reliable(silent)

    assert found.discrimination[6] == ONE
    assert np.sum(found.discrimination) == 10 * ONE
    assert np.all(found.influence[6] == ONE)


def test_nothing_judged_is_nothing_known() -> None:
    found = fit_reliability(JudgedPairs.of(votes_of([])), judges=0, models=0, prior_deviation=PRIOR)

    assert len(found.strengths) == len(found.discrimination) == 0
    assert found.settled


def test_davidsons_parameter_is_found_along_with_the_rest() -> None:
    _, votes = planted(4, tie=0.3)

    found = reliable(votes, DAVIDSON)

    assert found.settled
    assert found.fit.log_nu is not None
    assert not np.array_equal(found.discrimination, reliable(votes).discrimination)


def test_covariates_are_told_apart_from_skill() -> None:
    _, votes = planted(2, models=6, judges=6, votes=6_000, tie=0.0)
    random = np.random.default_rng(0)
    longer = random.normal(size=len(votes))
    length_wins = random.random(len(votes)) < 1 / (1 + np.exp(-3 * longer))
    outcome = np.where(random.random(len(votes)) < 0.5, np.where(length_wins, 0, 1), votes.outcome)
    by_vote = JudgedPairs(
        judge=votes.judge.astype(np.int64),
        first=votes.first.astype(np.int64),
        second=votes.second.astype(np.int64),
        wins_first=1.0 * (outcome == 0),
        wins_second=1.0 * (outcome == 1),
        ties=np.zeros(len(votes)),
        covariates=longer[:, None],
    )

    found = fit_reliability(by_vote, 6, 6, PRIOR)

    assert found.settled
    assert 0.5 < found.fit.coefficients[0] < 3


def test_a_limit_that_is_met_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    _, votes = planted(3)
    monkeypatch.setattr(reliability, "PASS_LIMIT", 2)

    found = reliable(votes)

    assert found.iterations == 2
    assert found.residual > 1
    assert not found.settled


def test_pairs_sum_up_weights_by_judge_whichever_way_round() -> None:
    log = [
        Ballot("ben", "beta", "alpha", "q1", 1.0, weight=0.5),
        Ballot("ben", "alpha", "beta", "q2", 1.0, weight=2.0),
        Ballot("ann", "alpha", "gamma", "q1", 0.5, weight=1.0),
        Ballot("ben", "alpha", "beta", "q3", 0.5, weight=1.5),
    ]

    pairs = JudgedPairs.of(votes_of(log, weighted=True))

    rows = zip(pairs.judge, pairs.first, pairs.second, pairs.wins_first, pairs.wins_second, pairs.ties, strict=True)
    assert sorted(tuple(map(float, row)) for row in rows) == [(0, 0, 2, 0, 0, 1), (1, 0, 1, 2, 0.5, 1.5)]


@given(
    aim=arrays.arrays(np.float64, 5, elements=st.floats(-10, 10)),
    curvature=arrays.arrays(np.float64, 5, elements=st.floats(0.01, 100)),
)
def test_the_nearest_of_mean_one_is_as_near_as_can_be(aim: FloatArray, curvature: FloatArray) -> None:
    found = nearest_of_mean_one(aim, curvature)

    assert np.sum(found) == pytest.approx(5)
    assert np.all(found >= 0)
    uphill = curvature * (aim - found)
    assert np.ptp(uphill[found > 1e-9]) < 1e-6 * (1 + np.max(np.abs(uphill)))
    assert np.all(uphill[found <= 1e-9] <= np.max(uphill[found > 1e-9]) + 1e-6 * (1 + np.max(np.abs(uphill))))
