"""What the scorer asks of others: closed rounds of the ranker, outcomes of the judge dispatcher."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import grpc.aio
import structlog

from dearena.faults import NotReady, ServiceUnavailable, UnknownDimension
from dearena.names import DimensionName, ModelName
from dearena.ranking.entrants import family_of
from dearena.scoring.boards.board import Entrant
from dearena.scoring.boards.round_votes import BrokenLog, RoundVotes
from dearena.v1 import gateway_pb2, judge_dispatcher_pb2, query_selector_pb2, ranker_pb2
from services.runtime.peers import Peers
from services.runtime.rpc import fault_in
from services.scorer.batches import votes_in

log = structlog.get_logger(__name__)

PAGE = 1_000
ANSWERS_A_PAGE = 200
"""They come with their texts."""

DEFAULT_WEIGHTING = "score"
"""Where the ranker names none, as the contract of dimensions says."""


@dataclass(frozen=True, slots=True)
class ClosedRound:
    """A round of which every cell has an outcome, and the entrants when it closed.

    Attributes:
        votes: its cells, without those that only watch judges.
        first_round: of the dimension version: boards of it count this round and those after it.
    """

    number: int
    dimension_version: int
    votes: int
    settles: bool
    entrants: Sequence[Entrant]
    weighting: str
    first_round: int = 1


class Records:
    """The log of a dimension, as far as boards depend on it. Faults of the peers pass through."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def closed_round(self, name: DimensionName, number: int) -> ClosedRound:
        """A round by number; 0 is the newest closed one.

        Raises:
            NotReady: the round is open.
        """
        request = ranker_pb2.GetRoundRequest(dimension=str(name), round=number)
        found = (await self._peers.ranker.GetRound(request)).round
        if found.state != ranker_pb2.ROUND_STATE_CLOSED:
            raise NotReady(f"round {found.round} of {name} is not closed yet")
        return ClosedRound(
            number=found.round,
            dimension_version=found.dimension_version,
            votes=found.cells - found.canaries,
            settles=found.settles,
            entrants=[
                Entrant(entrant.model, retired=entrant.retired, suspended=entrant.suspended)
                for entrant in found.entrants
            ],
            weighting=found.weighting or DEFAULT_WEIGHTING,
            first_round=found.first_round or 1,
        )

    async def votes_of(self, name: DimensionName, closed: ClosedRound) -> RoundVotes:
        """All outcomes of a closed round.

        Raises:
            ServiceUnavailable: some cannot be read yet; a board without them would be wrong for ever.
            BrokenLog: the log holds cells that the round does not, or a row that cannot be read.
        """
        request = judge_dispatcher_pb2.ListVotesRequest(dimension=str(name), round=closed.number)
        batches = [votes_in(batch) async for batch in self._peers.judge_dispatcher.ListVotes(request)]
        votes = RoundVotes.joined(batches)
        readable = votes.cells
        what = (
            f"round {closed.number} of {name} closed with {closed.votes} cells of votes, but {readable} have outcomes"
        )
        if readable < closed.votes:
            raise ServiceUnavailable(f"{what} that can be read; try again")
        if readable > closed.votes:
            raise BrokenLog(f"{what} in the log")
        return votes

    async def families(self, project: str) -> dict[str, str]:
        """The family of every model of a project that has one, by slug."""
        request = gateway_pb2.ListModelsRequest(parent=f"projects/{project}", page_size=PAGE, show_retired=True)
        families: dict[str, str] = {}
        while True:
            page = await self._peers.gateway.ListModels(request)
            families |= {
                ModelName.parse(model.name).slug: family for model in page.models if (family := family_of(model.family))
            }
            if not page.next_page_token:
                return families
            request.page_token = page.next_page_token

    async def answers(self, name: DimensionName, version: int, model: str) -> AsyncIterator[list[tuple[str, str]]]:
        """Query and text of the usable answers of a model revision, a page at a time."""
        request = gateway_pb2.ListAnswersRequest(
            dimension=str(name), dimension_version=version, model=model, page_size=ANSWERS_A_PAGE
        )
        while True:
            page = await self._peers.gateway.ListAnswers(request)
            usable = [one for one in page.answers if one.state == gateway_pb2.ANSWER_STATE_USABLE]
            yield [(one.query_id, one.text) for one in usable]
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def check_dimension(self, name: DimensionName) -> None:
        """Raises UnknownDimension where there is surely none."""
        try:
            await self._peers.query_selector.GetDimension(query_selector_pb2.GetDimensionRequest(name=str(name)))
        except grpc.aio.AioRpcError as error:
            if isinstance(fault_in(error), UnknownDimension):
                raise
            log.info("cannot tell whether a dimension exists", dimension=str(name), error=repr(error))
