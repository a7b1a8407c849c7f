"""A dimension's creation as it streams in: first what it is to be, then its pool piece by piece."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from dearena.faults import BrokenPool, InvalidField
from dearena.pools.json_lines import Pool, PoolReader
from dearena.v1 import query_selector_pb2 as pb
from services.query_selector import dimension as domain
from services.query_selector.messages import declaration_of
from services.query_selector.settings import QuerySelectorSettings
from services.runtime.request_names import check_request_id


@dataclass(frozen=True, slots=True)
class Upload:
    """A whole request, checked as far as it can be without the store."""

    declaration: domain.Declaration
    pool: Pool
    request_id: str
    validate_only: bool
    body: bytes
    """Canonical bytes of the request, wherever its stream was cut."""


async def receive(requests: AsyncIterator[pb.CreateDimensionRequest], settings: QuerySelectorSettings) -> Upload:
    """Read the stream to its end.

    Raises:
        InvalidField: the declaration is wrong; told before the pool is read.
        BrokenPool: the pool cannot be used, is too large, or does not end.
    """
    try:
        async with asyncio.timeout(settings.pool_seconds):
            return await _receive(requests, settings)
    except TimeoutError:
        raise BrokenPool(f"the pool did not end within {settings.pool_seconds:g} s") from None


async def discard(requests: AsyncIterator[pb.CreateDimensionRequest], settings: QuerySelectorSettings) -> None:
    """Take in the rest of a stream that is refused, as far as an acceptable one would go, and forget it.

    A status that is told while the caller still sends can reach it as a failed write instead (grpc's own
    "Internal error from Core"), and the fault would be lost.
    """
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(settings.pool_seconds):
            async for request in requests:
                size += len(request.pool)
                if size > settings.pool_max_bytes:
                    return


async def _receive(requests: AsyncIterator[pb.CreateDimensionRequest], settings: QuerySelectorSettings) -> Upload:
    first = await anext(requests, None)
    if first is None or first.WhichOneof("part") != "start":
        raise InvalidField.of("start", "the first message must hold it")
    start = first.start
    check_request_id(start.request_id)
    declaration = domain.checked(declaration_of(start.dimension))

    reader = PoolReader(max_bytes=settings.pool_max_bytes, max_questions=settings.pool_max_questions)
    digest = hashlib.sha256(start.SerializeToString(deterministic=True))
    async for request in requests:
        if request.WhichOneof("part") != "pool":
            raise InvalidField.of("pool", "every message but the first must hold a piece of it")
        digest.update(request.pool)
        # A large piece takes a while, and other calls must not wait for it.
        await asyncio.to_thread(reader.feed, request.pool)
    pool = await asyncio.to_thread(reader.finish)
    return Upload(declaration, pool, start.request_id, start.validate_only, digest.digest())
