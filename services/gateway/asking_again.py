"""When an answer that failed is asked once more by itself, some time later. Pure.

An outage of an endpoint is no trait of its model: what was lost in it is asked again, with pauses that double. How
often depends on what the failure may mean. One that is of the endpoint alone costs nothing to try; one that may be of
the query, as a server that breaks on it, comes again each time and keeps the model waiting; one that may have been
billed is paid each time.

A revision none of whose answers could be had, since its endpoint was out of reach all the time, is not waited for: it
has failed soon, and is asked again as a whole after such pauses.
"""

from dataclasses import dataclass
from typing import Final

from services.gateway.failures import SERVICE_UNAVAILABLE, Failure, FailureKind
from services.gateway.retries import RetryPolicy

_OF_THE_ENDPOINT: Final = frozenset({FailureKind.UNREACHABLE, FailureKind.RATE_LIMITED, FailureKind.CIRCUIT_OPEN})
_MAY_BE_BILLED: Final = frozenset({FailureKind.TIMEOUT, FailureKind.INTERRUPTED})
MOST_OF_THE_QUERY: Final = 4
MOST_BILLED: Final = 2


@dataclass(frozen=True, slots=True)
class AskingAgain:
    """How often, and after how many seconds."""

    attempts: int = 2
    """In a row, each time."""
    times: int = 12
    """At most, the first one not counted; 0: never."""
    first_pause: float = 60.0
    longest_pause: float = 3600.0
    unreached: float = 60.0
    """Seconds for which a revision without any answer is collecting while its endpoint is out of reach."""

    def pause(self, failure: Failure, made: int) -> float | None:
        """Seconds until a query is asked once more; None: it is not.

        Args:
            failure: of the last attempt.
            made: attempts at the query, that one included.
        """
        times = -(-made // self.attempts)
        return self._pause_after(times) if times <= min(self.times, _most(failure)) else None

    def pause_unreached(self, times: int) -> float | None:
        """Seconds until a revision is asked once more whose endpoint was out of reach; None: it is not.

        Args:
            times: how often it has failed, this one included.
        """
        return self._pause_after(times) if times <= self.times else None

    def patience(self, times: int) -> float:
        """Seconds for which a revision without any answer is waited for while its endpoint is out of reach.

        Args:
            times: how often it has failed before. Once it has, others of its cohort went on, and one look is enough.
        """
        return 0.0 if times else self.unreached

    def _pause_after(self, times: int) -> float:
        return min(self.longest_pause, self.first_pause * 2.0 ** min(times - 1, 32))


def _most(failure: Failure) -> int | float:
    """How often such a failure is tried to be mended by waiting."""
    if failure.kind in _MAY_BE_BILLED or RetryPolicy.may_be_billed(failure, broke=False):
        return MOST_BILLED
    if failure.kind in _OF_THE_ENDPOINT or failure.http_status == SERVICE_UNAVAILABLE:
        return float("inf")
    return MOST_OF_THE_QUERY if RetryPolicy().is_worth_retrying(failure, None) else 0
