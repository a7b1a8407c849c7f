"""Dimensions and their queries, asked of the query selector; what is known of a version never changes."""

from __future__ import annotations  # the stubs' asynchronous types are for type checkers only

import asyncio
import contextvars
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

import grpc.aio
from cachetools import LRUCache, TTLCache

from dearena import faults
from dearena.names import DimensionName
from dearena.rpc_faults import fault_of
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1 import query_selector_pb2_grpc as stubs
from services.gateway.egress import OPEN, Egress

MOST_VERSIONS: Final = 512
PAGE_SIZE: Final = 1000
FRESH_SECONDS: Final = 1.0
"""How long a policy that was changed may go unseen."""
ASK_SECONDS: Final = 1.0
"""How long the query selector may take, where there is something to go by without it."""
EGRESS_SECONDS: Final = 30.0
"""How long what was known of a policy holds while the query selector cannot be asked."""
NOT_ANSWERED: Final = (pb.DIMENSION_STATE_SELECTING, pb.DIMENSION_STATE_CLOSED)


@dataclass(frozen=True, slots=True)
class Query:
    """One question; fields as in query_selector.proto."""

    query_id: str
    query_hash: str
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DimensionVersion:
    """A dimension whose queries are chosen."""

    name: DimensionName
    version: int
    allowed_providers: frozenset[str]
    """Empty: all."""
    queries: tuple[Query, ...]
    """In query id order."""
    only_models: frozenset[str] = frozenset()
    """Slugs; empty: all."""

    def admits(self, slug: str, provider: str) -> bool:
        """Whether this model of this provider may enter, and so see its queries."""
        named = not self.only_models or slug in self.only_models
        return named and (not self.allowed_providers or provider in self.allowed_providers)


class Dimensions:
    """Asks once for each version, and remembers."""

    def __init__(self, query_selector: stubs.QuerySelectorServiceAsyncStub) -> None:
        self._selector = query_selector
        self._known: MutableMapping[tuple[DimensionName, int], DimensionVersion] = LRUCache(MOST_VERSIONS)
        self._fresh: MutableMapping[DimensionName, asyncio.Task[Egress]] = TTLCache(MOST_VERSIONS, FRESH_SECONDS)
        self._egress: MutableMapping[DimensionName, Egress] = TTLCache(MOST_VERSIONS, EGRESS_SECONDS)

    async def of_project(self, project: str) -> Sequence[DimensionVersion]:
        """The newest version of each dimension of a project that is to be answered; pilots are, until they are closed.

        Raises:
            ServiceUnavailable: the query selector cannot be reached.
        """
        try:
            found: list[pb.Dimension] = []
            token = ""
            while True:
                page = await self._selector.ListDimensions(
                    pb.ListDimensionsRequest(
                        parent=f"projects/{project}", page_size=PAGE_SIZE, page_token=token, include_pilots=True
                    )
                )
                found += (one for one in page.dimensions if one.state not in NOT_ANSWERED)
                if not (token := page.next_page_token):
                    break
            return [await self._version_of(dimension, dimension.version) for dimension in found]
        except grpc.aio.AioRpcError as error:
            raise fault_of(error) from error

    async def egress(self, name: DimensionName) -> Egress:
        """Who may see a dimension: as its newest version said at most `FRESH_SECONDS` ago.

        However many calls ask for it, the query selector is asked once. While it is away, what it said last holds for
        `EGRESS_SECONDS`.

        Raises:
            ServiceUnavailable: the query selector cannot be reached, and nothing is known.
        """
        task = self._fresh.get(name)
        if task is None:
            # Of nobody's context: many wait for it.
            task = asyncio.create_task(self._ask_egress(name), context=contextvars.Context())
            self._fresh[name] = task
            task.add_done_callback(lambda ended: self._drop_unknown(name, ended))
        return await asyncio.shield(task)

    def forget(self, name: DimensionName) -> None:
        """Ask for its policy anew next time: there is news of it."""
        self._fresh.pop(name, None)

    async def _ask_egress(self, name: DimensionName) -> Egress:
        try:
            # With what was said last at hand, nobody waits long for a selector that hangs.
            patience = ASK_SECONDS if name in self._egress else None
            request = pb.GetDimensionRequest(name=str(name))
            found = (await self._selector.GetDimension(request, timeout=patience)).dimension
        except grpc.aio.AioRpcError as error:
            fault = fault_of(error)
            if isinstance(fault, faults.UnknownDimension):
                self._egress.pop(name, None)
                return OPEN
            if isinstance(fault, faults.ServiceUnavailable) and (known := self._egress.get(name)) is not None:
                return known
            raise fault from error
        known = Egress(
            frozenset(found.allowed_providers),
            frozenset(found.judging.judge_providers),
            frozenset(found.only_models),
            closed=found.state == pb.DIMENSION_STATE_CLOSED,
        )
        self._egress[name] = known
        return known

    def _drop_unknown(self, name: DimensionName, task: asyncio.Task[Egress]) -> None:
        """What is not known is not remembered: it may come to be at any moment, with a policy of its own."""
        failed = task.cancelled() or task.exception() is not None
        if (failed or task.result() is OPEN) and self._fresh.get(name) is task:
            self.forget(name)

    async def version(self, name: DimensionName, version: int) -> DimensionVersion:
        """One version of a dimension; 0 is the newest.

        Raises:
            UnknownDimension: there is none.
            NotReady: its queries are still being chosen.
            ServiceUnavailable: the query selector cannot be reached.
        """
        if known := self._known.get((name, version)):
            return known
        try:
            dimension = (await self._selector.GetDimension(pb.GetDimensionRequest(name=str(name)))).dimension
            if version > dimension.version:
                raise faults.UnknownDimension(f"{name} has no version {version}; the newest is {dimension.version}")
            if dimension.state == pb.DIMENSION_STATE_SELECTING:
                raise faults.NotReady(f"{name} has no queries yet: they are being chosen")
            return await self._version_of(dimension, version or dimension.version)
        except grpc.aio.AioRpcError as error:
            raise fault_of(error) from error

    async def _version_of(self, dimension: pb.Dimension, version: int) -> DimensionVersion:
        name = DimensionName.parse(dimension.name)
        if known := self._known.get((name, version)):
            return known
        queries: list[Query] = []
        token = ""
        while True:
            page = await self._selector.ListQueries(
                pb.ListQueriesRequest(
                    dimension=dimension.name, dimension_version=version, page_size=PAGE_SIZE, page_token=token
                )
            )
            queries += (Query(query.query_id, query.query_hash, tuple(query.turns)) for query in page.queries)
            if not (token := page.next_page_token):
                break
        known = DimensionVersion(
            name,
            version,
            frozenset(dimension.allowed_providers),
            tuple(queries),
            frozenset(dimension.only_models),
        )
        self._known[name, version] = known
        return known
