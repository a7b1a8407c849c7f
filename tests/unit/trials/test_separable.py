"""Which pairs a fit can tell apart by drawing its questions again."""

import numpy as np
import pytest

from dearena.scoring import FitSettings, Votes, fit
from dearena.scoring.reports.bootstrap import bootstrap_by_question
from dearena.trials.separable import separable_pairs


def votes(shares: dict[str, list[int]]) -> Votes:
    """Pairs by name (`ab`), and who won by question: 1 the first, 0 the second, 2 a tie."""
    cells = [(pair, question, won) for pair, row in shares.items() for question, won in enumerate(row)]
    names = {2: "tie", 1: "a", 0: "b"}
    return Votes.of_columns(
        judge=["j"] * len(cells),
        model_a=[pair[0] for pair, _, _ in cells],
        model_b=[pair[1] for pair, _, _ in cells],
        query=[f"q{question}" for _, question, _ in cells],
        winner=[names[won] for _, _, won in cells],
    )


@pytest.mark.parametrize("weighting", ["uniform", "score", "reliability"])
def test_a_pair_on_which_all_questions_agree_is_told_apart_and_an_even_one_is_not(weighting: str) -> None:
    told = votes({"ab": [1, 0] * 6, "ac": [1] * 12, "bc": [1] * 12})
    found = fit(told, FitSettings(weighting=weighting))
    assert set(separable_pairs(told, found)) == {("a", "c"), ("b", "c")}


def test_the_better_comes_first_whichever_is_named_first() -> None:
    told = votes({"ab": [0] * 12, "bc": [1] * 12, "ac": [1, 0, 0] * 4})
    assert ("b", "a") in separable_pairs(told, fit(told))


def test_equal_models_are_never_told_apart() -> None:
    told = votes({"ab": [2] * 10, "bc": [2] * 10})
    assert separable_pairs(told, fit(told)) == ()


def test_one_question_tells_nothing_apart() -> None:
    told = votes({"ab": [1], "bc": [1], "ac": [1]})
    assert separable_pairs(told, fit(told)) == ()


def test_draws_are_those_of_the_bootstrap() -> None:
    random = np.random.default_rng(0)
    told = votes({pair: random.integers(0, 3, 15).tolist() for pair in ("ab", "ac", "bc")})
    found = fit(told)
    from dearena.trials import separable

    strengths = separable._drawn(told, found, 200, 4)
    errors = np.std(strengths, axis=0, ddof=1) * np.sqrt(15 / 14)
    bootstrap = bootstrap_by_question(told, found.settings, 200, 4)
    assert bootstrap is not None
    np.testing.assert_array_equal(errors, bootstrap.errors)
