"""When a failed HTTP request is sent again, and how long it waits before. Pure: time and chance are arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.gateway.failures import Failure, FailureKind

_PASSING_KINDS = frozenset({FailureKind.UNREACHABLE, FailureKind.RATE_LIMITED, FailureKind.ENDPOINT_ERROR})
_PASSING_REFUSALS = frozenset({408, 409, 425})
"""Request timeout, conflict and too early: refusals of the moment."""
_LASTING_ERRORS = frozenset({501, 505})
"""Not implemented, HTTP version not supported: the same tomorrow."""
_ENDPOINT_UNHEARD = frozenset({502, 504})
"""Bad gateway, gateway timeout: what stands before an endpoint gave up on it, which may be at work on the call."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Times in seconds."""

    attempts: int = 4
    """HTTP requests for one call, the first included."""
    attempts_that_may_be_billed: int = 2
    """Of those, how many may have reached an endpoint that did the work: each is a bill, and no reply tells of it."""
    first_pause: float = 0.5
    """Doubles with each attempt."""
    longest_pause: float = 8.0
    longest_retry_after: float = 60.0
    """An endpoint that asks for more patience than this has failed."""

    def is_worth_retrying(self, failure: Failure, retry_after: float | None) -> bool:
        """Whether the same request may succeed in a while.

        A time-out is not retried here: the endpoint may be at work on the call, and bill it, so that
        sending it again is for the caller to decide.
        """
        if retry_after is not None and retry_after > self.longest_retry_after:
            return False
        if failure.kind is FailureKind.REFUSED_BY_ENDPOINT:
            return failure.http_status in _PASSING_REFUSALS
        return failure.kind in _PASSING_KINDS and failure.http_status not in _LASTING_ERRORS

    @staticmethod
    def may_be_billed(failure: Failure, *, broke: bool) -> bool:
        """Whether the endpoint may have done the work, though its reply did not arrive.

        Args:
            failure: how an attempt ended.
            broke: whether its connection broke after the request was sent.
        """
        return broke or failure.http_status in _ENDPOINT_UNHEARD

    def pause(self, attempt: int, retry_after: float | None, chance: Callable[[], float]) -> float:
        """Seconds to wait after a failed attempt, spread so that callers do not return all at once.

        Args:
            attempt: number of the attempt that failed, 1 for the first.
            retry_after: what the endpoint asked for, if it did; never undercut.
            chance: uniform in [0, 1).
        """
        if retry_after is not None:
            return retry_after + self.first_pause * chance()
        longest = min(self.longest_pause, self.first_pause * 2.0 ** min(attempt - 1, 32))
        return longest * (0.5 + 0.5 * chance())


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Read a `Retry-After` header: seconds or an HTTP date (RFC 9110, 10.2.3); None when there is no sense in it."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        # Some endpoints send fractions, which the RFC does not know.
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
