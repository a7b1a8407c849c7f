"""What an answer is worth, and how a model revision stands in a dimension by its answers. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.gateway.calls import Completion
from services.gateway.failures import Failure, FailureKind

CUT_OFF_REASON = "length"
"""The finish_reason of a reply that ran into max_tokens."""

FILTERED_REASON = "content_filter"
"""The finish_reason of a reply that a filter of the endpoint ended, or withheld."""

LONGEST_ANSWER_BYTES = 15 * 1024 * 1024
"""In UTF-8. The store takes documents of 16 MiB; the replies to several turns are one answer, and may come to more."""

_HOPELESS = frozenset(
    {
        FailureKind.UNAUTHENTICATED,
        FailureKind.KEY_NOT_FOUND,
        FailureKind.REFUSED_BY_ENDPOINT,
        FailureKind.NO_RECORD,
        FailureKind.TLS_FAILED,
        FailureKind.REFUSED_BY_POLICY,
        FailureKind.REDIRECTED,
        FailureKind.OTHER_MODEL,
    }
)
"""Failures that the same call meets again."""


class AnswerState(StrEnum):
    """As `AnswerState` in gateway.proto, without its prefix."""

    USABLE = "USABLE"
    EMPTY = "EMPTY"
    CUT_OFF = "CUT_OFF"
    FAILED = "FAILED"
    NO_RECORD = "NO_RECORD"


class EntrantState(StrEnum):
    """As `EntrantState` in gateway.proto, without its prefix."""

    COLLECTING = "COLLECTING"
    READY = "READY"
    FAILED = "FAILED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True)
class AnswerWorth:
    """The state of an answer, and why it is not usable."""

    state: AnswerState
    reason: str = ""


def worth(completion: Completion) -> AnswerWorth:
    """What a call that has ended is worth as an answer.

    Raises:
        ValueError: it has not ended.
    """
    if completion.failure is not None:
        return _worth_of_failure(completion.failure)
    if completion.reply is None:
        raise ValueError(f"call {completion.request_id} has not ended")
    # A reasoning model may spend all its tokens before the first word: cut off says more than empty.
    if completion.reply.finish_reason == CUT_OFF_REASON:
        return AnswerWorth(AnswerState.CUT_OFF, "the answer was cut off (finish_reason length)")
    if completion.reply.finish_reason == FILTERED_REASON:
        return AnswerWorth(AnswerState.CUT_OFF, "the endpoint's filter cut the answer (finish_reason content_filter)")
    if not completion.reply.text.strip():
        if completion.reply.reasoning:
            return AnswerWorth(AnswerState.EMPTY, "the answer is empty: the model thought, and said nothing")
        return AnswerWorth(AnswerState.EMPTY, "the answer is empty")
    return AnswerWorth(AnswerState.USABLE)


def too_long(text: str) -> AnswerWorth | None:
    """What an answer is worth that is too long to be kept; None when it can be."""
    if len(text.encode(errors="surrogatepass")) <= LONGEST_ANSWER_BYTES:
        return None
    return AnswerWorth(AnswerState.FAILED, f"the answer is longer than {LONGEST_ANSWER_BYTES} bytes")


def _worth_of_failure(failure: Failure) -> AnswerWorth:
    if failure.kind is FailureKind.NO_RECORD:
        return AnswerWorth(AnswerState.NO_RECORD, failure.detail)
    return AnswerWorth(AnswerState.FAILED, f"{failure.kind}: {failure.detail}")


def is_worth_another_attempt(completion: Completion, attempt: int, attempts: int, made: int = 0) -> bool:
    """Whether a query is asked again, as attempt + 1.

    Args:
        completion: of this attempt.
        attempt: its number, from 1.
        attempts: at most so many in a row.
        made: those made before something was changed that may mend them: their failures do not count.
    """
    if completion.failure is None or attempt <= made:
        return completion.failure is not None
    return completion.failure.kind not in _HOPELESS and attempt < made + attempts


@dataclass(frozen=True, slots=True)
class Standing:
    """How a revision stands in a dimension version once every query is recorded."""

    state: EntrantState
    reason: str
    answers_usable: int
    answers_recorded: int


def standing(answers: Sequence[AnswerWorth]) -> Standing:
    """READY with any usable answer, else FAILED with the most common reason.

    Args:
        answers: of every query, in query id order; among equally common reasons the first one is told.
    """
    usable = sum(answer.state is AnswerState.USABLE for answer in answers)
    if usable:
        return Standing(EntrantState.READY, "", usable, len(answers))
    reasons = Counter(answer.reason for answer in answers).most_common(1)
    reason = reasons[0][0] if reasons else "the dimension has no queries"
    return Standing(EntrantState.FAILED, reason, 0, len(answers))


def cohort_of(cohort: str, revision: str) -> str:
    """The cohort of an entrant; without one it is a cohort of its own."""
    return cohort or revision
