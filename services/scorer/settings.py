"""Settings of the scorer."""

from pydantic import Field

from services.runtime.settings import ServiceSettings


class ScorerSettings(ServiceSettings):
    """How boards are made, and what that may cost."""

    # Standard deviation of the prior on a strength, in log-odds. Narrower pulls models with few votes
    # to the middle; wider lets undefeated ones run away. Part of every board's settings hash.
    prior_deviation: float = Field(default=3.0, gt=0)
    # Dimensions whose tallies stay in memory: memory against reading their log again.
    cached_dimensions: int = Field(default=64, ge=1)
    # How soon watchers hear of boards that another replica made, against reads of the store.
    watch_seconds: float = Field(default=2.0, gt=0)
