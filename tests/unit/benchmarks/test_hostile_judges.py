"""Hostile worlds are what they say, and under `reliability` what hostile judges cost stays small."""

import numpy as np
import pytest

from benchmarks.hostile_judges import LIMIT, Cost, costs
from benchmarks.hostile_worlds import CELLS, FAMILIES, HOSTILE, MODELS, Kind, hostile_world
from dearena.scoring import Outcome
from dearena.scoring.outcomes import CODES
from dearena.scoring.weightings import RELIABILITY, UNIFORM

A, B, FLIP = CODES[Outcome.A], CODES[Outcome.B], CODES[Outcome.FLIP]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.FIRST])
def test_honest_judges_say_the_same_whatever_the_hostile_are_up_to(kind: Kind) -> None:
    world = hostile_world(3)
    plain, votes = world.votes(Kind.NONE, 20), world.votes(kind, 20)

    honest = ~world.hostile(kind)[votes.judge]

    assert np.array_equal(plain.judge, votes.judge)
    assert np.array_equal(plain.outcome[honest], votes.outcome[honest])
    assert (kind is Kind.NONE) == np.array_equal(plain.outcome, votes.outcome)


def test_every_pair_has_as_many_cells_each_once_and_nobody_judges_itself() -> None:
    votes = hostile_world(3).votes(Kind.NONE, CELLS)

    cells = set(zip(votes.first, votes.second, votes.judge, votes.query, strict=True))

    assert len(cells) == len(votes) == CELLS * MODELS * (MODELS - 1) // 2
    assert not np.any((votes.judge == votes.first) | (votes.judge == votes.second))
    with pytest.raises(ValueError, match="a pair has 720 cells"):
        hostile_world(3).votes(Kind.NONE, CELLS + 1)


def test_judges_of_the_first_seat_are_single_looks_that_say_nothing() -> None:
    world = hostile_world(4)
    votes = world.votes(Kind.FIRST, CELLS)
    hostile = world.hostile(Kind.FIRST)[votes.judge]

    better = world.skill[votes.first] > world.skill[votes.second]
    agrees = (votes.outcome == A) == better

    assert not np.any(votes.outcome == FLIP)
    assert np.mean(agrees[hostile]) == pytest.approx(0.5, abs=0.01)
    assert np.mean(agrees[~hostile]) > 0.6


@pytest.mark.parametrize("kind", [Kind.FAMILY, Kind.ONE_FAMILY])
def test_partial_judges_prefer_their_own(kind: Kind) -> None:
    world = hostile_world(5)
    votes = world.votes(kind, 200)
    own = world.family[votes.judge]
    mixed = world.hostile(kind)[votes.judge] & (
        (world.family[votes.first] == own) != (world.family[votes.second] == own)
    )
    decided = mixed & (votes.outcome != FLIP)

    for_own = (votes.outcome == A) == (world.family[votes.first] == own)

    assert np.mean(for_own[decided]) > 0.95
    assert np.sum(world.hostile(kind)) == HOSTILE
    assert np.bincount(world.family).tolist() == [MODELS // FAMILIES] * FAMILIES
    assert len(set(world.family[world.hostile(Kind.ONE_FAMILY)])) == 1


def test_colluding_judges_prefer_one_model_that_is_none_of_them() -> None:
    world = hostile_world(6)
    votes = world.votes(Kind.COLLUSION, 200)
    favourite = world.order[HOSTILE]
    about = world.hostile(Kind.COLLUSION)[votes.judge] & ((votes.first == favourite) | (votes.second == favourite))
    decided = about & (votes.outcome != FLIP)

    assert not world.hostile(Kind.COLLUSION)[favourite]
    assert np.mean(((votes.outcome == A) == (votes.first == favourite))[decided]) > 0.9


def test_only_neighbours_meet_within_a_window() -> None:
    world = hostile_world(7)
    votes = world.votes(Kind.NONE, 5, within=2)

    place = np.argsort(np.argsort(world.skill))

    assert np.max(np.abs(place[votes.first] - place[votes.second])) == 2
    assert len(votes) == 5 * ((MODELS - 1) + (MODELS - 2))


@pytest.mark.parametrize("kind", [Kind.INVERTED, Kind.ONE_FAMILY, Kind.COLLUSION])
def test_under_reliability_hostile_judges_cost_little(kind: Kind) -> None:
    found = costs(kind, votes_a_pair=40, within=MODELS, seeds=range(100, 110))

    assert found[RELIABILITY].difference > -LIMIT
    assert found[UNIFORM].difference < -LIMIT / 2


def test_costs_are_paired_by_world() -> None:
    cost = Cost(with_all=np.array([0.5, 0.9, 0.7]), without=np.array([0.6, 1.0, 0.8]))

    assert cost.difference == pytest.approx(-0.1)
    assert cost.error == pytest.approx(0.0)
