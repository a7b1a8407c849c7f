"""What other services tell, as far as a ranking depends on it. Plain data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from dearena.identity import Digest
from dearena.names import DimensionName
from dearena.ranking.rules import Rules
from dearena.ranking.standing import NANO


@dataclass(frozen=True, slots=True)
class DimensionVersion:
    """A dimension as the query selector tells of it."""

    name: DimensionName
    version: int
    is_ready: bool
    rules: Rules


class Misfit(NamedTuple):
    """A budget, a judge whose calls do not fit it, and what does not."""

    budget: str
    judge: str
    problem: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the judging of a round is.

    Attributes:
        outcomes: cells that have one.
        cost_nano_units: in `currency`, which is empty when nothing was paid.
        paused_judges: judges that are paused while cells wait for them.
        exhausted_budgets: budgets that are exhausted while cells wait for them.
        misfits: what does not fit budgets of calls for cells that wait.
        left_alone: judges whose endpoints are left alone while cells wait for them, and why, in words.
    """

    round: int
    outcomes: int = 0
    judge_calls: int = 0
    cost_nano_units: int = 0
    currency: str = ""
    paused_judges: tuple[str, ...] = ()
    exhausted_budgets: tuple[str, ...] = ()
    misfits: tuple[Misfit, ...] = ()
    left_alone: tuple[tuple[str, str], ...] = ()

    @property
    def refusing_budgets(self) -> tuple[str, ...]:
        """All budgets for which cells wait, each once."""
        return tuple(dict.fromkeys((*self.exhausted_budgets, *(one.budget for one in self.misfits))))


class Ranked(NamedTuple):
    """A row of a board as far as a ranking depends on it; strength and interval at 95 % in log-odds."""

    model: str
    retired: bool
    weight: int
    strength: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Board:
    """A board as far as a ranking depends on it.

    Attributes:
        order: models that are not retired, best first.
        weights: as judges, in parts of 65,536.
        strengths: in billionths of log-odds, of retired models too.
        errors: their standard errors, likewise.
    """

    version: int
    digest: Digest
    order: tuple[str, ...]
    weights: Mapping[str, int]
    strengths: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, version: int, digest: Digest, rows: Iterable[Ranked]) -> Self:
        """Of rows, best first."""
        every = list(rows)
        active = [row for row in every if not row.retired]
        return cls(
            version=version,
            digest=digest,
            order=tuple(row.model for row in active),
            weights={row.model: row.weight for row in active},
            strengths={row.model: frozen_strength(row.strength) for row in every},
            errors={row.model: frozen_error(row.low, row.high) for row in every},
        )


Z95: Final = 1.959963984540054


def frozen_strength(strength: float) -> int:
    """Log-odds in whole billionths, as boards cut them."""
    return round(strength * NANO)


def frozen_error(low: float, high: float) -> int:
    """Standard error of which an interval at 95 % is so wide, in billionths, as of a normal distribution."""
    return round((high - low) / (2 * Z95) * NANO)
