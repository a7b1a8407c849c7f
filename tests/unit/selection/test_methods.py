"""Whatever the pool and the method: k queries, each with its reason, in whichever order votes were counted."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.faults import InvalidField
from dearena.selection import METHODS, PilotVotes, Pool, Why, select
from dearena.selection.at_random import places_of
from tests.unit.selection.pools import Planted, odd_pilots, planted

EVERY_METHOD = pytest.mark.parametrize("method", METHODS)


@EVERY_METHOD
@settings(max_examples=40, deadline=None)
@given(odd=odd_pilots(), data=st.data())
def test_k_queries_are_taken_and_every_other_is_left_for_a_reason(
    method: str, odd: Planted, data: st.DataObject
) -> None:
    pilot = odd.pilot()
    k = data.draw(st.integers(1, len(pilot.pool)))
    chosen = select(pilot, method=method, k=k, seed=3)

    assert len(chosen.taken) == k == len(chosen.objective)
    assert [reason.rank for reason in chosen.taken] == list(range(1, k + 1))
    assert all(reason.rank == 0 for reason in chosen.left)
    assert sorted(reason.query for reason in (*chosen.taken, *chosen.left)) == list(pilot.pool.queries)
    category_of = dict(zip(odd.queries, odd.categories, strict=True))
    assert all(reason.category == category_of[reason.query] for reason in (*chosen.taken, *chosen.left))


@EVERY_METHOD
@settings(max_examples=40, deadline=None)
@given(odd=odd_pilots(), seed=st.integers(0, 2**16))
def test_a_choice_does_not_depend_on_any_order_to_the_bit(method: str, odd: Planted, seed: int) -> None:
    k = 1 + len(odd.queries) // 2
    one = select(odd.pilot(), method=method, k=k, seed=1)
    other = select(odd.shuffled(seed).pilot(), method=method, k=k, seed=1)

    assert one.taken == other.taken
    assert one.left == other.left
    assert one.objective.tobytes() == other.objective.tobytes()


@EVERY_METHOD
def test_a_larger_pilot_gives_the_same_choice_in_any_order(method: str) -> None:
    given_once = planted(np.repeat([1.0, 0.5, 0.0, -1.0, 2.0], 8), categories=3, seed=2)
    one = select(given_once.pilot(), method=method, k=15, seed=1)
    for seed in range(3):
        other = select(given_once.shuffled(seed).pilot(), method=method, k=15, seed=1)
        assert (one.taken, one.left) == (other.taken, other.left)


@EVERY_METHOD
def test_the_whole_pool_can_be_taken(method: str) -> None:
    pilot = planted(np.array([1.0, 0.0, -1.0, 1.0])).pilot()
    assert select(pilot, method=method, k=4, seed=0).queries == pilot.pool.queries


@EVERY_METHOD
@pytest.mark.parametrize("k", [0, 3])
def test_no_more_than_the_pool_and_no_less_than_one(method: str, k: int) -> None:
    with pytest.raises(InvalidField):
        select(PilotVotes.none(Pool.of(["a", "b"])), method=method, k=k, seed=0)


def test_a_method_is_known_by_name() -> None:
    with pytest.raises(InvalidField, match="consistent, random, telling"):
        select(PilotVotes.none(Pool.of(["a"])), method="best", k=1, seed=0)


@EVERY_METHOD
def test_one_query_is_taken_with_votes_or_without(method: str) -> None:
    assert select(PilotVotes.none(Pool.of(["a"])), method=method, k=1, seed=0).queries == ("a",)
    assert select(planted(np.array([1.0])).pilot(), method=method, k=1, seed=0).queries == ("q000",)


@EVERY_METHOD
def test_a_pool_of_100_000_is_chosen_from_though_few_were_piloted(method: str) -> None:
    few = planted(np.repeat([1.0, 0.0], 15), models=5).pilot()
    pool = Pool.of([*few.pool.queries, *(f"unseen{number}" for number in range(100_000))])
    pilot = replace(few, pool=pool)
    chosen = select(pilot, method=method, k=40, seed=0)
    assert len(chosen.taken) == 40
    assert len(chosen.left) == 99_990
    if method == "telling":
        assert not any(reason.why is Why.FILLED for reason in chosen.taken)


@EVERY_METHOD
def test_without_votes_other_seeds_give_other_choices(method: str) -> None:
    pilot = PilotVotes.none(Pool.of([f"q{number}" for number in range(40)]))
    choices = {select(pilot, method=method, k=8, seed=seed).queries for seed in range(10)}
    assert len(choices) == 10


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8), data=st.data())
def test_places_are_dealt_in_proportion_to_less_than_one(sizes: list[int], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, sum(sizes)))
    room = places_of(np.array(sizes), k)
    assert room.sum() == k
    assert np.all(room <= sizes)
    assert np.all(np.abs(room - np.array(sizes) * k / sum(sizes)) < 1)


def test_a_random_choice_changes_by_one_when_the_pool_grows_by_one() -> None:
    names = [f"q{number}" for number in range(100)]
    before = set(select(PilotVotes.none(Pool.of(names)), method="random", k=20, seed=5).queries)
    after = set(select(PilotVotes.none(Pool.of([*names, "new"])), method="random", k=20, seed=5).queries)
    assert len(before - after) <= 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"queries": ["a", "a"]}, "queries"),
        ({"queries": []}, "queries"),
        ({"categories": ["x"]}, "categories"),
        ({"cost": [1.0, 0.0]}, "cost"),
        ({"cost": [1.0]}, "cost"),
    ],
)
def test_a_pool_is_checked(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField, match=field):
        Pool.of(**({"queries": ["a", "b"]} | change))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"outcome": [0.3]}, "outcome"),
        ({"second": [0]}, "second"),
        ({"query": [2]}, "query"),
        ({"judge": [-1]}, "judge"),
        ({"first": [0, 1]}, "first"),
    ],
)
def test_votes_are_checked(change: dict[str, Any], field: str) -> None:
    columns: dict[str, Any] = {"query": [0], "first": [0], "second": [1], "judge": [0], "outcome": [1.0]}
    with pytest.raises(InvalidField, match=field):
        PilotVotes.of(queries=["a", "b"], models=["m", "n"], judges=["j"], **(columns | change))


def test_consistent_takes_the_queries_that_rank_as_all_do() -> None:
    chosen = select(
        planted(np.repeat([1.0, 0.0, -1.0], [10, 5, 2]), noise=0.2).pilot(), method="consistent", k=10, seed=0
    )
    assert set(chosen.queries) == {f"q{number:03}" for number in range(10)}
    assert [reason.agreement for reason in chosen.taken] == sorted(
        (reason.agreement for reason in chosen.taken if reason.agreement is not None), reverse=True
    )
    assert all(reason.why is Why.INCONSISTENT for reason in chosen.left)
