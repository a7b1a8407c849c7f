"""Sending a round's requests ends when it is told to, wherever the bus is."""

import asyncio
from typing import Any, cast

from dearena.faults import ServiceUnavailable
from dearena.names import DimensionName
from dearena.ranking.pairs import Pair
from dearena.ranking.rounds import Cell
from services.ranker.judging_requests import JudgingRequests
from services.ranker.records import RoundRecord
from services.ranker.shards import Shards
from services.runtime import ending
from services.runtime.bus import Bus
from tests.fixtures.waiting import eventually

ROUND = RoundRecord(
    name=DimensionName("p", "d"),
    dimension_version=1,
    number=1,
    models=[],
    cells=0,
    cells_digest="0" * 64,
    weighting="all",
    traceparent="",
)


class HalfDeaf:
    """A bus whose driver swallows the first cancellation of each sender, and that is away from then on."""

    def __init__(self) -> None:
        self.waiting = 0
        self.left = False

    async def publish(self, subject: str, event: Any) -> None:
        if self.left:
            raise ServiceUnavailable("the bus is away")
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left = True


async def refused(reason: str) -> None: ...


def cells_of(judges: int) -> list[Cell]:
    return [
        Cell(
            cell_id=f"{number:064x}",
            attempt=1,
            query_id="q",
            query_hash="0" * 64,
            pair=Pair("a@1", "b@1"),
            answer_hash_a="",
            answer_hash_b="",
            judge=f"j{number}@1",
            template_hash="0" * 64,
            judge_parameters_hash="0" * 64,
        )
        for number in range(judges)
    ]


async def test_senders_that_swallow_a_cancellation_end_all_the_same() -> None:
    bus = HalfDeaf()
    requests = JudgingRequests(cast("Bus", bus), Shards(), in_flight=3)
    sending = asyncio.create_task(requests.send(ROUND, cells_of(9), refused))
    await eventually(lambda: bus.waiting, equals=3)
    async with asyncio.timeout(10):
        await ending.cancelled([sending], again_seconds=0.05)
    assert sending.cancelled()
