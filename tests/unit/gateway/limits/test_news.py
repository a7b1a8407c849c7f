"""What the end of a request tells of its endpoint."""

import pytest

from services.gateway.chat import Reply
from services.gateway.failures import Failure, FailureKind
from services.gateway.limits.news import news_of, tokens_used
from services.gateway.limits.state import Seen

REPLY = Reply("42", "stop", 7, 3, usage_estimated=False, upstream_model="m")


def news(result: Reply | Failure, retry_after: float | None = None, *, probe: bool = False) -> Seen:
    return news_of(result, retry_after, sent_at=90.0, now=100.0, longest_hold=60.0, probe=probe)


def test_a_reply_is_life_and_success() -> None:
    assert news(REPLY) == Seen(alive=True, successes=1)
    assert news(REPLY, probe=True) == Seen(probed=True, probe_alive=True)


@pytest.mark.parametrize(("status", "kind"), [(429, FailureKind.RATE_LIMITED), (503, FailureKind.ENDPOINT_ERROR)])
def test_too_many_holds_the_endpoint_as_long_as_it_asks(status: int, kind: FailureKind) -> None:
    seen = news(Failure(kind, "", status), 7.0)
    assert (seen.refused_sent_at, seen.held_until, seen.alive, seen.failures) == (90.0, 107.0, True, 0)
    assert news(Failure(kind, "", status), 3600.0).held_until == 160.0


def test_a_failure_of_the_endpoint_counts_against_it() -> None:
    seen = news(Failure(FailureKind.UNREACHABLE, "no connection"))
    assert (seen.failures, seen.alive, seen.last_failure) == (1, False, "UNREACHABLE: no connection")
    assert news(Failure(FailureKind.TIMEOUT, ""), probe=True).probe_alive is False


def test_a_refusal_is_life() -> None:
    assert news(Failure(FailureKind.REFUSED_BY_ENDPOINT, "", 400)).alive
    assert news(Failure(FailureKind.RATE_LIMITED, "", 429), probe=True).probe_alive is True


@pytest.mark.parametrize(
    ("kind", "used"),
    [(FailureKind.RATE_LIMITED, 0.0), (FailureKind.TIMEOUT, 50.0), (FailureKind.UNREADABLE_REPLY, 50.0)],
)
def test_a_failure_uses_what_it_may_have_used(kind: FailureKind, used: float) -> None:
    assert tokens_used(Failure(kind, ""), 50.0) == used


def test_a_reply_uses_what_it_says() -> None:
    assert tokens_used(REPLY, 50.0) == 10.0
