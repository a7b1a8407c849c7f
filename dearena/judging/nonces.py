"""Two codes a judge call carries: the fence round foreign text, and the nonce that a verdict must repeat. Pure.

Both are HMAC-SHA256 of the call's request id under the installation's secret: nobody who writes an
answer can guess them, and a call that is asked again carries the same ones, so its recorded reply can
still be read. They differ, so an endpoint that echoes its prompt's markers has not cast a vote.
"""

import hmac
from dataclasses import dataclass

from dearena.identity import Digest

CODE_LENGTH = 16
"""Hexadecimal digits of a code: 64 bits, far beyond guessing within one reply."""


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of one judge call, each of 16 hexadecimal digits."""

    fence: str
    verdict: str


def codes_of(secret: bytes, request_id: Digest) -> Codes:
    """The codes of the call with this request id."""
    return Codes(fence=_code(secret, "fence", request_id), verdict=_code(secret, "verdict", request_id))


def fingerprint(secret: bytes) -> str:
    """Tells one secret from another without telling it."""
    return _code(secret, "fingerprint", "")


def _code(secret: bytes, label: str, request_id: str) -> str:
    return hmac.digest(secret, f"{label}:{request_id}".encode(), "sha256").hex()[:CODE_LENGTH]
