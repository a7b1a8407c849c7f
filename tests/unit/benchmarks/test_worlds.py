"""The coverage world: its votes are the design that was asked for, and its target is what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from benchmarks.worlds import (
    ANSWER_DEVIATION,
    CONTESTANTS,
    QUERIES,
    Bench,
    bradley_terry_target,
    coverage_world,
    log_sharpness_of,
)

PAIRS = CONTESTANTS * (CONTESTANTS - 1) // 2


@pytest.mark.parametrize(("bench", "votes_per_pair"), [(Bench.CONTESTANTS, 40), (Bench.OUTSIDE, 800)])
def test_every_pair_gets_as_many_votes_and_no_cell_twice(bench: Bench, votes_per_pair: int) -> None:
    votes = coverage_world(3, bench).votes(votes_per_pair)

    pair = votes.first * CONTESTANTS + votes.second
    _, tally = np.unique(pair, return_counts=True)
    cells = {tuple(cell) for cell in np.stack([pair, votes.query, votes.judge], axis=1).tolist()}

    assert tally.tolist() == [votes_per_pair] * PAIRS
    assert len(cells) == len(pair)


def test_no_contestant_judges_itself_and_560_votes_are_all_cells_of_a_pair() -> None:
    world = coverage_world(3, Bench.CONTESTANTS)
    votes = world.votes(560)

    assert not np.any((votes.judge == votes.first) | (votes.judge == votes.second))
    assert len(np.unique(votes.judge)) == CONTESTANTS
    assert len(np.unique(votes.query)) == QUERIES
    with pytest.raises(ValueError, match="561 votes a pair, but a pair has 560 cells"):
        world.votes(561)


def test_a_seed_gives_the_same_world_and_votes_each_time() -> None:
    one, same, other = (coverage_world(seed, Bench.CONTESTANTS).votes(40) for seed in (7, 7, 8))

    assert np.array_equal(one.first_won, same.first_won)
    assert np.array_equal(one.judge, same.judge)
    assert not np.array_equal(one.first_won, other.first_won)


def test_votes_fall_as_often_as_skills_answers_and_sharpness_say() -> None:
    world = coverage_world(5, Bench.OUTSIDE)
    votes = world.votes(800)

    appeal = world.skill[:, None] + world.answer_effect
    chance = expit(
        world.sharpness[votes.judge] * (appeal[votes.first, votes.query] - appeal[votes.second, votes.query])
    )

    for some in (chance > 0.8, chance < 0.2, votes.judge == 11, votes.query == 13):
        excess = np.sum((votes.first_won - chance)[some])
        assert abs(excess) < 4 * np.sqrt(np.sum((chance * (1 - chance))[some]))


@pytest.mark.parametrize("bench", list(Bench))
def test_chances_are_the_mean_over_new_queries_and_judges(bench: Bench) -> None:
    world = coverage_world(2, bench)
    random = np.random.default_rng(0)
    answers = ANSWER_DEVIATION * (random.normal(size=200_000) - random.normal(size=200_000))
    sharpness = np.exp(random.normal(*log_sharpness_of(bench), size=200_000))

    chances = world.win_chances()

    assert np.allclose(chances + chances.T, 1)
    for a, b in ((0, 1), (4, 9)):
        drawn = expit(sharpness * (world.skill[a] - world.skill[b] + answers))
        assert chances[a, b] == pytest.approx(drawn.mean(), abs=4 * drawn.std() / np.sqrt(len(drawn)))


def test_a_new_judge_may_be_a_contestant_of_any_skill() -> None:
    sharpness = [np.log(coverage_world(seed, Bench.CONTESTANTS).sharpness) for seed in range(400)]
    mean, deviation = log_sharpness_of(Bench.CONTESTANTS)

    assert np.mean(sharpness) == pytest.approx(mean, abs=0.02)
    assert np.std(sharpness) == pytest.approx(deviation, abs=0.015)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=9))
def test_the_target_is_the_strengths_where_bradley_terry_is_true(strengths: list[float]) -> None:
    planted = np.array(strengths) - np.mean(strengths)

    target = bradley_terry_target(expit(planted[:, None] - planted[None, :]))

    assert target == pytest.approx(planted, abs=1e-8)


@pytest.mark.parametrize("bench", list(Bench))
def test_the_target_keeps_the_order_of_skills_and_a_prior_draws_it_to_the_middle(bench: Bench) -> None:
    world = coverage_world(1, bench)

    target = bradley_terry_target(world.win_chances())
    with_prior = bradley_terry_target(world.win_chances(), prior_precision=1 / 9 / 40)

    assert np.argsort(target).tolist() == np.argsort(world.skill).tolist()
    assert np.sum(with_prior**2) < np.sum(target**2)
    assert np.abs(with_prior - target).max() < 0.02
