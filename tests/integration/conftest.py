"""What several tests of one service need: whom it speaks with, played as far as it must be."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from dearena.trials.arena import Arena as ArenaInMemory
from tests.conftest import ArenaSettings
from tests.fixtures.judging import Arena, arena_around
from tests.fixtures.model_endpoint import ModelEndpoint, model_endpoint
from tests.fixtures.ranked import calmly
from tests.fixtures.ranker_stage import RULES, WORLD, Stage, staged

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub


@pytest.fixture
async def endpoint() -> AsyncIterator[ModelEndpoint]:
    """Models for a gateway, which behave as a test says."""
    async with model_endpoint() as served:
        yield served


@pytest.fixture
async def arena(arena_settings: ArenaSettings, nats_url: str) -> AsyncIterator[Arena]:
    """All that a judge dispatcher speaks with."""
    async with arena_around(arena_settings, nats_url) as arena:
        yield arena


@pytest.fixture
async def dispatcher(arena: Arena) -> AsyncIterator[JudgeDispatcherServiceAsyncStub]:
    """A judge dispatcher in that arena."""
    async with arena.dispatcher() as stub:
        yield stub


@pytest.fixture
async def stage(
    nats_url: str, mongo_url: str, mongo_database: str, arena_settings: ArenaSettings
) -> AsyncIterator[Stage]:
    """All that a ranker speaks with."""
    async with staged(nats_url, mongo_url, mongo_database, arena_settings) as stage:
        yield stage


@pytest.fixture(scope="module")
def calm() -> ArenaInMemory:
    """The dimension of the stage in plain memory: what must come out, decision by decision."""
    return calmly(WORLD, RULES)
