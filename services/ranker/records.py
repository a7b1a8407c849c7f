"""What the ranker keeps, as it reads it back: rankings, insertions, rounds. Plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from dearena.identity import Digest
from dearena.names import DimensionName
from dearena.ranking.ranking import Insertion
from dearena.ranking.rules import Rules

Costs = Mapping[str, int]
"""Nano-units by currency."""


class Spending(NamedTuple):
    """What has been paid for judging."""

    judge_calls: int
    costs: Costs


@dataclass(frozen=True, slots=True)
class RankingRecord:
    """A dimension as anybody may see it.

    Attributes:
        version: grows with every change; whoever writes names the one that he has read.
        decisions: number of the last one that counts.
        newcomers: models being inserted; without those who wait alone.
        held: those.
        waiting: models that are not being inserted yet.
        waiting_reason: why nothing moves; empty while something does.
        refinement_calls_left: of the refinement under way; 0 when there is none.
        orders: number of the last operator's order; the log may not have taken it up yet.
        comparisons_done: up to which of them ordered comparisons are heard.
        exhausted_budgets: that the open round was found to wait for, and that no decision has said to be lifted.
        first_round: of the dimension version, opened yet or not.
    """

    name: DimensionName
    dimension_version: int
    rules: Rules
    version: int
    decisions: int
    models: Sequence[str] = ()
    newcomers: Sequence[str] = ()
    open_round: int = 0
    last_closed_round: int = 0
    waiting: Sequence[str] = ()
    waiting_reason: str = ""
    refinement_calls_left: int = 0
    suspended_judges: Sequence[str] = ()
    orders: int = 0
    exhausted_budgets: Sequence[str] = ()
    held: Sequence[str] = ()
    comparisons_done: int = 0
    first_round: int = 1


@dataclass(frozen=True, slots=True)
class InsertionRecord:
    """An insertion, with what is no part of the decision log.

    Attributes:
        judge_calls, costs: of its closed rounds; of a seed, its share of the seeding.
        traceparent: of the trace that it is in.
        dimension_version: in which the model was inserted.
    """

    insertion: Insertion
    admitted_at: datetime
    settled_at: datetime | None
    judge_calls: int
    costs: Costs
    traceparent: str
    dimension_version: int


class RoundEntrant(NamedTuple):
    """A model that had been admitted when a round closed.

    Attributes:
        suspended: as a judge.
    """

    model: str
    retired: bool
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """A round.

    Attributes:
        models: insertions that it serves; none of a refinement.
        canaries: how many of its cells are no votes.
        order: number of the one whose comparisons it asks; 0: of none.
        entrants: every model admitted when it closed.
        asked: every cell has been sent to the judges once.
        judge_calls, costs: of the closed round.
        spent: what of that each insertion took; of a round that an earlier version closed, nothing is known.
        traceparent: of the span that opened it.
        first_round: of the dimension version.
        opened_at: None of one that is about to be.
    """

    name: DimensionName
    dimension_version: int
    number: int
    models: Sequence[str]
    cells: int
    cells_digest: Digest
    weighting: str
    traceparent: str
    asked: bool = False
    closed: bool = False
    settles: bool = False
    closed_by_decision: int = 0
    order: int = 0
    entrants: Sequence[RoundEntrant] = ()
    judge_calls: int = 0
    costs: Costs = field(default_factory=dict)
    canaries: int = 0
    spent: Mapping[str, Spending] = field(default_factory=dict)
    first_round: int = 1
    opened_at: datetime | None = field(default=None, compare=False)

    def spent_on(self, model: str) -> Spending:
        """What one of the insertions took; even shares where nothing better is known."""
        if model in self.spent:
            return self.spent[model]
        return Spending(share_of(self.judge_calls, self.models, model), shares_of(self.costs, self.models, model))


@dataclass(frozen=True, slots=True)
class SettledInsertion:
    """A settle that the bus has not been told of."""

    name: DimensionName
    dimension_version: int
    model: str
    round: int
    rank: int


def share_of(total: int, models: Sequence[str], model: str) -> int:
    """A model's part of what a round took that served several: whole, and all parts make up the total."""
    part, left = divmod(total, len(models))
    return part + (models.index(model) < left)


def shares_of(costs: Costs, models: Sequence[str], model: str) -> dict[str, int]:
    """Likewise of costs in each currency."""
    return {currency: share_of(total, models, model) for currency, total in costs.items()}
