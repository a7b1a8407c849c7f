"""Gauges of rankings: what is open, what waits, and for how long nothing has moved."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dearena.names import DimensionName
from dearena.ranking.agenda import CLOSED, waiting_reason
from dearena.ranking.insertion import Coarse, Fine
from dearena.ranking.ranking import RankingState
from dearena.ranking.state import Insertion, InsertionPhase, Seeding
from services.ranker.dimensions import Dimensions
from services.ranker.gauges import Gauges, phases_of
from services.ranker.shards import Shards
from services.ranker.worker import Seen
from services.runtime import instruments
from services.runtime.instruments import Instrument
from services.runtime.store import now

ALGEBRA = DimensionName("default", "algebra")


def state_of(*phases: InsertionPhase, **more: Any) -> RankingState:
    names = [f"m{number}@1" for number in range(len(phases))]
    insertions = {name: Insertion(name, 1, phase, **more) for name, phase in zip(names, phases, strict=True)}
    return RankingState(decisions=1, insertions=insertions, ranking=("first@1", "second@1"))


def read(seen: Seen | None) -> Mapping[Instrument, Mapping[str, float]]:
    """Values by the last attribute of each instrument."""
    dimensions = SimpleNamespace(workers={ALGEBRA: SimpleNamespace(seen=lambda: seen)})
    found: dict[Instrument, dict[str, float]] = {}
    for one, value, attributes in asyncio.run(Gauges(cast(Dimensions, dimensions), Shards()).rankings()):
        found.setdefault(one, {})[str(attributes[one.attributes[-1]])] = value
    return found


COARSE, FINE = Coarse(low=0, high=1), Fine(place=0, width=2, slides=0)


def test_insertions_are_counted_by_phase() -> None:
    assert phases_of(state_of(Seeding(), Seeding())) == {"seeding": 2, "coarse": 0, "fine": 0, "held": 0}
    assert phases_of(state_of(COARSE, FINE, FINE)) == {"seeding": 0, "coarse": 1, "fine": 2, "held": 0}
    assert phases_of(state_of(FINE, hold=cast(Any, "alone"))) == {"seeding": 0, "coarse": 0, "fine": 0, "held": 1}


def test_how_long_nothing_has_moved_is_told_while_an_insertion_is_open() -> None:
    found = read(Seen(state_of(FINE), "", now() - timedelta(seconds=90)))

    assert found[instruments.INSERTION_IDLE]["algebra"] == pytest.approx(90, abs=5)
    assert found[instruments.MODELS_RANKED] == {"algebra": 2}


@pytest.mark.parametrize("more", [{"hold": "alone"}, {"rank": 1}])
def test_who_is_done_or_waits_alone_is_not_idle(more: dict[str, Any]) -> None:
    phase = FINE if "hold" in more else cast(Any, None)
    found = read(Seen(state_of(phase, **more), "", now() - timedelta(seconds=90)))

    assert found[instruments.INSERTION_IDLE] == {"algebra": 0}


def test_a_pilot_that_nobody_hears_any_more_is_not_told() -> None:
    assert read(Seen(state_of(FINE), waiting_reason(CLOSED), now() - timedelta(days=9))) == {}


def test_what_has_not_been_looked_at_is_not_told() -> None:
    assert read(None) == {}


@pytest.mark.parametrize(
    ("shards", "told"), [(Shards(), ("all", 1)), (Shards(4, 2), ("2", 4)), (Shards(4), ("all", 4))]
)
def test_a_ranker_tells_which_shard_it_has_and_of_how_many(shards: Shards, told: tuple[str, int]) -> None:
    dimensions = cast(Dimensions, SimpleNamespace(workers={}))
    ((one, value, attributes),) = asyncio.run(Gauges(dimensions, shards).shards())
    assert one is instruments.SHARDS
    assert (attributes[instruments.SHARD], value) == told
