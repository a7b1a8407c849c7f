"""Strengths alone are those of the whole fit, and can be had under weights that are given."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given

from dearena.outcomes import Outcome
from dearena.scoring import FitSettings, Votes, fit
from dearena.scoring.outcomes import CODES
from dearena.scoring.reports.placing import place
from dearena.scoring.settings import FLIP_RULES
from dearena.scoring.style import Style
from dearena.scoring.ties import TIE_RULES
from dearena.scoring.weightings import WEIGHTINGS
from tests.unit.scoring.plain import Ballot
from tests.unit.scoring.worlds import ballots, planted, votes_of

RULES = [
    FitSettings(weighting=weighting, ties=ties, flips=flips)
    for weighting, ties, flips in product(WEIGHTINGS, TIE_RULES, FLIP_RULES)
]


def with_flips(votes: Votes) -> Votes:
    outcome = np.where(np.arange(len(votes)) % 9 == 0, np.int8(CODES[Outcome.FLIP]), votes.outcome)
    return replace(votes, outcome=outcome)


def style_for(votes: Votes) -> Style:
    values = np.random.default_rng(5).lognormal(6, 0.6, (len(votes.queries), len(votes.models), 1))
    return Style(("characters",), votes.models, votes.queries, values)


@pytest.mark.parametrize("settings", RULES, ids=lambda rule: f"{rule.weighting}-{rule.ties}-{rule.flips}")
def test_the_strengths_are_those_of_the_fit_to_the_bit(settings: FitSettings) -> None:
    votes = with_flips(planted(3, votes=1_500)[1])
    whole, found = fit(votes, settings), place(votes, settings)
    np.testing.assert_array_equal(found.strengths, whole.strengths)
    np.testing.assert_array_equal(found.rank, whole.rank)
    np.testing.assert_array_equal(found.judging.parts, whole.judging.parts)
    assert found.models == whole.models
    assert found.judges == whole.judges
    assert found.settings == settings


@pytest.mark.parametrize("settings", RULES, ids=lambda rule: f"{rule.weighting}-{rule.ties}-{rule.flips}")
def test_weights_held_where_they_came_to_rest_change_nothing(settings: FitSettings) -> None:
    votes = with_flips(planted(4, votes=1_500)[1])
    found = place(votes, settings)
    held = place(votes, settings, held=found.judging)
    np.testing.assert_array_equal(held.strengths, found.strengths)
    np.testing.assert_array_equal(held.judging.parts, found.judging.parts)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_style_is_controlled_as_in_the_fit(weighting: str) -> None:
    _, votes = planted(5, votes=1_500)
    style, settings = style_for(votes), FitSettings(weighting=weighting)
    whole, found = fit(votes, settings, style), place(votes, settings, style)
    np.testing.assert_array_equal(found.strengths, whole.strengths)
    held = place(votes, settings, style, found.judging)
    np.testing.assert_array_equal(held.strengths, found.strengths)


def test_another_weight_gives_another_board() -> None:
    _, votes = planted(6, votes=1_500)
    found = place(votes, FitSettings(weighting="uniform"))
    parts = found.judging.parts.copy()
    parts[0], parts[1] = 2 * parts[0], 0
    held = place(votes, FitSettings(weighting="uniform"), held=replace(found.judging, parts=parts))
    without = fit(
        replace(votes, weight=np.array([2, 0, *[1] * (len(votes.judges) - 2)])[votes.judge]),
        FitSettings(weighting="uniform"),
    )
    np.testing.assert_allclose(held.strengths, without.strengths, atol=1e-9)


@given(drawn=ballots(max_size=30))
def test_a_model_is_seen_when_a_vote_concerns_it(drawn: list[Ballot]) -> None:
    votes = votes_of(drawn)
    found = place(votes, FitSettings(weighting="uniform"))
    named = {ballot.first for ballot in drawn} | {ballot.second for ballot in drawn}
    assert {model for model, seen in zip(found.models, found.seen, strict=True) if seen} == named
