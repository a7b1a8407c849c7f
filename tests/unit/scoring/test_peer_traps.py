"""Traps that other rankers were seen to fall into, each held against a whole fit."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import t as student

from dearena.outcomes import Outcome
from dearena.scoring import BrokenVote, Evidence, Fit, FitSettings, Votes, fit, fixed_point, strengths
from dearena.scoring.arrays import FloatArray
from dearena.scoring.outcomes import CODES
from dearena.scoring.strengths import FitDidNotConverge
from tests.unit.scoring.boards import assert_numbers, assert_same_bits, codes, every_rule, rule_name
from tests.unit.scoring.plain import Ballot
from tests.unit.scoring.worlds import JUDGES, MODELS, QUERIES, WINNERS, ballots, planted, votes_of

UNIFORM = FitSettings(weighting="uniform")
SCORE = FitSettings(weighting="score")


def with_champion(votes: Votes) -> Votes:
    """The last model wins whatever it is in."""
    best = len(votes.models) - 1
    outcome = np.where(votes.first == best, 0, np.where(votes.second == best, 1, votes.outcome))
    return codes(votes, outcome=outcome)


@every_rule
def test_an_undefeated_model_does_not_collapse_the_board(rule: FitSettings) -> None:
    _, votes = planted(1, models=6)
    others = votes.where(np.flatnonzero((votes.first < 5) & (votes.second < 5)))
    alone, found = fit(others, rule), fit(with_champion(votes), rule)
    assert found.connection.undefeated == (5,)
    assert not found.connection.bounded
    assert found.rank[5] == 1
    assert np.ptp(found.strengths[:5]) > 0.7 * np.ptp(alone.strengths[:5])
    assert np.all(np.argsort(found.strengths[:5]) == np.argsort(alone.strengths[:5]))
    assert found.strengths[5] < 15


@every_rule
@pytest.mark.parametrize("wins", [1, 30])
def test_an_undefeated_model_gets_no_point_interval(rule: FitSettings, wins: int) -> None:
    rows = [Ballot(JUDGES[n % 4], "alpha", "beta", QUERIES[n % 6], 1.0) for n in range(wins)]
    rows += [Ballot(judge, "beta", "delta", query, float(query > "q3")) for judge in JUDGES for query in QUERIES]
    found = fit(votes_of(rows), rule)
    assert found.connection.undefeated == (0,)
    assert found.high[0] - found.low[0] > 2
    assert found.high[0] - found.low[0] > found.high[2] - found.low[2]
    assert_numbers(found)


def test_a_model_that_never_won_is_the_same_from_below() -> None:
    _, votes = planted(1, models=6)
    champion = with_champion(votes)
    turned = codes(champion, outcome=np.array([1, 0, 2], dtype=np.int8)[champion.outcome])
    up, down = fit(champion, UNIFORM), fit(turned, UNIFORM)
    assert down.connection.winless == (5,)
    np.testing.assert_allclose(up.strengths, -down.strengths, atol=1e-8)
    np.testing.assert_allclose(up.high - up.low, down.high - down.low, rtol=1e-6)


@every_rule
def test_parts_that_never_met_are_said_to_be_parts(rule: FitSettings) -> None:
    rows = [
        Ballot(judge, first, second, query, float(query < "q4"))
        for first, second in (("alpha", "beta"), ("delta", "gamma"))
        for judge in JUDGES
        for query in QUERIES
    ]
    found = fit(votes_of(rows), rule)
    assert not found.connection.connected
    np.testing.assert_array_equal(found.connection.part, [0, 0, 1, 1])
    assert_numbers(found)
    joined = fit(votes_of([*rows, Ballot("ann", "alpha", "delta", "q1", 0.5)]), rule)
    assert joined.connection.connected


def test_models_across_parts_are_told_apart_by_nothing() -> None:
    rows = [
        Ballot(judge, first, second, query, 1.0 if query < "q6" else 0.0)
        for first, second in (("alpha", "beta"), ("delta", "gamma"))
        for judge in JUDGES
        for query in QUERIES
    ]
    found = fit(votes_of(rows), UNIFORM)
    alpha, gamma = 0, 3
    assert found.strengths[alpha] > found.strengths[gamma] + 1
    assert not found.separation().apart[alpha, gamma]


@every_rule
def test_a_limit_of_steps_that_is_met_is_an_error(rule: FitSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    _, votes = planted(2)
    monkeypatch.setattr(strengths, "STEP_LIMIT", 2)
    with pytest.raises(FitDidNotConverge, match="2 Newton steps"):
        fit(votes, rule)


def test_weights_that_did_not_come_to_rest_are_said_not_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = judging_one_another(3)
    assert fit(votes, SCORE).judging.settled
    monkeypatch.setattr(fixed_point, "FIT_LIMIT", 1)
    found = fit(votes, SCORE)
    assert not found.judging.settled
    assert found.judging.residual > 1


def judging_one_another(seed: int) -> Votes:
    _, votes = planted(seed, models=8, judges=8)
    return codes(votes, judges=votes.models)


def naive(votes: Votes, found: Fit, weight: FloatArray, deviation: float, *, square: bool) -> FloatArray:
    """Errors of independent votes from sums of w and of w^2, or of w in both places (the usual shortcut)."""
    n = len(votes.models)
    sides = np.zeros((len(votes), n))
    sides[np.arange(len(votes)), votes.first] = 1
    sides[np.arange(len(votes)), votes.second] -= 1
    mean = expit(sides @ found.strengths)
    residual = np.array([1.0, 0.0, 0.5])[votes.outcome] - mean
    bread = np.linalg.inv((sides.T * (weight * mean * (1 - mean))) @ sides + np.eye(n) / deviation**2)
    pull = sides * (residual * (weight if square else np.sqrt(weight)))[:, None]
    meat = pull.T @ pull * len(votes) / (len(votes) - 1) + np.eye(n) / deviation**2
    centre = np.eye(n) - 1 / n
    return np.asarray(np.sqrt(np.diag(centre @ bread @ meat @ bread @ centre)))


def test_a_weighted_interval_rests_on_the_sums_of_w_and_of_w_squared() -> None:
    _, votes = planted(4, models=5, votes=800)
    weight = np.where(votes.query % 2 == 0, 0.25, 4.0)
    # One judge, and a question to each vote: what is left of the clusters is the vote.
    independent = codes(
        votes,
        judges=["only"],
        judge=np.zeros(len(votes), np.int32),
        queries=[f"{row:04d}" for row in range(len(votes))],
        query=np.arange(len(votes)),
        weight=weight,
    )
    found = fit(independent, UNIFORM)
    # Of each model as many votes tell as it has.
    own = found.votes
    reach = student.ppf(0.975, own - 1) * np.sqrt(own / (own - 1) * (len(votes) - 1) / len(votes))
    errors = naive(votes, found, weight, 3.0, square=True)
    np.testing.assert_allclose((found.high - found.low) / 2, reach * errors, rtol=1e-6)
    shortcut = naive(votes, found, weight, 3.0, square=False)
    assert np.all(shortcut < 0.9 * errors)


@pytest.mark.parametrize("factor", [2.0, 0.5, 1024.0])
@pytest.mark.parametrize("rule", [UNIFORM, SCORE, replace(UNIFORM, ties="davidson")], ids=rule_name)
def test_the_unit_of_weights_moves_nothing_but_the_prior(rule: FitSettings, factor: float) -> None:
    weak = replace(rule, prior_deviation=1e3)
    votes = judging_one_another(5)
    weight = 1.0 + votes.query % 3
    one, other = (fit(codes(votes, weight=times * weight), weak) for times in (1.0, factor))
    np.testing.assert_allclose(one.strengths, other.strengths, atol=1e-5)
    np.testing.assert_allclose(one.high - one.low, other.high - other.low, rtol=1e-4)
    np.testing.assert_array_equal(one.rank, other.rank)


def test_a_weight_of_three_is_the_vote_three_times() -> None:
    votes = judging_one_another(6)
    times = 1 + votes.query % 3
    one, other = (
        fit(codes(votes, weight=times), SCORE),
        fit(votes.where(np.repeat(np.arange(len(votes)), times)), SCORE),
    )
    # A vote repeated is in its clusters already, so neither strengths nor intervals can tell.
    assert_same_bits(one, other, by=("strengths", "rank"))
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-9, atol=1e-12)


@every_rule
@given(rows=ballots(max_size=30, weights=(0.0, 1.0, 2.5)))
@settings(deadline=None, max_examples=25)
def test_a_weight_of_0_is_a_vote_left_out(rule: FitSettings, rows: list[Ballot]) -> None:
    votes = votes_of(rows, weighted=True)
    kept = [row.weight > 0 for row in rows]
    one, other = fit(votes, rule), fit(votes.where(np.flatnonzero(np.array(kept, dtype=bool))), rule)
    assert_same_bits(one, other)
    assert one.clusters == other.clusters
    assert one.connection.undefeated == other.connection.undefeated
    np.testing.assert_array_equal(one.connection.part, other.connection.part)


@every_rule
def test_a_judge_who_says_nothing_takes_nothing_from_the_others(rule: FitSettings) -> None:
    votes = judging_one_another(7)
    best = int(np.argmax(fit(votes, rule).strengths))
    log = votes.where(np.flatnonzero(votes.judge != best))
    others = [judge for judge in votes.judges if judge != votes.judges[best]]
    unnamed = codes(log, judges=others, judge=log.judge - (log.judge > best))
    one, other = fit(log, rule), fit(unnamed, rule)
    assert_same_bits(one, other)
    spoke = np.arange(len(votes.judges)) != best
    np.testing.assert_array_equal(one.judging.parts[spoke], other.judging.parts)
    assert np.sum(one.judging.parts[spoke]) == 65_536 * len(others)


@pytest.mark.parametrize("rule", [UNIFORM, SCORE], ids=rule_name)
def test_the_strengths_are_those_of_all_votes(rule: FitSettings) -> None:
    """They solve the estimating equation of the full log, and no draw from it."""
    votes = judging_one_another(8)
    found = fit(votes, rule)
    weight = found.judging.parts[votes.judge] / 65_536
    half_win = np.array([1.0, 0.0, 0.5])[votes.outcome]
    surplus = weight * (half_win - expit(found.strengths[votes.first] - found.strengths[votes.second]))
    gradient = -found.strengths / rule.prior_deviation**2
    np.add.at(gradient, votes.first, surplus)
    np.add.at(gradient, votes.second, -surplus)
    np.testing.assert_allclose(gradient, 0, atol=1e-5)  # strengths are cut to a billionth
    assert abs(np.sum(found.strengths)) < 1e-7


def test_every_setting_is_echoed_and_told_by_the_digest() -> None:
    others = {
        "weighting": "rank",
        "ties": "davidson",
        "flips": "half",
        "prior_deviation": 2.0,
        "first_seat": "leave",
        "confidence": 0.9,
    }
    assert others.keys() == {field.name for field in fields(FitSettings)}
    digests = {UNIFORM.digest}
    for name, value in others.items():
        other = replace(UNIFORM, **{name: value})  # type: ignore[arg-type]
        # Seats that are left are not told of, as before there was anything to tell.
        assert other.echo().get(name, "leave") == value
        assert fit(planted(9, votes=200)[1], other).settings == other
        digests.add(other.digest)
    assert len(digests) == 1 + len(others)


GOOD: dict[str, Any] = {
    "models": ["a", "b"],
    "judges": ["j"],
    "queries": ["q"],
    "judge": [0, 0, 0],
    "first": [0, 1, 0],
    "second": [1, 0, 1],
    "query": [0, 0, 0],
    "outcome": [0, 1, 2],
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"weight": [1, 1, -0.5]}, "row 2: .*-0.5"),
        ({"weight": [1, float("nan"), 1]}, "row 1: .*nan"),
        ({"weight": [1, float("inf"), 1]}, "row 1: .*inf"),
        ({"second": [1, 1, 1]}, "row 1: b is compared with itself"),
        ({"outcome": [0, 1, 9]}, "row 2: outcome 9"),
        ({"outcome": [0, -1, 2]}, "row 1: outcome -1"),
        ({"first": [0, 1, 2]}, "row 2: first 2"),
        ({"judge": [0, 0, 5]}, "row 2: judge 5"),
        ({"query": [-1, 0, 0]}, "row 0: query -1"),
    ],
)
def test_a_row_that_cannot_be_counted_is_refused_by_its_number(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(BrokenVote, match=said):
        Votes.of_codes(**GOOD | changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model_b": ["b", "b"]}, "row 1: b is compared with itself"),
        ({"winner": ["a", "draw"]}, "row 1: winner 'draw'"),
        ({"weight": [-1, 1]}, "row 0: .*-1"),
    ],
)
def test_a_row_of_words_is_refused_by_its_number(changed: dict[str, Any], said: str) -> None:
    good: dict[str, Any] = {
        "judge": ["j", "j"],
        "model_a": ["a", "b"],
        "model_b": ["b", "a"],
        "query": ["q", "q"],
        "winner": ["a", "tie"],
    }
    with pytest.raises(BrokenVote, match=said):
        Votes.of_columns(**good | changed)


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome not in ("A", "B", "TIE")])
def test_what_is_no_preference_is_neither_a_tie_nor_a_loss(outcome: Outcome) -> None:
    _, votes = planted(10)
    spoilt = np.arange(len(votes)) % 5 == 0
    found = fit(codes(votes, outcome=np.where(spoilt, CODES[outcome], votes.outcome)), SCORE)
    assert_same_bits(found, fit(votes.where(np.flatnonzero(~spoilt)), SCORE))


@every_rule
@given(rows=ballots(max_size=30), random=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=25)
def test_neither_the_order_of_rows_nor_that_of_names_matters(
    rule: FitSettings, rows: list[Ballot], random: Any
) -> None:
    shuffled = random.sample(rows, len(rows))
    models, judges, queries = (random.sample(names, len(names)) for names in (MODELS, JUDGES, QUERIES))
    outcomes = {"a": 0, "b": 1, "tie": 2}

    def log(rows: list[Ballot], models: list[str], judges: list[str], queries: list[str]) -> Votes:
        return Votes.of_codes(
            models=models,
            judges=judges,
            queries=queries,
            judge=np.array([judges.index(row.judge) for row in rows], dtype=np.int32),
            first=np.array([models.index(row.first) for row in rows], dtype=np.int32),
            second=np.array([models.index(row.second) for row in rows], dtype=np.int32),
            query=np.array([queries.index(row.query) for row in rows], dtype=np.int32),
            outcome=np.array([outcomes[WINNERS[row.half_win]] for row in rows], dtype=np.int8),
        )

    one = fit(log(rows, list(MODELS), list(JUDGES), list(QUERIES)), rule)
    other = fit(log(shuffled, models, judges, queries), rule)
    assert_same_bits(one, other)
    assert one.judges == other.judges
    np.testing.assert_array_equal(one.judging.parts, other.judging.parts)


@every_rule
@given(rows=ballots(max_size=30), cuts=st.lists(st.integers(0, 30), max_size=4))
@settings(deadline=None, max_examples=25)
def test_evidence_that_grew_is_the_log_read_at_once(rule: FitSettings, rows: list[Ballot], cuts: list[int]) -> None:
    grown = Evidence()
    ends = [*sorted(cuts), len(rows)]
    for begin, end in zip([0, *ends], ends, strict=False):
        grown.add(votes_of(rows[begin:end]))
    one, other = fit(grown, rule), fit(votes_of(rows), rule)
    assert_same_bits(one, other)
    np.testing.assert_array_equal(one.judging.parts, other.judging.parts)
