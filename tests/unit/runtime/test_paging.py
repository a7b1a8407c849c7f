"""Page tokens: opaque, and good for their own list only."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidCursor, InvalidField
from services.runtime import paging

SCOPE = ("queries", "projects/default/dimensions/algebra", 1)


@given(after=st.text())
def test_a_token_leads_to_where_its_page_ended(after: str) -> None:
    assert paging.after_of(SCOPE, paging.token_of(SCOPE, after)) == after


def test_no_token_is_the_first_page() -> None:
    assert paging.after_of(SCOPE, "") == ""


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "%%%%",
        "é",
        base64.urlsafe_b64encode(b"[").decode(),
        base64.urlsafe_b64encode(b"\xff").decode(),
        base64.urlsafe_b64encode(json.dumps(["", "q7"]).encode()).decode(),
        base64.urlsafe_b64encode(b"[" * 9_999).decode(),
        paging.token_of(("queries", "projects/default/dimensions/algebra", 2), "q7"),
    ],
)
def test_a_token_from_elsewhere_is_refused(token: str) -> None:
    with pytest.raises(InvalidCursor, match="page_token"):
        paging.after_of(SCOPE, token)


def test_sizes_are_kept_within_what_is_allowed() -> None:
    assert [paging.size_of(size) for size in (0, 1, 1000, 2**31 - 1)] == [50, 1, 1000, 1000]
    with pytest.raises(InvalidField):
        paging.size_of(-1)
