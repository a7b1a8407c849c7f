"""How a kind's references are checked: by reading the question's text and finding the answer another way."""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest

from dearena.generators import GeneratedQuestion, generate

SIZE = 10_000

Check = Callable[[GeneratedQuestion], Hashable]
"""Fails when the reference is wrong; returns the puzzle as it was read from the text, whatever its wording."""


@cache
def ten_thousand(kind: str) -> tuple[GeneratedQuestion, ...]:
    """The pool on which a kind is checked."""
    return generate(kind, SIZE, seed=7)


def check_pool(kind: str, checks: Mapping[str, Check]) -> None:
    """Every reference of 10,000 questions is right, and no two questions are the same puzzle."""
    pool = ten_thousand(kind)
    assert len({question.id for question in pool}) == SIZE
    assert len({question.text for question in pool}) == SIZE
    assert len({(question.category, checks[question.category](question)) for question in pool}) == SIZE
    # Each category at each level: no family hides behind another.
    found = {(question.category, question.difficulty) for question in pool}
    assert found == {(category, level) for category in checks for level in range(1, 6)}
    assert len(checks) >= 5


def check_checks(kind: str, checks: Mapping[str, Check]) -> None:
    """The checks can fail: none lets the reference of another question pass, of any category."""
    pool = generate(kind, 500, seed=11)
    for category, check in checks.items():
        mine = [question for question in pool if question.category == category]
        for question in mine[:20]:
            other = next(another.reference for another in mine if another.reference != question.reference)
            with pytest.raises(AssertionError):
                check(replace(question, reference=other))


def numbers(text: str) -> list[int]:
    """The whole numbers of a text, in its order."""
    return [int(number) for number in re.findall(r"-?\d+", text)]


def asked(question: GeneratedQuestion) -> str:
    """The text without what it says about the answer's form."""
    return re.split(r" Answer |\nAnswer ", question.text)[0]


def fraction(question: GeneratedQuestion) -> Fraction:
    """The reference, which must be an integer or a fraction in lowest terms."""
    value = Fraction(question.reference)
    assert str(value) == question.reference
    return value
