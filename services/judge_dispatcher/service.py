"""What others may ask of the judge dispatcher."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from dearena import faults
from dearena.judging.templates import TEMPLATES, Template, template_named
from dearena.names import ModelName
from dearena.outcomes import SeatVerdict as Verdict
from dearena.v1.common_pb2 import Cell, CellKind, Money, SeatPolicy, SeatVerdict, TokenUsage
from dearena.v1.common_pb2 import Outcome as OutcomeNumber
from dearena.v1.gateway_pb2 import GetModelRequest
from dearena.v1.judge_dispatcher_pb2 import (
    Comparison,
    GetComparisonRequest,
    GetComparisonResponse,
    GetRoundProgressRequest,
    GetRoundProgressResponse,
    GetTemplateRequest,
    GetTemplateResponse,
    LeftAloneJudge,
    ListPersuasionRequest,
    ListPersuasionResponse,
    ListTemplatesRequest,
    ListTemplatesResponse,
    ListVotesRequest,
    ListVotesResponse,
    MisfitBudget,
    PauseJudgeRequest,
    PauseJudgeResponse,
    PreviewPromptRequest,
    PreviewPromptResponse,
    ResumeJudgeRequest,
    ResumeJudgeResponse,
    SeatRecord,
    TryAttacksRequest,
    TryAttacksResponse,
)
from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceServicer
from services.judge_dispatcher.attacks import Attacks
from services.judge_dispatcher.left_alone import LeftAlone
from services.judge_dispatcher.outcome_log import NUMBERS
from services.judge_dispatcher.pauses import Pauses
from services.judge_dispatcher.previews import Previews
from services.judge_dispatcher.starved import StarvedRounds
from services.judge_dispatcher.store import ComparisonStore
from services.judge_dispatcher.texts import DimensionVersion
from services.judge_dispatcher.votes import EVEN_DRAW, VOTE, Columns, in_columns
from services.runtime.peers import Peers
from services.runtime.request_names import check_request_id, dimension_name, model_name
from services.runtime.rpc import fault_in
from services.runtime.store import Store, within_store_limit

_VERDICTS = {verdict: SeatVerdict.Value(f"SEAT_VERDICT_{verdict}") for verdict in Verdict}
_KINDS: Mapping[int, str] = {number: name.removeprefix("CELL_KIND_") for name, number in CellKind.items() if number}

VOTES_A_BATCH = 2_000
REASON_LONGEST = 1024
MODEL_CHECK_SECONDS = 2.0

Context = grpc.aio.ServicerContext[Any, Any]


class JudgeDispatcherService(JudgeDispatcherServiceServicer):
    """JudgeDispatcherService of judge_dispatcher.proto."""

    def __init__(
        self,
        *,
        store: Store,
        comparisons: ComparisonStore,
        pauses: Pauses,
        starved: StarvedRounds,
        left_alone: LeftAlone,
        attacks: Attacks,
        previews: Previews,
        peers: Peers,
    ) -> None:
        self._store = store
        self._comparisons = comparisons
        self._pauses = pauses
        self._starved = starved
        self._left_alone = left_alone
        self._attacks = attacks
        self._previews = previews
        self._peers = peers

    async def ListVotes(self, request: ListVotesRequest, context: Context) -> AsyncIterator[ListVotesResponse]:
        """Stream outcomes in columns: votes, unless other kinds of cells are asked for."""
        async for votes in self._comparisons.votes(
            dimension_name("dimension", request.dimension),
            round_number=request.round,
            after_sequence=request.after_sequence,
            batch_size=VOTES_A_BATCH,
            kinds=_kinds(request.kinds),
            trace_ids=request.with_trace_ids,
        ):
            for columns in in_columns(votes):
                yield _votes_response(columns, trace_ids=request.with_trace_ids)

    async def GetRoundProgress(self, request: GetRoundProgressRequest, context: Context) -> GetRoundProgressResponse:
        """Count; a round nobody asked about yet has no outcomes."""
        dimension = dimension_name("dimension", request.dimension)
        async with within_store_limit(self._store):
            by_currency = await self._comparisons.progress(dimension, request.round)
            paused = await self._pauses.waiting_in(dimension, request.round)
        wants = await self._starved.waiting_for(dimension, request.round)
        left_alone = await self._left_alone.waiting_in(dimension, request.round)
        # Money has one currency. Where judges are paid in several, the largest sum is told; the
        # comparisons have them all.
        costs = [Money(currency=one["_id"], nano_units=one["cost_nano_units"]) for one in by_currency if one["_id"]]
        return GetRoundProgressResponse(
            outcomes=sum(one["outcomes"] for one in by_currency),
            judge_calls=sum(one["judge_calls"] for one in by_currency),
            cost=max(costs, key=lambda money: money.nano_units, default=None),
            paused_judges=paused,
            exhausted_budgets=wants.exhausted,
            misfit_budgets=[MisfitBudget(**misfit._asdict()) for misfit in wants.misfits],
            left_alone_judges=[LeftAloneJudge(judge=judge, reason=reason) for judge, reason in left_alone.items()],
        )

    async def GetComparison(self, request: GetComparisonRequest, context: Context) -> GetComparisonResponse:
        """Find one comparison and the replies behind it."""
        dimension = dimension_name("dimension", request.dimension)
        if not request.cell_id:
            raise faults.InvalidField.of("cell_id", "is required")
        async with within_store_limit(self._store):
            document = await self._comparisons.comparison(dimension, request.cell_id, request.attempt)
            if document is None:
                attempt = f" at attempt {request.attempt}" if request.attempt else ""
                raise faults.UnknownComparison(f"{dimension} has no outcome of cell {request.cell_id!r}{attempt}")
            hashes = [
                seat.get(name, "") for seat in document["seats"] for name in ("transcript_hash", "reasoning_hash")
            ]
            transcripts = await self._comparisons.transcripts(dimension.project, hashes)
        comparison = _comparison(document, transcripts)
        if request.with_prompts:
            version = DimensionVersion(dimension, document["dimension_version"])
            await self._previews.add_prompts(version, comparison.cell, comparison.seats, document["seats"])
        return GetComparisonResponse(comparison=comparison)

    async def PauseJudge(self, request: PauseJudgeRequest, context: Context) -> PauseJudgeResponse:
        """Pause a judge."""
        judge = _judge(request.name, request.request_id)
        if len(request.reason) > REASON_LONGEST:
            raise faults.InvalidField.of("reason", f"has more than {REASON_LONGEST} characters")
        await self._check_model(request.name)
        async with within_store_limit(self._store):
            await self._pauses.pause(
                judge,
                request.reason,
                request_id=request.request_id,
                body=request.SerializeToString(deterministic=True),
            )
        return PauseJudgeResponse()

    async def ResumeJudge(self, request: ResumeJudgeRequest, context: Context) -> ResumeJudgeResponse:
        """Resume a judge."""
        judge = _judge(request.name, request.request_id)
        async with within_store_limit(self._store):
            await self._pauses.resume(
                judge, request_id=request.request_id, body=request.SerializeToString(deterministic=True)
            )
        return ResumeJudgeResponse()

    async def GetTemplate(self, request: GetTemplateRequest, context: Context) -> GetTemplateResponse:
        """Find a template by name and version."""
        template = template_named(request.template)
        return _template(template)

    async def ListTemplates(self, request: ListTemplatesRequest, context: Context) -> ListTemplatesResponse:
        """All templates, by name."""
        return ListTemplatesResponse(templates=[_template(TEMPLATES[name]) for name in sorted(TEMPLATES)])

    async def TryAttacks(self, request: TryAttacksRequest, context: Context) -> TryAttacksResponse:
        """Try attacks on a judge."""
        check_request_id(request.request_id)
        return TryAttacksResponse(persuasion=await self._attacks.try_on(request))

    async def ListPersuasion(self, request: ListPersuasionRequest, context: Context) -> ListPersuasionResponse:
        """List what trials have found."""
        return ListPersuasionResponse(
            persuasions=await self._attacks.list(dimension_name("dimension", request.dimension))
        )

    async def PreviewPrompt(self, request: PreviewPromptRequest, context: Context) -> PreviewPromptResponse:
        """Show what a judge would be sent."""
        return await self._previews.preview(request)

    async def _check_model(self, name: str) -> None:
        """Notice a slip in the name; a pause must be possible while the gateway is away."""
        try:
            await self._peers.gateway.GetModel(GetModelRequest(name=name), timeout=MODEL_CHECK_SECONDS)
        except grpc.aio.AioRpcError as error:
            if isinstance(fault := fault_in(error), faults.UnknownModel):
                raise fault from error


def _template(template: Template) -> GetTemplateResponse:
    return GetTemplateResponse(
        template=template.id,
        template_hash=template.hash,
        text=template.text,
        summary=template.summary,
        needs_reference=template.needs_reference,
        needs_rubric=template.needs_rubric,
        graded=template.scale.graded,
    )


def _kinds(numbers: Sequence[int]) -> list[str]:
    """Kinds of cells by name without prefix; votes when none is asked for."""
    if unknown := [number for number in numbers if number not in _KINDS]:
        raise faults.InvalidField.of("kinds", f"{unknown[0]} is no kind of cells")
    return sorted({_KINDS[number] for number in numbers}) or [VOTE]


def _judge(name: str, request_id: str) -> ModelName:
    check_request_id(request_id)
    return model_name("name", name)


def _votes_response(columns: Columns, *, trace_ids: bool) -> ListVotesResponse:
    return ListVotesResponse(
        models=columns.models,
        query_ids=columns.query_ids,
        sequence=columns.sequence,
        round=columns.round,
        cell_id=columns.cell_id,
        attempt=columns.attempt,
        model_a=columns.model_a,
        model_b=columns.model_b,
        judge=columns.judge,
        query=columns.query,
        outcome=[NUMBERS[outcome] for outcome in columns.outcome],
        judge_calls=columns.judge_calls,
        cost_nano_units=columns.cost_nano_units,
        currency=columns.currency,
        a_first=[_VERDICTS[verdict] for verdict in columns.a_first],
        b_first=[_VERDICTS[verdict] for verdict in columns.b_first],
        draw=columns.draw,
        kind=[CellKind.Value(f"CELL_KIND_{kind}") for kind in columns.kind],
        trace_id=columns.trace_id if trace_ids else (),
    )


def _comparison(document: Mapping[str, Any], transcripts: Mapping[str, str]) -> Comparison:
    create_time = Timestamp()
    create_time.FromDatetime(document["created_at"])
    named = ("cell_id", "attempt", "query_id", "query_hash", "model_a", "model_b", "answer_hash_a", "answer_hash_b")
    cell = Cell(
        **{name: document[name] for name in (*named, "judge", "template_hash", "judge_parameters_hash")},
        seat_policy=SeatPolicy.Value(f"SEAT_POLICY_{document['seat_policy']}"),
        kind=CellKind.Value(f"CELL_KIND_{document['kind']}"),
        draw=document.get("draw", EVEN_DRAW),
    )
    return Comparison(
        cell=cell,
        round=document["round"],
        sequence=document["sequence"],
        outcome=OutcomeNumber.Value(f"OUTCOME_{document['outcome']}"),
        reason=document["reason"],
        seats=[_seat(seat, transcripts) for seat in document["seats"]],
        create_time=create_time,
        trace_id=document["trace_id"],
    )


def _seat(seat: Mapping[str, Any], transcripts: Mapping[str, str]) -> SeatRecord:
    latency = Duration()
    latency.FromMilliseconds(seat["latency_ms"])
    return SeatRecord(
        first=seat["first"],
        verdict=SeatVerdict.Value(f"SEAT_VERDICT_{seat['verdict']}"),
        request_id=seat["request_id"],
        transcript_hash=seat["transcript_hash"],
        transcript=transcripts.get(seat["transcript_hash"], ""),
        usage=TokenUsage(
            input_tokens=seat["input_tokens"],
            output_tokens=seat["output_tokens"],
            estimated=seat["tokens_estimated"],
        ),
        cost=Money(currency=seat["currency"], nano_units=seat["cost_nano_units"]) if seat["currency"] else None,
        latency=latency,
        reason=seat["reason"],
        # What follows is missing in records of earlier versions.
        finish_reason=seat.get("finish_reason", ""),
        structured=seat.get("structured", False),
        reasoning_hash=seat.get("reasoning_hash", ""),
        reasoning=transcripts.get(seat.get("reasoning_hash", ""), ""),
        grade=seat.get("grade", 0),
    )
