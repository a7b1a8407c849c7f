"""Lots drawn by hash."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.sparring.chance import Lots, happens, normal, part, uniform

parts = st.lists(st.one_of(st.integers(), st.text()), min_size=1, max_size=5)


@given(key=parts)
def test_a_lot_lies_strictly_between_0_and_1_and_its_normal_is_finite(key: list[str | int]) -> None:
    assert 0 < uniform(*key) < 1
    assert math.isfinite(normal(*key))
    assert uniform(*key) == uniform(*key)


@given(key=parts)
def test_what_has_probability_0_never_happens_and_what_has_1_always_does(key: list[str | int]) -> None:
    assert not happens(0, *key)
    assert happens(1, *key)


def test_parts_of_a_key_do_not_run_together() -> None:
    assert len({uniform("a", "bc"), uniform("ab", "c"), uniform("abc"), uniform("a", "b", "c")}) == 4


def test_a_key_may_hold_half_a_character() -> None:
    assert 0 < uniform("\ud83d") < 1


def test_lots_are_uniform_and_their_normals_standard() -> None:
    lots = np.array([uniform("lot", number) for number in range(20_000)])
    deciles = np.histogram(lots, bins=10, range=(0, 1))[0] / len(lots)
    assert deciles == pytest.approx(np.full(10, 0.1), abs=0.01)
    normals = np.array([normal("lot", number) for number in range(20_000)])
    assert normals.mean() == pytest.approx(0, abs=0.03)
    assert normals.std() == pytest.approx(1, abs=0.02)


def test_the_hash_behind_every_planted_world_does_not_change() -> None:
    assert uniform(0, "skill", "alpha") == 0.2891242938378288


@given(st.lists(st.text(max_size=8) | st.integers(), min_size=1, max_size=6), st.integers(0, 5))
def test_lots_whose_keys_begin_alike_are_the_same_lots(key: list[str | int], begun: int) -> None:
    rest = b"".join(part(one) for one in key[begun:])
    assert Lots(*key[:begun]).uniform(rest) == uniform(*key)
