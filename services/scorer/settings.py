"""Settings of the scorer."""

from typing import Literal

from pydantic import Field

from dearena.scoring import FitSettings
from dearena.scoring.settings import LARGEST_PRIOR, SMALLEST_PRIOR
from services.runtime.settings import ServiceSettings


class ScorerSettings(ServiceSettings):
    """How boards are made, and what that may cost. How judges weigh is a dimension's to say."""

    # Standard deviation of the prior on a strength, in log-odds. Narrower pulls models with few votes
    # to the middle; wider lets undefeated ones run away. Part of every board's settings hash.
    prior_deviation: float = Field(default=3.0, ge=SMALLEST_PRIOR, le=LARGEST_PRIOR)
    # A tie as half a win to each, or with a parameter of its own: closer to the votes where ties are
    # common, at one parameter more. Part of every board's settings hash.
    ties: Literal["half", "davidson"] = "half"
    # Leave flips out, or count them as ties: more evidence that two models are close, if a judge that
    # wavers means that, and less sharp a board if it does not. Part of every board's settings hash.
    flips: Literal["leave", "half"] = "leave"
    # Dimensions whose log stays in memory, 27 to 31 bytes an outcome: memory against reading it again.
    cached_dimensions: int = Field(default=64, ge=1)
    # Dimensions, scored last, whose log is read at the start: a quick first board after a restart
    # against reading what nobody may ask for.
    warm_dimensions: int = Field(default=8, ge=0)
    # Boards that stay in memory as they are sent, about 100 kB for 200 models: memory against reads.
    cached_boards: int = Field(default=128, ge=1)
    # How soon watchers hear of boards that another replica made, against reads of the store.
    watch_seconds: float = Field(default=2.0, gt=0)

    def of_fits(self, weighting: str) -> FitSettings:
        """How a board of this weighting is fitted.

        Raises:
            InvalidField: there is no such weighting.
        """
        return FitSettings(weighting=weighting, ties=self.ties, flips=self.flips, prior_deviation=self.prior_deviation)
