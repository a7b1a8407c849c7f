"""Cells of known outcome: what they show, and what they are called."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.canaries import Sort, can_be_truncated, sort_of, truncated, truncation_hash
from dearena.identity import text_hash

ANSWER = text_hash("an answer")


def test_a_truncation_is_called_by_the_hash_of_its_answer() -> None:
    assert truncation_hash(ANSWER) == hashlib.sha256(f'["truncated","{ANSWER}"]'.encode()).hexdigest()


def test_two_hashes_say_which_canary_they_make() -> None:
    assert sort_of(ANSWER, ANSWER) is Sort.SAME
    assert sort_of(ANSWER, truncation_hash(ANSWER)) is Sort.TRUNCATED
    assert sort_of(truncation_hash(ANSWER), ANSWER) is None
    assert sort_of(ANSWER, text_hash("another answer")) is None


@given(st.text())
def test_a_truncation_is_a_strict_beginning_that_is_never_blank(text: str) -> None:
    whole, kept = text.strip(), truncated(text)
    assert whole.startswith(kept)
    assert kept == kept.strip()
    assert bool(kept) == bool(whole)
    assert len(kept) < len(whole) or len(whole) <= 1
    assert len(kept) <= max(1, len(whole) / 4)


@given(st.text(), st.text(" \n\t"), st.text(" \n\t"))
def test_white_space_around_a_text_changes_nothing(text: str, before: str, after: str) -> None:
    assert truncated(before + text + after) == truncated(text)


@pytest.mark.parametrize(("text", "kept"), [("", ""), ("4", "4"), ("42", "4"), ("naïve 🎺 café", "naï")])
def test_a_text_is_cut_at_a_character(text: str, kept: str) -> None:
    assert truncated(text) == kept


def test_what_is_short_may_be_right_when_cut() -> None:
    assert not can_be_truncated("42")
    assert not can_be_truncated("The answer is 42." + " " * 40)
    assert can_be_truncated("The answer is 42, since six times seven is.")
