"""Which trace an entrant's work goes to."""

from itertools import pairwise

import pytest

from services.gateway.entrances import ANSWERS_A_TRACE, DIMENSIONS_A_TRACE, Place, places


def test_the_first_eight_are_together_and_each_later_one_is_apart() -> None:
    found = places([], [1] * 100)
    assert [place.apart for place in found] == [False] * 8 + [True] * 92
    assert DIMENSIONS_A_TRACE == 8


def test_a_trace_holds_sixty_four_answers_of_whatever_dimensions() -> None:
    assert ANSWERS_A_TRACE == 64
    found = places([], [40] * 10)
    assert [place.answers for place in found] == [40, 24, 0, 0, 0, 0, 0, 0, 40, 40]
    assert [place.answers for place in places([], [1_000])] == [64]
    assert [place.answers for place in places([Place(apart=False, answers=1)] * 8, [1_000])] == [64]


@pytest.mark.parametrize("cut", range(13))
def test_it_makes_no_difference_how_many_enter_at_once(cut: int) -> None:
    queries = [10, 0, 30, 1, 70, 5, 5, 5, 5, 100, 64, 65]
    first = places([], queries[:cut])
    assert first + places(first, queries[cut:]) == places([], queries)


def test_those_apart_take_no_room_of_those_together() -> None:
    before = [Place(apart=True, answers=64)] * 5
    assert places(before, [3, 3]) == [Place(apart=False, answers=3)] * 2


def test_no_answer_is_counted_that_is_not_asked() -> None:
    numbers = [0, 1, 63, 64, 65]
    for one, other in pairwise(numbers):
        assert [place.answers for place in places([], [one, other])] == [one, min(other, 64 - one)]
