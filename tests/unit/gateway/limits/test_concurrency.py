"""How allowed concurrency falls and recovers."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.limits.concurrency import DEAF_SECONDS, Concurrency

LIMITS = st.integers(1, 1000)


@given(limit=LIMITS, refusals=st.integers(1, 200))
def test_many_refusals_of_one_moment_are_one_fall(limit: int, refusals: int) -> None:
    concurrency = Concurrency()
    for number in range(refusals):
        concurrency = concurrency.after_overload(limit, sent_at=100 - number * 0.001, now=100 + number * 0.001)
    assert concurrency.slots(limit) == max(1, limit // 2)


def test_a_refusal_of_what_was_sent_just_after_a_fall_is_not_news_yet() -> None:
    fallen = Concurrency().after_overload(16, sent_at=100.0, now=100.2)
    assert fallen.after_overload(16, sent_at=100.2 + 0.9 * DEAF_SECONDS, now=102.0) == fallen
    assert fallen.after_overload(16, sent_at=100.2 + DEAF_SECONDS, now=102.0).slots(16) == 4


def test_what_has_recovered_follows_a_limit_that_is_raised() -> None:
    recovered = Concurrency(allowed=3.9).after_successes(4, 1)
    assert recovered.slots(8) == 8


def test_refusals_that_go_on_bring_it_down_to_one_and_no_further() -> None:
    concurrency, allowed = Concurrency(), []
    for moment in range(6):
        now = moment * 2 * DEAF_SECONDS
        concurrency = concurrency.after_overload(16, sent_at=now, now=now)
        allowed.append(concurrency.slots(16))
    assert allowed == [8, 4, 2, 1, 1, 1]


def test_a_round_of_successes_brings_back_one() -> None:
    concurrency = Concurrency(allowed=4.0)
    for _ in range(5):
        concurrency = concurrency.after_successes(16, 1)
    assert concurrency.slots(16) == 5


@given(limit=LIMITS, events=st.lists(st.booleans(), max_size=300))
def test_it_is_never_above_the_limit_and_never_nothing(limit: int, events: list[bool]) -> None:
    concurrency = Concurrency()
    for moment, success in enumerate(events):
        if success:
            concurrency = concurrency.after_successes(limit, 7)
        else:
            concurrency = concurrency.after_overload(limit, float(moment), float(moment))
        assert 1 <= concurrency.slots(limit) <= limit


@given(limit=LIMITS)
def test_success_recovers_all_of_it(limit: int) -> None:
    concurrency = Concurrency().after_overload(limit, 0.0, 0.0)
    for _ in range(limit):
        concurrency = concurrency.after_successes(limit, concurrency.slots(limit) + 1)
    assert concurrency.slots(limit) == limit
