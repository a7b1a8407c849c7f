"""Cells of known outcome, which watch a judge's health. Pure.

A canary shows a judge one model's answer against itself. Either both seats hold the answer as it is: whoever
prefers one of them goes by the seat. Or one of them holds its beginning only: whoever prefers that one cannot
judge, or does not want to.
"""

from enum import StrEnum
from typing import Final

from dearena.identity import Digest, digest_of

KEPT: Final = 4
"""A truncation keeps one of so many parts of the answer: little enough that no whole answer is worse."""

LEAST_CHARACTERS: Final = 40
"""Of an answer whose truncation is clearly worse: what is short, such as a number, may be right when cut."""


class Sort(StrEnum):
    """What a canary shows beside the answer."""

    SAME = "SAME"
    """The same answer."""
    TRUNCATED = "TRUNCATED"
    """The answer's truncation, as model B's."""


def truncation_hash(answer_hash: Digest) -> Digest:
    """What a cell calls the truncation of an answer: SHA-256 of the canonical JSON `["truncated",answer_hash]`.

    It can be had without the text, and is not the hash of the text that is shown.
    """
    return digest_of(["truncated", answer_hash])


def sort_of(answer_hash_a: Digest, answer_hash_b: Digest) -> Sort | None:
    """Which canary these two answers make; None when they make none."""
    if answer_hash_a == answer_hash_b:
        return Sort.SAME
    if answer_hash_b == truncation_hash(answer_hash_a):
        return Sort.TRUNCATED
    return None


def truncated(text: str) -> str:
    """The first quarter of a text, by characters, without white space around it.

    Always the same for the same text, whatever white space stands around that. At least one character, and
    at least one less than the text has; only a text of one character, or of none, is all that is kept of it.
    """
    whole = text.strip()
    return whole[: max(1, len(whole) // KEPT)].rstrip()


def can_be_truncated(text: str) -> bool:
    """Whether a text has enough to lose that its truncation is clearly worse."""
    return len(text.strip()) >= LEAST_CHARACTERS
