"""What `telling` takes for given. Pure."""

from dataclasses import dataclass
from typing import Final

from dearena.faults import InvalidField

PLANNED_VOTES: Final = 20.0


@dataclass(frozen=True, slots=True)
class TellingSettings:
    """Choices, each with what it trades.

    Attributes:
        planned_votes: votes that a model will have on each chosen query of the board to come. Few favour steep
            queries, whose votes are not wasted; many favour such as have little noise of their own.
        wrong_way: probability of a slope below 0 from which a query is left as mislabelled.
        dead: probability of a slope next to 0 from which it is left as dead.

    Raises:
        InvalidField: one of them is out of range.
    """

    planned_votes: float = PLANNED_VOTES
    wrong_way: float = 0.5
    dead: float = 0.5

    def __post_init__(self) -> None:
        if not self.planned_votes > 0:
            raise InvalidField.of("planned_votes", "is a number above 0")
        for name in ("wrong_way", "dead"):
            if not 0 < getattr(self, name) <= 1:
                raise InvalidField.of(name, "is a probability above 0")
