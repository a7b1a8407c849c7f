"""Chat completions as OpenAI-compatible endpoints speak them: the body we send, the reply we read. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.gateway.failures import codes_of_error

Parameters = Mapping[str, Any]
"""`temperature`, `top_p`, `max_tokens`, `seed` as far as given, and `extra_body` with further members."""

BYTES_PER_TOKEN = 4
"""Of English text; the usual rule of thumb, for endpoints that do not report usage."""

_MAX_TOKENS = 2**32
"""Beyond any call, and at the highest price its cost still fits 64 bits (pricing.py)."""
_PLAIN_PARAMETERS = ("temperature", "top_p", "max_tokens", "seed")
RESERVED_MEMBERS = frozenset({*_PLAIN_PARAMETERS, "model", "messages", "stream", "n", "dearena"})
"""What `extra_body` must not hold: we set it, or could not read the reply."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class SparringNote:
    """What sparring endpoints are told besides, so that a recorded or planted model knows its part."""

    query_id: str
    purpose: str
    """`answer` or `judge`."""
    request_id: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the endpoint said. An empty text is a reply too."""

    text: str
    finish_reason: str
    input_tokens: int
    output_tokens: int
    usage_estimated: bool
    """The endpoint did not report usage; the numbers are estimated from the texts."""
    upstream_model: str


class UnreadableReply(ValueError):
    """The body is not the JSON of a chat completion; the message says why, without quoting it."""


def request_body(
    upstream_model: str, messages: Sequence[Message], parameters: Parameters, note: SparringNote | None = None
) -> bytes:
    """The JSON body of a call, in UTF-8."""
    body: dict[str, Any] = dict(parameters.get("extra_body", {}))
    body["model"] = upstream_model
    body["messages"] = [{"role": message.role, "content": message.content} for message in messages]
    body |= {name: parameters[name] for name in _PLAIN_PARAMETERS if name in parameters}
    if note is not None:
        body["dearena"] = {"query_id": note.query_id, "purpose": note.purpose, "request_id": note.request_id}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def read_reply(body: bytes, messages: Sequence[Message]) -> Reply:
    """Read the body of a 2xx reply.

    Args:
        body: as received.
        messages: what was sent, to estimate its tokens when the endpoint does not report usage.

    Raises:
        UnreadableReply: not JSON, or not a chat completion.
    """
    parsed = _json_object(body)
    match parsed:
        case {"choices": [{"message": {**message}, **choice}, *_]}:
            pass
        case {"error": dict(error)}:
            codes = ", ".join(codes_of_error(error)) or "no code"
            raise UnreadableReply(f"the reply is an error ({codes}) in place of a completion")
        case _:
            raise UnreadableReply("the reply has no choices[0].message")
    text = _text(message.get("content"))
    input_tokens, output_tokens, estimated = _usage(parsed.get("usage"), messages, text)
    return Reply(
        text=text,
        finish_reason=_short(choice.get("finish_reason")),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        usage_estimated=estimated,
        upstream_model=_short(parsed.get("model")),
    )


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        start = body.lstrip()[:1]
        if start == b"<":
            raise UnreadableReply("the reply is HTML, not JSON: is the base URL right?") from error
        raise UnreadableReply("the reply is not JSON" if start else "the reply is empty") from error
    if not isinstance(parsed, dict):
        raise UnreadableReply("the reply is JSON, but not an object")
    return parsed


def _text(content: object) -> str:
    """The text of a message's content: a string, parts of which some are text, or nothing at all."""
    match content:
        case None:
            return ""
        case str():
            return storable(content)
        case list():
            parts = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
            return storable("".join(parts))
        case _:
            raise UnreadableReply("the message's content is neither a text nor a list of parts")


def storable(text: str) -> str:
    """The text with lone surrogates replaced: JSON lets them through, UTF-8 cannot hold them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _short(value: object) -> str:
    return storable(value[:256]) if isinstance(value, str) else ""


def _usage(usage: object, messages: Sequence[Message], text: str) -> tuple[int, int, bool]:
    match usage:
        case {"prompt_tokens": sent, "completion_tokens": received} if _is_count(sent) and _is_count(received):
            return sent, received, False
        case _:
            return sum(_estimate(message.content) for message in messages), _estimate(text), True


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_TOKENS


def _estimate(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)
