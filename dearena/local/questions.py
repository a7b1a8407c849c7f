"""Question pools for a first arena, made by simple code: nobody needs to look for questions to see one run.

Pure. Sparring models answer whatever they are asked; real ones can be asked these too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

Question = Mapping[str, str]
"""id, text and reference, as in a pool's line."""

_PEOPLE: Final = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana")
_THINGS: Final = ("pears", "stamps", "marbles", "shells", "coins")


def algebra(count: int) -> list[Question]:
    """Linear equations with whole solutions."""
    questions = []
    for number in range(1, count + 1):
        solution = number % 23 - 11
        factor = 2 + number % 7
        summand = 3 * number % 41 - 20
        sign = "-" if summand < 0 else "+"
        text = f"Solve for x: {factor} x {sign} {abs(summand)} = {factor * solution + summand}. Show each step."
        questions.append(_question("algebra", number, text, f"x = {solution}"))
    return questions


def sharing(count: int) -> list[Question]:
    """Who has how many, told in words."""
    questions = []
    for number in range(1, count + 1):
        giver, taker = _PEOPLE[number % 8], _PEOPLE[(number + 1 + number // 8 % 6) % 8]
        thing = _THINGS[number % 5]
        had, got, gave = 10 + number, 2 + number % 9, 1 + number % 6
        text = (
            f"{giver} had {had} {thing} and gave {gave} of them to {taker}, who had {got}. "
            f"Then {taker} lost half of what {taker} had, rounded down. How many {thing} have the two together now?"
        )
        together = had - gave + (got + gave) - (got + gave) // 2
        questions.append(_question("sharing", number, text, str(together)))
    return questions


POOLS: Final[Mapping[str, Callable[[int], Sequence[Question]]]] = {"algebra": algebra, "sharing": sharing}
"""By the slug of the dimension that is made of it."""


def _question(pool: str, number: int, text: str, reference: str) -> Question:
    return {"id": f"{pool}-{number:03}", "text": text, "reference": reference}
