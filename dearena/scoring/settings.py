"""How a fit is made. Pure."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from dearena.faults import InvalidField
from dearena.identity import Digest, digest_of
from dearena.scoring.draws import RATIO_CAP
from dearena.scoring.first_seat import CORRECT, FIRST_SEAT_RULES, LEAVE
from dearena.scoring.fixed_point import FIT_LIMIT, RESIDUAL_TOLERANCE
from dearena.scoring.intervals import CONFIDENCE
from dearena.scoring.ties import HALF, TIE_RULES
from dearena.scoring.weightings import FLOOR, RELIABILITY, SCORE, STRENGTH_DECIMALS, check_weighting

FLIP_RULES = ("leave", "half")

SMALLEST_PRIOR: Final = 1e-3
LARGEST_PRIOR: Final = 1e3
"""Deviations of a prior, in log-odds: outside of these, a strength is either 0 or not held at all."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """What a fit depends on besides the votes.

    Attributes:
        weighting: how judges weigh; one of `weightings.WEIGHTINGS`.
        ties: `half`: half a win to each; `davidson`: ties have a parameter of their own.
        flips: `leave` them out, or count them `half`, as ties.
        prior_deviation: standard deviation of the prior on each strength, in log-odds. Narrower pulls models
            with few votes to the middle; wider lets undefeated ones run away. From 0.001 to 1,000.
        first_seat: `correct` what the first seat is worth to judges who look once, or `leave` it. Votes of both seat
            orders are the same either way.
        confidence: of all intervals.

    Raises:
        InvalidField: one of them is none of the values it may have.
    """

    weighting: str = SCORE
    ties: str = HALF
    flips: str = "leave"
    prior_deviation: float = 3.0
    first_seat: str = CORRECT
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        check_weighting(self.weighting)
        if self.ties not in TIE_RULES:
            raise InvalidField.of("ties", f"{self.ties!r} is none of {', '.join(TIE_RULES)}")
        if self.flips not in FLIP_RULES:
            raise InvalidField.of("flips", f"{self.flips!r} is none of {', '.join(FLIP_RULES)}")
        if self.first_seat not in FIRST_SEAT_RULES:
            raise InvalidField.of("first_seat", f"{self.first_seat!r} is none of {', '.join(FIRST_SEAT_RULES)}")
        if not SMALLEST_PRIOR <= self.prior_deviation <= LARGEST_PRIOR:
            raise InvalidField.of(
                "prior_deviation", f"{self.prior_deviation} is no number from {SMALLEST_PRIOR} to {LARGEST_PRIOR:,.0f}"
            )
        if not 0 < self.confidence < 1:
            raise InvalidField.of("confidence", "is a number between 0 and 1")

    def echo(self) -> dict[str, Any]:
        """All that two fits must share to be alike, constants included; as plain data."""
        given = asdict(self)
        if self.first_seat == LEAVE:
            # As a fit was made, and hashed, before there was anything to say.
            del given["first_seat"]
        return {
            **given,
            "model": "bradley-terry",
            "intervals": "sandwich clustered by question and judge, Student's t"
            + (", judges learnt" if self.weighting == RELIABILITY else ""),
            "weight_floor": FLOOR,
            "draw_ratio_cap": RATIO_CAP,
            "weight_fits_limit": FIT_LIMIT,
            "weight_residual_tolerance": RESIDUAL_TOLERANCE,
            "strength_decimals": STRENGTH_DECIMALS,
        }

    @property
    def digest(self) -> Digest:
        """The same for two fits made alike."""
        return digest_of(self.echo())
