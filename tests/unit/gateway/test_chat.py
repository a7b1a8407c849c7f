"""The body sent and the reply read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.chat import (
    MAX_COMPLETION_TOKENS,
    Message,
    SparringNote,
    UnreadableReply,
    read_reply,
    request_body,
)

ASKED = [Message("user", "What is 6 x 7?")]


def reply(message: Any, **members: Any) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], **members}).encode()


def test_a_model_whose_thoughts_are_counted_is_one_that_thinks() -> None:
    content = {"role": "assistant", "content": "6 x 7\n</think>\n42"}
    counted = {"prompt_tokens": 1, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 3}}
    assert read_reply(reply(content), ASKED).text == content["content"]
    assert read_reply(reply(content, usage=counted), ASKED).text == "42"
    assert read_reply(reply(content), ASKED, thinks=True).text == "42"


def test_absent_parameters_are_not_sent() -> None:
    body = json.loads(request_body("m-1", ASKED, {"max_tokens": 5}))
    assert body == {"model": "m-1", "messages": [{"role": "user", "content": "What is 6 x 7?"}], "max_tokens": 5}


def test_extra_members_stand_beside_ours_and_never_replace_them() -> None:
    body = json.loads(request_body("m-1", ASKED, {"extra_body": {"top_k": 40, "model": "other"}}))
    assert body["top_k"] == 40
    assert body["model"] == "m-1"


def test_only_a_sparring_endpoint_is_told_the_query() -> None:
    note = SparringNote("q1", "judge", "f" * 64)
    assert json.loads(request_body("m", ASKED, {}, note))["dearena"] == {
        "query_id": "q1",
        "purpose": "judge",
        "request_id": "f" * 64,
    }
    assert b"dearena" not in request_body("m", ASKED, {})


def test_a_whole_reply_is_read() -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 3}
    read = read_reply(reply({"role": "assistant", "content": "42"}, model="m-1-0301", usage=usage), ASKED)
    assert (read.text, read.finish_reason, read.upstream_model) == ("42", "stop", "m-1-0301")
    assert (read.input_tokens, read.output_tokens, read.usage_estimated) == (11, 3, False)


@pytest.mark.parametrize("content", [None, "", []])
def test_empty_content_is_a_reply(content: Any) -> None:
    assert read_reply(reply({"content": content}), ASKED).text == ""


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "4"}, {"type": "image_url"}, {"type": "text", "text": "2"}]
    assert read_reply(reply({"content": parts}), ASKED).text == "42"


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": "11", "completion_tokens": 3},
        {"prompt_tokens": -1, "completion_tokens": True},
        {"prompt_tokens": 2**53 - 1, "completion_tokens": 3},
    ],
)
def test_usage_that_is_not_reported_is_estimated_and_said_to_be(usage: Any) -> None:
    read = read_reply(reply({"content": "x" * 40}, usage=usage), ASKED)
    assert (read.input_tokens, read.output_tokens, read.usage_estimated) == (4, 10, True)


def test_half_a_character_becomes_storable() -> None:
    raw = b'{"choices":[{"message":{"content":"a\\ud800b"}}]}'
    read_reply(raw, ASKED).text.encode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"", "empty"),
        (b'{"choices": [', "not JSON"),
        (b"\xff\xfe\xfa", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an object"),
        (b"{}", "choices"),
        (b'{"choices": []}', "choices"),
        (b'{"choices": [{"text": "old api"}]}', "choices"),
        (b'{"choices": [{"message": {"content": 42}}]}', "content"),
        (b'{"error": {"code": "overloaded", "message": "sk-secret"}}', "overloaded"),
    ],
)
def test_what_is_not_a_chat_completion_is_unreadable_and_says_why(body: bytes, says: str) -> None:
    with pytest.raises(UnreadableReply, match=says) as caught:
        read_reply(body, ASKED)
    assert "sk-secret" not in str(caught.value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "usage", "error", "text"]), inner, max_size=3
        )
    ),
    max_leaves=20,
)


@given(value=values)
def test_any_json_is_read_or_said_to_be_unreadable(value: object) -> None:
    try:
        read = read_reply(json.dumps(value).encode(), ASKED)
    except UnreadableReply:
        return
    assert read.input_tokens >= 0


def test_thinking_and_reply_share_the_one_limit_that_endpoints_know() -> None:
    both = {"max_tokens": 10, "reasoning_tokens": 100}
    assert json.loads(request_body("m", ASKED, both))["max_tokens"] == 110
    renamed = json.loads(request_body("m", ASKED, both, reply_limit_member=MAX_COMPLETION_TOKENS))
    assert renamed == {
        "model": "m",
        "messages": [{"role": "user", "content": ASKED[0].content}],
        "max_completion_tokens": 110,
    }
    assert "max_tokens" not in json.loads(request_body("m", ASKED, {"reasoning_tokens": 100}))


def test_a_schema_replaces_a_format_of_the_owner() -> None:
    owners = {"extra_body": {"response_format": {"type": "text"}}}
    body = json.loads(request_body("m", ASKED, owners, response_schema={"type": "object"}))
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert json.loads(request_body("m", ASKED, owners))["response_format"] == {"type": "text"}


@pytest.mark.parametrize(
    ("details", "tokens"),
    [
        ({"completion_tokens_details": {"reasoning_tokens": 25}}, 25),
        ({"reasoning_tokens": 25}, 25),
        ({"completion_tokens_details": None}, 0),
        ({"completion_tokens_details": {"reasoning_tokens": -1}}, 0),
        ({}, 0),
    ],
)
def test_what_was_spent_on_thinking_is_read(details: dict[str, Any], tokens: int) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 30, **details}
    assert read_reply(reply({"content": "42"}, usage=usage), ASKED).reasoning_tokens == tokens


def test_thinking_counts_where_tokens_are_estimated() -> None:
    read = read_reply(reply({"content": "x" * 40, "reasoning_content": "y" * 40}), ASKED)
    assert (read.text, read.reasoning, read.output_tokens) == ("x" * 40, "y" * 40, 20)


def test_what_answered_is_noted() -> None:
    read = read_reply(reply({"content": "42"}, system_fingerprint="fp_1", provider="There"), ASKED)
    assert (read.system_fingerprint, read.served_by) == ("fp_1", "There")
