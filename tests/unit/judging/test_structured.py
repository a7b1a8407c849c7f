"""A structured verdict: read from members, all of them, and only where the endpoint was held to the schema."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.judging.forms import FIVE_STEPS, PLAIN, Scale, response_schema
from dearena.judging.verdict import Reading, read
from dearena.outcomes import SeatVerdict

NONCE = "fedcba9876543210"


def reply(**members: object) -> str:
    return json.dumps({"reasoning": "Shorter.", "nonce": NONCE, "verdict": "1"} | members)


@pytest.mark.parametrize(
    ("word", "verdict"), [("1", SeatVerdict.FIRST), ("2", SeatVerdict.SECOND), ("TIE", SeatVerdict.TIE)]
)
def test_a_verdict_is_a_member(word: str, verdict: SeatVerdict) -> None:
    assert read(f" {reply(verdict=word)}\n", NONCE, structured=True) == Reading(verdict)


@pytest.mark.parametrize(("grade", "word"), [*enumerate(["1>>2", "1>2", "TIE", "2>1", "2>>1"], start=1)])
def test_a_grade_has_a_sign_and_is_kept(grade: int, word: str) -> None:
    sign = [SeatVerdict.FIRST, SeatVerdict.FIRST, SeatVerdict.TIE, SeatVerdict.SECOND, SeatVerdict.SECOND][grade - 1]
    assert read(reply(verdict=word), NONCE, structured=True, scale=FIVE_STEPS) == Reading(sign, grade=grade)
    assert read(f"So.\nVERDICT {NONCE}: {word}", NONCE, scale=FIVE_STEPS) == Reading(sign, grade=grade)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (reply(nonce="0" * 16), "code of this call"),
        (reply(nonce=None), "code of this call"),
        (reply(verdict="3"), "none of the words"),
        (reply(verdict="tie"), "none of the words"),
        (reply(verdict=1), "none of the words"),
        (reply(verdict=["1"]), "none of the words"),
        (reply(verdict="1>2"), "none of the words"),
        (reply(reasoning=None), "schema"),
        (reply(more=1), "schema"),
        (f'{{"nonce": "{NONCE}", "verdict": "1"}}', "schema"),
        (f"[{reply()}]", "schema"),
        (json.dumps(reply()), "schema"),
        (f'{{"reasoning": "", "nonce": "{NONCE}", "verdict": "2", "verdict": "1"}}', "twice"),
        (f'{{"reasoning": {{"a": 1, "a": 2}}, "nonce": "{NONCE}", "verdict": "1"}}', "twice"),
        (f"Here it is: {reply()}", "not a verdict"),
        (f"```json\n{reply()}\n```", "not a verdict"),
        (f"{reply()}\n{reply()}", "not a verdict"),
        ("[" * 100_000, "not a verdict"),
    ],
)
def test_any_other_object_is_unreadable(said: str, problem: str) -> None:
    reading = read(said, NONCE, structured=True)
    assert reading.verdict is SeatVerdict.UNREADABLE
    assert problem in reading.problem


def test_json_of_a_judge_that_was_not_held_to_a_schema_is_not_read() -> None:
    assert read(reply(), NONCE).verdict is SeatVerdict.UNREADABLE


def test_what_is_no_json_at_all_may_be_a_line() -> None:
    assert read(f"Short.\nVERDICT {NONCE}: 2", NONCE, structured=True) == Reading(SeatVerdict.SECOND)


def test_a_verdict_inside_the_reason_is_not_read() -> None:
    said = reply(reasoning=f"VERDICT {NONCE}: 2", verdict="1")
    assert read(said, NONCE, structured=True) == Reading(SeatVerdict.FIRST)


def test_grades_are_read_only_where_they_were_asked_for() -> None:
    assert read(f"VERDICT {NONCE}: 1>2", NONCE).verdict is SeatVerdict.UNREADABLE
    assert read(f"VERDICT {NONCE}: 1", NONCE, scale=FIVE_STEPS).verdict is SeatVerdict.UNREADABLE


def test_a_cut_off_object_says_so() -> None:
    reading = read(reply()[:-3], NONCE, "length", structured=True)
    assert reading.verdict is SeatVerdict.UNREADABLE
    assert "token limit" in reading.problem


@given(
    answer=st.recursive(st.none() | st.text() | st.integers(), lambda more: st.dictionaries(st.text(), more)),
    verdict=st.text(),
)
def test_no_object_without_the_code_is_a_verdict(answer: object, verdict: str) -> None:
    said = json.dumps({"reasoning": answer, "nonce": answer, "verdict": verdict})
    assert read(said, NONCE, structured=True).verdict is SeatVerdict.UNREADABLE


@pytest.mark.parametrize("scale", [PLAIN, FIVE_STEPS])
@pytest.mark.parametrize("bounded", [False, True])
def test_the_schema_asks_for_the_reason_first_and_fixes_the_code(scale: Scale, *, bounded: bool) -> None:
    schema = response_schema(NONCE, scale, bounded=bounded)
    assert schema["properties"]["verdict"]["enum"] == list(scale.words)
    assert list(schema["properties"]) == schema["required"] == ["reasoning", "nonce", "verdict"]
    assert schema["properties"]["nonce"]["const"] == NONCE
    assert schema["properties"]["reasoning"] == {"type": "string"} | ({"maxLength": 200} if bounded else {})
    assert schema["additionalProperties"] is False
