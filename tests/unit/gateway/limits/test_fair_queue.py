"""Whose call goes next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.calls import Purpose
from services.gateway.limits.fair_queue import FairQueue

CALLS = st.lists(st.tuples(st.sampled_from(Purpose), st.sampled_from(["x", "y", "z"])), max_size=60)


def drained(queue: FairQueue[int]) -> list[int]:
    return [queue.pop() for _ in range(len(queue))]


def test_ten_calls_are_not_held_up_by_ten_thousand() -> None:
    queue = FairQueue[int]()
    for number in range(10_000):
        queue.put(number, Purpose.JUDGE, "large")
    for number in range(10):
        queue.put(-number - 1, Purpose.JUDGE, "small")
    assert sum(item < 0 for item in drained(queue)[:20]) == 10


def test_judging_does_not_hold_up_answering_in_however_many_dimensions() -> None:
    queue = FairQueue[int]()
    for number in range(100):
        queue.put(number, Purpose.JUDGE, f"d{number}")
    for number in range(10):
        queue.put(-number - 1, Purpose.ANSWER, "d0")
    assert sum(item < 0 for item in drained(queue)[:20]) == 10


@given(calls=CALLS)
def test_all_come_out_and_each_line_in_order(calls: list[tuple[Purpose, str]]) -> None:
    queue = FairQueue[int]()
    for number, (purpose, dimension) in enumerate(calls):
        queue.put(number, purpose, dimension)
    out = drained(queue)
    assert sorted(out) == list(range(len(calls)))
    for line in set(calls):
        assert [number for number in out if calls[number] == line] == [
            number for number, call in enumerate(calls) if call == line
        ]


def test_a_call_that_is_sent_again_goes_before_its_own_kind() -> None:
    queue = FairQueue[int]()
    queue.put(1, Purpose.JUDGE, "x")
    queue.put(2, Purpose.JUDGE, "x", again=True)
    assert queue.first() == 2
    assert drained(queue) == [2, 1]


def test_who_leaves_is_not_served() -> None:
    queue = FairQueue[int]()
    queue.put(1, Purpose.JUDGE, "x")
    queue.put(2, Purpose.JUDGE, "y")
    queue.remove(1, Purpose.JUDGE, "x")
    queue.remove(1, Purpose.JUDGE, "x")
    queue.remove(1, Purpose.ANSWER, "x")
    assert drained(queue) == [2]
    with pytest.raises(LookupError):
        queue.first()
