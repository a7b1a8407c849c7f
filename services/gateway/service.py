"""The gateway's calls."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from dearena.faults import FieldViolation, InvalidField
from dearena.names import ModelName
from dearena.v1 import gateway_pb2 as pb
from dearena.v1.gateway_pb2_grpc import GatewayServiceServicer
from services.gateway.answer_collector import AnswerCollector
from services.gateway.calls import Call, Completion, Purpose
from services.gateway.completions import Completions
from services.gateway.dimensions import Dimensions
from services.gateway.drift_notes import DriftNotes
from services.gateway.limits.endpoint_states import EndpointStates
from services.gateway.limits.key_limits import KeyLimitBook
from services.gateway.listings import Listings
from services.gateway.messages import (
    chat_of,
    message_of_completion,
    message_of_model,
    message_of_price,
    message_of_probe,
    parameters_of,
    purpose_of,
    spec_of,
)
from services.gateway.model_checks import check_parameters
from services.gateway.model_directory import ModelDirectory
from services.gateway.money.budget_book import BudgetBook
from services.gateway.money.budget_requests import key_of_request
from services.gateway.money.fit_checks import FitChecks
from services.gateway.money.ledger_sums import LedgerSums
from services.gateway.money.price_file import PriceFile
from services.gateway.permission import why_not
from services.gateway.prober import Prober
from services.gateway.registry import Registry
from services.gateway.store import Models
from services.runtime.request_names import model_name, model_revision, project_of_parent, project_slug

LONGEST_NAME = 256
"""Of what stands in the record of a call."""

MOST_PAYERS = 64

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ROLES = frozenset({"system", "user", "assistant"})


class Gateway(GatewayServiceServicer):
    """dearena.v1.GatewayService."""

    def __init__(
        self,
        *,
        registry: Registry,
        models: Models,
        directory: ModelDirectory,
        completions: Completions,
        collector: AnswerCollector,
        listings: Listings,
        dimensions: Dimensions,
        prober: Prober,
        drift_notes: DriftNotes,
        key_limits: KeyLimitBook,
        endpoint_states: EndpointStates,
        budgets: BudgetBook,
        fits: FitChecks,
        prices: PriceFile,
        ledger_sums: LedgerSums,
    ) -> None:
        self._registry = registry
        self._models = models
        self._directory = directory
        self._completions = completions
        self._collector = collector
        self._listings = listings
        self._dimensions = dimensions
        self._prober = prober
        self._drift_notes = drift_notes
        self._key_limits = key_limits
        self._endpoint_states = endpoint_states
        self._budgets = budgets
        self._fits = fits
        self._prices = prices
        self._ledger_sums = ledger_sums

    async def RegisterModel(self, request: pb.RegisterModelRequest, context: Any) -> pb.RegisterModelResponse:
        """Register, and begin to collect its answers."""
        model = await self._registry.register(request)
        if not request.validate_only:
            self._collector.ring(ModelName.parse(model.name).project)
        return pb.RegisterModelResponse(model=self._with_price(model))

    async def UpdateModel(self, request: pb.UpdateModelRequest, context: Any) -> pb.UpdateModelResponse:
        """Change; a new revision is collected from like a new model."""
        model = await self._registry.update(request)
        self._collector.ring(ModelName.parse(model.name).project)
        return pb.UpdateModelResponse(model=self._with_price(model))

    async def RetireModel(self, request: pb.RetireModelRequest, context: Any) -> pb.RetireModelResponse:
        """Retire."""
        return pb.RetireModelResponse(model=self._with_price(await self._registry.retire(request)))

    async def AskAnswersAgain(self, request: pb.AskAnswersAgainRequest, context: Any) -> pb.AskAnswersAgainResponse:
        """Let answers that failed be asked again, and begin at once."""
        response = await self._registry.ask_again(request)
        self._collector.ring(ModelName.parse(request.model).project)
        return response

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:
        """The model as it stands."""
        model = await self._models.get(model_name("name", request.name))
        message = self._with_price(message_of_model(model))
        await self._drift_notes.tell([message])
        return pb.GetModelResponse(model=message)

    async def ListModels(self, request: pb.ListModelsRequest, context: Any) -> pb.ListModelsResponse:
        """In the order of registration."""
        listed = await self._listings.models(request)
        await self._drift_notes.tell(listed.models)
        for model in listed.models:
            self._with_price(model)
        return listed

    def _with_price(self, model: pb.Model) -> pb.Model:
        """The model, told what its calls are charged at now."""
        if (price := message_of_price(self._prices.prices.of_spec(spec_of(model)))) is not None:
            model.effective_price.CopyFrom(price)
        return model

    async def Complete(self, request: pb.CompleteRequest, context: Any) -> pb.CompleteResponse:
        """Make a call once for its request id."""
        purpose = _check_call(request)
        completion = await self._complete(request, purpose)
        return pb.CompleteResponse(completion=message_of_completion(completion))

    async def _complete(self, request: pb.CompleteRequest, purpose: Purpose) -> Completion:
        revision = model_revision("model", request.model)
        model = await self._directory.get(ModelName(request.project, revision.slug))
        refused = await why_not(self._dimensions, model, revision, purpose, request.dimension)
        if refused is not None:
            return await self._completions.recorded(request.project, request.request_id, refused)
        if request.HasField("parameters"):
            parameters = parameters_of(request.parameters)
            check_parameters(parameters, "parameters")
        else:
            parameters = model.spec.answer_parameters if purpose is Purpose.ANSWER else model.spec.judge_parameters
        return await self._completions.complete(
            Call(
                project=request.project,
                model=revision,
                spec=model.spec,
                messages=chat_of(request.messages),
                parameters=parameters,
                request_id=request.request_id,
                purpose=purpose,
                dimension=request.dimension,
                query_id=request.query_id,
                response_schema=json.loads(request.response_schema) if request.response_schema else None,
                on_behalf_of=tuple(dict.fromkeys(request.on_behalf_of)),
            )
        )

    async def ListEntrants(self, request: pb.ListEntrantsRequest, context: Any) -> pb.ListEntrantsResponse:
        """In the order of admission."""
        return await self._listings.entrants(request)

    async def ListAnswers(self, request: pb.ListAnswersRequest, context: Any) -> pb.ListAnswersResponse:
        """In query id order."""
        return await self._listings.answers(request)

    async def ListLedger(self, request: pb.ListLedgerRequest, context: Any) -> pb.ListLedgerResponse:
        """In the order of starting."""
        return await self._listings.ledger(request)

    async def SummarizeLedger(self, request: pb.SummarizeLedgerRequest, context: Any) -> pb.SummarizeLedgerResponse:
        """In the order of dimension, model, purpose, for whom."""
        return await self._ledger_sums.of(request)

    async def SetBudget(self, request: pb.SetBudgetRequest, context: Any) -> pb.SetBudgetResponse:
        """In force here at once, and at every gateway within a second."""
        key = key_of_request(request.budget, request.request_id)
        await self._fits.check_budget(key, request.budget)
        asked = request.SerializeToString(deterministic=True)
        budget = await self._budgets.set(
            key, request.budget.limit, request.request_id, asked, generation=request.generation
        )
        await self._fits.tell(key.project, [budget])
        return pb.SetBudgetResponse(budget=budget)

    async def RemoveBudget(self, request: pb.RemoveBudgetRequest, context: Any) -> pb.RemoveBudgetResponse:
        """Harmless where there is none."""
        key = key_of_request(request.budget, request.request_id)
        await self._budgets.remove(key, request.request_id, request.SerializeToString(deterministic=True))
        return pb.RemoveBudgetResponse()

    async def ListBudgets(self, request: pb.ListBudgetsRequest, context: Any) -> pb.ListBudgetsResponse:
        """In the order of scope, dimension, model."""
        listed = await self._budgets.list(request)
        await self._fits.tell(project_of_parent("parent", request.parent), listed.budgets)
        return listed

    async def SetKeyLimits(self, request: pb.SetKeyLimitsRequest, context: Any) -> pb.SetKeyLimitsResponse:
        """In force at every gateway within a second."""
        return pb.SetKeyLimitsResponse(limits=await self._key_limits.set(request))

    async def ListKeyLimits(self, request: pb.ListKeyLimitsRequest, context: Any) -> pb.ListKeyLimitsResponse:
        """In the order of references."""
        return await self._key_limits.list(request)

    async def ListEndpointStates(
        self, request: pb.ListEndpointStatesRequest, context: Any
    ) -> pb.ListEndpointStatesResponse:
        """In the order of registration."""
        return await self._endpoint_states.list(request)

    async def ListProbes(self, request: pb.ListProbesRequest, context: Any) -> pb.ListProbesResponse:
        """In the order in which they were made."""
        return await self._prober.list(request)

    async def ProbeModel(self, request: pb.ProbeModelRequest, context: Any) -> pb.ProbeModelResponse:
        """Probe now."""
        model = await self._models.get(model_name("model", request.model))
        return pb.ProbeModelResponse(probe=message_of_probe(await self._prober.probe(model)))

    async def AcknowledgeDrift(self, request: pb.AcknowledgeDriftRequest, context: Any) -> pb.AcknowledgeDriftResponse:
        """Forget the note; what is there now is what the endpoint is."""
        model = await self._models.get(model_name("model", request.model))
        await self._drift_notes.acknowledge(model, request)
        message = self._with_price(message_of_model(model))
        await self._drift_notes.tell([message])
        return pb.AcknowledgeDriftResponse(model=message)


def _check_call(request: pb.CompleteRequest) -> Purpose:
    """The purpose of a well-formed request; raises InvalidField with all violations."""
    violations: list[FieldViolation] = []
    try:
        project_slug("project", request.project)
    except InvalidField as fault:
        violations += fault.violations
    if not _SHA256.fullmatch(request.request_id):
        violations.append(FieldViolation("request_id", "must be a SHA-256 in lower-case hexadecimal"))
    violations += [
        FieldViolation(field, f"must have at most {LONGEST_NAME} characters")
        for field in ("dimension", "query_id")
        if len(getattr(request, field)) > LONGEST_NAME
    ]
    if not request.messages:
        violations.append(FieldViolation("messages", "must hold at least one message"))
    if any(message.role not in _ROLES for message in request.messages):
        violations.append(FieldViolation("messages", "each role must be system, user or assistant"))
    if request.response_schema and not _is_json_object(request.response_schema):
        violations.append(FieldViolation("response_schema", "must be a JSON object"))
    violations += _payer_violations(request.on_behalf_of)
    purpose = purpose_of(request.purpose)
    if purpose is None:
        violations.append(FieldViolation("purpose", "is required"))
    if violations or purpose is None:
        raise InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)
    return purpose


def _payer_violations(payers: Sequence[str]) -> Iterator[FieldViolation]:
    if len(payers) > MOST_PAYERS:
        yield FieldViolation("on_behalf_of", f"must be at most {MOST_PAYERS} model revisions")
    for payer in payers:
        try:
            model_revision("on_behalf_of", payer)
        except InvalidField as fault:
            yield from fault.violations


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
