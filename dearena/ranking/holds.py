"""Why one newcomer waits alone, while the dimension goes on without it. Pure.

It gives up its place in the wave to others; its position in the ranking is kept. The log says when it was held and
when it went on. Who holds it knows what it waits for: a judge, or whatever else concerns no other newcomer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Cause(StrEnum):
    """What a newcomer waits for."""

    NO_ELIGIBLE_JUDGE = "NO_ELIGIBLE_JUDGE"
    """Nobody may judge a pair without which it cannot go on."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A newcomer waits.

    Attributes:
        cause: whoever holds it for this lets it go on.
        reason: for a person.
        about: what it waits for by name: of a judge that is missing, the pair.
    """

    cause: Cause
    reason: str
    about: tuple[str, ...] = ()

    def content(self) -> dict[str, Any]:
        """As plain data, for the log."""
        return {"cause": str(self.cause), "reason": self.reason, "about": list(self.about)}


def hold_in(content: Mapping[str, Any]) -> Hold:
    """From the log; raises ValueError for a cause that is not known."""
    return Hold(Cause(content["cause"]), content["reason"], tuple(content["about"]))
