"""What the end of one HTTP request tells of its endpoint. Pure."""

from services.gateway.chat import Reply
from services.gateway.failures import TOO_MANY_REQUESTS, Failure, FailureKind
from services.gateway.limits.breaker import speaks_against_endpoint
from services.gateway.limits.state import Seen

SERVICE_UNAVAILABLE = 503

_COSTS_NOTHING = frozenset(
    {
        FailureKind.UNREACHABLE,
        FailureKind.RATE_LIMITED,
        FailureKind.UNAUTHENTICATED,
        FailureKind.REFUSED_BY_ENDPOINT,
        FailureKind.NO_RECORD,
    }
)


def news_of(
    result: Reply | Failure,
    retry_after: float | None,
    *,
    sent_at: float,
    now: float,
    longest_hold: float,
    probe: bool,
) -> Seen:
    """What is learnt.

    Args:
        result: how the request ended.
        retry_after: seconds of patience that the endpoint asked for, if it did; all its calls have it.
        sent_at: when the request was sent.
        now: seconds, of the same clock.
        longest_hold: however much patience it asks for, after so long it is asked again.
        probe: whether the request was sent to see whether the endpoint lives.
    """
    if isinstance(result, Reply):
        return Seen(probed=True, probe_alive=True) if probe else Seen(alive=True, successes=1)
    against = speaks_against_endpoint(result, retry_after)
    return Seen(
        alive=not probe and not against,
        failures=int(not probe and against),
        refused_sent_at=sent_at if result.http_status in (TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE) else None,
        held_until=0.0 if retry_after is None else now + min(retry_after, longest_hold),
        probed=probe,
        probe_alive=not against if probe else None,
        last_failure=f"{result.kind}: {result.detail}",
    )


def tokens_used(result: Reply | Failure, estimate: float) -> float:
    """What a request counts for in its minute; a failure after which nobody knows counts as was estimated."""
    if isinstance(result, Reply):
        return float(result.input_tokens + result.output_tokens)
    return 0.0 if result.kind in _COSTS_NOTHING else estimate
