"""What a round freezes at its opening, so that nothing its close decides depends on what comes meanwhile. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dearena.ranking.standing import Field


@dataclass(frozen=True, slots=True)
class Frozen:
    """Inputs of a round; every number is whole.

    Attributes:
        weights: of judges, in parts of 65,536; a board may give a judge 0: it is asked, but not listened to.
        strengths, errors: of models on the last board, in billionths of log-odds.
        costs: of a cell, by judge, in nano-units; only where all of them are paid in one currency.
    """

    weights: Mapping[str, int] = field(default_factory=dict)
    strengths: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    costs: Mapping[str, int] = field(default_factory=dict)

    @property
    def known(self) -> Field:
        """Strengths and errors together."""
        return Field(self.strengths, self.errors)

    def content(self) -> dict[str, Any]:
        """As plain data, for the log."""
        return {
            "weights": dict(self.weights),
            "strengths": dict(self.strengths),
            "errors": dict(self.errors),
            "costs": dict(self.costs),
        }


def frozen_in(content: Mapping[str, Any]) -> Frozen:
    """From the log; what older entries lack is empty."""
    return Frozen(*(content.get(name, {}) for name in ("weights", "strengths", "errors", "costs")))
