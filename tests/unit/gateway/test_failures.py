"""What a status says, and what is never said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.failures import FailureKind, of_status

NO_RECORD = json.dumps({"error": {"code": "no_record", "message": "none"}}).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, FailureKind.REFUSED_BY_ENDPOINT),
        (400, FailureKind.REFUSED_BY_ENDPOINT),
        (401, FailureKind.UNAUTHENTICATED),
        (403, FailureKind.UNAUTHENTICATED),
        (404, FailureKind.REFUSED_BY_ENDPOINT),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.ENDPOINT_ERROR),
        (503, FailureKind.ENDPOINT_ERROR),
    ],
)
def test_the_kind_follows_the_status(status: int, kind: FailureKind) -> None:
    failure = of_status(status, b"", address="model:80", sparring=False)
    assert (failure.kind, failure.http_status) == (kind, status)
    assert "model:80" in failure.detail


def test_no_record_is_believed_of_sparring_endpoints_only() -> None:
    assert of_status(404, NO_RECORD, address="a", sparring=True).kind is FailureKind.NO_RECORD
    assert of_status(404, NO_RECORD, address="a", sparring=False).kind is FailureKind.REFUSED_BY_ENDPOINT
    assert of_status(500, NO_RECORD, address="a", sparring=True).kind is FailureKind.ENDPOINT_ERROR


def test_short_codes_are_told_and_free_text_is_not() -> None:
    body = json.dumps(
        {"error": {"code": "invalid_api_key", "type": "auth", "message": "Incorrect API key: sk-secret"}}
    ).encode()
    detail = of_status(401, body, address="a", sparring=False).detail
    assert "invalid_api_key, auth" in detail
    assert "sk-secret" not in detail


@given(
    body=st.binary()
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_no_body_confuses_it(body: bytes) -> None:
    assert of_status(400, body, address="a", sparring=True).kind is FailureKind.REFUSED_BY_ENDPOINT
