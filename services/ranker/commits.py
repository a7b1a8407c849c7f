"""What the ranker writes at once, or not at all. Plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dearena.ranking.decisions import Decision
from dearena.ranking.ranking import RankingState
from services.ranker.records import RankingRecord, RoundRecord, Spending


@dataclass(frozen=True, slots=True)
class ClosedRound:
    """What the close of a round adds to its document.

    Attributes:
        total, spent: what it has taken, and of that each of the insertions that it served.
    """

    number: int
    settles: bool
    entrants: Sequence[Mapping[str, Any]]
    total: Spending
    spent: Mapping[str, Spending]


@dataclass(frozen=True, slots=True)
class Commit:
    """Decisions, and all that changes with them.

    Attributes:
        read: the dimension's document as it was read; if somebody has written since, nothing is written.
        before, after: the state without and with the decisions.
        opened, closed: the round that they open or close.
        traceparents: of models that they admit.
        waiting: who waits from now on; None: as before.
        exhausted_budgets: that the open round still waits for.
    """

    read: RankingRecord
    before: RankingState
    after: RankingState
    decisions: Sequence[Decision]
    opened: RoundRecord | None = None
    closed: ClosedRound | None = None
    traceparents: Mapping[str, str] = field(default_factory=dict)
    waiting: Sequence[str] | None = None
    exhausted_budgets: Sequence[str] = ()
