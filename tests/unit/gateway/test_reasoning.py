"""Thinking is no part of an answer."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.gateway.reasoning import NoText, Said, take_apart


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": "42"}, "42", ""),
        ({"content": None}, "", ""),
        ({"content": "42", "reasoning_content": "6 x 7"}, "42", "6 x 7"),
        ({"content": "42", "reasoning": "6 x 7"}, "42", "6 x 7"),
        ({"content": "42", "reasoning_content": None, "reasoning": "6 x 7"}, "42", "6 x 7"),
        ({"content": None, "reasoning_content": "6 x 7"}, "", "6 x 7"),
        ({"content": "<think>\n6 x 7\n</think>\n\n42"}, "42", "6 x 7"),
        ({"content": "\n <think>6 x 7</think>42"}, "42", "6 x 7"),
        ({"content": "<think>6 x"}, "", "6 x"),  # cut off
        ({"content": "<think></think>42"}, "42", ""),
        ({"content": "<think>a</think>\n<think>b</think>42"}, "42", "a\n\nb"),
        ({"content": "[THINK]6 x 7[/THINK]42"}, "42", "6 x 7"),
        ({"content": "Write </think> and go on. 42."}, "Write </think> and go on. 42.", ""),  # spoken of
        (
            {"content": "Use <think> for thoughts, and </think> after."},
            "Use <think> for thoughts, and </think> after.",
            "",
        ),
        ({"content": "a</think>b", "reasoning": "r"}, "a</think>b", "r"),  # told apart by the server
        ({"content": [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]}, "42", ""),
        ({"content": [{"type": "reasoning", "text": "6 x 7"}, {"text": "42"}]}, "42", "6 x 7"),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "6 x 7"}]}, {"text": "42"}]},
            "42",
            "6 x 7",
        ),
        ({"content": [{"type": "image_url"}, 7]}, "", ""),
    ],
)
def test_thoughts_are_kept_apart(message: dict[str, Any], text: str, reasoning: str) -> None:
    assert take_apart(message) == Said(text, reasoning)


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ("6 x 7</think>\n42", "42", "6 x 7"),  # opened in the prompt
        ("6 x 7\n</think>", "", "6 x 7"),
        ("a</think>\n<think>b</think>42", "42", "a\n\nb"),
        ("Write </think> and go on. 42.", "Write </think> and go on. 42.", ""),  # spoken of
    ],
)
def test_an_end_alone_closes_the_thoughts_of_a_model_that_thinks_and_of_no_other(
    content: str, text: str, reasoning: str
) -> None:
    assert take_apart({"content": content}, thinks=True) == Said(text, reasoning)
    assert take_apart({"content": content}) == Said(content, "")


def test_content_of_another_kind_is_no_text() -> None:
    with pytest.raises(NoText):
        take_apart({"content": 7})


@given(thought=st.text(alphabet="ab \n<>/think"), answer=st.text(alphabet="ab 7\n"))
def test_no_thought_gets_into_an_answer(thought: str, answer: str) -> None:
    if "</think>" not in thought:
        assert take_apart({"content": f"<think>{thought}</think>{answer}"}).text == answer.lstrip()


@given(text=st.text())
def test_a_text_without_tags_is_left_as_it_is(text: str) -> None:
    # Strings that stand in the code are drawn too.
    assume(not any(tag in text for tag in ("think>", "THINK]")))
    assert take_apart({"content": text}) == Said(text, "")


def test_a_model_that_thinks_in_a_loop_is_read() -> None:
    assert take_apart({"content": "<think></think>\n" * 10_000 + "42"}) == Said("42", "")


@pytest.mark.parametrize("tag", ["</think>", "[/THINK]", "</seed:think>"])
def test_a_tag_that_a_verdict_quotes_takes_nothing_from_it(tag: str) -> None:
    verdict = '{"reasoning": "answer 1 has a stray ' + tag + '\n", "verdict": "2"}'
    assert take_apart({"content": verdict}, structured=True) == Said(verdict, "")
    thought = "<think>hm</think>" + verdict
    assert take_apart({"content": thought}, structured=True) == Said(verdict, "hm")
