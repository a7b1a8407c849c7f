"""Revisions: what is refused, and what health's suggestions come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidField
from services.query_selector.pilot_votes import Question
from services.query_selector.revision import Versions, Wish, check, suggested

VERSIONS = Versions(frozenset({"a", "b", "c"}), (Question("x", ""), Question("y", "")))


@pytest.mark.parametrize(
    ("wish", "field", "description"),
    [
        (Wish(("z",), 1), "retire", "'z' is no query of the newest version"),
        (Wish(("x",), 1), "retire", "'x' is no query of the newest version"),
        (Wish(("a", "a"), 0), "retire", "'a' stands twice"),
        (Wish((), 3), "add", "is 3, but 2 questions of the pool were never used"),
        (Wish((), 0), "retire", "nothing is to be retired and nothing to be added"),
        (Wish(("a", "b", "c"), 0), "retire", "no query would be left"),
    ],
)
def test_what_cannot_be_done_is_told(wish: Wish, field: str, description: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check(wish, VERSIONS)
    assert [(one.field, one.description) for one in caught.value.violations] == [(field, description)]


@pytest.mark.parametrize("wish", [Wish(("a",), 0), Wish((), 2), Wish(("a", "b", "c"), 1)])
def test_what_can_be_done_is_not_refused(wish: Wish) -> None:
    check(wish, VERSIONS)


def test_wrong_ids_beyond_twenty_are_not_listed() -> None:
    with pytest.raises(InvalidField) as caught:
        check(Wish(tuple(f"z{number}" for number in range(50)), 0), VERSIONS)
    assert len(caught.value.violations) == 20


@given(
    retire=st.sets(st.sampled_from("abcdef")),
    add=st.none() | st.integers(0, 9),
    left=st.integers(min_value=0, max_value=5),
)
def test_a_suggestion_is_kept_within_what_there_is(retire: set[str], add: int | None, left: int) -> None:
    versions = Versions(frozenset("abc"), tuple(Question(f"x{number}", "") for number in range(left)))
    wish = suggested(retire, add, versions)
    assert set(wish.retire) == retire & {"a", "b", "c"}
    assert wish.add <= left
    if add is None:
        assert wish.add == min(len(wish.retire), left)
    if (wish.retire or wish.add) and not (len(wish.retire) == 3 and not wish.add):
        check(wish, versions)
