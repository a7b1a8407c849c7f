"""One HTTP request and its reply, whichever protocol carries it: what comes back, and what may go wrong. Pure."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ssl import SSLCertVerificationError, SSLError
from typing import Final, Protocol

UNKNOWN_HOST: Final = "the host's name is not known"


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply that was read to its end."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; of several of one name the last."""
    body: bytes


class Unreachable(Exception):
    """No connection, or one that broke before the reply was complete; says why."""


class Broken(Unreachable):
    """A connection that broke after the request was sent, or may have been: the endpoint may bill it."""


class TlsFailed(Exception):
    """The endpoint could not prove to be who it is; says why."""


class ReplyTooLong(Exception):
    """The reply is longer than allowed; the rest of it was not read."""

    def __init__(self, status: int, limit_bytes: int) -> None:
        """Of the HTTP status with which it came, and how long it might have been."""
        super().__init__(f"the reply is longer than {limit_bytes} bytes")
        self.status = status
        self.limit_bytes = limit_bytes


class NotHttp(Exception):
    """What came back is not HTTP."""


class Wire(Protocol):
    """Pooled connections of one protocol."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Send one request; redirects are replies, not followed. Time is the caller's to limit.

        Raises:
            RefusedByPolicy, Unreachable, TlsFailed, ReplyTooLong, NotHttp.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


def why_tls_failed(error: SSLError) -> str:
    """OpenSSL's word for it, such as `certificate has expired`; never what the endpoint sent."""
    if isinstance(error, SSLCertVerificationError):
        return error.verify_message.removesuffix(".")
    return (error.reason or type(error).__name__).lower().replace("_", " ")


def why_broken(error: BaseException) -> str:
    """The operating system's word for an error of a connection, or else its name; never its text."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
