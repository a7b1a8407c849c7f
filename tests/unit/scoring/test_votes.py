"""Columns of votes: names found and ordered, and every bad row refused by its number."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.outcomes import Outcome
from dearena.scoring import BrokenVote, Votes
from dearena.scoring.encoding import encoded
from dearena.scoring.outcomes import CODES
from dearena.scoring.units import whole_units

GOOD: dict[str, list[Any]] = {
    "judge": ["j2", "j1", "j1"],
    "model_a": ["m@10", "m@2", "b@1"],
    "model_b": ["m@2", "b@1", "m@10"],
    "query": ["q2", "q1", "q2"],
    "winner": ["a", "tie", "b"],
}
CODED: dict[str, Any] = {
    "models": ["a", "b"],
    "judges": ["j"],
    "queries": ["q"],
    "judge": [0, 0],
    "first": [0, 1],
    "second": [1, 0],
    "query": [0, 0],
    "outcome": [0, 2],
}


def test_names_stand_in_canonical_order_and_columns_index_them() -> None:
    votes = Votes.of_columns(**GOOD)
    assert votes.models == ("b@1", "m@2", "m@10")  # by number, not by letter
    assert votes.judges == ("j1", "j2")
    assert [votes.models[code] for code in votes.first] == GOOD["model_a"]
    assert [votes.models[code] for code in votes.second] == GOOD["model_b"]
    assert [votes.judges[code] for code in votes.judge] == GOOD["judge"]
    assert [votes.queries[code] for code in votes.query] == GOOD["query"]
    assert list(votes.outcome) == [CODES[Outcome.A], CODES[Outcome.TIE], CODES[Outcome.B]]


@pytest.mark.parametrize("as_column", [list, np.array, lambda column: np.array(column, dtype=object)])
def test_lists_and_arrays_of_strings_are_alike(as_column: Any) -> None:
    one = Votes.of_columns(**GOOD)
    other = Votes.of_columns(**{name: as_column(column) for name, column in GOOD.items()})
    assert one.models == other.models
    np.testing.assert_array_equal(one.first, other.first)
    np.testing.assert_array_equal(one.outcome, other.outcome)


def test_codes_with_names_out_of_order_are_renumbered() -> None:
    votes = Votes.of_codes(**CODED | {"models": ["z", "b"]})
    assert votes.models == ("b", "z")
    assert [votes.models[code] for code in votes.first] == ["z", "b"]


def test_without_questions_every_vote_has_one_of_its_own() -> None:
    votes = Votes.of_columns(**GOOD | {"query": None})
    assert len(votes.queries) == 3
    assert len(set(votes.query)) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"second": [1, 1]}, "row 1: b is compared with itself"),
        ({"first": [0, 2]}, "row 1: first 2 is none of 0 to 1"),
        ({"judge": [-1, 0]}, "row 0: judge -1 is none of 0 to 0"),
        ({"outcome": [0, 8]}, "row 1: outcome 8 is none of 0 to 7"),
        ({"query": [0]}, "query"),
        ({"first": [0.5, 1.0]}, "whole numbers"),
        ({"models": ["a", "a"]}, "models: 'a' is named twice"),
        ({"weight": [1.0, -0.5]}, "row 1: a weight is a number from 0 up, not -0.5"),
        ({"weight": [np.nan, 1.0]}, "row 0: a weight"),
        ({"weight": [1.0]}, "weight"),
    ],
)
def test_a_bad_row_is_refused_by_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BrokenVote, match=said):
        Votes.of_codes(**CODED | change)


def test_an_unknown_winner_is_refused_by_row() -> None:
    with pytest.raises(BrokenVote, match="row 2: winner 'maybe' is none of a, b, tie"):
        Votes.of_columns(**GOOD | {"winner": ["a", "b", "maybe"]})


@given(names=st.lists(st.text(max_size=5), max_size=40))
def test_encoding_is_undone_by_looking_up(names: list[str]) -> None:
    (codes,), known = encoded(names)
    assert [known[code] for code in codes] == names
    assert list(known) == sorted(set(names))


@given(weights=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30).map(np.array))
def test_weights_are_whole_units_to_a_millionth_of_the_largest(weights: Any) -> None:
    units, unit = whole_units(weights)
    assert np.max(np.abs(units * unit - weights)) <= weights.max() * 2**-20


@given(halves=st.lists(st.integers(0, 5_000), min_size=1, max_size=30))
def test_halves_and_quarters_are_exact(halves: list[int]) -> None:
    weights = np.array(halves) / 4
    units, unit = whole_units(weights)
    np.testing.assert_array_equal(units * unit, weights)


@pytest.mark.parametrize("wrong", [None, 7])
def test_what_is_no_string_is_refused_by_row(wrong: Any) -> None:
    with pytest.raises(BrokenVote, match=f"row 1: {wrong} is no name"):
        Votes.of_columns(**GOOD | {"judge": ["j1", wrong, "j1"]})
