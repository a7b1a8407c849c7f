"""How judges weigh: whole parts of mean 1, and a fixed point that is exact or says that it is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidField
from dearena.scoring import FitSettings, Votes, fit, fixed_point
from dearena.scoring.arrays import ONE, FloatArray, IntArray
from dearena.scoring.cells import Cells
from dearena.scoring.fixed_point import settle
from dearena.scoring.strengths import StrengthFit, fit_strengths
from dearena.scoring.tallies import tally
from dearena.scoring.weightings import BY_STRENGTH, FLOOR, in_parts, rank, score
from tests.unit.scoring.worlds import planted

strengths = st.lists(st.floats(-8, 8), min_size=1, max_size=12).map(np.array)


@given(raw=st.lists(st.floats(1e-2, 1e2), min_size=1, max_size=30).map(np.array))
def test_parts_have_mean_1_exactly_and_are_in_proportion(raw: FloatArray) -> None:
    parts = in_parts(raw)
    assert parts.sum() == ONE * len(raw)
    assert np.max(np.abs(parts - raw * ONE * len(raw) / raw.sum())) <= 1


def test_a_judge_may_weigh_nothing_but_not_less() -> None:
    assert list(in_parts(np.array([0.0, 1.0]))) == [0, 2 * ONE]
    for broken in ([-0.1, 1.0], [np.nan, 1.0], [0.0, 0.0], [np.inf, 1.0]):
        with pytest.raises(ValueError, match="judge weights must be finite"):
            in_parts(np.array(broken))
    with pytest.raises(ValueError, match="too small"):
        in_parts(np.array([1e-9, 1.0, 1.0]))


@given(strengths=strengths)
@pytest.mark.parametrize("name", sorted(BY_STRENGTH))
def test_no_weighting_silences_a_judge_or_hands_it_the_board(name: str, strengths: FloatArray) -> None:
    raw = BY_STRENGTH[name](strengths)
    assert np.all(raw > 0)
    assert raw.max() <= raw.min() / FLOOR


def test_better_models_weigh_more() -> None:
    assert list(np.argsort(score(np.array([0.5, -2.0, 1.0])))) == [1, 0, 2]


def test_rank_goes_in_even_steps_and_equals_share() -> None:
    weights = rank(np.array([3.0, 0.0, 0.0, -9.0]))
    assert weights[1] == weights[2]
    assert np.diff(np.sort(rank(np.array([0.3, 7.0, -1.0])))) == pytest.approx([0.95 / 3, 0.95 / 3])


def contestants_judge(seed: int) -> Votes:
    """A world in which every judge is a contestant too."""
    _, votes = planted(seed, models=8, judges=8)
    apart = (votes.judge != votes.first) & (votes.judge != votes.second)
    some = votes.where(np.flatnonzero(apart))
    return Votes.of_codes(
        models=votes.models,
        judges=votes.models,
        queries=votes.queries,
        judge=some.judge,
        first=some.first,
        second=some.second,
        query=some.query,
        outcome=some.outcome,
    )


@pytest.mark.parametrize("weighting", ["score", "rank"])
@pytest.mark.parametrize("seed", range(4))
def test_strengths_are_the_fit_under_precisely_the_weights_beside_them(weighting: str, seed: int) -> None:
    votes = contestants_judge(seed)
    found = fit(votes, FitSettings(weighting=weighting))
    cells = Cells.of_pairs(tally(votes, found.judging.parts[votes.judge]) / ONE)
    assert found.strengths == pytest.approx(fit_strengths(cells, 3.0).strengths, abs=1e-9)
    implied = in_parts(BY_STRENGTH[weighting](found.strengths))
    if found.judging.settled:
        assert np.max(np.abs(implied - found.judging.parts)) <= 1
    else:
        # Ranks jump: two models may trade places under each other's weights, and then the board says so.
        assert weighting == "rank"
        assert found.judging.residual > 1


def test_a_judge_from_outside_weighs_as_the_average() -> None:
    _, votes = planted(1)
    assert list(fit(votes, FitSettings(weighting="score")).judging.parts) == [ONE] * len(votes.judges)


def test_weights_that_do_not_come_to_rest_are_said_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_point, "FIT_LIMIT", 2)
    found = fit(contestants_judge(0), FitSettings(weighting="score"))
    assert found.judging.fits == 2
    assert not found.judging.settled


def test_weights_that_lead_to_one_another_in_turn_rest_in_between() -> None:
    def fit_under(parts: IntArray) -> StrengthFit:
        return StrengthFit(parts[:1] / ONE - 1.0, None, np.zeros(0), np.eye(1), 1)

    def implied_by(found: StrengthFit) -> IntArray:
        first = round(ONE * (1.3 - 1.5 * float(found.strengths[0])))
        return np.array([first, 2 * ONE - first])

    found, fits = settle(2, fit_under, implied_by)
    assert found.settled
    assert fits < 30


def test_a_weighting_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InvalidField, match="'loudest' is none of rank, reliability, score, uniform"):
        FitSettings(weighting="loudest")
