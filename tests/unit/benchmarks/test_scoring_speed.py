"""What the benchmark of the scorer rests on: its votes, its forms of ours, and how it compares."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scoring_peers import ours, tallies
from benchmarks.scoring_peers.bout import Record
from benchmarks.scoring_peers.contestant import Prepare
from benchmarks.scoring_peers.planted_votes import NEW_VOTES, TIE, TIES, PlantedVotes, plant, strings
from benchmarks.scoring_speed import largest_difference, quicker, smaller

PLANTED = plant(models=12, judges=9, queries=20, votes=6_000, seed=3)


def record(seconds: list[float], peak_mib: float = 1.0) -> Record:
    return Record("a contestant", {}, seconds=seconds, cpu_seconds=seconds, peak_mib=[peak_mib])


def test_a_seed_plants_the_same_votes_again() -> None:
    again = plant(models=12, judges=9, queries=20, votes=6_000, seed=3)
    other = plant(models=12, judges=9, queries=20, votes=6_000, seed=4)
    assert np.array_equal(again.outcome, PLANTED.outcome)
    assert not np.array_equal(other.outcome, PLANTED.outcome)


def test_no_model_meets_itself_and_ties_have_their_share() -> None:
    assert not (PLANTED.first == PLANTED.second).any()
    assert np.mean(PLANTED.outcome == TIE) == pytest.approx(TIES, abs=0.02)


def test_votes_are_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    PLANTED.save(path)
    found = PlantedVotes.load(path)
    assert found.query_names == PLANTED.query_names
    assert np.array_equal(found.judge, PLANTED.judge)


def test_names_sort_as_their_indices() -> None:
    votes = plant(models=101, judges=3, queries=1_001, votes=1, seed=0)
    assert sorted(votes.model_names) == list(votes.model_names)
    assert sorted(votes.query_names) == list(votes.query_names)


def test_equal_strings_are_objects_of_their_own() -> None:
    first, second = strings(["model-1"], np.zeros(2, dtype=np.int32))
    assert first == second
    assert first is not second


def test_counts_are_of_all_votes() -> None:
    first, second, outcome, count = tallies.tally(PLANTED)
    at = (PLANTED.first == first[0]) & (PLANTED.second == second[0]) & (PLANTED.outcome == outcome[0])
    assert count[0] == np.count_nonzero(at)
    assert count.sum() == len(PLANTED)


@pytest.mark.parametrize("form", [ours.from_lists, ours.from_arrow])
def test_strings_are_fitted_as_their_indices_are(form: Prepare) -> None:
    of_index, of_strings = ours.from_index(PLANTED)(), form(PLANTED)()
    assert of_strings.strengths == of_index.strengths
    assert of_strings.half_widths == of_index.half_widths


@pytest.mark.parametrize("form", ["index", "lists"])
def test_a_refit_is_the_fit_of_all_votes(form: str) -> None:
    held = len(PLANTED) - NEW_VOTES
    forms = {"index": (ours.codes, ours.read_codes), "lists": (ours.lists, ours.read_strings)}
    refit = ours.refit(*forms[form])(PLANTED.rows(0, held), PLANTED.rows(held, len(PLANTED)))()
    assert refit.strengths == ours.from_index(PLANTED)().strengths
    assert set(refit.stages) == {"encode", "add", "fit"}


def test_the_first_call_is_not_among_the_warm_ones() -> None:
    cold = record([9.0, 1.0, 2.0, 3.0])
    assert (cold.first, cold.median, cold.quickest) == (9.0, 2.0, 1.0)


def test_a_ratio_must_hold_by_medians_and_by_the_quickest_calls() -> None:
    ours_seconds = record([5.0, 1.0, 1.0, 1.0])
    assert quicker("", ours_seconds, record([1.0, 15.0, 16.0, 16.0]), 15).holds
    assert not quicker("", ours_seconds, record([99.0, 14.0, 16.0, 16.0]), 15).holds
    assert not quicker("", ours_seconds, record([99.0, 14.0, 14.0, 99.0]), 15).holds


def test_equal_memory_is_not_below() -> None:
    assert smaller("", record([1.0], 9.0), record([1.0], 10.0)).holds
    assert not smaller("", record([1.0], 10.0), record([1.0], 10.0)).holds


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=9), st.floats(-100, 100))
def test_strengths_that_differ_by_their_middle_agree(strengths: list[float], middle: float) -> None:
    assert largest_difference(strengths, [strength + middle for strength in strengths]) < 1e-9
    nudged = [strengths[0] + 1.0, *strengths[1:]]
    assert largest_difference(strengths, nudged) == pytest.approx(1 - 1 / len(strengths))
