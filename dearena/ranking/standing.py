"""Where a model stands by its own votes among models whose strengths are known: strength, rank, and how surely.

A Bradley-Terry fit in one unknown. The others' strengths and errors are those of the board on which the
round was opened, so that what follows from them is fixed before the first vote. The error is clustered by
query, with Student's t, since votes on one answer repeat one another; to it comes what the strengths of
the others are unsure of. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

from scipy.special import stdtrit

from dearena.outcomes import Outcome
from dearena.ranking.evidence import Ballot, Heard
from dearena.ranking.pairs import Pair

NANO: Final = 1_000_000_000
"""Strengths and errors are frozen as whole billionths."""
PRIOR_DEVIATION: Final = 3.0
"""As in the fit of a board: keeps an undefeated model finite."""
CONFIDENCE: Final = 0.95
FEWEST_QUERIES: Final = 2
"""One query does not say how much queries differ."""
_STEPS: Final = 60
_LONGEST_STEP: Final = 2.0
_RESTS: Final = 1e-10

_HALF_WINS: Final[Mapping[Outcome, float]] = {Outcome.A: 1.0, Outcome.TIE: 0.5, Outcome.B: 0.0}


@dataclass(frozen=True, slots=True)
class Field:
    """Strengths of ranked models and their standard errors, in billionths of log-odds, as a round froze them."""

    strengths: Mapping[str, int]
    errors: Mapping[str, int]

    def strength(self, model: str) -> float:
        """In log-odds; 0, the mean of a board, for a model that is on none yet."""
        return self.strengths.get(model, 0) / NANO

    def error(self, model: str) -> float:
        """Standard error in log-odds; the prior's for a model that is on no board yet."""
        return self.errors[model] / NANO if model in self.errors else PRIOR_DEVIATION


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a model stands among ranked ones.

    Attributes:
        strength, error: in log-odds; the error knows of the others' errors.
        place: 0 before the best of the ranking.
        low, high: best and worst place at 95 %.
        near_low, near_high: likewise within one standard error.
    """

    strength: float
    error: float
    place: int
    low: int
    high: int
    near_low: int
    near_high: int

    @property
    def width(self) -> int:
        """Number of places it may have at 95 %."""
        return self.high - self.low + 1


@dataclass(frozen=True, slots=True)
class _Met:
    """One vote: on which query, against what strength, and half a win or a whole one."""

    query_id: str
    opponent: str
    strength: float
    half_wins: float


def standing_of(
    model: str,
    heard: Iterable[tuple[Pair, Mapping[Ballot, Heard]]],
    ranking: Sequence[str],
    known: Field,
    silent: Iterable[str] = (),
) -> Standing:
    """Where a model stands.

    Args:
        model: a model that is not ranked.
        heard: its pairs with what is known of them.
        ranking: the others, best first.
        known: their strengths.
        silent: judges whose votes count nothing.
    """
    unheard = frozenset(silent)
    met = [
        _Met(ballot.query_id, opponent, known.strength(opponent), won if pair.model_a == model else 1 - won)
        for pair, ballots in heard
        for opponent in (pair.opponent_of(model),)
        for ballot, one in sorted(ballots.items())
        if ballot.judge not in unheard and (won := _HALF_WINS.get(one.outcome)) is not None
    ]
    strength = _fitted(met)
    variance, degrees = _variance(met, strength, known)
    behind = {other: known.strength(other) - strength for other in ranking}
    spread = {other: sqrt(variance + known.error(other) ** 2) for other in ranking}
    # Student's t for as many clusters as there are queries; few of them say little of their own spread.
    reach = float(stdtrit(degrees, (1 + CONFIDENCE) / 2)) if degrees else 2 * PRIOR_DEVIATION
    return Standing(
        strength=strength,
        error=sqrt(variance),
        place=sum(gap > 0 for gap in behind.values()),
        low=sum(gap > reach * spread[other] for other, gap in behind.items()),
        high=sum(gap > -reach * spread[other] for other, gap in behind.items()),
        near_low=sum(gap > spread[other] for other, gap in behind.items()),
        near_high=sum(gap > -spread[other] for other, gap in behind.items()),
    )


def chance(gap: float) -> float:
    """Of the one that is stronger by so many log-odds."""
    return 1 / (1 + exp(-gap)) if gap > 0 else 1 - 1 / (1 + exp(gap))


def _fitted(met: Sequence[_Met]) -> float:
    """Strength under the prior, by Newton's method; the likelihood has one maximum."""
    strength = 0.0
    for _ in range(_STEPS):
        expected = [chance(strength - one.strength) for one in met]
        pull = sum(one.half_wins - p for one, p in zip(met, expected, strict=True)) - strength / PRIOR_DEVIATION**2
        step = pull / (sum(p * (1 - p) for p in expected) + PRIOR_DEVIATION**-2)
        strength += max(-_LONGEST_STEP, min(_LONGEST_STEP, step))
        if abs(step) < _RESTS:
            break
    return round(strength * NANO) / NANO


def _variance(met: Sequence[_Met], strength: float, known: Field) -> tuple[float, int]:
    """Variance of a strength over draws of queries, with that of its opponents; and degrees of freedom."""
    pulls: dict[str, float] = defaultdict(float)
    slopes: dict[str, float] = defaultdict(float)
    for one in met:
        expected = chance(strength - one.strength)
        pulls[one.query_id] += one.half_wins - expected
        slopes[one.opponent] += expected * (1 - expected)
    curvature = sum(slopes.values()) + PRIOR_DEVIATION**-2
    if len(pulls) < FEWEST_QUERIES:
        return PRIOR_DEVIATION**2, 0
    filling = sum(pull**2 for pull in pulls.values()) * len(pulls) / (len(pulls) - 1)
    opponents = sum((slope * known.error(opponent)) ** 2 for opponent, slope in slopes.items())
    # The prior is one more observation: votes that all agree do not make it certain.
    return (filling + PRIOR_DEVIATION**-2 + opponents) / curvature**2, len(pulls) - 1
