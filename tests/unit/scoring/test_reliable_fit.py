"""The fit under `reliability`: its intervals rest on the judges' own slopes and influences."""

import numpy as np
import pytest

from dearena.scoring import FitSettings, Votes, fit
from dearena.scoring.arrays import ONE
from dearena.scoring.reliability import JudgedPairs
from dearena.scoring.style import Style
from tests.unit.scoring.worlds import planted

RELIABLE = FitSettings(weighting="reliability")


def with_inverted(votes: Votes, judge: int) -> Votes:
    """The votes, those of one judge turned round."""
    turned = np.array([1, 0, 2])[votes.outcome]
    outcome = np.where(votes.judge == judge, turned, votes.outcome)
    return Votes.of_codes(
        models=votes.models, judges=votes.judges, queries=votes.queries, judge=votes.judge,
        first=votes.first, second=votes.second, query=votes.query, outcome=outcome,
    )  # fmt: skip


def test_a_judge_that_says_the_opposite_comes_to_count_nothing() -> None:
    _, votes = planted(11)
    found = fit(with_inverted(votes, 0), RELIABLE)
    assert found.judging.settled
    assert found.judging.parts[0] < ONE / 20
    assert found.judging.parts.sum() == ONE * len(votes.judges)
    honest = fit(votes.where(np.flatnonzero(votes.judge != 0)), RELIABLE)
    assert np.corrcoef(found.strengths, honest.strengths)[0, 1] > 0.99


@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_intervals_are_of_the_size_of_those_under_equal_weights(ties: str) -> None:
    """Honest judges of like sharpness: who weighs how matters little, and no doubt is lost or made up."""
    _, votes = planted(12, judges=20, votes=8_000)
    equal = fit(votes, FitSettings(weighting="uniform", ties=ties))
    found = fit(votes, FitSettings(weighting="reliability", ties=ties))
    assert np.mean(found.high - found.low) == pytest.approx(np.mean(equal.high - equal.low), rel=0.2)


def test_the_order_of_votes_does_not_matter() -> None:
    _, votes = planted(13)
    shuffled = votes.where(np.random.default_rng(0).permutation(len(votes)))
    one, other = fit(votes, RELIABLE), fit(shuffled, RELIABLE)
    np.testing.assert_array_equal(one.strengths, other.strengths)
    np.testing.assert_array_equal(one.covariance, other.covariance)
    np.testing.assert_array_equal(one.judging.parts, other.judging.parts)


def test_rows_by_answers_sum_up_to_rows_by_models() -> None:
    _, votes = planted(14, votes=500)
    by_models = JudgedPairs.of(votes).tallies(len(votes.models))
    covariates = np.random.default_rng(0).normal(size=(len(votes.queries), len(votes.models)))
    differences = (covariates[votes.query, votes.first] - covariates[votes.query, votes.second])[:, None]
    by_answers = JudgedPairs.of_answers(votes, differences)
    np.testing.assert_array_equal(by_answers.tallies(len(votes.models)), by_models)
    assert len(by_answers.judge) == len(
        {
            (min(a, b), max(a, b), q, j)
            for a, b, q, j in zip(votes.first, votes.second, votes.query, votes.judge, strict=True)
        }
    )


def test_style_is_controlled_for_under_reliability_too() -> None:
    """Judges who like the longer answer, whoever wrote it."""
    random = np.random.default_rng(15)
    n, questions, size = 6, 30, 12_000
    length = random.integers(50, 500, size=(questions, n)).astype(float)
    first = random.integers(0, n, size)
    second = (first + random.integers(1, n, size)) % n
    query, judge = random.integers(0, questions, size), random.integers(0, 8, size)
    longer, shorter = length[query, first], length[query, second]
    liking = 2 * (longer - shorter) / (longer + shorter)
    votes = Votes.of_codes(
        models=list("abcdef"), judges=[f"j{i}" for i in range(8)], queries=[f"q{i:02d}" for i in range(questions)],
        judge=judge, first=first, second=second, query=query,
        outcome=np.where(random.random(size) < 1 / (1 + np.exp(-liking)), 0, 1),
    )  # fmt: skip
    style = Style(("length",), votes.models, votes.queries, length[:, :, None])
    found = fit(votes, RELIABLE, style)
    assert found.coefficients["length"] > 5 * found.coefficient_errors["length"] > 0
    assert np.all(found.low < 0.1)
    assert np.all(found.high > -0.1)


def test_a_judge_who_counts_nothing_joins_no_models() -> None:
    """Two groups of models, which only an inverted judge has compared: nothing is known of one against the other."""
    random = np.random.default_rng(18)
    skill = np.array([1.5, 0.5, -0.5, -1.5] * 2)
    group = random.integers(0, 2, 6_000)
    first = random.integers(0, 4, 6_000)
    second = (first + random.integers(1, 4, 6_000)) % 4
    judge = random.integers(0, 8, 6_000)
    inverted = judge == 7
    first, second = first + 4 * group, second + 4 * np.where(inverted, 1 - group, group)
    gap = np.where(inverted, -4.0, 2.0) * (skill[first] - skill[second])
    won = random.random(6_000) < 1 / (1 + np.exp(-gap))
    within = np.flatnonzero(inverted & (random.random(6_000) < 0.9))
    second[within] = (first[within] - 4 * (first[within] // 4) + 1) % 4 + 4 * (first[within] // 4)
    won[within] = random.random(len(within)) < 1 / (1 + np.exp(4 * (skill[first] - skill[second])[within]))
    votes = Votes.of_codes(
        models=list("abcdefgh"),
        judges=[f"j{index}" for index in range(8)],
        queries=[f"q{index:02d}" for index in range(20)],
        judge=judge,
        first=first,
        second=second,
        query=random.integers(0, 20, 6_000),
        outcome=np.where(won, 0, 1),
    )
    assert fit(votes, FitSettings(weighting="uniform")).connection.connected
    found = fit(votes, RELIABLE)
    assert found.judging.parts[7] == 0
    assert not found.connection.connected
