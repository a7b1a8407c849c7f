"""What an answer is worth, and where a model stands by its answers."""

from datetime import timedelta

import pytest

from dearena.names import Revision
from services.gateway.calls import (
    Call,
    Completion,
    CompletionState,
    Delivery,
    Purpose,
    completed,
    state_after_interruption,
)
from services.gateway.chat import Message, Reply
from services.gateway.entrants import (
    LONGEST_ANSWER_BYTES,
    AnswerState,
    AnswerWorth,
    EntrantState,
    cohort_of,
    is_worth_another_attempt,
    standing,
    too_long,
    worth,
)
from services.gateway.failures import Failure, FailureKind
from services.gateway.models import Endpoint, ModelSpec
from services.gateway.pricing import Money, Price

SPEC = ModelSpec(Endpoint("http://m/v1", "m"), price=Price(Money("USD", 1_000_000), Money("USD", 2_000_000)))
CALL = Call("default", Revision("m", 1), SPEC, [Message("user", "?")], {}, "f" * 64, Purpose.ANSWER)


def ended(text: str = "42", finish_reason: str = "stop", failure: Failure | None = None) -> Completion:
    result: Reply | Failure = failure or Reply(text, finish_reason, 3, 4, usage_estimated=False, upstream_model="m")
    return completed(CALL, Delivery(result, timedelta(seconds=1), 1))


def failed(kind: FailureKind) -> Completion:
    return ended(failure=Failure(kind, "detail"))


def test_a_reply_is_done_and_costs_what_its_tokens_cost() -> None:
    completion = ended()
    assert completion.state is CompletionState.DONE
    assert completion.cost == Money("USD", 3 + 8)


def test_a_failure_costs_nothing() -> None:
    completion = failed(FailureKind.TIMEOUT)
    assert completion.state is CompletionState.FAILED
    assert completion.cost is None


@pytest.mark.parametrize(
    ("completion", "state"),
    [
        (ended(), AnswerState.USABLE),
        (ended(text=""), AnswerState.EMPTY),
        (ended(text=" \n\t"), AnswerState.EMPTY),
        (ended(finish_reason="length"), AnswerState.CUT_OFF),
        (ended(text="", finish_reason="length"), AnswerState.CUT_OFF),
        (ended(finish_reason="content_filter"), AnswerState.CUT_OFF),
        (failed(FailureKind.NO_RECORD), AnswerState.NO_RECORD),
        (failed(FailureKind.TIMEOUT), AnswerState.FAILED),
    ],
)
def test_what_an_answer_is_worth(completion: Completion, state: AnswerState) -> None:
    answer = worth(completion)
    assert answer.state is state
    assert bool(answer.reason) is (state is not AnswerState.USABLE)


def test_a_call_that_has_not_ended_is_worth_nothing_yet() -> None:
    with pytest.raises(ValueError, match="not ended"):
        worth(Completion("f" * 64, Revision("m", 1), CompletionState.STARTED))


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_query_is_asked_again_only_where_that_may_help(kind: FailureKind) -> None:
    hopeless = {
        FailureKind.UNAUTHENTICATED,
        FailureKind.KEY_NOT_FOUND,
        FailureKind.REFUSED_BY_ENDPOINT,
        FailureKind.NO_RECORD,
        FailureKind.TLS_FAILED,
        FailureKind.REFUSED_BY_POLICY,
        FailureKind.REDIRECTED,
        FailureKind.OTHER_MODEL,
    }
    assert is_worth_another_attempt(failed(kind), 1, 2) is (kind not in hopeless)
    assert not is_worth_another_attempt(failed(kind), 2, 2)


def test_a_reply_is_not_asked_for_again() -> None:
    assert not is_worth_another_attempt(ended(text=""), 1, 2)


def test_after_a_change_failures_of_before_do_not_count() -> None:
    wrong_key = failed(FailureKind.UNAUTHENTICATED)
    assert [is_worth_another_attempt(wrong_key, attempt, 2, made=2) for attempt in (1, 2, 3)] == [True, True, False]
    slow = failed(FailureKind.TIMEOUT)
    assert [is_worth_another_attempt(slow, attempt, 2, made=2) for attempt in (2, 3, 4)] == [True, True, False]
    assert not is_worth_another_attempt(ended(), 1, 2, made=2)


def test_thoughts_alone_are_no_answer_and_it_is_said() -> None:
    reply = Reply("", "stop", 3, 4, usage_estimated=False, upstream_model="m", reasoning="6 x 7")
    answer = worth(completed(CALL, Delivery(reply, timedelta(), 1)))
    assert answer.state is AnswerState.EMPTY
    assert "thought" in answer.reason


def test_one_usable_answer_makes_an_entrant_ready() -> None:
    answers = [AnswerWorth(AnswerState.EMPTY, "empty"), AnswerWorth(AnswerState.USABLE)]
    found = standing(answers)
    assert (found.state, found.answers_usable, found.answers_recorded) == (EntrantState.READY, 1, 2)


def test_without_one_it_fails_for_the_most_common_reason() -> None:
    answers = [AnswerWorth(AnswerState.EMPTY, "one"), *[AnswerWorth(AnswerState.FAILED, "two")] * 2]
    assert standing(answers).state is EntrantState.FAILED
    assert standing(answers).reason == "two"
    assert standing(answers[:2]).reason == "one"
    assert standing([]).reason == "the dimension has no queries"


def test_a_call_is_sent_at_most_twice() -> None:
    assert state_after_interruption(1) is CompletionState.UNKNOWN
    assert state_after_interruption(2) is CompletionState.FAILED


def test_without_a_cohort_an_entrant_is_its_own() -> None:
    assert cohort_of("", "m@2") == "m@2"
    assert cohort_of("spring", "m@2") == "spring"


def test_an_answer_is_as_long_as_the_store_can_keep_counted_in_bytes() -> None:
    assert too_long("é" * (LONGEST_ANSWER_BYTES // 2)) is None
    excess = too_long("é" * (LONGEST_ANSWER_BYTES // 2 + 1))
    assert excess is not None
    assert excess.state is AnswerState.FAILED
