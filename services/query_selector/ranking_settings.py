"""How a dimension's ranking is made: every setting checked, and its default filled in. Pure.

What a setting does is the ranker's business; that it can be done at all is decided here, before anybody
spends a call on a dimension that could never settle.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dearena.faults import FieldViolation
from dearena.ranking.defaults import (
    DEFAULT_CANARY_EVERY,
    DEFAULT_CAP,
    DEFAULT_ERROR,
    DEFAULT_MAX_SLIDES,
    DEFAULT_MOST_ROUNDS,
    DEFAULT_SEED_MODELS,
    DEFAULT_WINDOW,
)

LARGEST_SETTING: Final = 1_000
"""Of models, neighbours, slides, rounds and places: more is a slip of the finger, and would never end."""
LARGEST_ERROR: Final = 0.5
"""From there on a jury is more likely to tell equal models apart than not to."""
CAPS: Final = (4, 10_000)
"""Fewer outcomes decide nothing at any error worth stating; more is a jury that does not stop."""
ROUNDS: Final = (2, LARGEST_SETTING)
"""An insertion takes two rounds at the least, one to search and one to compare with neighbours."""
LEAST_TARGET_CALLS: Final = 8
"""The calls of four cells in both seats: whoever asks for fewer would rank without having compared."""
CANARY_EVERY: Final = (2, 10_000)
"""With one a vote, half of the money would go to canaries; one in more than 10,000 is none."""

# What is offered of what ranker, scorer and dispatcher can do. A dimension that names something else would be
# stored and then never move, so a new policy is named here too. The first is the default.
JURIES: Final = ("sequential", "exhaustive")
WEIGHTINGS: Final = ("score", "uniform", "rank", "reliability")
SEATS: Final = ("BOTH", "SINGLE")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in billionths of a unit of a currency."""

    currency: str
    nano_units: int


@dataclass(frozen=True, slots=True)
class RankingSettings:
    """How the dimension's ranking is made, as `RankingSettings` of the contract; as it stands here, all is open.

    Attributes:
        seats: one of SEATS; empty stands for the first.
        target_cost: None: no target.
    """

    seed_models: int = 0
    window: int = 0
    max_slides: int = 0
    jury: str = ""
    weighting: str = ""
    error: float = 0.0
    cap: int = 0
    most_rounds: int = 0
    target_calls: int = 0
    target_rank_width: int = 0
    target_cost: Money | None = None
    seats: str = ""
    canary_every: int = 0


def filled(ranking: RankingSettings, field: str) -> tuple[RankingSettings, list[FieldViolation]]:
    """The settings with nothing left open, and what is wrong with them.

    Args:
        field: how the settings are called in a violation, such as `dimension.ranking`.
    """
    violations: list[FieldViolation] = []

    def number(name: str, value: int, default: int, least: int, most: int = LARGEST_SETTING) -> int:
        value = value or default
        if not least <= value <= most:
            violations.append(FieldViolation(f"{field}.{name}", f"is {value:,}; must be {least:,} to {most:,}"))
        return value

    def choice(name: str, value: str, known: Sequence[str]) -> str:
        value = value or known[0]
        if value not in known:
            violations.append(
                FieldViolation(f"{field}.{name}", f"{value!r} is not known; there is: {', '.join(known)}")
            )
        return value

    error = ranking.error or DEFAULT_ERROR
    if not 0 < error <= LARGEST_ERROR:  # so that NaN is refused as well
        violations.append(
            FieldViolation(f"{field}.error", f"is {error!r}; must be above 0 and at most {LARGEST_ERROR:g}")
        )
    if 0 < ranking.target_calls < LEAST_TARGET_CALLS:
        violations.append(
            FieldViolation(
                f"{field}.target_calls",
                f"is {ranking.target_calls}; must be 0, for no target, or at least {LEAST_TARGET_CALLS}",
            )
        )
    violations += wrong_cost(ranking.target_cost, f"{field}.target_cost")
    whole = RankingSettings(
        seed_models=number("seed_models", ranking.seed_models, DEFAULT_SEED_MODELS, 2),
        window=number("window", ranking.window, DEFAULT_WINDOW, 1),
        max_slides=number("max_slides", ranking.max_slides, DEFAULT_MAX_SLIDES, 1),
        jury=choice("jury", ranking.jury, JURIES),
        weighting=choice("weighting", ranking.weighting, WEIGHTINGS),
        error=error,
        cap=number("cap", ranking.cap, DEFAULT_CAP, *CAPS),
        most_rounds=number("most_rounds", ranking.most_rounds, DEFAULT_MOST_ROUNDS, *ROUNDS),
        target_calls=ranking.target_calls,
        target_rank_width=number("target_rank_width", ranking.target_rank_width, 0, 0),
        # As with the other targets, 0 is none: one way to say it, so that two that mean the same are equal.
        target_cost=ranking.target_cost if ranking.target_cost and ranking.target_cost.nano_units else None,
        seats=choice("seats", ranking.seats, SEATS),
        canary_every=number("canary_every", ranking.canary_every, DEFAULT_CANARY_EVERY, *CANARY_EVERY),
    )
    return whole, violations


def wrong_cost(cost: Money | None, field: str) -> list[FieldViolation]:
    """What is wrong with an amount that something may cost."""
    if cost is None:
        return []
    wrong = []
    if not re.fullmatch("[A-Z]{3}", cost.currency):
        wrong.append(FieldViolation(f"{field}.currency", f"{cost.currency!r} is not a currency code such as USD"))
    if cost.nano_units < 0:
        wrong.append(FieldViolation(f"{field}.nano_units", f"is {cost.nano_units:,}; must not be negative"))
    return wrong
