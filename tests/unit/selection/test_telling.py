"""What `telling` finds out about queries, and what it makes of that."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dearena.faults import InvalidField
from dearena.selection import PilotVotes, Reason, Selection, TellingSettings, Why, select, telling
from dearena.selection.information import Chosen, Promise
from dearena.selection.pilot import Pool
from dearena.selection.redundancy import alike
from dearena.selection.telling import Believed, choose
from tests.unit.selection.pools import Planted, planted

GOOD, DEAD, WRONG = 40, 6, 4
SLOPES = np.repeat([1.0, 0.0, -1.0], [GOOD, DEAD, WRONG])


def by_query(chosen: Selection) -> dict[str, Reason]:
    return {reason.query: reason for reason in (*chosen.taken, *chosen.left)}


def test_planted_faults_are_found_and_left() -> None:
    pilot = planted(SLOPES, seed=3).pilot()
    chosen = select(pilot, method="telling", k=GOOD, seed=0)
    reasons = by_query(chosen)
    names = pilot.pool.queries

    assert set(chosen.queries) == set(names[:GOOD])
    assert {reasons[name].why for name in names[GOOD : GOOD + DEAD]} == {Why.DEAD}
    assert {reasons[name].why for name in names[GOOD + DEAD :]} == {Why.MISLABELLED}
    for name in names[GOOD + DEAD :]:
        slope, error = reasons[name].slope, reasons[name].slope_error
        assert slope is not None
        assert error is not None
        assert slope + 2 * error < 0


def test_faults_are_taken_last_when_nothing_else_is_left() -> None:
    chosen = select(planted(SLOPES, seed=3).pilot(), method="telling", k=GOOD + 3, seed=0)
    assert [reason.why for reason in chosen.taken[GOOD:]] == [Why.FILLED] * 3
    # What is dead adds nothing but noise.
    assert chosen.objective[GOOD] < chosen.objective[GOOD - 1]


def test_steeper_queries_come_first() -> None:
    slopes = np.tile([0.3, 1.5], 20)
    pilot = planted(slopes, seed=1, noise=0.3).pilot()
    chosen = telling(pilot, 10, 0, TellingSettings(planned_votes=5))
    assert {int(name[1:]) % 2 for name in chosen.queries} == {1}


def test_the_objective_is_that_of_the_taken_and_flattens() -> None:
    pilot = planted(np.ones(30), categories=3, seed=4).pilot()
    chosen = select(pilot, method="telling", k=30, seed=0)
    believed = Believed.of(pilot, TellingSettings())
    places = np.array([pilot.pool.queries.index(reason.query) for reason in chosen.taken])
    for k in (1, 7, 30):
        assert chosen.objective[k - 1] == pytest.approx(Chosen.of(believed.promise, places[:k]).information)
    steps = np.diff(chosen.objective)
    assert steps[:5].mean() > steps[-5:].mean()
    gains = [reason.gain for reason in chosen.taken if reason.gain is not None]
    assert np.cumsum(gains) == pytest.approx(chosen.objective)


def test_one_more_query_adds_what_adding_it_adds() -> None:
    chance = np.random.default_rng(0)
    pool = Pool.of([f"q{number:02}" for number in range(20)], [f"c{number % 3}" for number in range(20)])
    promise = Promise(pool, chance.normal(0.1, 0.1, 20), chance.uniform(0.01, 0.05, 20), 0.08)
    chosen = Chosen.of(promise, np.array([2, 5, 11]))
    ahead = chosen.with_one_more()
    for query in range(20):
        grown = Chosen.of(promise, np.array([2, 5, 11, query]))
        assert grown.information == pytest.approx(ahead[query])


def test_what_two_queries_share_counts_twice_against_both() -> None:
    pool = Pool.of(["a", "b"])
    promise = Promise(pool, np.array([0.2, 0.2]), np.array([0.03, 0.03]), 0.0)
    chosen = Chosen(promise)
    chosen.add(0, np.array([0.0, 0.02]))
    ahead = chosen.with_one_more()[1]
    chosen.add(1)
    assert chosen.information == pytest.approx(0.4**2 / (0.06 + 2 * 0.02))
    assert ahead == pytest.approx(chosen.information)


def test_who_is_taken_for_dead_waits_whatever_it_promises() -> None:
    pilot = planted(np.ones(6), seed=2).pilot()
    believed = Believed.of(pilot, TellingSettings())
    best = choose(believed, 1, 0).taken[0].query
    doubted = tuple(
        Why.DEAD if name == best else word for name, word in zip(pilot.pool.queries, believed.verdict, strict=True)
    )
    chosen = choose(replace(believed, verdict=doubted), 6, 0)
    assert chosen.taken[-1].query == best
    assert chosen.taken[-1].why is Why.FILLED


def test_categories_are_covered_because_models_lean_to_them() -> None:
    """No quota: equal queries spread over categories only as far as leanings to categories matter."""
    pool = Pool.of([f"q{number:02}" for number in range(24)], [f"c{number // 8}" for number in range(24)])
    for leaning, spread in ((0.5, [4, 4, 4]), (0.0, [8, 4, 0])):
        # A hair steeper, the lower the number.
        promise = Promise(pool, np.asarray(0.15 - 1e-4 * np.arange(24), dtype=np.float64), np.full(24, 0.02), leaning)
        chosen = Chosen(promise)
        taken: list[int] = []
        for _ in range(12):
            ahead = chosen.with_one_more()
            ahead[taken] = -1
            taken.append(int(np.argmax(ahead)))
            chosen.add(taken[-1])
        assert np.bincount(pool.category[taken], minlength=3).tolist() == spread


def test_dear_queries_are_left_where_cheap_ones_tell_as_much() -> None:
    given_once = planted(np.ones(20), seed=6, noise=0.2).shuffled(1)
    cheap = {f"q{number:03}" for number in range(10, 20)}
    pilot = PilotVotes.of(
        queries=given_once.queries,
        models=given_once.models,
        judges=given_once.judges,
        query=given_once.query,
        first=given_once.first,
        second=given_once.second,
        judge=given_once.judge,
        outcome=given_once.outcome,
        cost=[1.0 if name in cheap else 50.0 for name in given_once.queries],
    )
    assert set(select(pilot, method="telling", k=10, seed=0).queries) == cheap


def test_what_nobody_piloted_promises_the_mean_and_yields_to_what_is_known_to_tell() -> None:
    pilot = planted(SLOPES, seed=3).pilot()
    pool = Pool.of([*pilot.pool.queries, *(f"unseen{number}" for number in range(30))])
    grown = PilotVotes(
        pool, pilot.models, pilot.judges, pilot.query, pilot.first, pilot.second, pilot.judge, pilot.outcome
    )
    chosen = select(grown, method="telling", k=GOOD + 5, seed=0)
    reasons = by_query(chosen)
    unseen = [reasons[f"unseen{number}"] for number in range(30)]

    assert {reason.why for reason in unseen} == {Why.UNPILOTED}
    assert all(reason.slope_error is None for reason in unseen)
    steep = [reason for reason in chosen.taken if reason.why is Why.TELLING]
    assert len(steep) >= GOOD - 5
    assert not any(reason.why is Why.FILLED for reason in chosen.taken)


def duplicated(copies: int) -> Planted:
    """A pool of which each of the last queries repeats one of the first, answers and all."""
    given_once = planted(np.ones(40), models=14, votes=8, seed=8, noise=0.9)
    of_first = given_once.query < copies
    twice: dict[str, Any] = {
        name: np.concatenate([column, column[of_first]])
        for name in ("first", "second", "judge", "outcome")
        for column in [getattr(given_once, name)]
    }
    return replace(
        given_once,
        queries=[*given_once.queries, *(f"twin{number:02}" for number in range(copies))],
        categories=["c"] * (40 + copies),
        query=np.concatenate([given_once.query, given_once.query[of_first] + 40]),
        **twice,
    )


def test_a_query_twice_is_taken_once() -> None:
    copies = 10
    pilot = duplicated(copies).pilot()
    chosen = select(pilot, method="telling", k=25, seed=0)
    twice = [
        f"q{number:03}" for number in range(copies) if {f"q{number:03}", f"twin{number:02}"} <= set(chosen.queries)
    ]
    redundant = [reason for reason in chosen.left if reason.why is Why.REDUNDANT]

    assert not twice
    assert len(redundant) >= copies // 2
    for reason in redundant:
        assert reason.redundant_with in chosen.queries
        assert reason.query[-2:] == str(reason.redundant_with)[-2:]


def test_nothing_is_redundant_where_nothing_was_planted() -> None:
    believed = Believed.of(planted(np.ones(60), models=14, votes=8, seed=9, noise=0.9).pilot(), TellingSettings())
    found = alike(believed.fitted, np.zeros(60, dtype=np.int64))
    assert np.all(found.correlation < 0.5)


def test_ties_alone_tell_nothing_and_a_choice_is_made_all_the_same() -> None:
    given_once = planted(np.ones(10), seed=1)
    tied = replace(given_once, outcome=np.full(len(given_once.outcome), 0.5))
    chosen = select(tied.pilot(), method="telling", k=4, seed=2)
    assert len(chosen.queries) == 4
    assert np.all(np.isfinite(chosen.objective))


@pytest.mark.parametrize("change", [{"planned_votes": 0.0}, {"wrong_way": 0.0}, {"dead": 1.5}])
def test_settings_are_checked(change: dict[str, float]) -> None:
    with pytest.raises(InvalidField, match=next(iter(change))):
        TellingSettings(**change)
