"""The OpenAI chat-completions format, as far as sparring models speak it. Pure.

Bodies are read with `json` rather than with a validating library: such libraries refuse lone surrogates,
and an answer that holds one must still reach its judges.
"""

import json
from typing import Any

from dearena.identity import text_hash
from dearena.sparring.calls import Call, Completed, Purpose, Refused

_CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English; sparring models have no tokenizer."""


class BadBody(ValueError):
    """A request body that is not a chat completion's; says what is wrong."""


def read_call(body: bytes, *, authorization: str = "", repeats: int = 0) -> Call:
    """Read a request.

    The member `dearena` holds what the gateway tells sparring endpoints: `query_id` and `purpose`.

    Raises:
        BadBody: the body is not JSON, or a member is missing or of the wrong kind.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"the body is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise BadBody("the body is not a JSON object")
    if request.get("stream"):
        raise BadBody("stream: sparring models reply in one piece")
    model = request.get("model")
    if not isinstance(model, str) or not model:
        raise BadBody("model: must be a text that is not empty")
    told = request.get("dearena", {})
    if not isinstance(told, dict) or not isinstance(query_id := told.get("query_id", ""), str):
        raise BadBody("dearena: must be an object, its query_id a text")
    return Call(
        model=model,
        user_messages=_user_messages(request.get("messages")),
        told_query=query_id,
        purpose=_purpose(told.get("purpose")),
        bearer=authorization.removeprefix("Bearer ") if authorization.startswith("Bearer ") else "",
        repeats=repeats,
        held_to_schema=_is_held_to_schema(request.get("response_format")),
    )


def _is_held_to_schema(response_format: Any) -> bool:
    match response_format:
        case None | {"type": "text"}:
            return False
        case {"type": "json_schema", "json_schema": {"schema": dict()}}:
            return True
        case _:
            raise BadBody("response_format: must be text, or a json_schema with a schema")


def _purpose(told: Any) -> Purpose | None:
    if not told:
        return None
    try:
        return Purpose(told)
    except ValueError:
        raise BadBody(f"dearena.purpose: must be answer or judge, not {told!r}") from None


def _user_messages(messages: Any) -> tuple[str, ...]:
    if not isinstance(messages, list):
        raise BadBody("messages: must be a list")
    texts = []
    for position, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise BadBody(f"messages[{position}]: must be an object with a role")
        if message["role"] == "user":
            texts.append(_text(message.get("content"), position))
    if not texts:
        raise BadBody("messages: none is the user's")
    return tuple(texts)


def _text(content: Any, position: int) -> str:
    """A message's content: a text, or a list of text parts."""
    match content:
        case str():
            return content
        case [*parts] if all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts):
            return "".join(part["text"] for part in parts)
        case _:
            raise BadBody(f"messages[{position}].content: must be a text or a list of text parts")


def completion(call: Call, completed: Completed, *, created: int) -> dict[str, Any]:
    """The body of a successful reply; token numbers are estimated from the length of the texts."""
    prompt_tokens = _tokens("\n".join(call.user_messages))
    completion_tokens = _tokens(completed.text)
    return {
        "id": f"chatcmpl-{text_hash(completed.text)[:24]}",
        "object": "chat.completion",
        "created": created,
        "model": completed.model or call.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": completed.text},
                "finish_reason": completed.finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def error(refused: Refused) -> dict[str, Any]:
    """The body of an error reply."""
    kind = "invalid_request_error" if refused.status < 500 else "server_error"  # noqa: PLR2004  # HTTP's own line
    return {"error": {"code": refused.code, "message": refused.message, "type": kind}}


def model_list(models: list[str]) -> dict[str, Any]:
    """The body of a list of models."""
    return {
        "object": "list",
        "data": [{"id": model, "object": "model", "created": 0, "owned_by": "dearena"} for model in models],
    }


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
