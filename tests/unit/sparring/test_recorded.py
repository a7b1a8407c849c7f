"""The recorded world: whose answers are shown, and what the judge really said of them."""

import pytest

from dearena.sparring.calls import Call, Completed, Purpose, Refused, Reply
from dearena.sparring.recorded import RecordedAnswer, RecordedVote, RecordedWorld, Winner
from tests.unit.sparring.prompts import NONCE, judging_prompt

ANSWERS = [
    RecordedAnswer("Alpha", "q1", "  Four.\n"),
    RecordedAnswer("Beta", "q1", "Five, or so."),
    RecordedAnswer("Gamma (Pro)", "q1", "Two squared is 4."),
    RecordedAnswer("Alpha", "q2", "Nine."),
    RecordedAnswer("Beta", "q2", "Nine."),
    RecordedAnswer("Gamma (Pro)", "q2", "It is 9."),
]
VOTES = [
    RecordedVote("q1", "Judge", "Alpha", "Beta", Winner.A),
    RecordedVote("q1", "Judge", "Gamma (Pro)", "Alpha", Winner.A),
    RecordedVote("q1", "Judge", "Beta", "Gamma (Pro)", Winner.TIE),
    RecordedVote("q2", "Judge", "Beta", "Gamma (Pro)", Winner.B),
    RecordedVote("q2", "Judge", "Alpha", "Beta", Winner.A),
    RecordedVote("q2", "Other", "Alpha", "Beta", Winner.TIE),
]
WORLD = RecordedWorld(ANSWERS, VOTES)


def judged(first: str, second: str, *, query: str = "q1", judge: str = "Judge") -> Reply:
    return WORLD.reply(Call(judge, (judging_prompt(first, second),), query, Purpose.JUDGE))


def verdict(reply: Reply) -> str:
    assert isinstance(reply, Completed), reply
    last = reply.text.splitlines()[-1]
    assert last.startswith(f"VERDICT {NONCE}: ")
    return last.split(": ")[1]


def code(reply: Reply) -> tuple[int, str]:
    assert isinstance(reply, Refused), reply
    return reply.status, reply.code


def test_a_recorded_answer_is_repeated_to_the_letter() -> None:
    assert WORLD.reply(Call("Alpha", ("?",), "q1", Purpose.ANSWER)) == Completed("  Four.\n")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Four.", "Five, or so.", ("1", "2")),
        ("Four.", "Two squared is 4.", ("2", "1")),
        ("Five, or so.", "Two squared is 4.", ("TIE", "TIE")),
    ],
)
def test_a_recorded_vote_is_told_from_the_seats_in_both_orders(
    first: str, second: str, expected: tuple[str, str]
) -> None:
    assert (verdict(judged(first, second)), verdict(judged(second, first))) == expected


def test_of_models_with_equal_answers_any_with_a_vote_will_do() -> None:
    assert verdict(judged("Nine.", "It is 9.", query="q2")) == "2"
    assert verdict(judged("It is 9.", "Nine.", query="q2")) == "1"


def test_a_winner_among_equal_answers_has_no_seat_but_a_tie_can_be_told() -> None:
    assert code(judged("Nine.", "Nine.", query="q2")) == (404, "no_record")
    assert verdict(judged("Nine.", "Nine.", query="q2", judge="Other")) == "TIE"


def test_what_was_not_recorded_is_no_record_and_says_what_is_missing() -> None:
    missing_answer = WORLD.reply(Call("Judge", ("?",), "q1", Purpose.ANSWER))
    missing_vote = judged("Four.", "Five, or so.", judge="Other")
    unknown_text = judged("Four.", "Six.")
    other_query = judged("Four.", "Five, or so.", query="q3")
    for reply in (missing_answer, missing_vote, unknown_text, other_query):
        assert code(reply) == (404, "no_record")
    assert isinstance(unknown_text, Refused)
    assert unknown_text.message == "answer 2 is none of the recorded answers to q1"


def test_a_model_of_whom_nothing_is_recorded_is_not_found_rather_than_void() -> None:
    assert code(WORLD.reply(Call("alpha", ("?",), "q1", Purpose.ANSWER))) == (404, "model_not_found")


def test_a_caller_that_does_not_tell_the_query_is_told_to() -> None:
    assert code(WORLD.reply(Call("Alpha", ("?",), "", Purpose.ANSWER))) == (400, "not_told")
    assert code(WORLD.reply(Call("Alpha", ("?",), "q1"))) == (400, "not_told")


def test_a_prompt_that_cannot_be_read_is_a_bad_request() -> None:
    assert code(WORLD.reply(Call("Judge", ("Which?",), "q1", Purpose.JUDGE))) == (400, "unreadable_prompt")


def test_models_and_judges_are_listed_by_display_name() -> None:
    assert list(WORLD.models()) == ["Alpha", "Beta", "Gamma (Pro)", "Judge", "Other"]
