"""Next versions of a dimension, made by a query selector alone on a real mongod and a real nats-server."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import json
from collections.abc import AsyncIterator, Callable

import pytest

from dearena import faults
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1 import query_selector_pb2_grpc as stubs
from services.query_selector.settings import QuerySelectorSettings
from tests.integration.test_query_selector import ALGEBRA, create, refused, serving

LARGE = 20_000


@pytest.fixture
async def selector(
    arena_settings: Callable[..., QuerySelectorSettings],
) -> AsyncIterator[stubs.QuerySelectorServiceAsyncStub]:
    async with serving(arena_settings(QuerySelectorSettings)) as (stub, _):
        yield stub


async def queries(selector: stubs.QuerySelectorServiceAsyncStub, name: str, version: int = 0) -> set[str]:
    found: set[str] = set()
    token = ""
    while True:
        page = await selector.ListQueries(
            pb.ListQueriesRequest(dimension=name, dimension_version=version, page_size=1_000, page_token=token)
        )
        found |= {query.query_id for query in page.queries}
        token = page.next_page_token
        if not token:
            return found


async def test_what_was_retired_does_not_come_back(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    await create(selector)
    seen = [await queries(selector, ALGEBRA.name)]
    for version in (2, 3):
        gone = sorted(seen[-1])[:4]
        made = await selector.ReviseDimension(pb.ReviseDimensionRequest(dimension=ALGEBRA.name, retire=gone, add=4))
        assert made.dimension.version == version
        assert not set(made.added) & set().union(*seen)
        seen.append(await queries(selector, ALGEBRA.name))
        assert seen[-1] == seen[-2] - set(gone) | set(made.added)
    assert [await queries(selector, ALGEBRA.name, version) for version in (1, 2, 3)] == seen


async def test_a_request_id_stands_for_one_revision(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    await create(selector)
    request = pb.ReviseDimensionRequest(dimension=ALGEBRA.name, add=2, request_id="one")
    made = await selector.ReviseDimension(request)
    again = await selector.ReviseDimension(request)
    assert (again.dimension.version, again.added) == (2, made.added)
    async with refused(faults.RequestIdReused):
        await selector.ReviseDimension(pb.ReviseDimensionRequest(dimension=ALGEBRA.name, add=3, request_id="one"))
    assert len(await queries(selector, ALGEBRA.name)) == 8


async def test_a_large_version_is_written_at_once(selector: stubs.QuerySelectorServiceAsyncStub) -> None:
    pool = b"\n".join(json.dumps({"id": f"q{at:06}", "text": f"What is {at}?"}).encode() for at in range(LARGE + 10))
    large = pb.Dimension(name="projects/default/dimensions/large", selection=pb.Selection(k=LARGE, seed=7))
    await create(selector, large, [pool[at : at + 500_000] for at in range(0, len(pool), 500_000)])
    gone = sorted(await queries(selector, large.name))[:1_000]
    made = await selector.ReviseDimension(
        pb.ReviseDimensionRequest(dimension=large.name, retire=gone, add=10), timeout=30
    )
    assert made.dimension.query_count == LARGE - 990
    assert await queries(selector, large.name) & set(gone) == set()
    assert len(await queries(selector, large.name)) == LARGE - 990
