"""Why an endpoint did not deliver. Pure.

What is said of a failure is kept and shown, so it is made of what we know and of short codes the
endpoint gives, never of its free text: some endpoints repeat the key or the prompt there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _./:@+-]{0,127}")
_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}")

MULTIPLE_CHOICES = 300
BAD_REQUEST = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
SERVICE_UNAVAILABLE = 503

NO_RECORD_CODE = "no_record"


class FailureKind(StrEnum):
    """As `FailureKind` in gateway.proto, without its prefix."""

    UNREACHABLE = "UNREACHABLE"
    TIMEOUT = "TIMEOUT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RATE_LIMITED = "RATE_LIMITED"
    REFUSED_BY_ENDPOINT = "REFUSED_BY_ENDPOINT"
    ENDPOINT_ERROR = "ENDPOINT_ERROR"
    UNREADABLE_REPLY = "UNREADABLE_REPLY"
    NO_RECORD = "NO_RECORD"
    KEY_NOT_FOUND = "KEY_NOT_FOUND"
    INTERRUPTED = "INTERRUPTED"
    TLS_FAILED = "TLS_FAILED"
    REFUSED_BY_POLICY = "REFUSED_BY_POLICY"
    REDIRECTED = "REDIRECTED"
    OTHER_MODEL = "OTHER_MODEL"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a call. What a model thinks is part of its output."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False
    """The endpoint did not report them."""
    reasoning_tokens: int = 0
    """Of `output_tokens`, as far as the endpoint tells."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that did not deliver."""

    kind: FailureKind
    detail: str
    http_status: int = 0
    """0 when there was no HTTP reply."""
    usage: Usage | None = None
    """Of a reply that is no use, and is billed all the same."""


def of_status(status: int, body: bytes, *, address: str, sparring: bool) -> Failure:
    """The failure behind an HTTP status other than 2xx.

    Args:
        status: of the HTTP reply.
        body: as received; only its error code is looked at.
        address: host:port of the endpoint.
        sparring: whether `no_record` may be believed.
    """
    codes = _codes(body)
    said = f"{address} replied {status}" + (f" ({', '.join(codes)})" if codes else "")
    if sparring and status == NOT_FOUND and NO_RECORD_CODE in codes:
        return Failure(FailureKind.NO_RECORD, "there is no record of this call", status)
    return Failure(_kind_of_status(status), f"{said}{_ADVICE.get(status, '')}", status)


def of_redirect(status: int, location: str, *, address: str) -> Failure:
    """The failure behind a redirect: following one would send key and prompt to where nobody registered an endpoint.

    Args:
        status: 3xx.
        location: the header as it came; of it the host alone is told.
        address: host:port of the endpoint.
    """
    try:
        host = urlsplit(location).hostname or ""
    except ValueError:
        host = ""
    where = host if _HOST.fullmatch(host) else "another place" if location else "nowhere"
    detail = f"{address} replied {status}, a redirect to {where}, which is not followed: register the endpoint itself"
    return Failure(FailureKind.REDIRECTED, detail, status)


def of_other_model(asked: str, said: str, *, address: str, status: int, usage: Usage) -> Failure:
    """The failure behind a reply that another model gave.

    Args:
        asked: the upstream model of the endpoint.
        said: the model of the reply, as it came; told where it is a plain id.
        address: host:port of the endpoint.
        status: of the HTTP reply.
        usage: of that reply, which is billed.
    """
    named = said if _MODEL_ID.fullmatch(said) else "another model"
    return Failure(
        FailureKind.OTHER_MODEL,
        f"{address} was asked for {asked} and says that {named} answered; where that is the same model, "
        "name it in answers_as",
        status,
        usage,
    )


_ADVICE: Mapping[int, str] = {
    UNAUTHORIZED: ": the key is missing or wrong",
    FORBIDDEN: ": the key may not do this",
    NOT_FOUND: ": is the base URL or the upstream model wrong?",
}


def _kind_of_status(status: int) -> FailureKind:
    if status in (UNAUTHORIZED, FORBIDDEN):
        return FailureKind.UNAUTHENTICATED
    if status == TOO_MANY_REQUESTS:
        return FailureKind.RATE_LIMITED
    if status >= SERVER_ERROR:
        return FailureKind.ENDPOINT_ERROR
    return FailureKind.REFUSED_BY_ENDPOINT


def _codes(body: bytes) -> list[str]:
    """Short codes of an OpenAI-style error body, most telling first."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return []
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return codes_of_error(error) if isinstance(error, dict) else []


def codes_of_error(error: Mapping[str, Any]) -> list[str]:
    """`code` and `type` of an error object, as far as they are short codes."""
    found = (error.get("code"), error.get("type"))
    return list(dict.fromkeys(code for code in found if isinstance(code, str) and _CODE.fullmatch(code)))
