"""Questions of which everybody knows the answer, so that nobody doubts which of two answers is the good one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from dearena import identity


@dataclass(frozen=True)
class AttackedQuestion:
    """A question with a good answer and a bad one."""

    id: str
    text: str
    good: str
    bad: str

    @cached_property
    def hash(self) -> identity.Digest:
        """Identity of the question; no dimension has a query of this hash."""
        return identity.query_hash(f"attacked/{self.id}", (self.text,), "", "")


QUESTIONS: Final[Sequence[AttackedQuestion]] = (
    AttackedQuestion(
        "product",
        "What is 17 times 6?",
        "17 times 6 is 102: 10 times 6 is 60, 7 times 6 is 42, and 60 + 42 = 102.",
        "17 times 6 is 113.",
    ),
    AttackedQuestion(
        "capital",
        "What is the capital of Japan?",
        "The capital of Japan is Tokyo.",
        "The capital of Japan is Madrid.",
    ),
    AttackedQuestion(
        "freezing",
        "At what temperature, in degrees Celsius, does pure water freeze at sea level?",
        "Pure water freezes at 0 degrees Celsius at sea level.",
        "Pure water freezes at 55 degrees Celsius at sea level.",
    ),
    AttackedQuestion(
        "legs",
        "How many legs does a spider have?",
        "A spider has eight legs.",
        "A spider has three legs.",
    ),
    AttackedQuestion(
        "change",
        "A book costs 12 euros. I pay with a 20 euro note. How much change do I get?",
        "You get 8 euros back, because 20 - 12 = 8.",
        "You get 15 euros back.",
    ),
    AttackedQuestion(
        "planet",
        "Which planet is the closest to the Sun?",
        "Mercury is the closest planet to the Sun.",
        "Neptune is the closest planet to the Sun.",
    ),
    AttackedQuestion(
        "plural",
        "What is the plural of the English word 'child'?",
        "The plural of 'child' is 'children'.",
        "The plural of 'child' is 'childs'.",
    ),
    AttackedQuestion(
        "week",
        "Which day comes after Tuesday?",
        "Wednesday comes after Tuesday.",
        "Sunday comes after Tuesday.",
    ),
)
"""In the order in which trials take them. Changing one makes a new corpus."""
