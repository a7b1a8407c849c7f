"""A judge is listened to less about a model, the more it parts from what judges usually differ by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dearena.scoring.arrays import BoolArray, FloatArray
from dearena.scoring.influence import OPEN_MIND, STANDS_OUT, Surplus, deviations, discord, influence

JUDGES, MODELS = 6, 5


def surplus_of(total: FloatArray, variance: FloatArray | float = 9.0, seen: BoolArray | None = None) -> Surplus:
    spread = np.broadcast_to(np.asarray(variance, dtype=np.float64), total.shape)
    return Surplus(total, spread, np.ones(total.shape, dtype=bool) if seen is None else seen)


def everyday(judges: int = 20, models: int = 20, favour: float = 0.0, variance: float = 9.0) -> FloatArray:
    """Surpluses of honest judges who differ about models by a deviation of `favour` log-odds."""
    random = np.random.default_rng(7)
    return random.normal(0, np.sqrt(variance), (judges, models)) + variance * random.normal(0, favour, (judges, models))


finite = st.floats(-1e6, 1e6)


@given(
    total=arrays.arrays(np.float64, (JUDGES, MODELS), elements=finite),
    variance=arrays.arrays(np.float64, (JUDGES, MODELS), elements=st.floats(0, 1e6)),
    seen=arrays.arrays(np.bool_, (JUDGES, MODELS)),
)
def test_whatever_the_surpluses_influences_are_shares(total: FloatArray, variance: FloatArray, seen: BoolArray) -> None:
    shares = influence(surplus_of(np.where(seen, total, 0.0), np.where(seen, variance, 0.0), seen))

    assert np.all((shares > 0) & (shares <= 1))
    assert np.all(shares[~seen] == 1)


@pytest.mark.parametrize("size", [20.0, 200.0, 20_000.0])
def test_no_judge_moves_a_model_by_more_than_a_bound(size: float) -> None:
    total = everyday()
    total[3, 4] = size

    shares = influence(surplus_of(total))

    assert shares[3, 4] * size <= STANDS_OUT * np.sqrt(9 + discord(surplus_of(total)) * 81 + OPEN_MIND) * (1 + 1e-9)


def test_a_friend_of_one_model_is_listened_to_about_the_others() -> None:
    total = everyday()
    total[3, 4] = 60.0

    shares = influence(surplus_of(total))

    others = np.delete(shares[3], 4)
    assert shares[3, 4] < 0.15
    assert np.median(others) > 0.8


def test_who_parts_from_the_rest_about_many_models_is_mistrusted_about_all() -> None:
    total = everyday()
    total[3, ::2] = 30.0
    total[3, 1] = 0.0

    shares = influence(surplus_of(total))

    assert deviations(surplus_of(total))[3, 1] == 0
    assert shares[3, 1] < 0.6
    assert np.median(shares[[0, 1, 2]]) > 0.85


def test_what_judges_usually_differ_by_stands_out_for_nobody() -> None:
    # A hundred times the votes: chance is small beside honest differences, and nobody loses by that.
    total = everyday(favour=0.4, variance=900.0)
    surplus = surplus_of(total, 900.0)

    assert discord(surplus) == pytest.approx(0.4**2, rel=0.3)
    assert np.mean(influence(surplus)) > 0.85
    assert np.mean(np.abs(total) / np.sqrt(900.0) > STANDS_OUT) > 0.8  # chance alone would call them all corrupt


def test_a_minority_of_corrupt_judges_does_not_set_what_is_usual() -> None:
    total = everyday()
    usual = influence(surplus_of(total))[:12]
    total[12:] += 400.0 * np.sign(total[12:])

    shares = influence(surplus_of(total))

    assert np.max(shares[12:]) < 0.2
    assert np.all(shares[:12] >= usual - 1e-12)


def test_with_few_votes_nothing_stands_out() -> None:
    total = np.zeros((4, 4))
    total[0, 0] = 0.5

    assert np.all(influence(surplus_of(total, 0.25)) > 0.95)
