"""What is left of a budget, and who may have of it. Pure.

Of those who wait, the first is served first: what does not fit yet may fit when calls in flight have cost less than
was reserved for them, and nobody behind takes it away meanwhile. What could not fit even if they cost nothing is
refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget's sums, over all gateways; billionths of its currency."""

    limit: int
    spent: int
    reserved: int

    @property
    def free(self) -> int:
        """What may be reserved now; negative where the limit was lowered."""
        return self.limit - self.spent - self.reserved

    def changed(self, *, spent: int = 0, reserved: int = 0) -> "Standing":
        """With so much more."""
        return Standing(self.limit, self.spent + spent, self.reserved + reserved)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of those who ask, by their places in line; the others wait."""

    granted: tuple[int, ...]
    refused: tuple[int, ...]


def decide(standing: Standing, asked: Sequence[int]) -> Decision:
    """Whom to grant what they ask, and whom to refuse it.

    Args:
        standing: of the budget.
        asked: amounts, in the order of asking.
    """
    granted: list[int] = []
    refused: list[int] = []
    for place, amount in enumerate(asked):
        if amount <= standing.free:
            granted.append(place)
            standing = standing.changed(reserved=amount)
        elif amount > standing.limit - standing.spent:
            refused.append(place)
        else:
            break
    return Decision(tuple(granted), tuple(refused))
