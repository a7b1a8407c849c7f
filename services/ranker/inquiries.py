"""What the ranker asks of the other services. Their faults pass through as they are."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, NamedTuple

import grpc.aio
import structlog
from cachetools import LRUCache, TTLCache

from dearena.faults import NotReady
from dearena.identity import Digest
from dearena.judging.choice import Choice, choice_of, has_reference
from dearena.names import DimensionName
from dearena.ranking.entrants import Entrant
from dearena.ranking.evidence import Vote
from dearena.ranking.findings import Board, DimensionVersion, Progress
from dearena.v1 import common_pb2, gateway_pb2, judge_dispatcher_pb2, query_selector_pb2, scorer_pb2
from services.ranker import peer_messages
from services.runtime.peers import Peers

log = structlog.get_logger(__name__)

PAGE_SIZE: Final = 1_000
ALL_KINDS: Final = (common_pb2.CELL_KIND_VOTE, common_pb2.CELL_KIND_CANARY)
KNOWN_VERSIONS: Final = 512
VERSION_SECONDS: Final = 1.0
"""How long the query selector may take to say whether there is a newer version."""
UNHEARD_SECONDS: Final = 5.0
"""So long it is not asked again, where it did not say."""
OPEN_SECONDS: Final = 1.0
"""How long a pilot that was open is taken to be open."""
KNOWN_DIMENSIONS: Final = 65_536
CHOSEN: Final = (query_selector_pb2.DIMENSION_STATE_READY, query_selector_pb2.DIMENSION_STATE_WAITING_FOR_BUS)
KNOWN_ANSWERS: Final = 4_096
"""Lists of answers' hashes that are kept: a few megabytes for each hundred at a thousand queries."""


class Query(NamedTuple):
    """What cells have to know of a query."""

    hash: Digest
    referred: bool
    """It has a reference."""


