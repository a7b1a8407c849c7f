"""How a dimension is ranked: fixed for the life of its version. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from dearena.ranking.defaults import (
    DEFAULT_CANARY_EVERY,
    DEFAULT_CAP,
    DEFAULT_ERROR,
    DEFAULT_JURY,
    DEFAULT_MAX_SLIDES,
    DEFAULT_MOST_ROUNDS,
    DEFAULT_SEED_MODELS,
    DEFAULT_TEMPLATE,
    DEFAULT_WEIGHTING,
    DEFAULT_WINDOW,
)
from dearena.ranking.insertion import Limits
from dearena.ranking.judge_policy import JudgePolicy
from dearena.ranking.juries import jury_named
from dearena.ranking.jury import Jury

WIDEST: Final = 4
"""A survey looks at no more than so many windows' neighbours."""


class SeatPolicy(StrEnum):
    """As `SeatPolicy` in common.proto, without its prefix."""

    BOTH = "BOTH"
    SINGLE = "SINGLE"


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one dimension version.

    Attributes:
        seed_models: ranked by full pairwise comparison before the first insertion.
        window: neighbours on each side of a newcomer that are compared with it.
        max_slides: how often the window may slide.
        jury: name of the policy that decides pairs.
        weighting: how the scorer weighs judges.
        template: judging template, name@version.
        allowed_providers: whose models may see the dimension; empty: all.
        error: chance that a pair of equal models is ever decided, by a jury that stops early.
        cap: readable outcomes after which such a jury leaves a pair undecided.
        most_rounds: an insertion settles after so many at the latest.
        target_calls: judge calls after which an insertion settles, and before which it goes on; 0: no target.
        target_rank_width: an insertion goes on until its rank is known to so many places; 0: no target.
        target_cost_nano_units: an insertion settles once it has cost so much; 0: no target.
        target_cost_currency: of that; what is paid in others does not count.
        seats: seat orders a cell.
        canary_every: a judge gets a canary with every so many votes; 0, where canaries cannot be asked: none.
        judge_providers: whose models may judge, of those that may see the dimension; empty: all.
        exclude_family: no model judges a contestant of its own family.
    """

    seed_models: int = DEFAULT_SEED_MODELS
    window: int = DEFAULT_WINDOW
    max_slides: int = DEFAULT_MAX_SLIDES
    jury: str = DEFAULT_JURY
    weighting: str = DEFAULT_WEIGHTING
    template: str = DEFAULT_TEMPLATE
    allowed_providers: frozenset[str] = field(default_factory=frozenset)
    error: float = DEFAULT_ERROR
    cap: int = DEFAULT_CAP
    most_rounds: int = DEFAULT_MOST_ROUNDS
    target_calls: int = 0
    target_rank_width: int = 0
    target_cost_nano_units: int = 0
    target_cost_currency: str = ""
    seats: SeatPolicy = SeatPolicy.BOTH
    canary_every: int = DEFAULT_CANARY_EVERY
    judge_providers: frozenset[str] = field(default_factory=frozenset)
    exclude_family: bool = False

    @property
    def judge_policy(self) -> JudgePolicy:
        """Who may judge what."""
        return JudgePolicy(self.allowed_providers, self.judge_providers, self.exclude_family)

    @property
    def calls_a_cell(self) -> int:
        """One judge call a seat order."""
        return 2 if self.seats is SeatPolicy.BOTH else 1

    @property
    def limits(self) -> Limits:
        """Of the fine search."""
        return Limits(self.window, self.max_slides, WIDEST * self.window)

    def policy(self) -> Jury:
        """The jury; raises InvalidField when this version does not know it."""
        return jury_named(self.jury)
