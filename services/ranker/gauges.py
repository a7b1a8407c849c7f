"""Gauges of the ranker: every dimension that this process brings forward, as its worker has last seen it."""

from collections import Counter
from collections.abc import Iterable

from dearena.ranking.agenda import CLOSED, waiting_reason
from dearena.ranking.insertion import Coarse
from dearena.ranking.ranking import RankingState
from services.ranker.dimensions import Dimensions
from services.ranker.shards import ALL, Shards
from services.runtime import instruments, semantics
from services.runtime.metrics import Reading, of_dimension
from services.runtime.store import now


class Gauges:
    """Reads what workers keep; nothing is asked of the store."""

    def __init__(self, dimensions: Dimensions, shards: Shards) -> None:
        self._dimensions = dimensions
        self._shards = shards

    async def shards(self) -> Iterable[Reading]:
        """Which one is ours, and of how many: so that it is seen which has nobody."""
        own = ALL if self._shards.own is None else str(self._shards.own)
        return [Reading(instruments.SHARDS, self._shards.count, {instruments.SHARD: own})]

    async def rankings(self) -> Iterable[Reading]:
        """Of every dimension but pilots that nobody hears any more: they are over, and others come after them."""
        readings = []
        for name, worker in self._dimensions.workers.items():
            seen = worker.seen()
            if seen is None or seen.waiting_reason == waiting_reason(CLOSED):
                continue
            state, attributes = seen.state, of_dimension(name)
            readings += [
                Reading(instruments.MODELS_RANKED, len(state.ranking), attributes),
                Reading(instruments.JUDGES_SUSPENDED, len(state.suspended), attributes),
            ]
            readings += [
                Reading(instruments.INSERTIONS_OPEN, count, {**attributes, semantics.PHASE: phase})
                for phase, count in phases_of(state).items()
            ]
            since = seen.grew_at if state.active else None
            idle = 0.0 if since is None else max(0.0, (now() - since).total_seconds())
            readings.append(Reading(instruments.INSERTION_IDLE, idle, attributes))
        return readings


def phases_of(state: RankingState) -> Counter[str]:
    """How many insertions are open, by phase; `held` are those that wait alone."""
    found = Counter(
        {"seeding": len(state.seeds), "coarse": 0, "fine": 0, "held": len(state.held)},
    )
    for model in state.newcomers:
        found["coarse" if isinstance(state.insertions[model].phase, Coarse) else "fine"] += 1
    return found
