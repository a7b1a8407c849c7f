"""Lists of what the gateway knows: models, entrants, answers, the ledger."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dearena.budgets import exhausted, misfit
from dearena.faults import InvalidCursor, InvalidField
from dearena.names import DimensionName, Revision
from dearena.v1 import gateway_pb2 as pb
from services.gateway.answer_log import AnswerLog, EntrantKey
from services.gateway.calls import CompletionState, Purpose
from services.gateway.dimensions import Dimensions, DimensionVersion
from services.gateway.entrance_book import EntranceBook
from services.gateway.entrants import EntrantState, cohort_of
from services.gateway.messages import message_of_answer, message_of_ledger_entry, message_of_model
from services.gateway.models import EntrantRevision, RegisteredModel
from services.gateway.money.budget_book import BudgetBook
from services.gateway.money.budgets import BudgetKey, KnownBudget, exhausted_ones, parts_of
from services.gateway.money.fits import misfits_in
from services.gateway.money.price_file import PriceFile
from services.gateway.money.price_list import PriceList
from services.gateway.store import COMPLETIONS, Models
from services.runtime import paging
from services.runtime.request_names import dimension_name, dimension_slug, model_revision, project_of_parent
from services.runtime.store import Document, Store, within_store_limit

PAGE_BYTES: Final = 2 * 1024 * 1024
"""Texts of one page: with the largest reply on top it fits what a gRPC client takes, 4 MiB unless told otherwise."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


LeftAlone = Callable[[str, Sequence[str]], Awaitable[Mapping[str, str]]]
"""Of a project's models those whose endpoints are left alone, and why."""


class Listings:
    """Reads only."""

    def __init__(
        self,
        store: Store,
        models: Models,
        dimensions: Dimensions,
        answers: AnswerLog,
        entrances: EntranceBook,
        budgets: BudgetBook,
        prices: PriceFile,
        left_alone: LeftAlone,
    ) -> None:
        self._store = store
        self._models = models
        self._dimensions = dimensions
        self._answers = answers
        self._entrances = entrances
        self._budgets = budgets
        self._prices = prices
        self._left_alone = left_alone
        self._completions = store.collection(COMPLETIONS)

    async def models(self, request: pb.ListModelsRequest) -> pb.ListModelsResponse:
        """In the order of registration."""
        project = project_of_parent("parent", request.parent)
        scope = ("models", project, int(request.show_retired))
        size = paging.size_of(request.page_size)
        after = paging.after_of(scope, request.page_token)
        found = await self._models.list(
            project, retired=request.show_retired, after=number_of_token(after) if after else 0, limit=size + 1
        )
        more = len(found) > size
        return pb.ListModelsResponse(
            models=[message_of_model(model) for model in found[:size]],
            next_page_token=paging.token_of(scope, str(found[size - 1].revisions[0].order)) if more else "",
        )

    async def entrants(self, request: pb.ListEntrantsRequest) -> pb.ListEntrantsResponse:
        """Every revision that was ever registered, in order of admission, as it stands in the dimension."""
        name = dimension_name("dimension", request.dimension)
        dimension = await self._dimensions.version(name, request.dimension_version)
        models = await self._models.list(name.project, retired=True)
        concluded = await self._answers.concluded(name, dimension.version)
        revisions = sorted(
            ((revision, model) for model in models for revision in model.revisions), key=lambda pair: pair[0].order
        )
        open_ones = [one for revision, model in revisions if (one := _slug_at(model, revision)) not in concluded]
        progress = await self._answers.progress(name, dimension.version, open_ones)
        entered = await self._entrances.of(name, dimension.version)
        known = await self._budgets.of(name.project)
        unfinished = [model.name.slug for model in models if str(model.revision) in open_ones and not model.retired_at]
        left_alone = await self._left_alone(name.project, unfinished)
        return pb.ListEntrantsResponse(
            entrants=[
                _entrant(
                    model,
                    revision,
                    dimension,
                    concluded,
                    progress,
                    entered,
                    _waits_for(known, model, revision, name, self._prices.prices)
                    or left_alone.get(model.name.slug, "")
                    or _asked_again(progress.get(_slug_at(model, revision), {})),
                )
                for revision, model in revisions
                if dimension.admits(model.name.slug, model.spec.provider)
            ]
        )

    async def answers(self, request: pb.ListAnswersRequest) -> pb.ListAnswersResponse:
        """In query id order; pages are shorter where texts are long."""
        name = dimension_name("dimension", request.dimension)
        revision = model_revision("model", request.model)
        version = request.dimension_version or (await self._dimensions.version(name, 0)).version
        scope = ("answers", str(name), version, str(revision), int(request.hashes_only))
        found, more = await self._answers.page(
            EntrantKey(name, version, revision),
            after=paging.after_of(scope, request.page_token),
            limit=paging.size_of(request.page_size),
            largest_bytes=PAGE_BYTES,
            with_texts=not request.hashes_only,
        )
        return pb.ListAnswersResponse(
            answers=[message_of_answer(answer) for answer in found],
            next_page_token=paging.token_of(scope, found[-1]["query_id"]) if more else "",
        )

    async def ledger(self, request: pb.ListLedgerRequest) -> pb.ListLedgerResponse:
        """In the order in which the calls started, those of one millisecond by request id."""
        project = project_of_parent("parent", request.parent)
        wanted: Document = {"project": project}
        if request.state:
            wanted["state"] = _state("state", request.state)
        if request.interrupted_only:
            wanted["interruptions"] = {"$gt": 0}
        if request.dimension:
            wanted["dimension"] = dimension_slug(project, request.dimension)
        scope = ("ledger", project, request.state, int(request.interrupted_only), request.dimension)
        size = paging.size_of(request.page_size)
        if after := paging.after_of(scope, request.page_token):
            wanted |= _after(after)
        async with within_store_limit(self._store):
            cursor = self._completions.find(wanted, projection={"reply.text": 0, "reply.reasoning": 0})
            found = await cursor.sort([("started_at", 1), ("request_id", 1)]).limit(size + 1).to_list(size + 1)
        more = len(found) > size
        return pb.ListLedgerResponse(
            entries=[message_of_ledger_entry(record) for record in found[:size]],
            next_page_token=paging.token_of(scope, _sort_key(found[size - 1])) if more else "",
        )


