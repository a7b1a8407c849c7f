"""The chat-completions format as sparring models speak it."""

import json
from typing import Any

import pytest

from dearena.sparring import chat
from dearena.sparring.calls import Call, Completed, Purpose, Refused

BODY: dict[str, Any] = {
    "model": "alpha",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
    "temperature": 0,
    "dearena": {"query_id": "q1", "purpose": "judge", "request_id": "r1"},
}


def read(**changes: Any) -> Call:
    return chat.read_call(json.dumps(BODY | changes).encode())


def test_a_request_is_read_with_what_the_gateway_tells() -> None:
    call = chat.read_call(json.dumps(BODY).encode(), authorization="Bearer key", repeats=2)
    assert call == Call("alpha", ("Why?",), "q1", Purpose.JUDGE, "key", 2)


def test_a_request_of_somebody_else_tells_nothing() -> None:
    body = {name: value for name, value in BODY.items() if name != "dearena"}
    call = chat.read_call(json.dumps(body).encode())
    assert (call.told_query, call.purpose, call.bearer) == ("", None, "")


def test_text_may_come_in_parts_and_hold_half_a_character() -> None:
    parts = [{"type": "text", "text": "Why \ud83d"}, {"type": "text", "text": "?"}]
    assert read(messages=[{"role": "user", "content": parts}]).prompt == "Why \ud83d?"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": ""}, "model: "),
        ({"model": 7}, "model: "),
        ({"messages": "Why?"}, "messages: must be a list"),
        ({"messages": []}, "messages: none is the user's"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages: none is the user's"),
        ({"messages": ["Why?"]}, r"messages\[0\]: "),
        ({"messages": [{"role": "user", "content": None}]}, r"messages\[0\].content: "),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, r"messages\[0\].content: "),
        ({"stream": True}, "stream: "),
        ({"dearena": 1}, "dearena: "),
        ({"dearena": {"query_id": 1}}, "dearena: "),
        ({"dearena": {"purpose": "praise"}}, "dearena.purpose: must be answer or judge"),
        ({"dearena": {"purpose": ["judge"]}}, "dearena.purpose: "),
    ],
)
def test_a_bad_body_is_refused_by_member(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(chat.BadBody, match=said):
        read(**changes)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_said_to_be(body: bytes) -> None:
    with pytest.raises(chat.BadBody, match="not JSON"):
        chat.read_call(body)


def test_a_completion_reports_usage_from_the_lengths_of_its_texts() -> None:
    body = chat.completion(read(), Completed("Because.", "length"), created=5)
    assert body["choices"][0]["message"]["content"] == "Because."
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert (body["model"], body["created"]) == ("alpha", 5)


def test_an_error_has_the_form_that_clients_read() -> None:
    assert chat.error(Refused(404, "no_record", "nothing")) == {
        "error": {"code": "no_record", "message": "nothing", "type": "invalid_request_error"}
    }
    assert chat.error(Refused(500, "x", "y"))["error"]["type"] == "server_error"


def test_a_response_format_holds_the_model_to_a_schema() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": {"type": "object"}}}
    assert read(response_format=schema).held_to_schema
    assert not read().held_to_schema
    assert not read(response_format={"type": "text"}).held_to_schema
    with pytest.raises(chat.BadBody, match="response_format"):
        read(response_format={"type": "json_schema"})
