"""What a minute lets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.limits.token_bucket import Bucket, capacity


@given(
    per_minute=st.integers(1, 400),
    pauses=st.lists(st.floats(0, 90), min_size=1, max_size=60),
    wanted=st.integers(1, 500),
)
def test_no_minute_sees_more_than_was_allowed(per_minute: int, pauses: list[float], wanted: int) -> None:
    bucket, now, taken = Bucket(), 1000.0, list[tuple[float, float]]()
    for pause in pauses:
        now += pause
        bucket, granted = bucket.take(per_minute, wanted, now)
        taken.append((now, granted))
    for begin, _ in taken:
        assert sum(granted for moment, granted in taken if begin <= moment < begin + 60) <= per_minute + 1e-6


@given(per_minute=st.integers(1, 500))
def test_who_takes_steadily_gets_what_was_allowed_but_for_the_burst(per_minute: int) -> None:
    bucket, now, total = Bucket(0.0, 0.0), 0.0, 0.0
    while now < 600:
        now += bucket.seconds_until(per_minute, 1) + 1e-6
        bucket, granted = bucket.take(per_minute, 1, now)
        total += granted
    assert total >= 10 * (per_minute - capacity(per_minute)) - 1


@given(per_minute=st.integers(1, 10_000), debt=st.integers(1, 100_000))
def test_a_debt_is_paid_by_waiting(per_minute: int, debt: int) -> None:
    bucket = Bucket(0.0, 0.0).spend(debt)
    assert bucket.take(per_minute, 1, 0.0)[1] == 0
    wait = bucket.seconds_until(per_minute, 1)
    assert bucket.take(per_minute, 1, wait * 0.99)[1] == 0
    assert bucket.take(per_minute, 1, wait + 1e-3)[1] == 1


def test_what_is_given_back_can_be_taken_again_but_never_fills_beyond_the_brim() -> None:
    bucket, granted = Bucket().take(120, 10, 0.0)
    assert granted == 10
    assert bucket.spend(-4).take(120, 10, 0.0)[1] == 4
    assert bucket.spend(-400).at_time(120, 0.0).level == capacity(120)


def test_a_clock_that_goes_back_refills_nothing_twice() -> None:
    bucket, _ = Bucket().take(60, 5, 100.0)
    assert bucket.at_time(60, 90.0).level == bucket.level
    assert bucket.at_time(60, 90.0).at_time(60, 100.0).level == pytest.approx(bucket.level)
