"""The time left for a call bounds the calls made for it."""

import contextvars

from hypothesis import given
from hypothesis import strategies as st

from services.runtime import deadline

SECONDS = st.floats(0.1, 1000)


def in_a_call(remaining: float | None, asked: float | None, default: float | None) -> float | None:
    def call() -> float | None:
        deadline.begin(remaining)
        return deadline.cut(asked, default)

    return contextvars.copy_context().run(call)


@given(SECONDS, SECONDS, SECONDS)
def test_no_call_gets_more_than_is_left(remaining: float, asked: float, default: float) -> None:
    cut = in_a_call(remaining, asked, default)
    assert cut is not None
    assert 0 < cut <= min(remaining, asked)


@given(SECONDS, SECONDS)
def test_what_is_asked_goes_before_the_default(asked: float, default: float) -> None:
    assert in_a_call(None, asked, default) == asked
    assert in_a_call(None, None, default) == default


def test_outside_a_call_and_without_a_default_there_is_no_limit() -> None:
    assert in_a_call(None, None, None) is None


def test_work_in_a_context_of_its_own_is_not_bound() -> None:
    def call() -> float | None:
        deadline.begin(1.0)
        return contextvars.Context().run(deadline.cut, None, 60.0)

    assert contextvars.copy_context().run(call) == 60.0
