"""A question that a generator made, and what a family of puzzles hands over to become one. Pure."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dearena.generators.draws import Draws

INTEGER: Final = "Answer with an integer."
FRACTION: Final = "Answer with an integer or a fraction in lowest terms, such as 7/3."


@dataclass(frozen=True, slots=True)
class GeneratedQuestion:
    """One question of a generated pool."""

    id: str
    turns: tuple[str, ...]
    reference: str
    category: str
    difficulty: int
    """1 (easy) to 5 (hard)."""
    source: str
    """The generator and its version, such as `generated:algebra@1`."""
    key: Hashable
    """What the puzzle is, whatever its wording: equal in no two questions of a pool."""

    @property
    def text(self) -> str:
        """The turns, one below the other."""
        return "\n\n".join(self.turns)

    def line(self) -> Mapping[str, str | int | Sequence[str]]:
        """The question as an object of a pool's JSON Lines."""
        asked: Mapping[str, str | Sequence[str]]
        asked = {"text": self.turns[0]} if len(self.turns) == 1 else {"turns": list(self.turns)}
        return {
            "id": self.id,
            **asked,
            "reference": self.reference,
            "category": self.category,
            "difficulty": self.difficulty,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """A puzzle that may become the next question, unless it was asked already."""

    category: str
    text: str
    reference: str
    key: Hashable
    """The puzzle without its wording, within its category."""
    then: tuple[str, ...] = ()
    """Further turns; the reference answers the last one."""


Family = Callable[[Draws, int], Draft | None]
"""Makes a puzzle of one category at a difficulty from 1 to 5; None when what was drawn makes no good one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A generator: families of puzzles, which take turns."""

    slug: str
    version: int
    """Raised with every change to what is drawn."""
    families: tuple[Family, ...]
