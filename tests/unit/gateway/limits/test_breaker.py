"""When an endpoint is left alone, and how it is tried again."""

import pytest

from services.gateway.failures import Failure, FailureKind
from services.gateway.limits.breaker import Breaker, BreakerPolicy, BreakerState, speaks_against_endpoint

POLICY = BreakerPolicy(failures=3, cool_down=5.0, longest_cool_down=15.0)


def opened() -> Breaker:
    return Breaker().after_failures(POLICY, 3, now=100.0)


def test_it_opens_after_failures_in_a_row() -> None:
    breaker = Breaker().after_failures(POLICY, 2, 0.0)
    assert breaker.state(0.0) is BreakerState.CLOSED
    assert breaker.after_life().after_failures(POLICY, 2, 0.0).state(0.0) is BreakerState.CLOSED
    assert breaker.after_failures(POLICY, 1, 0.0).state(0.0) is BreakerState.OPEN


def test_it_is_half_open_when_the_cool_down_is_over() -> None:
    assert opened().state(104.9) is BreakerState.OPEN
    assert opened().state(105.0) is BreakerState.HALF_OPEN


def test_one_probe_goes_at_a_time() -> None:
    assert not opened().may_be_probed(104.0)
    probed = opened().probed_by("a", 10.0, 105.0)
    assert probed.prober == "a"
    assert probed.probed_by("b", 10.0, 106.0) is probed
    assert probed.probed_by("b", 10.0, 115.0).prober == "b"  # nothing was heard of a


def test_life_closes_it() -> None:
    healed = opened().probed_by("a", 10.0, 105.0).after_probe(POLICY, 106.0, alive=True)
    assert healed.state(106.0) is BreakerState.CLOSED
    assert healed.failed_probes == 0


def test_each_probe_that_fails_doubles_the_cool_down_up_to_the_bound() -> None:
    breaker, now, cool_downs = opened(), 105.0, []
    for _ in range(3):
        breaker = breaker.probed_by("a", 10.0, now).after_probe(POLICY, now, alive=False)
        cool_downs.append(breaker.open_until - now)
        now = breaker.open_until
    assert cool_downs == [10.0, 15.0, 15.0]
    assert breaker.failed_probes == 3


def test_a_probe_that_tells_nothing_leaves_room_for_the_next() -> None:
    undecided = opened().probed_by("a", 10.0, 105.0).after_probe(POLICY, 106.0, alive=None)
    assert undecided.may_be_probed(106.0)
    assert undecided.failed_probes == 0


def test_what_was_in_flight_when_it_opened_changes_nothing() -> None:
    assert opened().after_life() == opened() == opened().after_failures(POLICY, 9, 104.0)


@pytest.mark.parametrize(
    ("kind", "against"),
    [
        (FailureKind.UNREACHABLE, True),
        (FailureKind.TIMEOUT, True),
        (FailureKind.ENDPOINT_ERROR, True),
        (FailureKind.RATE_LIMITED, False),
        (FailureKind.REFUSED_BY_ENDPOINT, False),
        (FailureKind.UNAUTHENTICATED, False),
        (FailureKind.UNREADABLE_REPLY, False),
    ],
)
def test_which_failures_speak_of_the_endpoint(kind: FailureKind, *, against: bool) -> None:
    assert speaks_against_endpoint(Failure(kind, ""), None) is against
    assert not speaks_against_endpoint(Failure(kind, ""), 2.0)
