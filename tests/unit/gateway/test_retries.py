"""What is sent again, and when."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.gateway.failures import Failure, FailureKind
from services.gateway.retries import RetryPolicy, retry_after_seconds

POLICY = RetryPolicy()
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def failure(kind: FailureKind, status: int = 0) -> Failure:
    return Failure(kind, "", status)


@pytest.mark.parametrize(
    ("kind", "status", "worth"),
    [
        (FailureKind.UNREACHABLE, 0, True),
        (FailureKind.RATE_LIMITED, 429, True),
        (FailureKind.ENDPOINT_ERROR, 500, True),
        (FailureKind.ENDPOINT_ERROR, 501, False),
        (FailureKind.REFUSED_BY_ENDPOINT, 408, True),
        (FailureKind.REFUSED_BY_ENDPOINT, 400, False),
        (FailureKind.TIMEOUT, 0, False),
        (FailureKind.UNAUTHENTICATED, 401, False),
        (FailureKind.UNREADABLE_REPLY, 200, False),
        (FailureKind.NO_RECORD, 404, False),
        (FailureKind.KEY_NOT_FOUND, 0, False),
    ],
)
def test_only_what_may_pass_is_retried(kind: FailureKind, status: int, *, worth: bool) -> None:
    assert POLICY.is_worth_retrying(failure(kind, status), None) is worth


def test_an_endpoint_that_asks_for_too_much_patience_has_failed() -> None:
    limited = failure(FailureKind.RATE_LIMITED, 429)
    assert POLICY.is_worth_retrying(limited, POLICY.longest_retry_after)
    assert not POLICY.is_worth_retrying(limited, POLICY.longest_retry_after + 1)


@given(attempt=st.integers(1, 10**6), chance=st.floats(0, 1, exclude_max=True))
def test_a_pause_grows_to_the_longest_and_never_beyond(attempt: int, chance: float) -> None:
    pause = POLICY.pause(attempt, None, lambda: chance)
    assert POLICY.first_pause / 2 <= pause <= POLICY.longest_pause


@given(asked=st.floats(0, 60), chance=st.floats(0, 1, exclude_max=True))
def test_retry_after_is_never_undercut(asked: float, chance: float) -> None:
    assert POLICY.pause(1, asked, lambda: chance) >= asked


@pytest.mark.parametrize(("header", "seconds"), [("0", 0.0), ("17", 17.0), (" 2 ", 2.0), ("1.5", 1.5)])
def test_retry_after_in_seconds(header: str | None, seconds: float) -> None:
    assert retry_after_seconds(header, NOW) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(30, 30.0), (-30, 0.0)])
def test_retry_after_as_a_date(ahead: int, seconds: float) -> None:
    header = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    assert retry_after_seconds(header, NOW) == seconds


@given(header=st.none() | st.text())
@example(header="Mon, 01 Jan 2024 00:00:00 +99999999999999999999")
@example(header="Mon, 99999999999999999999 Jan 2024 00:00:00 GMT")
@example(header="9" * 400)
def test_no_header_confuses_it(header: str | None) -> None:
    seconds = retry_after_seconds(header, NOW)
    assert seconds is None or seconds >= 0
