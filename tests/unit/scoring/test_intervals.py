"""Intervals: clustered both ways as a plain twin does it, exact in any order, and honest where little is known."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from dearena.scoring import Evidence, FitSettings, Votes, clusters, few_clusters, fit
from dearena.scoring.arrays import FloatArray
from tests.unit.scoring import plain
from tests.unit.scoring.plain import Ballot
from tests.unit.scoring.worlds import ballots, planted, votes_of

UNIFORM = FitSettings(weighting="uniform")
SCORE = FitSettings(weighting="score")


def twin_reach(rows: list[Ballot], votes: Votes, strengths: FloatArray, deviation: float) -> FloatArray:
    """Half-lengths of two-way clustered 95 % intervals around the mean, from plain sums."""
    place = dict(zip(votes.models, map(float, strengths), strict=True))
    meat = np.array(plain.two_way_filling(rows, votes.models, place)) + np.eye(len(place)) / deviation**2
    values, vectors = np.linalg.eigh(meat)
    meat = (vectors * np.maximum(values, 0)) @ vectors.T
    bread = np.linalg.inv(np.array(plain.curvature(rows, votes.models, place, deviation)))
    centred = np.eye(len(place)) - 1 / len(place)
    errors = np.sqrt(np.maximum(np.diag(centred @ bread @ meat @ bread @ centred), 0))
    keys: list[Callable[[Ballot], object]] = [lambda row: row.query, lambda row: row.judge]
    whole = [len({key(row) for row in rows}) for key in keys]
    for place_, model in enumerate(votes.models):
        own = [plain.clusters_of(model, key, rows) for key in keys]
        if min(own) < 2:
            errors[place_] = max(errors[place_], deviation) * student.ppf(0.975, min(whole) - 1)
            continue
        corrections = [(o / (o - 1)) / (w / (w - 1)) for o, w in zip(own, whole, strict=True)]
        errors[place_] *= max(1, *corrections) ** 0.5 * student.ppf(0.975, min(own) - 1)
    return errors


def is_clustered_both_ways(rows: list[Ballot]) -> bool:
    return len({row.judge for row in rows}) > 1 and len({row.query for row in rows}) > 1


@given(rows=ballots(min_size=4, max_size=40, weights=(1.0, 0.5, 3.0)).filter(is_clustered_both_ways))
@settings(max_examples=60, deadline=None)
def test_the_plain_twin_finds_the_same_errors(rows: list[Ballot]) -> None:
    votes = votes_of(rows, weighted=True)
    found = fit(votes, UNIFORM)
    reach = twin_reach(rows, votes, found.strengths, 3.0)
    assert found.clusters.degrees == min(len({row.judge for row in rows}), len({row.query for row in rows})) - 1
    assert found.high - found.strengths == pytest.approx(reach, rel=1e-5, abs=1e-6)
    assert found.strengths - found.low == pytest.approx(reach, rel=1e-5, abs=1e-6)


def test_judge_weights_enter_the_spread_by_their_squares() -> None:
    _, votes = planted(1, models=4, judges=5, queries=6, votes=300)
    weight = np.array([0.25, 0.5, 1.0, 1.5, 1.75])[votes.judge]
    rows = [
        Ballot(votes.judges[j], votes.models[a], votes.models[b], votes.queries[q], (1.0, 0.0, 0.5)[y], w)
        for j, a, b, q, y, w in zip(
            votes.judge, votes.first, votes.second, votes.query, votes.outcome, weight, strict=True
        )
    ]
    found = fit(votes_of(rows, weighted=True), UNIFORM)
    reach = twin_reach(rows, votes, found.strengths, 3.0)
    assert found.high - found.strengths == pytest.approx(reach, rel=1e-6)


@pytest.mark.parametrize("settings_", [UNIFORM, SCORE, FitSettings(weighting="score", ties="davidson")])
def test_a_fit_is_the_same_to_the_bit_in_any_order_of_votes(settings_: FitSettings) -> None:
    _, votes = planted(2)
    shuffled = votes.where(np.random.default_rng(0).permutation(len(votes)))
    one, other = fit(votes, settings_), fit(shuffled, settings_)
    for name in ("strengths", "low", "high", "covariance", "rank_low", "rank_high"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_grown_evidence_gives_the_bits_of_a_rebuild() -> None:
    _, votes = planted(3, votes=2_000)
    grown = Evidence()
    for begin in range(0, 2_000, 250):
        some = votes.where(slice(begin, begin + 250))
        seen = sorted({*some.first, *some.second})
        renumbered = {model: index for index, model in enumerate(seen)}
        # Each piece names only the models that stand in it, in another order.
        grown.add(
            Votes.of_codes(
                models=[votes.models[model] for model in seen][::-1],
                judges=votes.judges,
                queries=votes.queries,
                judge=some.judge,
                first=[len(seen) - 1 - renumbered[model] for model in some.first],
                second=[len(seen) - 1 - renumbered[model] for model in some.second],
                query=some.query,
                outcome=some.outcome,
            )
        )
    one, other = fit(votes, SCORE), fit(grown, SCORE)
    assert one.models == other.models
    np.testing.assert_array_equal(one.strengths, other.strengths)
    np.testing.assert_array_equal(one.covariance, other.covariance)
    np.testing.assert_array_equal(one.tallies, grown.tallies)


def test_clusters_taken_in_turns_spread_as_those_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, votes = planted(4, queries=150, votes=700)
    at_once = fit(votes, UNIFORM)
    monkeypatch.setattr(clusters, "AT_ONCE", 64)
    in_turns = fit(votes, UNIFORM)
    np.testing.assert_allclose(at_once.covariance, in_turns.covariance, rtol=1e-9)


def test_a_sample_of_clusters_stands_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    _, votes = planted(5, models=6, judges=64, queries=128, votes=60_000)
    every = fit(votes, UNIFORM)
    monkeypatch.setattr(clusters, "WORK_LIMIT", 6 * 6 * 2_048)
    monkeypatch.setattr(clusters, "FEWEST_SAMPLED", 512)
    some = fit(votes, UNIFORM)
    assert every.clusters.sampled == 1
    assert some.clusters.sampled == 4
    np.testing.assert_allclose(every.high - every.low, some.high - some.low, rtol=0.03)
    assert np.any(every.high != some.high)


@given(rows=ballots(max_size=12), ties=st.sampled_from(["half", "davidson"]))
@settings(max_examples=100, deadline=None)
def test_no_log_however_small_gives_anything_but_numbers(rows: list[Ballot], ties: str) -> None:
    found = fit(votes_of(rows), FitSettings(ties=ties))
    for name in ("strengths", "low", "high", "covariance", "better"):
        assert np.all(np.isfinite(getattr(found, name)))
    assert np.all(found.low <= found.strengths)
    assert np.all(found.strengths <= found.high)
    assert np.all((found.rank_low <= found.rank) & (found.rank <= found.rank_high))


def test_one_judge_is_clustered_by_question_alone_and_says_so() -> None:
    _, votes = planted(6, judges=1)
    found = fit(votes, UNIFORM)
    assert (found.clusters.method, found.clusters.degrees) == ("question", 11)
    assert fit(planted(6, queries=1)[1], UNIFORM).clusters.method == "judge"
    assert fit(planted(6, queries=1, judges=1)[1], UNIFORM).clusters.method == "vote"


def test_a_model_that_never_lost_has_a_wide_interval() -> None:
    rows = [Ballot(judge, "best", "rest", query, 1.0) for judge in "abcd" for query in "wxyz"]
    rows += [Ballot(judge, "rest", "third", query, float(query < "y")) for judge in "abcd" for query in "wxyz"]
    found = fit(votes_of(rows), UNIFORM)
    assert found.connection.undefeated == (0,)
    assert not found.connection.bounded
    assert found.high[0] - found.low[0] > 2.0


def test_votes_of_one_judge_on_one_question_add_little() -> None:
    """Every vote ten times over: the plain interval shrinks by the root of ten, the clustered one hardly."""
    _, votes = planted(7, votes=1_000)
    tenfold = votes.where(np.tile(np.arange(len(votes)), 10))
    once, often = fit(votes, UNIFORM), fit(tenfold, UNIFORM)
    plain_ratio = np.mean(often.independent_errors) / np.mean(once.independent_errors)
    assert plain_ratio == pytest.approx(10**-0.5, rel=0.02)
    assert np.mean(often.high - often.low) == pytest.approx(np.mean(once.high - once.low), rel=0.05)
    assert often.effective_votes == pytest.approx(once.effective_votes, rel=0.05)


def test_independent_votes_are_worth_about_their_number() -> None:
    """Every vote its own question and judge: nothing is shared, and nothing is lost."""
    random = np.random.default_rng(8)
    skill = random.normal(0, 1, 5)
    first = random.integers(0, 5, 20_000)
    second = (first + random.integers(1, 5, 20_000)) % 5
    won = random.random(20_000) < 1 / (1 + np.exp(skill[second] - skill[first]))
    votes = Votes.of_codes(
        models=list("abcde"),
        judges=[f"j{index:05d}" for index in range(20_000)],
        queries=[f"q{index:05d}" for index in range(20_000)],
        judge=np.arange(20_000),
        first=first,
        second=second,
        query=np.arange(20_000),
        outcome=np.where(won, 0, 1),
    )
    assert fit(votes, UNIFORM).effective_votes == pytest.approx(20_000, rel=0.05)


def test_a_model_seen_on_one_question_is_known_as_well_as_before() -> None:
    """Fifty votes on one answer pull against each other and cancel: they would show no doubt at all."""
    _, votes = planted(9, models=6, judges=10, queries=20, votes=4_000)
    newcomer = [Ballot(f"judge-{i % 10:03d}", "newcomer", f"model-00{i % 6}", "query-000", 1.0) for i in range(50)]
    rows = votes_of(newcomer)
    grown = Evidence(votes)
    grown.add(rows)
    found = fit(grown, UNIFORM)
    place = found.models.index("newcomer")
    assert found.high[place] - found.low[place] > 6.0
    assert (found.rank_low[place], found.rank_high[place]) == (1, 7)
    others = np.arange(7) != place
    assert np.mean((found.high - found.low)[others]) < 1.5


def test_a_model_seen_on_two_questions_is_less_sure_than_one_seen_on_all() -> None:
    _, votes = planted(10, models=6, judges=10, queries=20, votes=6_000)
    concerns = (votes.first == 0) | (votes.second == 0)
    some = votes.where(np.flatnonzero(~concerns | (votes.query < 2)))
    wide, narrow = fit(some, UNIFORM), fit(votes, UNIFORM)
    assert (wide.high - wide.low)[0] > 3 * (narrow.high - narrow.low)[0]


def test_clusters_of_models_are_counted_alike_in_tables_and_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    _, votes = planted(11, votes=200)
    by_question = clusters.Clustering.of(votes.query, len(votes.queries))
    in_table = few_clusters.clusters_of_models(by_question, votes)
    monkeypatch.setattr(few_clusters, "AT_ONCE", 7)
    np.testing.assert_array_equal(few_clusters.clusters_of_models(by_question, votes), in_table)
    monkeypatch.setattr(few_clusters, "TABLE_LIMIT", 0)
    np.testing.assert_array_equal(few_clusters.clusters_of_models(by_question, votes), in_table)
    assert in_table[0] == len(
        {q for q, a, b in zip(votes.query, votes.first, votes.second, strict=True) if 0 in (a, b)}
    )


def nested(models: int, pairs: int, size: int) -> Votes:
    """Judge i on question i and no other: all that a question's votes share, they share with its judge."""
    random = np.random.default_rng(16)
    which = random.integers(0, pairs, size)
    first = random.integers(0, models, size)
    second = (first + random.integers(1, models, size)) % models
    leaning = random.normal(0, 1.5, (pairs, models))
    likes = leaning[which, first] - leaning[which, second]
    return Votes.of_codes(
        models=[f"model-{index:03d}" for index in range(models)],
        judges=[f"judge-{index:04d}" for index in range(pairs)],
        queries=[f"query-{index:04d}" for index in range(pairs)],
        judge=which,
        first=first,
        second=second,
        query=which,
        outcome=np.where(random.random(size) < 1 / (1 + np.exp(-likes)), 0, 1),
    )


