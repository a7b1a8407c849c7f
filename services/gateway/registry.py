"""Registering, changing and retiring models: each change once for its request id, with its news in one transaction."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any

from dearena.faults import AlreadyExists, EtagMismatch, FieldViolation, InvalidField, ModelNotActive
from dearena.names import ModelName
from dearena.v1 import gateway_pb2 as pb
from dearena.v1.events_pb2 import ModelRegistered
from services.gateway import models as domain
from services.gateway.answer_log import AnswerLog
from services.gateway.messages import message_of_model, spec_of
from services.gateway.model_checks import check_spec
from services.gateway.model_directory import ModelDirectory
from services.gateway.models import ModelSpec, RegisteredModel
from services.gateway.money.fit_checks import CheckModel
from services.gateway.outbox import Outbox
from services.gateway.store import RESULTS, Models
from services.runtime import semantics, subjects, telemetry
from services.runtime.bus import envelope
from services.runtime.request_names import dimension_slug, model_name, scoped_request_id
from services.runtime.store import Session, Store, earlier, now, once, within_store_limit

Change = pb.RegisterModelRequest | pb.UpdateModelRequest | pb.RetireModelRequest | pb.AskAnswersAgainRequest
Body = Callable[[Session], Coroutine[Any, Any, bytes]]


class Registry:
    """Changes models."""

    def __init__(
        self,
        store: Store,
        models: Models,
        directory: ModelDirectory,
        outbox: Outbox,
        answers: AnswerLog,
        *,
        check_policy: Callable[[ModelSpec], None],
        look_at_budgets: Callable[[str], Awaitable[CheckModel]],
        announce_wait: timedelta,
    ) -> None:
        self._store = store
        self._models = models
        self._directory = directory
        self._outbox = outbox
        self._answers = answers
        self._check_policy = check_policy
        self._look_at_budgets = look_at_budgets
        self._announce_wait = announce_wait
        self._results = store.collection(RESULTS)

    async def register(self, request: pb.RegisterModelRequest) -> pb.Model:
        """Store a new model and its news, and wait a moment for the bus to take it."""
        name = model_name("model.name", request.model.name)
        spec = spec_of(request.model)
        check_spec(spec)
        self._check_policy(spec)
        if request.validate_only:
            check_budgets = await self._look_at_budgets(name.project)
            check_budgets(name, None, spec)
            if await self._models.find(name):
                raise AlreadyExists(f"there is a model {name} already")
            return message_of_model(domain.register(name, spec, order=0, moment=now(), traceparent=""))
        if (result := await self._earlier("RegisterModel", name.project, request)) is not None:
            return await self._when_announced(name, result)
        # The query selector may take its time, which no transaction has.
        check_budgets = await self._look_at_budgets(name.project)
        telemetry.describe(_of_insertion(name))
        moment, traceparent = now(), telemetry.current_traceparent()

        async def body(session: Session) -> bytes:
            check_budgets(name, None, spec)
            order = await self._models.next_order(name.project, session)
            model = domain.register(name, spec, order=order, moment=moment, traceparent=traceparent)
            await self._models.insert(model, session)
            await self._tell_of_revision(model, session)
            return message_of_model(model).SerializeToString()

        result = await self._once("RegisterModel", name.project, request, body)
        return await self._when_announced(name, result)

    async def update(self, request: pb.UpdateModelRequest) -> pb.Model:
        """Change the fields named by the mask; a new revision where that changes what answers."""
        name = model_name("model.name", request.model.name)
        paths = list(request.update_mask.paths)
        if not paths:
            raise InvalidField.of("update_mask", "must name the fields to change")
        proposed = spec_of(request.model)
        if (result := await self._earlier("UpdateModel", name.project, request)) is not None:
            return await self._when_announced(name, result)
        check_budgets = await self._look_at_budgets(name.project)
        telemetry.describe(_of_insertion(name))
        moment, traceparent = now(), telemetry.current_traceparent()

        async def body(session: Session) -> bytes:
            model = await self._models.get(name, session)
            _check_etag(model, request.model.etag)
            spec = _changed(model.spec, proposed, paths)
            after = domain.amend(model, spec, moment=moment)
            if after is not model:
                if spec.endpoint != model.spec.endpoint:
                    # A model may be older than today's policy; its price can be changed all the same.
                    self._check_policy(spec)
                check_budgets(name, model.spec, spec)
                if domain.makes_new_revision(model.spec, spec):
                    order = await self._models.next_order(name.project, session)
                    after = domain.revise(after, order=order, traceparent=traceparent)
                    await self._tell_of_revision(after, session)
                await self._models.replace(model, after, session)
            if after.revision == model.revision and domain.may_mend_failures(paths):
                await self._answers.ask_failed_anew(name, after.revision, session)
            return message_of_model(after).SerializeToString()

        result = await self._once("UpdateModel", name.project, request, body)
        return await self._when_announced(name, result)

    async def retire(self, request: pb.RetireModelRequest) -> pb.Model:
        """Retire a model; harmless when it is retired."""
        name = model_name("name", request.name)
        moment = now()

        async def body(session: Session) -> bytes:
            model = await self._models.get(name, session)
            _check_etag(model, request.etag)
            after = domain.retire(model, moment=moment)
            if after is not model:
                await self._models.replace(model, after, session)
            return message_of_model(after).SerializeToString()

        result = await self._once("RetireModel", name.project, request, body)
        self._directory.forget(name)
        return pb.Model.FromString(result)

    async def ask_again(self, request: pb.AskAnswersAgainRequest) -> pb.AskAnswersAgainResponse:
        """Let the answers that failed be asked again wherever the revision in force is not ready."""
        name = model_name("model", request.model)
        dimension = dimension_slug(name.project, request.dimension) if request.dimension else ""

        async def body(session: Session) -> bytes:
            model = await self._models.get(name, session)
            if not model.may_be_called(model.revision):
                raise ModelNotActive(f"{name} is retired")
            count = await self._answers.ask_failed_anew(name, model.revision, session, dimension=dimension)
            return pb.AskAnswersAgainResponse(answers=count).SerializeToString()

        return pb.AskAnswersAgainResponse.FromString(await self._once("AskAnswersAgain", name.project, request, body))

    async def _earlier(self, method: str, project: str, request: Change) -> bytes | None:
        """The result that a request id has by now; for changes with something to ask of others before."""
        async with within_store_limit(self._store):
            return await earlier(self._results, _scoped(method, project, request), _said(request))

    async def _once(self, method: str, project: str, request: Change, body: Body) -> bytes:
        async with within_store_limit(self._store):
            return await once(self._store, self._results, _scoped(method, project, request), _said(request), body)

    async def _tell_of_revision(self, model: RegisteredModel, session: Session) -> None:
        event = envelope(
            _event_id(model.name, model.revision.number),
            model.name.project,
            sequence=model.revisions[-1].order,
            model_registered=ModelRegistered(model=str(model.revision)),
        )
        await self._outbox.add(
            session,
            subjects.model_registered(model.name.project, model.name.slug),
            event,
            traceparent=model.revisions[-1].traceparent,
            announces=(model.name, model.revision.number),
        )

    async def _when_announced(self, name: ModelName, result: bytes) -> pb.Model:
        """The result of a change, its state as it is after a moment's wait for the bus."""
        self._directory.forget(name)
        model = pb.Model.FromString(result)
        if model.state == pb.MODEL_STATE_WAITING_FOR_BUS and await self._outbox.relayed(
            _event_id(name, model.revision), within=self._announce_wait
        ):
            model.state = pb.MODEL_STATE_ACTIVE
        return model


def _of_insertion(name: ModelName) -> telemetry.Attributes:
    """Marks the call as the beginning of what follows from it, findable by its model."""
    return {semantics.TRACE: semantics.INSERTION, semantics.PROJECT: name.project, semantics.MODEL: name.slug}


def _scoped(method: str, project: str, request: Change) -> str:
    """The request id of a change, as results are known by; empty where it has none."""
    return scoped_request_id(project, method, request.request_id)


def _said(request: Change) -> bytes:
    return request.SerializeToString(deterministic=True)


def _event_id(name: ModelName, revision: int) -> str:
    return f"model.registered/{name.project}/{name.slug}@{revision}"


def _check_etag(model: RegisteredModel, etag: str) -> None:
    if etag and etag != model.etag:
        raise EtagMismatch(f"{model.name} has changed since it was read")


def _changed(current: ModelSpec, proposed: ModelSpec, paths: Iterable[str]) -> ModelSpec:
    try:
        spec = domain.changed(current, proposed, paths)
    except domain.UnknownPath as error:
        raise InvalidField(f"update_mask: {error}", [FieldViolation("update_mask", str(error))]) from error
    check_spec(spec)
    return spec
