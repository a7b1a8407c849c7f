"""Settings of the ranker."""

import socket
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.ranker.shards import ALL, MOST_SHARDS, InvalidShard, Shards
from services.runtime.settings import ServiceSettings


class RankerSettings(ServiceSettings):
    """How patient the ranker is, how much it does at once, and which dimensions it brings forward."""

    # Dimensions are spread over so many shards. The topology job must know the number too: each shard has its consumer.
    shards: int = Field(default=1, ge=1, le=MOST_SHARDS)
    # The one that this ranker has: a number from 0, `all` of them, or `hostname`, the number at the end of it, as a
    # StatefulSet counts its pods.
    shard: str = ALL
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

    @model_validator(mode="after")
    def _shard_is_there(self) -> Self:
        self.own_shards()
        return self

    def own_shards(self) -> Shards:
        """Those of this ranker."""
        try:
            return Shards.of(self.shards, self.shard, socket.gethostname())
        except InvalidShard as error:
            raise PydanticCustomError("shard", "DEARENA_SHARD {problem}", {"problem": str(error)}) from error
