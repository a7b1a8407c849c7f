"""A dimension's health: what it tells apart, what its queries no longer tell, and what to do."""

from dataclasses import replace

import numpy as np
import pytest

from dearena.outcomes import Outcome
from dearena.scoring import FitSettings, Votes
from dearena.scoring.outcomes import CODES
from dearena.selection.health import health, preferences_of
from dearena.selection.redundant_boards import board_correlation
from tests.unit.selection.pools import Planted, planted

UNIFORM = FitSettings(weighting="uniform")


def votes_of(world: Planted, tied: tuple[str, ...] = ()) -> Votes:
    outcome = np.where(world.outcome == 1, CODES[Outcome.A], CODES[Outcome.B])
    in_tie = np.isin(np.array(world.queries)[world.query], tied)
    return Votes.of_codes(
        models=world.models,
        judges=world.judges,
        queries=world.queries,
        judge=world.judge,
        first=world.first,
        second=world.second,
        query=world.query,
        outcome=np.where(in_tie, CODES[Outcome.TIE], outcome),
    )


def test_queries_that_tell_nothing_are_to_be_retired_and_replaced() -> None:
    world = planted(np.repeat([1.0, 0.0, -1.0], [30, 3, 2]), seed=1)
    found = health(votes_of(world, tied=("q000", "q001")), settings=UNIFORM)

    assert found.saturated == ("q000", "q001")
    assert found.saturation == pytest.approx(2 / 35)
    assert set(found.silent) == {"q000", "q001", "q030", "q031", "q032", "q033", "q034"}
    assert found.mislabelled == ("q033", "q034")
    assert set(found.retire) == set(found.silent)
    assert found.add is not None
    assert found.add >= len(found.retire)


def test_a_healthy_dimension_tells_its_models_apart_and_wants_nothing() -> None:
    found = health(votes_of(planted(np.ones(60), models=5, seed=2, noise=0.3)), settings=UNIFORM)
    assert found.separability == 1.0
    assert (found.retire, found.mislabelled, found.add) == ((), (), 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_thin_dimension_is_told_how_much_it_lacks(seed: int) -> None:
    """More of the same queries, as many as suggested, tell more pairs apart."""

    def grown(queries: int) -> Votes:
        return votes_of(planted(np.full(queries, 0.7), models=4, votes=20, seed=seed, noise=0.6))

    found = health(grown(8), settings=UNIFORM)
    assert found.separability < 1
    assert found.add is not None
    assert found.add > 0
    assert health(grown(8 + found.add), settings=UNIFORM).separability > found.separability


def test_a_dimension_that_ranks_as_another_is_redundant_with_it() -> None:
    votes = votes_of(planted(np.ones(40), models=12, seed=4))
    same = {f"m{number}": float(number) for number in range(12)}
    other = {f"m{number}": float(np.cos(3 * number)) for number in range(12)}
    found = health(votes, {"same": same, "other": other, "strange": {"nobody": 1.0}}, settings=UNIFORM)
    by_name = {one.dimension: one for one in found.correlations}

    assert by_name["same"].spearman == pytest.approx(1.0, abs=0.05)
    assert by_name["same"].low is not None
    assert by_name["same"].low > 0.8
    assert by_name["other"].low is not None
    assert by_name["other"].high is not None
    assert by_name["other"].low < 0 < by_name["other"].high
    assert by_name["strange"].spearman is None
    assert by_name["strange"].models == 0


def test_the_interval_of_a_correlation_holds_the_true_one() -> None:
    chance = np.random.default_rng(0)
    true = 6 / np.pi * np.arcsin(0.7 / 2)
    """Of ranks, where values correlate by .7."""
    covered = 0
    for _ in range(1_000):
        one, other = chance.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 20).T
        boards = [{f"m{number}": float(value) for number, value in enumerate(values)} for values in (one, other)]
        found = board_correlation(boards[0], "other", boards[1], 0.95)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= true <= found.high
    assert 0.93 < covered / 1_000 < 0.98


def test_flips_and_voids_say_nothing_of_health() -> None:
    votes = votes_of(planted(np.ones(10), seed=5))
    noise = replace(
        votes, outcome=np.where(np.arange(len(votes)) % 3 == 0, np.int8(CODES[Outcome.FLIP]), votes.outcome)
    )
    assert len(preferences_of(noise)) == np.count_nonzero(noise.outcome != CODES[Outcome.FLIP])
    assert health(noise, settings=UNIFORM).saturation == 0


def test_few_votes_break_nothing() -> None:
    one_query = votes_of(planted(np.ones(1), seed=6))
    found = health(one_query, settings=UNIFORM)
    assert found.add == len(found.retire)
    nothing = one_query.where(np.zeros(len(one_query), dtype=bool))
    empty = health(nothing, settings=UNIFORM)
    assert (empty.retire, empty.separability) == ((), 0.0)
    assert np.isnan(empty.saturation)
