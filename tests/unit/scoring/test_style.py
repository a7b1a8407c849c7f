"""Style control: what length alone buys is told apart from strength."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from dearena.faults import InvalidField
from dearena.scoring.answer_pairs import AnswerPairs
from dearena.scoring.arrays import FloatArray
from dearena.scoring.cells import Cells
from dearena.scoring.fit import Fit, fit
from dearena.scoring.settings import FitSettings
from dearena.scoring.strengths import fit_strengths
from dearena.scoring.style import Style
from dearena.scoring.votes import Votes

MODELS, QUERIES, JUDGES = 6, 60, 12
WORDY = 2
PLANTED = 0.6
"""Log-odds that a judge gives to a standard deviation of length."""


def lengths(seed: int = 0) -> FloatArray:
    """Characters of each answer, shape (queries, models); one model writes four times as much."""
    found = np.random.default_rng(seed).lognormal(7, 0.5, (QUERIES, MODELS))
    found[:, WORDY] *= 4
    return found


def style_of(values: FloatArray) -> Style:
    return Style(("characters",), names("m", MODELS), names("q", QUERIES), values[:, :, None])


def names(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number:02d}" for number in range(count))


def planted(liking: float, seed: int) -> tuple[Votes, Style]:
    """Votes of judges who like length, on models that are all alike but for one that is long-winded."""
    random = np.random.default_rng(seed)
    style = style_of(lengths(seed))
    design = np.array(
        [
            (a, b, q, j)
            for a, b in permutations(range(MODELS), 2)
            if a < b
            for q in range(QUERIES)
            for j in range(JUDGES)
        ]
    )
    first, second, query, judge = design.T
    columns = {"judge": judge, "first": first, "second": second, "query": query}
    blank = votes_of(columns, np.zeros(len(design), dtype=np.int8))
    lure = liking * style.differences(blank)[:, 0]
    won = random.random(len(design)) < expit(lure)
    return votes_of(columns, np.where(won, 0, 1)), style


def votes_of(columns: dict[str, np.ndarray], outcome: np.ndarray) -> Votes:
    return Votes.of_codes(
        models=names("m", MODELS), judges=names("j", JUDGES), queries=names("q", QUERIES), outcome=outcome, **columns
    )


def fitted(votes: Votes, style: Style | None, **settings: str) -> Fit:
    return fit(votes, FitSettings(**{"weighting": "uniform", **settings}), style)  # type: ignore[arg-type]


def test_a_long_winded_model_falls_back_when_style_is_controlled() -> None:
    votes, style = planted(PLANTED, seed=1)
    plain, controlled = fitted(votes, None), fitted(votes, style)
    assert plain.rank[WORDY] == 1
    assert plain.low[WORDY] > 0.3
    assert controlled.low[WORDY] < 0 < controlled.high[WORDY]


def test_the_planted_coefficient_is_recovered_within_its_error() -> None:
    found = []
    for seed in range(20):
        votes, style = planted(PLANTED, seed)
        fit_ = fitted(votes, style)
        found.append((fit_.coefficients["characters"] - PLANTED) / fit_.coefficient_errors["characters"])
    assert abs(float(np.mean(found))) < 0.7  # 3 errors of a mean of 20
    assert 0.55 < float(np.std(found)) < 1.6  # the errors are of the right size


def test_judges_who_do_not_care_show_no_coefficient() -> None:
    votes, style = planted(0.0, seed=3)
    found = fitted(votes, style)
    assert abs(found.coefficients["characters"]) < 3 * found.coefficient_errors["characters"]


@pytest.mark.parametrize(
    "settings", [{"ties": "davidson"}, {"weighting": "score"}, {"weighting": "rank"}, {"weighting": "reliability"}]
)
def test_style_is_controlled_under_every_rule(settings: dict[str, str]) -> None:
    votes, style = planted(PLANTED, seed=4)
    found = fitted(votes, style, **settings)
    assert abs(found.coefficients["characters"] - PLANTED) < 4 * found.coefficient_errors["characters"]


def test_a_standard_deviation_is_that_of_the_votes() -> None:
    votes, style = planted(PLANTED, seed=5)
    assert np.sqrt(np.mean(style.differences(votes) ** 2)) == pytest.approx(1, abs=1e-9)


def test_the_difference_is_normalised() -> None:
    style = style_of(lengths())
    votes, _ = planted(0.0, seed=0)
    values = style.values[:, :, 0]
    a, b = values[votes.query, votes.first], values[votes.query, votes.second]
    expected = (a - b) / (a + b)
    expected /= np.sqrt(np.mean(expected**2))
    np.testing.assert_allclose(style.differences(votes)[:, 0], expected, rtol=1e-9)


def test_an_unknown_answer_makes_no_difference_and_is_counted() -> None:
    votes, style = planted(PLANTED, seed=6)
    known = Style(style.names, style.models[1:], style.queries[:-1], style.values[:-1, 1:])
    unknown = (votes.first == 0) | (votes.second == 0) | (votes.query == QUERIES - 1)
    assert known.missing(votes) == np.sum(unknown)
    assert style.missing(votes) == 0
    found = known.differences(votes)
    assert not found[unknown].any()
    assert np.sqrt(np.mean(found[~unknown] ** 2)) == pytest.approx(1, abs=1e-9)


def test_a_feature_that_never_differs_has_no_effect() -> None:
    votes, style = planted(PLANTED, seed=7)
    constant = np.full((QUERIES, MODELS), 3.0)
    none_at_all = np.zeros((QUERIES, MODELS))
    several = Style(
        ("characters", "headings", "emphases"),
        style.models,
        style.queries,
        np.stack([style.values[:, :, 0], constant, none_at_all], axis=2),
    )
    alone, found = fitted(votes, style), fitted(votes, several)
    assert found.coefficients["headings"] == found.coefficients["emphases"] == 0
    assert found.coefficients["characters"] == pytest.approx(alone.coefficients["characters"], abs=1e-9)
    np.testing.assert_allclose(found.strengths, alone.strengths, atol=1e-9)


def test_no_known_answer_is_no_control() -> None:
    votes, _ = planted(PLANTED, seed=8)
    nothing = Style.of_texts([])
    assert nothing.missing(votes) == len(votes)
    np.testing.assert_array_equal(fitted(votes, nothing).strengths, fitted(votes, None).strengths)
    assert not nothing.differences(votes.where(slice(0, 0))).size


def test_texts_become_features() -> None:
    style = Style.of_texts([("b", "q1", "# Title\n- one"), ("a", "q1", "plain"), ("a", "q2", "**yes**")])
    assert style.models == ("a", "b")
    assert style.queries == ("q1", "q2")
    place = {name: number for number, name in enumerate(style.names)}
    assert style.values[0, 1, place["headings"]] == 1
    assert style.values[0, 1, place["list_items"]] == 1
    assert style.values[1, 0, place["emphases"]] == 1
    assert np.isnan(style.values[1, 1]).all()


def test_a_model_that_answers_a_query_twice_is_refused() -> None:
    with pytest.raises(InvalidField, match="m answers q twice"):
        Style.of_texts([("m", "q", "one"), ("m", "q", "another")])


def test_rows_in_another_order_give_the_same_bits() -> None:
    votes, style = planted(PLANTED, seed=9)
    shuffled = votes.where(np.random.default_rng(0).permutation(len(votes)))
    one, other = fitted(votes, style, weighting="score"), fitted(shuffled, style, weighting="score")
    np.testing.assert_array_equal(one.strengths, other.strengths)
    np.testing.assert_array_equal(one.covariance, other.covariance)
    assert one.coefficients == other.coefficients
    assert one.coefficient_errors == other.coefficient_errors


@given(swapped=st.lists(st.booleans(), min_size=40, max_size=40))
def test_which_of_two_models_a_vote_names_first_does_not_matter(swapped: list[bool]) -> None:
    votes, style = planted(PLANTED, seed=10)
    votes = votes.where(slice(0, len(votes), len(votes) // 40 + 1))
    turn = np.array(swapped)[: len(votes)]
    other = votes_of(
        {
            "judge": votes.judge,
            "first": np.where(turn, votes.second, votes.first),
            "second": np.where(turn, votes.first, votes.second),
            "query": votes.query,
        },
        np.where(turn, 1 - votes.outcome, votes.outcome),
    )
    np.testing.assert_array_equal(fitted(votes, style).strengths, fitted(other, style).strengths)


def test_pairs_of_answers_tell_what_single_votes_tell() -> None:
    """The oracle: a row a vote, as the formula has it."""
    votes, style = planted(PLANTED, seed=11)
    outcome = np.where(np.arange(len(votes)) % 7 == 0, 2, votes.outcome)
    votes = votes_of(
        {"judge": votes.judge, "first": votes.first, "second": votes.second, "query": votes.query}, outcome
    )
    covariates = style.differences(votes)
    weight = 1 + np.arange(len(votes), dtype=np.int64) % 3
    single = Cells(
        models=MODELS,
        first=votes.first.astype(np.int64),
        second=votes.second.astype(np.int64),
        wins_first=np.where(outcome == 0, weight, 0.0),
        wins_second=np.where(outcome == 1, weight, 0.0),
        ties=np.where(outcome == 2, weight, 0.0),
        covariates=covariates,
    )
    together = AnswerPairs.of(votes, covariates).cells(weight, 1.0)
    assert len(together.first) == MODELS * (MODELS - 1) // 2 * QUERIES
    for ties in ("half", "davidson"):
        one, other = fit_strengths(single, 3.0, ties), fit_strengths(together, 3.0, ties)
        np.testing.assert_allclose(one.strengths, other.strengths, atol=1e-11)
        np.testing.assert_allclose(one.coefficients, other.coefficients, atol=1e-11)
        np.testing.assert_allclose(one.curvature, other.curvature, rtol=1e-9, atol=1e-9)
