"""The texts a judge is shown, from the services that own them, kept in memory while they are in use."""

from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache

from dearena.names import DimensionName
from dearena.v1.gateway_pb2 import ANSWER_STATE_USABLE, ListAnswersRequest
from dearena.v1.query_selector_pb2 import ListQueriesRequest
from services.judge_dispatcher.loading import Loaded
from services.judge_dispatcher.patience import until_it_passes
from services.runtime.doorbell import Poison
from services.runtime.peers import Peers

PAGE_SIZE = 100
"""Texts a page: at 100 kB each, still within one message."""
OVERHEAD_BYTES = 200
"""What a text takes in memory beside itself, roughly."""


@dataclass(frozen=True, slots=True, order=True)
class DimensionVersion:
    """A dimension whose queries are chosen."""

    name: DimensionName
    version: int


@dataclass(frozen=True, slots=True)
class _Text:
    hash: str
    parts: tuple[str, ...]


_Texts = Mapping[str, _Text]
"""By query id."""


def _size(texts: _Texts) -> int:
    return sum(OVERHEAD_BYTES + sum(map(len, text.parts)) for text in texts.values())


class Texts:
    """Queries and answers by what cells call them."""

    def __init__(self, peers: Peers, *, cache_bytes: int) -> None:
        self._peers = peers
        self._cache: LRUCache[tuple[DimensionVersion, str], _Texts] = LRUCache(cache_bytes, getsizeof=_size)
        # A model revision stands for its answers, and "" for the queries.
        self._loaded = Loaded(self._load, self._cache)

    async def turns(self, dimension: DimensionVersion, query_id: str, query_hash: str) -> tuple[str, ...]:
        """The turns of a query.

        Raises:
            Poison: the dimension version has no such query.
        """
        text = (await self._loaded.get((dimension, ""))).get(query_id)
        if text is None or text.hash != query_hash:
            raise Poison(f"{dimension.name} version {dimension.version} has no query {query_id!r} of that hash")
        return text.parts

    async def answer(self, dimension: DimensionVersion, model: str, query_id: str, answer_hash: str) -> str | None:
        """The text of an answer; None when the model has no usable one.

        Raises:
            Poison: it has one, but not the one that the cell names.
        """
        key = (dimension, model)
        text = (await self._loaded.get(key)).get(query_id)
        if text is None or text.hash != answer_hash:
            # Perhaps they were loaded before this one was recorded.
            self._loaded.forget(key)
            text = (await self._loaded.get(key)).get(query_id)
        if text is None:
            return None
        if text.hash != answer_hash:
            raise Poison(f"the answer of {model} to {query_id!r} is not the one that the cell names")
        return text.parts[0]

    async def _load(self, key: tuple[DimensionVersion, str]) -> _Texts:
        dimension, model = key
        return await (self._answers(dimension, model) if model else self._queries(dimension))

    @until_it_passes
    async def _queries(self, dimension: DimensionVersion) -> _Texts:
        request = ListQueriesRequest(
            dimension=str(dimension.name), dimension_version=dimension.version, page_size=PAGE_SIZE
        )
        texts: dict[str, _Text] = {}
        while True:
            page = await self._peers.query_selector.ListQueries(request)
            texts |= {query.query_id: _Text(query.query_hash, tuple(query.turns)) for query in page.queries}
            if not page.next_page_token:
                return texts
            request.page_token = page.next_page_token

    @until_it_passes
    async def _answers(self, dimension: DimensionVersion, model: str) -> _Texts:
        request = ListAnswersRequest(
            dimension=str(dimension.name), dimension_version=dimension.version, model=model, page_size=PAGE_SIZE
        )
        texts: dict[str, _Text] = {}
        while True:
            page = await self._peers.gateway.ListAnswers(request)
            texts |= {
                answer.query_id: _Text(answer.answer_hash, (answer.text,))
                for answer in page.answers
                if answer.state == ANSWER_STATE_USABLE
            }
            if not page.next_page_token:
                return texts
            request.page_token = page.next_page_token
