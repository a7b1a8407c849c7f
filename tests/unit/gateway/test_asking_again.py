"""When answers that failed are asked once more."""

from itertools import count, takewhile

import pytest

from services.gateway.asking_again import AskingAgain
from services.gateway.failures import Failure, FailureKind

POLICY = AskingAgain(attempts=2, times=6, first_pause=60, longest_pause=300)


def pauses(failure: Failure) -> list[float]:
    """Those before each asking, when every one of two attempts fails."""
    found = (POLICY.pause(failure, 2 * times) for times in count(1))
    return [pause for pause in takewhile(lambda pause: pause is not None, found) if pause is not None]


def test_an_endpoint_that_is_away_is_asked_again_after_pauses_that_double_up_to_the_longest() -> None:
    assert pauses(Failure(FailureKind.UNREACHABLE, "")) == [60, 120, 240, 300, 300, 300]
    assert len(pauses(Failure(FailureKind.RATE_LIMITED, "", 429))) == 6
    assert len(pauses(Failure(FailureKind.ENDPOINT_ERROR, "", 503))) == 6


def test_what_may_be_of_the_query_or_billed_is_asked_less_often() -> None:
    assert len(pauses(Failure(FailureKind.ENDPOINT_ERROR, "", 500))) == 4
    for failure in (
        Failure(FailureKind.TIMEOUT, ""),
        Failure(FailureKind.INTERRUPTED, ""),
        Failure(FailureKind.ENDPOINT_ERROR, "", 502),
        Failure(FailureKind.ENDPOINT_ERROR, "", 504),
    ):
        assert len(pauses(failure)) == 2


@pytest.mark.parametrize(
    "failure",
    [
        Failure(FailureKind.UNAUTHENTICATED, "", 401),
        Failure(FailureKind.REFUSED_BY_ENDPOINT, "", 400),
        Failure(FailureKind.ENDPOINT_ERROR, "", 501),
        Failure(FailureKind.NO_RECORD, "", 404),
        Failure(FailureKind.UNREADABLE_REPLY, "", 200),
        Failure(FailureKind.REFUSED_BY_POLICY, ""),
        Failure(FailureKind.OTHER_MODEL, "", 200),
    ],
)
def test_what_waiting_does_not_mend_is_not_asked_again(failure: Failure) -> None:
    assert pauses(failure) == []


def test_a_row_that_was_cut_short_counts_as_one() -> None:
    assert POLICY.pause(Failure(FailureKind.UNREACHABLE, ""), 1) == 60
    assert POLICY.pause(Failure(FailureKind.UNREACHABLE, ""), 3) == 120


def test_a_revision_out_of_reach_is_waited_for_once_and_asked_again_after_such_pauses() -> None:
    policy = AskingAgain(times=3, first_pause=60, longest_pause=100, unreached=30)
    assert [policy.patience(times) for times in range(3)] == [30, 0, 0]
    assert [policy.pause_unreached(times) for times in (1, 2, 3, 4)] == [60, 100, 100, None]
    assert AskingAgain(times=0).pause_unreached(1) is None


def test_none_is_asked_again_where_that_is_switched_off() -> None:
    assert AskingAgain(times=0).pause(Failure(FailureKind.UNREACHABLE, ""), 2) is None
