"""The judge dispatcher's part of the client that is about judging: templates, prompts, and what judges said."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from dearena.client import votes
from dearena.client.channel import Service
from dearena.v1 import judge_dispatcher_pb2

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub


class JudgingCalls(ABC):
    """What `ArenaClient` asks the judge dispatcher about prompts and votes."""

    _judge_dispatcher: Service
    _votes: "JudgeDispatcherServiceAsyncStub"
    _seconds: float

    @abstractmethod
    def dimension_name(self, slug: str) -> str:
        """The resource name of a dimension."""

    async def templates(self) -> Sequence[judge_dispatcher_pb2.GetTemplateResponse]:
        """The arena's judging templates, in the order of their names."""
        call = self._votes.ListTemplates(judge_dispatcher_pb2.ListTemplatesRequest(), timeout=self._seconds)
        return (await self._judge_dispatcher.told(call)).templates

    async def preview_prompt(
        self, dimension: str, *, query_id: str = "", first: str = "", second: str = "", judge: str = ""
    ) -> judge_dispatcher_pb2.PreviewPromptResponse:
        """Exactly what a judge would be sent; nobody is called.

        Args:
            dimension: whose template it is.
            query_id: empty: the dimension's first query.
            first: slug@n of the model whose answer sits first; empty: a line that stands for it.
            second: likewise.
            judge: slug@n; tells the form of the reply. Empty: a judge that is held to no schema.

        Raises:
            InvalidField: there is no such query, or a model has no usable answer to it.
            UnknownDimension, UnknownModel: likewise.
        """
        request = judge_dispatcher_pb2.PreviewPromptRequest(
            dimension=self.dimension_name(dimension), query_id=query_id, first=first, second=second, judge=judge
        )
        return await self._judge_dispatcher.told(self._votes.PreviewPrompt(request, timeout=self._seconds))

    async def votes(
        self,
        dimension: str,
        *,
        round_number: int = 0,
        after_sequence: int = 0,
        canaries: bool = False,
        trace_ids: bool = False,
    ) -> AsyncIterator[votes.Vote]:
        """Outcomes in sequence order, of one round or of all (0); of canaries and with traces where wanted."""
        request = judge_dispatcher_pb2.ListVotesRequest(
            dimension=self.dimension_name(dimension),
            round=round_number,
            after_sequence=after_sequence,
            kinds=votes.ALL_KINDS if canaries else (),
            with_trace_ids=trace_ids,
        )
        async for batch in self._judge_dispatcher.each(self._votes.ListVotes(request)):
            for vote in votes.rows_of(batch):
                yield vote

    async def comparison(
        self, dimension: str, cell_id: str, attempt: int = 0, *, with_prompts: bool = False
    ) -> judge_dispatcher_pb2.Comparison:
        """All that is kept of one cell: raw verdicts, tokens, latency, cost; attempt 0: the newest.

        With prompts, also what the judge was sent.
        """
        request = judge_dispatcher_pb2.GetComparisonRequest(
            dimension=self.dimension_name(dimension), cell_id=cell_id, attempt=attempt, with_prompts=with_prompts
        )
        call = self._votes.GetComparison(request, timeout=self._seconds)
        return (await self._judge_dispatcher.told(call)).comparison
