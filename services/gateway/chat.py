"""Chat completions as OpenAI-compatible endpoints speak them: the body we send, the reply we read. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from services.gateway.failures import Usage, codes_of_error
from services.gateway.reasoning import NoText, take_apart

Parameters = Mapping[str, Any]
"""`temperature`, `top_p`, `max_tokens`, `reasoning_tokens`, `seed` as far as given, and `extra_body` with further
members. Endpoints know one limit for all that a model writes, so `max_tokens` and `reasoning_tokens` are sent as one.
"""

BYTES_PER_TOKEN = 4
"""Of English text; the usual rule of thumb, for endpoints that do not report usage."""

_MAX_TOKENS = 2**32
"""Beyond any call, and at the highest price its cost still fits 64 bits (pricing.py)."""
_PLAIN_PARAMETERS = ("temperature", "top_p", "seed")
MAX_TOKENS = "max_tokens"
MAX_COMPLETION_TOKENS = "max_completion_tokens"
REPLY_LIMIT_MEMBERS = (MAX_TOKENS, MAX_COMPLETION_TOKENS)
"""What endpoints call the limit; OpenAI's reasoning models take the second only."""
RESERVED_MEMBERS = frozenset(
    {
        *_PLAIN_PARAMETERS,
        *REPLY_LIMIT_MEMBERS,
        *("reasoning_tokens", "model", "messages", "stream", "dearena"),
        *("n", "best_of"),
    }
)
"""What `extra_body` must not hold: we set it, could not read the reply, or would pay several for one."""


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
    reasoning: str = ""
    """What the model thought first; never part of the text."""
    reasoning_tokens: int = 0
    """Of `output_tokens`, as far as the endpoint tells."""
    system_fingerprint: str = ""
    """Changes with the configuration that answers, where endpoints tell it."""
    served_by: str = ""
    """Who answered behind a router, where that tells it."""
    structured: bool = False
    """The endpoint was held to a JSON schema."""

    @property
    def usage(self) -> Usage:
        """The tokens of it."""
        return Usage(self.input_tokens, self.output_tokens, self.usage_estimated, self.reasoning_tokens)


class UnreadableReply(ValueError):
    """The body is not the JSON of a chat completion; the message says why, without quoting it."""

    usage: Usage | None = None
    """What the endpoint says it has used all the same."""


def request_body(
    upstream_model: str,
    messages: Sequence[Message],
    parameters: Parameters,
    note: SparringNote | None = None,
    *,
    reply_limit_member: str = MAX_TOKENS,
    response_schema: Mapping[str, Any] | None = None,
) -> bytes:
    """The JSON body of a call, in UTF-8.

    Args:
        upstream_model: the model's id at the endpoint.
        messages: the conversation.
        parameters: how to answer.
        note: for sparring endpoints.
        reply_limit_member: one of REPLY_LIMIT_MEMBERS.
        response_schema: JSON Schema that the reply's text is to follow.
    """
    body: dict[str, Any] = dict(parameters.get("extra_body", {}))
    body["model"] = upstream_model
    body["messages"] = [{"role": message.role, "content": message.content} for message in messages]
    body |= {name: parameters[name] for name in _PLAIN_PARAMETERS if name in parameters}
    if MAX_TOKENS in parameters:
        body[reply_limit_member] = parameters[MAX_TOKENS] + parameters.get("reasoning_tokens", 0)
    if response_schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": response_schema},
        }
    if note is not None:
        body["dearena"] = {"query_id": note.query_id, "purpose": note.purpose, "request_id": note.request_id}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def read_reply(body: bytes, messages: Sequence[Message], *, structured: bool = False, thinks: bool = False) -> Reply:
    """Read the body of a 2xx reply.

    A reply that cannot be read may have been billed: what usage it reports, if any, goes with the error.

    Args:
        body: as received.
        messages: what was sent, to estimate its tokens when the endpoint does not report usage.
        structured: whether a schema was sent.
        thinks: whether the model is declared to think; one whose endpoint counts its thoughts does anyway.

    Raises:
        UnreadableReply: not JSON, or not a chat completion.
    """
    parsed = _json_object(body)
    try:
        return _read_object(parsed, messages, structured=structured, thinks=thinks)
    except UnreadableReply as error:
        error.usage = _reported_usage(parsed.get("usage"))
        raise


def _read_object(parsed: dict[str, Any], messages: Sequence[Message], *, structured: bool, thinks: bool) -> Reply:
    match parsed:
        case {"choices": [{"message": {**message}, **choice}, *_]}:
            pass
        case {"error": dict(error)}:
            codes = ", ".join(codes_of_error(error)) or "no code"
            raise UnreadableReply(f"the reply is an error ({codes}) in place of a completion")
        case _:
            raise UnreadableReply("the reply has no choices[0].message")
    usage = parsed.get("usage")
    thinks = thinks or _reasoning_tokens(usage) > 0
    try:
        said = take_apart(cast("dict[str, Any]", message), structured=structured, thinks=thinks)
    except NoText as error:
        raise UnreadableReply("the message's content is neither a text nor a list of parts") from error
    text, reasoning = storable(said.text), storable(said.reasoning)
    input_tokens, output_tokens, estimated = _usage(usage, messages, text, reasoning)
    return Reply(
        text=text,
        finish_reason=_short(choice.get("finish_reason")),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        usage_estimated=estimated,
        upstream_model=_short(parsed.get("model")),
        reasoning=reasoning,
        reasoning_tokens=_reasoning_tokens(usage),
        system_fingerprint=_short(parsed.get("system_fingerprint")),
        served_by=_short(parsed.get("provider")),
        structured=structured,
    )


def estimated_usage(messages: Sequence[Message], parameters: Parameters, reply_bytes: int) -> Usage:
    """What a reply may have used that cannot be read: by its length, but no more than it might have.

    Args:
        messages: what was sent.
        parameters: as they were sent.
        reply_bytes: of its body.
    """
    sent = sum(_estimate(message.content) for message in messages)
    received = -(-reply_bytes // BYTES_PER_TOKEN)
    if MAX_TOKENS in parameters:
        received = min(received, parameters[MAX_TOKENS] + parameters.get("reasoning_tokens", 0))
    return Usage(sent, received, estimated=True)


def usage_of(body: bytes) -> Usage | None:
    """What a body says that the call has used, whatever else is wrong with it; None where it says nothing."""
    try:
        return _reported_usage(_json_object(body).get("usage"))
    except UnreadableReply:
        return None


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


def storable(text: str) -> str:
    """The text with lone surrogates replaced: JSON lets them through, UTF-8 cannot hold them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _short(value: object) -> str:
    return storable(value[:256]) if isinstance(value, str) else ""


def _usage(usage: object, messages: Sequence[Message], text: str, reasoning: str) -> tuple[int, int, bool]:
    if (reported := _reported_usage(usage)) is not None:
        return reported.input_tokens, reported.output_tokens, False
    sent = sum(_estimate(message.content) for message in messages)
    return sent, _estimate(text) + _estimate(reasoning), True


def _reported_usage(usage: object) -> Usage | None:
    match usage:
        case {"prompt_tokens": sent, "completion_tokens": received} if _is_count(sent) and _is_count(received):
            return Usage(sent, received, reasoning_tokens=_reasoning_tokens(usage))
        case _:
            return None


def _reasoning_tokens(usage: object) -> int:
    match usage:
        case {"completion_tokens_details": {"reasoning_tokens": count}} if _is_count(count):
            return int(count)
        case {"reasoning_tokens": count} if _is_count(count):
            return int(count)
        case _:
            return 0


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_TOKENS


def _estimate(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)
