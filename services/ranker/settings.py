"""Settings of the ranker."""

from pydantic import Field

from services.runtime.settings import ServiceSettings


class RankerSettings(ServiceSettings):
    """How patient the ranker is, and how much it does at once."""

    # Cells of an open round are asked again after so long without any new outcome: how soon work is found
    # again that a dispatcher dropped or lost, against messages about work that is merely slow.
    reask_seconds: float = Field(default=15.0, gt=0)
    # Judging requests on their way to the bus at once, a dimension: time to hand out a large round
    # against what a slow bus has to take in one go.
    requests_in_flight: int = Field(default=64, ge=1)
    # How soon watchers hear of what another replica has decided, against reads of the store.
    watch_seconds: float = Field(default=2.0, gt=0)
    # How long a board may take to be made. Above the fit of the largest dimension.
    board_seconds: float = Field(default=120.0, gt=0)
