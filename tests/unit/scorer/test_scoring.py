"""What the scorer keeps of those who ask."""

import asyncio
import gc
from typing import Any, cast

import pytest

from dearena.faults import UnknownDimension
from dearena.names import DimensionName
from services.scorer.news import News
from services.scorer.scoring import Scoring
from services.scorer.settings import ScorerSettings
from services.scorer.shared_work import SharedWork


class NothingThere:
    """Boards and records of no dimension; counts who asks for records at once."""

    def __init__(self) -> None:
        self.inside: dict[DimensionName, int] = {}
        self.most = 0

    async def find(self, name: DimensionName, number: int) -> None:
        return None

    async def closed_round(self, name: DimensionName, number: int) -> None:
        self.inside[name] = self.inside.get(name, 0) + 1
        self.most = max(self.most, self.inside[name])
        await asyncio.sleep(0)
        self.inside[name] -= 1
        raise UnknownDimension(f"no dimension {name}")


async def test_of_dimensions_asked_for_in_vain_nothing_is_kept() -> None:
    nothing = cast("Any", NothingThere())
    settings = ScorerSettings.model_construct(cached_dimensions=2)
    scoring = Scoring(settings, nothing, nothing, cast("Any", None), News(), SharedWork())

    async def ask(name: DimensionName, number: int) -> None:
        with pytest.raises(UnknownDimension):
            await scoring.through(name, number)

    names = [DimensionName("default", f"unknown-{number}") for number in range(50)]
    await asyncio.gather(*(ask(name, number) for name in names for number in (1, 2, 3)))
    gc.collect()
    assert len(scoring._locks) == 0
    assert nothing.most == 1
