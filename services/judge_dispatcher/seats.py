"""One judge call: the prompt, the call through the gateway, the reply read."""

import json
from dataclasses import dataclass

import grpc.aio

from dearena import faults
from dearena.identity import judge_request_id
from dearena.judging.conversations import Replies
from dearena.judging.forms import Form
from dearena.judging.nonces import codes_of
from dearena.judging.prompt import Prompt, prompt_of
from dearena.judging.templates import Template
from dearena.names import DimensionName
from dearena.outcomes import SeatVerdict
from dearena.v1.common_pb2 import Cell, ChatMessage
from dearena.v1.gateway_pb2 import (
    COMPLETION_STATE_DONE,
    COMPLETION_STATE_FAILED,
    FAILURE_KIND_NO_RECORD,
    PURPOSE_JUDGE,
    CompleteRequest,
    Completion,
    CompletionState,
    FailureKind,
)
from services.judge_dispatcher.comparison import SeatRecord
from services.judge_dispatcher.judges import Judges
from services.judge_dispatcher.outcome import Miss, Seat
from services.judge_dispatcher.patience import until_it_passes
from services.runtime.peers import Peers
from services.runtime.rpc import fault_in


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model and its answer, as it takes a seat."""

    model: str
    answer: Replies
    answer_hash: str


@dataclass(frozen=True, slots=True)
class Question:
    """What both seat orders of a cell have in common."""

    dimension: DimensionName
    cell: Cell
    template: Template
    turns: tuple[str, ...]
    on_behalf_of: tuple[str, ...] = ()
    """Model revisions that the calls are made for."""
    reference: str = ""
    """The query's, for templates that show it."""


class Seats:
    """Asks judges through the gateway."""

    def __init__(self, peers: Peers, judges: Judges, *, secret: bytes, complete_seconds: float) -> None:
        self._peers = peers
        self._judges = judges
        self._secret = secret
        self._complete_seconds = complete_seconds

    async def ask(
        self, question: Question, first: Contestant, second: Contestant, *, given_up: bool = False
    ) -> SeatRecord:
        """Ask about two answers in this order, for as long as it takes.

        Args:
            question: what they answer.
            first: whose answer is shown first.
            second: whose is shown second.
            given_up: a call that is not sent since the endpoint is left alone is a failed one.

        Raises:
            EndpointLeftAlone: the judge's endpoint is, and the judge has not been given up.
            BudgetExhausted: there is no money for the call.
            BudgetMisfit: what it may cost does not fit a budget.
            ArenaFault: the gateway refuses the call as such, which no waiting changes.
        """
        cell = question.cell
        for form in await self._judges.forms(question.dimension.project, cell.judge):
            prompt, request_id = self._prompt(question, form, first, second)
            request = CompleteRequest(
                project=question.dimension.project,
                model=cell.judge,
                messages=[ChatMessage(role="user", content=prompt.text)],
                request_id=request_id,
                purpose=PURPOSE_JUDGE,
                dimension=question.dimension.slug,
                query_id=cell.query_id,
                on_behalf_of=question.on_behalf_of,
                response_schema=schema_text(prompt),
            )
            try:
                return _record(await self._complete(request), request_id, first.model, prompt)
            except grpc.aio.AioRpcError as error:
                match fault_in(error):
                    case faults.ModelNotActive() as fault:
                        self._judges.forget(question.dimension.project, cell.judge)
                        seat = Seat(first.model, SeatVerdict.NONE, Miss.NOT_ACTIVE, str(fault))
                        refused = SeatRecord(seat, request_id, form=form.value, prompt_hash=prompt.hash)
                    case faults.EndpointLeftAlone() as fault if given_up:
                        seat = Seat(first.model, SeatVerdict.NONE, Miss.FAILED, f"CIRCUIT_OPEN: {fault}")
                        return SeatRecord(seat, request_id, form=form.value, prompt_hash=prompt.hash)
                    case faults.ArenaFault() as fault:
                        raise fault from error
                    case _:
                        raise
        return refused

    def _prompt(self, question: Question, form: Form, first: Contestant, second: Contestant) -> tuple[Prompt, str]:
        """What is sent, and the call's request id, which the codes in it are made of."""
        cell = question.cell
        request_id = judge_request_id(
            judge=cell.judge,
            template_hash=cell.template_hash,
            judge_parameters_hash=cell.judge_parameters_hash,
            query_hash=cell.query_hash,
            answer_hash_first=first.answer_hash,
            answer_hash_second=second.answer_hash,
            attempt=cell.attempt,
            project=question.dimension.project,
            form=form.value,
        )
        return self.prompt(question, form, request_id, first, second), request_id

    def prompt(self, question: Question, form: Form, request_id: str, first: Contestant, second: Contestant) -> Prompt:
        """The prompt of the call with this request id: made again, the one that was sent."""
        return prompt_of(
            question.template,
            form,
            codes_of(self._secret, request_id),
            turns=question.turns,
            first=first.answer,
            second=second.answer,
            reference=question.reference,
        )

    @until_it_passes
    async def _complete(self, request: CompleteRequest) -> Completion:
        response = await self._peers.gateway.Complete(request, timeout=self._complete_seconds)
        completion = response.completion
        if completion.state not in (COMPLETION_STATE_DONE, COMPLETION_STATE_FAILED):
            # Still under way, or cut short by a death of the gateway: neither is a reply.
            raise faults.ServiceUnavailable(f"the call is {CompletionState.Name(completion.state)}")
        return completion


def schema_text(prompt: Prompt) -> str:
    """The schema that a reply is held to, as the gateway takes it; empty: none."""
    return json.dumps(prompt.schema) if prompt.schema is not None else ""


def _record(completion: Completion, request_id: str, first: str, prompt: Prompt) -> SeatRecord:
    transcript = None
    grade = 0
    if completion.state == COMPLETION_STATE_FAILED:
        kind = completion.failure.kind
        miss = Miss.NO_RECORD if kind == FAILURE_KIND_NO_RECORD else Miss.FAILED
        name = FailureKind.Name(kind).removeprefix("FAILURE_KIND_")
        detail = completion.failure.detail
        seat = Seat(first, SeatVerdict.NONE, miss, f"{name}: {detail}" if detail else name)
    else:
        transcript = completion.text
        reading = prompt.read(transcript, completion.finish_reason, structured=completion.structured)
        seat = Seat(first, reading.verdict, reason=reading.problem)
        grade = reading.grade
    return SeatRecord(
        seat=seat,
        request_id=request_id,
        called=True,
        transcript=transcript,
        input_tokens=completion.usage.input_tokens,
        output_tokens=completion.usage.output_tokens,
        tokens_estimated=completion.usage.estimated,
        cost_nano_units=completion.cost.nano_units,
        currency=completion.cost.currency if completion.cost.nano_units else "",
        latency_ms=round(completion.latency.ToMilliseconds()),
        finish_reason=completion.finish_reason,
        structured=completion.structured,
        reasoning=completion.reasoning or None,
        grade=grade,
        form=prompt.form.value,
        prompt_hash=prompt.hash,
    )