class Inquiries:
    """Asks, and remembers what never changes."""

    def __init__(self, peers: Peers, *, board_seconds: float) -> None:
        self._peers = peers
        self._board_seconds = board_seconds
        self._queries: LRUCache[tuple[DimensionName, int], Mapping[str, Query]] = LRUCache(KNOWN_VERSIONS)
        self._answers: LRUCache[tuple[DimensionName, int, str], Mapping[str, Digest]] = LRUCache(KNOWN_ANSWERS)
        self._unheard_of: TTLCache[DimensionName, bool] = TTLCache(KNOWN_VERSIONS, UNHEARD_SECONDS)
        self._no_pilots: LRUCache[DimensionName, bool] = LRUCache(KNOWN_DIMENSIONS)
        self._closed: LRUCache[DimensionName, bool] = LRUCache(KNOWN_VERSIONS)
        self._asked_lately: TTLCache[DimensionName, bool] = TTLCache(KNOWN_VERSIONS, OPEN_SECONDS)
        self._templates: dict[DimensionName, Choice] = {}

    async def dimension(self, name: DimensionName) -> DimensionVersion:
        """The newest version of a dimension.

        Raises:
            UnknownDimension: there is none (as a gRPC error).
            NotReady: its queries are still being chosen.
        """
        request = query_selector_pb2.GetDimensionRequest(name=str(name))
        found = (await self._peers.query_selector.GetDimension(request)).dimension
        if found.state == query_selector_pb2.DIMENSION_STATE_SELECTING:
            raise NotReady(f"{name} has no queries yet: they are being chosen")
        return peer_messages.dimension_version(found)

    async def newer_version(self, name: DimensionName, version: int) -> int:
        """The newest version of a dimension, where it is newer than this one; 0: none is, or that cannot be asked now.

        Nobody waits for a query selector that is away: what is ranked is ranked on, and asked again later.
        """
        if name in self._unheard_of:
            return 0
        request = query_selector_pb2.GetDimensionRequest(name=str(name))
        try:
            found = await self._peers.query_selector.GetDimension(request, timeout=VERSION_SECONDS)
        except grpc.aio.AioRpcError as error:
            log.info("whether a dimension is revised is not known", dimension=str(name), error=repr(error))
            self._unheard_of[name] = True
            return 0
        dimension = found.dimension
        return dimension.version if dimension.state in CHOSEN and dimension.version > version else 0

    async def is_closed(self, name: DimensionName) -> bool:
        """Whether a dimension is a pilot that nobody hears any more; as last heard where that cannot be asked now.

        What is no pilot never becomes one, and is asked for once.
        """
        if name in self._no_pilots or name in self._asked_lately:
            return False
        if name in self._unheard_of:
            return self._closed.get(name, False)
        request = query_selector_pb2.GetDimensionRequest(name=str(name))
        try:
            found = (await self._peers.query_selector.GetDimension(request, timeout=VERSION_SECONDS)).dimension
        except grpc.aio.AioRpcError as error:
            log.info("whether a dimension is closed is not known", dimension=str(name), error=repr(error))
            self._unheard_of[name] = True
            return self._closed.get(name, False)
        if not found.pilot_of:
            self._no_pilots[name] = True
            return False
        closed = self._closed[name] = found.state == query_selector_pb2.DIMENSION_STATE_CLOSED
        if not closed:
            self._asked_lately[name] = True
        return closed

    async def dimensions(self, project: str) -> Sequence[DimensionVersion]:
        """All dimensions of a project, pilots among them."""
        found: list[query_selector_pb2.Dimension] = []
        token = ""
        while True:
            request = query_selector_pb2.ListDimensionsRequest(
                parent=f"projects/{project}", page_size=PAGE_SIZE, page_token=token, include_pilots=True
            )
            page = await self._peers.query_selector.ListDimensions(request)
            found += page.dimensions
            if not (token := page.next_page_token):
                return [peer_messages.dimension_version(dimension) for dimension in found]

    async def queries(self, name: DimensionName, version: int) -> Mapping[str, Query]:
        """A dimension version's queries by id, in order of ids."""
        if known := self._queries.get((name, version)):
            return known
        found: dict[str, Query] = {}
        token = ""
        while True:
            request = query_selector_pb2.ListQueriesRequest(
                dimension=str(name), dimension_version=version, page_size=PAGE_SIZE, page_token=token
            )
            page = await self._peers.query_selector.ListQueries(request)
            found |= {one.query_id: Query(one.query_hash, has_reference(one.reference)) for one in page.queries}
            if not (token := page.next_page_token):
                break
        self._queries[name, version] = found
        return found

    async def entrants(self, name: DimensionName, version: int) -> Sequence[Entrant]:
        """Models that enter the dimension, in the order of registration."""
        request = gateway_pb2.ListEntrantsRequest(dimension=str(name), dimension_version=version)
        found = await self._peers.gateway.ListEntrants(request)
        return [peer_messages.entrant(one) for one in found.entrants]

    async def answers(self, name: DimensionName, version: int, model: str) -> Mapping[str, Digest]:
        """Hashes of the answers of a model that is ready, by query id; empty for one that is not usable."""
        if known := self._answers.get((name, version, model)):
            return known
        found: dict[str, Digest] = {}
        token = ""
        while True:
            request = gateway_pb2.ListAnswersRequest(
                dimension=str(name),
                dimension_version=version,
                model=model,
                hashes_only=True,
                page_size=PAGE_SIZE,
                page_token=token,
            )
            page = await self._peers.gateway.ListAnswers(request)
            found |= {answer.query_id: answer.answer_hash for answer in page.answers}
            if not (token := page.next_page_token):
                break
        self._answers[name, version, model] = found
        return found

    async def templates(self, name: DimensionName) -> Choice:
        """The templates by which a dimension's answers are judged, their rubric included."""
        if name not in self._templates:
            request = query_selector_pb2.GetDimensionRequest(name=str(name))
            found = (await self._peers.query_selector.GetDimension(request)).dimension
            judging = found.judging
            self._templates[name] = choice_of(
                found.template, judging.template_text, judging.rubric, judging.template_without_reference
            )
        return self._templates[name]

    async def progress(self, name: DimensionName, round_number: int) -> Progress:
        """How far the judging of a round is."""
        request = judge_dispatcher_pb2.GetRoundProgressRequest(dimension=str(name), round=round_number)
        found = await self._peers.judge_dispatcher.GetRoundProgress(request)
        return peer_messages.progress(round_number, found)

    async def votes(self, name: DimensionName, round_number: int) -> Sequence[Vote]:
        """All outcomes of a round that can be read now, canaries too."""
        return [vote async for vote in self._votes(name, round_number)]

    async def _votes(self, name: DimensionName, round_number: int) -> AsyncIterator[Vote]:
        request = judge_dispatcher_pb2.ListVotesRequest(dimension=str(name), round=round_number, kinds=ALL_KINDS)
        async for batch in self._peers.judge_dispatcher.ListVotes(request):
            for vote in peer_messages.votes(batch):
                yield vote

    async def board(self, name: DimensionName, round_number: int) -> Board:
        """The board of all rounds through this one, which is closed."""
        request = scorer_pb2.ScoreThroughRequest(dimension=str(name), round=round_number)
        found = (await self._peers.scorer.ScoreThrough(request, timeout=self._board_seconds)).board
        return peer_messages.board(found)
