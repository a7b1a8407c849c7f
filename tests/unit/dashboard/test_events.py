"""Server-sent events as text, and the cursor that a browser hands back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidCursor
from services.dashboard.events import cursor_of, event


@given(st.text(), st.integers(0, 2**53))
def test_no_text_can_end_an_event_or_begin_another(why: str, cursor: int) -> None:
    sent = event({"why": why}, cursor=cursor)
    identity, data, *rest = sent.decode().split("\n")
    assert rest == ["", ""]
    # A browser ends a line at a carriage return, too.
    assert b"\r" not in sent
    assert identity == f"id: {cursor}"
    assert json.loads(data.removeprefix("data: ")) == {"why": why}


def test_a_fault_is_an_event_of_its_kind_and_moves_no_cursor() -> None:
    assert event({"fault": 1}, kind="fault") == b'event: fault\ndata: {"fault":1}\n\n'


def test_the_cursor_is_the_last_id_seen() -> None:
    assert cursor_of({}) == cursor_of({"Last-Event-ID": ""}) == 0
    assert cursor_of({"Last-Event-ID": "17"}) == 17


@pytest.mark.parametrize("last", ["-1", "1.5", "seven", "1 2", "٣", "9" * 19, "9" * 10_000])
def test_an_id_that_was_never_given_out_is_refused(last: str) -> None:
    with pytest.raises(InvalidCursor):
        cursor_of({"Last-Event-ID": last})
