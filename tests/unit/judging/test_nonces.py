"""The codes of a call: the same when asked again, unlike any other, beyond guessing."""

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from dearena.judging.nonces import codes_of, fingerprint

secrets = st.binary(min_size=16, max_size=64)
request_ids = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(secret=secrets, request_id=request_ids)
def test_codes_are_sixteen_digits_and_differ(secret: bytes, request_id: str) -> None:
    codes = codes_of(secret, request_id)
    assert re.fullmatch("[0-9a-f]{16}", codes.fence)
    assert re.fullmatch("[0-9a-f]{16}", codes.verdict)
    assert codes.fence != codes.verdict


@given(secret=secrets, request_id=request_ids)
def test_a_call_asked_again_carries_the_same_codes(secret: bytes, request_id: str) -> None:
    assert codes_of(secret, request_id) == codes_of(bytes(secret), str(request_id))


@given(secret=secrets, one=request_ids, other=request_ids)
def test_another_call_carries_other_codes(secret: bytes, one: str, other: str) -> None:
    assume(one != other)
    assert codes_of(secret, one).verdict != codes_of(secret, other).verdict
    assert codes_of(secret, one).fence != codes_of(secret, other).fence


@given(one=secrets, other=secrets, request_id=request_ids)
def test_without_the_secret_codes_are_not_to_be_had(one: bytes, other: bytes, request_id: str) -> None:
    # HMAC pads a short key with zeros, so those two are one key.
    assume(one.rstrip(b"\0") != other.rstrip(b"\0"))
    assert codes_of(one, request_id) != codes_of(other, request_id)
    assert fingerprint(one) != fingerprint(other)


def test_codes_are_kept_across_versions() -> None:
    # Recorded replies carry them: a change here makes every recorded reply unreadable.
    codes = codes_of(b"0123456789abcdef", "ab" * 32)
    assert (codes.fence, codes.verdict) == ("6e62f17e0629b5d2", "f5bcadf46886d4d3")
