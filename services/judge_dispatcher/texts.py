"""The texts a judge is shown, from the services that own them, kept in memory while they are in use."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import grpc.aio
from cachetools import LRUCache

from dearena.faults import InvalidField, UnknownDimension, UnknownTemplate
from dearena.judging.choice import Choice, choice_of
from dearena.judging.conversations import Replies
from dearena.judging.templates import Template, template_hashed
from dearena.names import DimensionName
from dearena.v1.gateway_pb2 import ANSWER_STATE_USABLE, ListAnswersRequest
from dearena.v1.query_selector_pb2 import GetDimensionRequest, ListQueriesRequest
from services.judge_dispatcher.loading import Loaded
from services.judge_dispatcher.patience import until_it_passes
from services.runtime.doorbell import Poison
from services.runtime.peers import Peers
from services.runtime.rpc import fault_in

PAGE_SIZE = 100
"""Texts a page: at 100 kB each, still within one message."""
OVERHEAD_BYTES = 200
"""What a text takes in memory beside itself, roughly."""
MOST_TEMPLATES = 1_000
"""Of dimensions that are kept; a dimension's templates never change."""


@dataclass(frozen=True, slots=True, order=True)
class DimensionVersion:
    """A dimension whose queries are chosen."""

    name: DimensionName
    version: int


@dataclass(frozen=True, slots=True)
class _Text:
    hash: str
    parts: tuple[str, ...]
    """A query's turns, or an answer's replies."""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A query as judges are shown it."""

    query_id: str
    turns: tuple[str, ...]
    reference: str


_Texts = Mapping[str, _Text]
"""By query id."""


def _size(texts: _Texts) -> int:
    return sum(OVERHEAD_BYTES + len(text.reference) + sum(map(len, text.parts)) for text in texts.values())


class Texts:
    """Queries and answers by what cells call them."""

    def __init__(self, peers: Peers, *, cache_bytes: int) -> None:
        self._peers = peers
        self._cache: LRUCache[tuple[DimensionVersion, str], _Texts] = LRUCache(cache_bytes, getsizeof=_size)
        # A model revision stands for its answers, and "" for the queries.
        self._loaded = Loaded(self._load, self._cache)
        templates: LRUCache[DimensionName, Choice] = LRUCache(MOST_TEMPLATES)
        self._templates = Loaded(self._templates_of, templates)

    async def query(self, dimension: DimensionVersion, query_id: str, query_hash: str) -> Query:
        """A query as judges are shown it.

        Raises:
            Poison: the dimension version has no such query.
        """
        text = (await self._loaded.get((dimension, ""))).get(query_id)
        if text is None or text.hash != query_hash:
            raise Poison(f"{dimension.name} version {dimension.version} has no query {query_id!r} of that hash")
        return Query(query_id, text.parts, text.reference)

    async def sample_query(self, dimension: DimensionVersion, query_id: str = "") -> Query:
        """A query by its id, whatever its hash; without an id the first one.

        Raises:
            InvalidField: the dimension version has no such query.
        """
        queries = await self._loaded.get((dimension, ""))
        query_id = query_id or next(iter(queries), "")
        if (text := queries.get(query_id)) is None:
            raise InvalidField.of("query_id", f"{dimension.name} has no query {query_id!r}")
        return Query(query_id, text.parts, text.reference)

    async def sample_answer(self, dimension: DimensionVersion, model: str, query_id: str) -> Replies | None:
        """A model's answer to a query, whatever its hash; None when it has no usable one."""
        key = (dimension, model)
        text = (await self._loaded.get(key)).get(query_id)
        if text is None:
            # Perhaps they were loaded before this one was recorded.
            self._loaded.forget(key)
            text = (await self._loaded.get(key)).get(query_id)
        return text.parts if text else None

    async def templates(self, dimension: DimensionName) -> Choice:
        """By which template each query of a dimension is judged.

        Raises:
            UnknownDimension: there is none of that name.
        """
        return await self._templates.get(dimension)

    async def template(self, dimension: DimensionName, template_hash: str) -> Template:
        """The template that a cell of the dimension names by hash.

        Raises:
            UnknownTemplate: it is neither one of the arena's nor the dimension's own.
            UnknownDimension: there is none of that name.
        """
        with suppress(UnknownTemplate):
            return template_hashed(template_hash)
        templates = await self._templates.get(dimension)
        try:
            return templates.hashed(template_hash)
        except UnknownTemplate:
            raise UnknownTemplate(f"{dimension} has no template with hash {template_hash!r}") from None

    async def answer(self, dimension: DimensionVersion, model: str, query_id: str, answer_hash: str) -> Replies | None:
        """An answer, reply by reply; None when the model has no usable one.

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
        return text.parts

    async def _load(self, key: tuple[DimensionVersion, str]) -> _Texts:
        dimension, model = key
        return await (self._answers(dimension, model) if model else self._queries(dimension))

    @until_it_passes
    async def _templates_of(self, dimension: DimensionName) -> Choice:
        try:
            found = (await self._peers.query_selector.GetDimension(GetDimensionRequest(name=str(dimension)))).dimension
        except grpc.aio.AioRpcError as error:
            if isinstance(fault := fault_in(error), UnknownDimension):
                raise fault from error
            raise
        judging = found.judging
        return choice_of(found.template, judging.template_text, judging.rubric, judging.template_without_reference)

    @until_it_passes
    async def _queries(self, dimension: DimensionVersion) -> _Texts:
        request = ListQueriesRequest(
            dimension=str(dimension.name), dimension_version=dimension.version, page_size=PAGE_SIZE
        )
        texts: dict[str, _Text] = {}
        while True:
            page = await self._peers.query_selector.ListQueries(request)
            texts |= {
                query.query_id: _Text(query.query_hash, tuple(query.turns), query.reference) for query in page.queries
            }
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
                answer.query_id: _Text(answer.answer_hash, tuple(answer.replies) or (answer.text,))
                for answer in page.answers
                if answer.state == ANSWER_STATE_USABLE
            }
            if not page.next_page_token:
                return texts
            request.page_token = page.next_page_token
