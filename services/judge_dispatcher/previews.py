"""Prompts for people: what a judge would be sent, and what it was sent."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import grpc.aio

from dearena import faults
from dearena.identity import text_hash
from dearena.judging.conversations import Replies
from dearena.judging.forms import Form
from dearena.judging.nonces import CODE_LENGTH, Codes
from dearena.judging.prompt import Prompt, prompt_of
from dearena.names import DimensionName
from dearena.v1.common_pb2 import Cell, ChatMessage
from dearena.v1.gateway_pb2 import GetModelRequest
from dearena.v1.judge_dispatcher_pb2 import PreviewPromptRequest, PreviewPromptResponse, SeatRecord
from dearena.v1.query_selector_pb2 import GetDimensionRequest
from services.judge_dispatcher.contestants import pair_of, question_of, seat_orders
from services.judge_dispatcher.judges import form_of
from services.judge_dispatcher.outcome import Ruling
from services.judge_dispatcher.seats import Seats, schema_text
from services.judge_dispatcher.texts import DimensionVersion, Texts
from services.runtime.doorbell import Poison
from services.runtime.peers import Peers
from services.runtime.request_names import dimension_name, model_revision
from services.runtime.rpc import fault_in

SAMPLE_CODES: Final = Codes(fence="f" * CODE_LENGTH, verdict="0" * CODE_LENGTH)
"""In place of a call's codes, which nobody may know before it is made."""


class Previews:
    """Makes prompts as `Seats` does, and calls nobody."""

    def __init__(self, peers: Peers, texts: Texts, seats: Seats) -> None:
        self._peers = peers
        self._texts = texts
        self._seats = seats

    async def preview(self, request: PreviewPromptRequest) -> PreviewPromptResponse:
        """What a judge would be sent about a query of a dimension.

        Raises:
            InvalidField: there is no such query, or a model has no usable answer to it.
            UnknownDimension: likewise.
            UnknownModel: likewise.
        """
        name = dimension_name("dimension", request.dimension)
        dimension = DimensionVersion(name, await self._version(name))
        query = await self._texts.sample_query(dimension, request.query_id)
        template = (await self._texts.templates(name)).of(query.reference)
        first = await self._answer(dimension, "first", request.first, query.query_id)
        second = await self._answer(dimension, "second", request.second, query.query_id)
        form = await self._form(name.project, request.judge)
        prompt = prompt_of(
            template,
            form,
            SAMPLE_CODES,
            turns=query.turns,
            first=first,
            second=second,
            reference=query.reference,
        )
        return PreviewPromptResponse(
            messages=messages_of(prompt),
            response_schema=schema_text(prompt),
            template=template.id,
            template_hash=template.hash,
            query_id=query.query_id,
            codes_are_samples=True,
            never_sent=_never_sent(request),
        )

    async def add_prompts(
        self, dimension: DimensionVersion, cell: Cell, seats: Sequence[SeatRecord], kept: Sequence[Mapping[str, Any]]
    ) -> None:
        """Put into records of a cell's calls what was sent.

        Args:
            dimension: the cell's.
            cell: what the calls asked about.
            seats: the records, which are changed.
            kept: the same calls as they are stored, with form and hash of their prompts.
        """
        try:
            question = await question_of(self._texts, dimension, cell)
            pair = await pair_of(self._texts, dimension, cell)
        except (Poison, faults.UnknownTemplate) as error:
            _explain(seats, str(error))
            return
        if isinstance(pair, Ruling):
            _explain(seats, pair.reason)
            return
        for (first, second), seat, document in zip(seat_orders(cell, pair), seats, kept, strict=True):
            form = Form(document.get("form", ""))
            prompt = self._seats.prompt(question, form, seat.request_id, first, second)
            seat.prompt.extend(messages_of(prompt))
            seat.response_schema = schema_text(prompt)
            if not (sent := document.get("prompt_hash", "")):
                seat.prompt_problem = "made anew; whether it is what was sent was not recorded"
            elif sent != text_hash(prompt.text):
                seat.prompt_problem = "made anew, and not what was sent: template or texts have changed"

    async def _version(self, name: DimensionName) -> int:
        try:
            found = await self._peers.query_selector.GetDimension(GetDimensionRequest(name=str(name)))
        except grpc.aio.AioRpcError as error:
            if isinstance(fault := fault_in(error), faults.UnknownDimension):
                raise fault from error
            raise
        return found.dimension.version

    async def _answer(self, dimension: DimensionVersion, field: str, model: str, query_id: str) -> Replies:
        if not model:
            return (f"(here stands the {field} answer)",)
        model_revision(field, model)
        answer = await self._texts.sample_answer(dimension, model, query_id)
        if answer is None:
            raise faults.InvalidField.of(field, f"{model} has no usable answer to {query_id!r}")
        return answer

    async def _form(self, project: str, judge: str) -> Form:
        if not judge:
            return Form.LINE
        revision = model_revision("judge", judge)
        try:
            request = GetModelRequest(name=f"projects/{project}/models/{revision.slug}")
            model = (await self._peers.gateway.GetModel(request)).model
        except grpc.aio.AioRpcError as error:
            if isinstance(fault := fault_in(error), faults.UnknownModel):
                raise fault from error
            raise
        if model.revision != revision.number:
            newest = f"{revision.slug}@{model.revision}"
            raise faults.InvalidField.of("judge", f"{judge} is not the revision that is asked, which is {newest}")
        return form_of(model.endpoint)


def _never_sent(request: PreviewPromptRequest) -> str:
    """Why the ranker never seats models so; empty where it may. The dimension's policy is not looked at."""
    judge, *seated = (name.rpartition("@")[0] for name in (request.judge, request.first, request.second))
    if judge and judge in seated:
        return f"{judge} would be shown an answer of its own, and no model judges itself"
    return ""


def messages_of(prompt: Prompt) -> list[ChatMessage]:
    """The conversation of a judge call."""
    return [ChatMessage(role="user", content=prompt.text)]


def _explain(seats: Sequence[SeatRecord], problem: str) -> None:
    for seat in seats:
        seat.prompt_problem = problem
