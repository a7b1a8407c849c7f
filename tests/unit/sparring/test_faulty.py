"""Endpoints that misbehave as their name says."""

import json

import pytest

from dearena.sparring.calls import Call, Completed, Garbage, Purpose, Refused, Silence
from dearena.sparring.faulty import FAULTS, LOCKED, FaultyWorld
from tests.unit.sparring.prompts import judging_prompt

WORLD = FaultyWorld(key="open")


def answering(model: str, **more: object) -> Call:
    return Call(model, ("Why?",), "q1", Purpose.ANSWER, **more)  # type: ignore[arg-type]


def judging(model: str) -> Call:
    return Call(model, (judging_prompt("x", "y"),), "q1", Purpose.JUDGE)


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_can_be_confined_to_one_purpose(fault: str) -> None:
    honest_answer = WORLD.honest.reply(answering(f"judge-{fault}"))
    honest_verdict = WORLD.honest.reply(judging(f"answer-{fault}"))
    assert WORLD.reply(answering(f"judge-{fault}")) == honest_answer
    assert WORLD.reply(judging(f"answer-{fault}")) == honest_verdict
    assert WORLD.reply(judging(f"judge-{fault}")) != WORLD.honest.reply(judging(f"judge-{fault}"))
    assert WORLD.reply(answering(f"answer-{fault}")) != WORLD.honest.reply(answering(f"answer-{fault}"))


def test_garbage_is_no_completion() -> None:
    html, broken, hollow = (WORLD.reply(answering(model)) for model in ("html", "broken-json", "no-choices"))
    assert isinstance(html, Garbage)
    assert html.content_type == "text/html"
    assert isinstance(broken, Garbage)
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.body)
    assert isinstance(hollow, Garbage)
    assert json.loads(hollow.body)["choices"] == []


def test_answers_are_empty_or_cut_off() -> None:
    assert WORLD.reply(answering("empty")) == Completed("")
    whole, cut = WORLD.honest.reply(answering("cut-off")), WORLD.reply(answering("cut-off"))
    assert isinstance(whole, Completed)
    assert isinstance(cut, Completed)
    assert cut.finish_reason == "length"
    assert whole.text.startswith(cut.text)
    assert len(cut.text) < len(whole.text)


def test_thoughts_come_before_an_honest_answer_or_alone() -> None:
    honest, thinking = WORLD.honest.reply(answering("thinking")), WORLD.reply(answering("thinking"))
    assert isinstance(honest, Completed)
    assert isinstance(thinking, Completed)
    assert thinking.text.startswith("<think>")
    assert thinking.text.endswith(f"</think>\n{honest.text}")
    alone = WORLD.reply(answering("thinking-only"))
    assert isinstance(alone, Completed)
    assert alone.text.endswith("</think>")


def test_a_fallback_says_who_answered() -> None:
    reply = WORLD.reply(answering("other-model"))
    assert isinstance(reply, Completed)
    assert reply.model == "fallback-mini"


def test_half_a_character_passes_json() -> None:
    reply = WORLD.reply(answering("surrogate"))
    assert isinstance(reply, Completed)
    with pytest.raises(UnicodeEncodeError):
        reply.text.encode()
    assert json.loads(json.dumps(reply.text)) == reply.text


@pytest.mark.parametrize(
    ("model", "status"), [("error", 500), ("busy", 429), ("refusing", 400), ("flaky", 503), ("redirecting", 307)]
)
def test_errors_have_their_status(model: str, status: int) -> None:
    reply = WORLD.reply(answering(model))
    assert isinstance(reply, Refused)
    assert reply.status == status


def test_a_flaky_endpoint_serves_the_repeated_request() -> None:
    assert isinstance(WORLD.reply(answering("flaky", repeats=1)), Completed)


def test_a_hanging_endpoint_is_silent() -> None:
    assert WORLD.reply(answering("hang:2")) == Silence()


def test_a_locked_endpoint_opens_to_its_key_alone() -> None:
    for bearer in ("", "wrong"):
        reply = WORLD.reply(answering(LOCKED, bearer=bearer))
        assert isinstance(reply, Refused)
        assert reply.status == 401
    assert isinstance(WORLD.reply(answering(LOCKED, bearer="open")), Completed)


def test_a_suffix_makes_another_model_of_the_same_fault() -> None:
    one, other = WORLD.reply(answering("judge-error:a")), WORLD.reply(answering("judge-error:b"))
    assert isinstance(one, Completed)
    assert one != other


def test_an_unknown_fault_is_answered_with_those_there_are() -> None:
    reply = WORLD.reply(answering("earthquake"))
    assert isinstance(reply, Refused)
    assert (reply.status, reply.code) == (404, "model_not_found")
    assert all(fault in reply.message for fault in WORLD.models())
