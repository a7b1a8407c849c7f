"""Room for work: bounded for each judge, and never used up by those that hang."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.judge_dispatcher.lanes import Lanes


def lanes(*, backlog_cells: int = 256, messages: int = 512) -> Lanes:
    return Lanes(cells_in_flight=16, backlog_cells=backlog_cells, messages=messages)


def test_a_full_backlog_turns_work_away_until_there_is_room() -> None:
    room = lanes(backlog_cells=4)
    with room.hold("slow", 2) as first:
        assert first is not None
        with room.hold("slow", 2) as second:
            assert second is first
            with room.hold("slow", 1) as third:
                assert third is None
        with room.hold("slow", 1) as fourth:
            assert fourth is first


def test_a_full_backlog_concerns_one_judge_only() -> None:
    room = lanes(backlog_cells=1)
    with room.hold("slow", 1), room.hold("slow", 1) as more, room.hold("fast", 1) as other:
        assert more is None
        assert other is not None


def test_an_idle_judge_takes_a_message_of_any_size() -> None:
    with lanes(backlog_cells=1).hold("slow", 8) as lane:
        assert lane is not None


@given(order=st.lists(st.integers(0, 89), min_size=10, max_size=90, unique=True), cells=st.integers(1, 8))
def test_judges_that_hang_leave_room_for_one_that_does_not(order: list[int], cells: int) -> None:
    room = lanes(messages=4096)
    held = 0
    with ExitStack() as hanging:
        for judge in order:  # one after the other takes whatever it is given: the worst order
            while hanging.enter_context(room.hold(f"hangs-{judge}", cells)) is not None:
                held += 1
        assert held < 4096
        assert hanging.enter_context(room.hold("healthy", 8)) is not None


def test_a_judge_alone_holds_many_messages_but_not_most() -> None:
    room = lanes(messages=4096)
    held = 0
    with ExitStack() as stack:
        while stack.enter_context(room.hold("alone", 1)) is not None:
            held += 1
    assert 200 <= held <= 256


def test_room_is_given_back_when_the_work_fails() -> None:
    room = lanes(backlog_cells=1)
    for _ in range(3):
        with pytest.raises(ConnectionError), room.hold("slow", 1) as lane:
            assert lane is not None
            raise ConnectionError