def _entrant(
    model: RegisteredModel,
    revision: EntrantRevision,
    dimension: DimensionVersion,
    concluded: dict[str, Document],
    progress: dict[str, Document],
    entered: Mapping[str, str],
    waits_for: str,
) -> pb.Entrant:
    name = _slug_at(model, revision)
    standing = concluded.get(name)
    counts = standing or progress.get(name, {})
    if model.retired_at is not None:
        state, reason = EntrantState.RETIRED, "the model is retired"
    elif revision.number != model.revision.number:
        state, reason = EntrantState.RETIRED, f"superseded by {model.revision}"
    elif standing:
        state, reason = EntrantState(standing["state"]), standing["reason"]
    else:
        state, reason = EntrantState.COLLECTING, waits_for
    return pb.Entrant(
        model=name,
        state=pb.EntrantState.Value(f"ENTRANT_STATE_{state}"),
        reason=reason,
        cohort=cohort_of(revision.cohort, name),
        family=model.spec.family,
        provider=model.spec.provider,
        may_judge=model.spec.may_judge,
        judge_parameters_hash=revision.judge_parameters_hash,
        answers_usable=counts.get("answers_usable", 0),
        answers_recorded=counts.get("answers_recorded", 0),
        queries=len(dimension.queries),
        traceparent=entered.get(name, revision.traceparent),
    )


def _waits_for(
    known: Mapping[BudgetKey, KnownBudget],
    model: RegisteredModel,
    revision: EntrantRevision,
    dimension: DimensionName,
    prices: PriceList,
) -> str:
    """For which budgets the model's answers wait, and why; empty where they wait for none."""
    slug, payer = model.name.slug, _slug_at(model, revision)
    parts = parts_of(known, dimension.project, dimension.slug, slug, [payer])
    misfits = misfits_in(known, parts, slug, model.spec, prices, [Purpose.ANSWER])
    reasons = (exhausted(exhausted_ones(known, parts)), misfit(misfits))
    return "; ".join(reason for reason in reasons if reason)


def _asked_again(progress: Document) -> str:
    """That answers failed for a reason that may pass; empty where none did."""
    if not (count := progress.get("answers_later", 0)):
        return ""
    answers = "1 answer failed, and is" if count == 1 else f"{count} answers failed, and are"
    return f"{answers} asked again in a while ({progress['reason_later']})"


def _slug_at(model: RegisteredModel, revision: EntrantRevision) -> str:
    return str(Revision(model.name.slug, revision.number))


def _sort_key(record: Document) -> str:
    return f"{(record['started_at'] - _EPOCH) // _MILLISECOND}/{record['request_id']}"


def _after(sort_key: str) -> Document:
    milliseconds, _, request_id = sort_key.partition("/")
    moment = _EPOCH + number_of_token(milliseconds) * _MILLISECOND
    return {"$or": [{"started_at": {"$gt": moment}}, {"started_at": moment, "request_id": {"$gt": request_id}}]}


def number_of_token(text: str) -> int:
    """The number in a page token; raises InvalidCursor."""
    try:
        return int(text)
    except ValueError as error:
        raise InvalidCursor("page_token: not a token that this list gave out") from error


def _state(field: str, state: Any) -> str:
    if state not in pb.CompletionState.values():
        raise InvalidField.of(field, "is not a state that is known here")
    return str(CompletionState(pb.CompletionState.Name(state).removeprefix("COMPLETION_STATE_")))