@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_a_sample_is_fair_where_judges_and_questions_go_together(monkeypatch: pytest.MonkeyPatch, ties: str) -> None:
    """As many of the one as of the other, in the same order: were both dealt alike, each cluster would be drawn."""
    votes = nested(models=6, pairs=2_048, size=40_000)
    every = fit(votes, FitSettings(weighting="uniform", ties=ties))
    monkeypatch.setattr(clusters, "WORK_LIMIT", 6 * 6 * 2_500)
    monkeypatch.setattr(clusters, "FEWEST_SAMPLED", 64)
    some = fit(votes, FitSettings(weighting="uniform", ties=ties))
    assert some.clusters.sampled >= 16
    np.testing.assert_allclose(every.high - every.low, some.high - some.low, rtol=0.12)


@pytest.mark.parametrize("tied", [0.3, 0.9])
def test_ties_are_worth_no_more_votes_than_there_are(tied: float) -> None:
    votes = nested(models=5, pairs=4_000, size=4_000)
    random = np.random.default_rng(17)
    outcome = np.where(random.random(4_000) < tied, 2, votes.outcome)
    independent = Votes.of_codes(
        models=votes.models,
        judges=votes.judges,
        queries=votes.queries,
        judge=np.arange(4_000),
        first=votes.first,
        second=votes.second,
        query=np.arange(4_000),
        outcome=outcome,
    )
    found = fit(independent, UNIFORM)
    assert 0.8 * 4_000 < found.effective_votes <= 4_000


def test_ranks_of_a_model_with_few_questions_are_read_as_far_out_as_they_are_compared() -> None:
    """Three questions are two degrees of freedom, whose quantiles far out are far away."""
    _, votes = planted(12, models=13, judges=12, queries=40, votes=30_000)
    best = int(np.argmax(fit(votes, UNIFORM).strengths))
    concerns = (votes.first == best) | (votes.second == best)
    found = fit(votes.where(np.flatnonzero(~concerns | (votes.query < 3))), UNIFORM)
    error = np.sqrt(found.covariance[best, best])
    assert np.sqrt(found.covariance_of_pairs[best, best]) > 3 * error
    assert np.sqrt(np.diag(found.covariance_of_pairs)[best - 1]) < 1.2 * np.sqrt(np.diag(found.covariance)[best - 1])
    assert found.rank_high[best] == 13
