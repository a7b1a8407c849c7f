"""`probes`: fixed prompts are sent to every endpoint now and then, to notice when it has changed.

A revision's turns stand in `probe_turns`, and whoever moves one on in the store probes: so one gateway of many does.
One that dies in the middle loses the turn, and the next comes in its time. Sparring endpoints are of our own making,
and know no answer to prompts of no dimension: they are not probed.
"""

import asyncio
import contextvars
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog

from dearena import identity
from dearena.faults import ArenaFault, EndpointLeftAlone, ModelNotActive
from dearena.names import Revision
from dearena.v1 import gateway_pb2 as pb
from services.gateway.calls import Call, Completion, Purpose
from services.gateway.chat import Message
from services.gateway.completions import Completions
from services.gateway.documents import provenance
from services.gateway.drift import BASELINE, PARAMETERS, PROMPTS, Probe, drift, observe
from services.gateway.drift_notes import DriftNotes, turn_id
from services.gateway.messages import message_of_probe
from services.gateway.models import RegisteredModel
from services.gateway.store import PROBE_TURNS, PROBES, Models
from services.runtime import ending, paging
from services.runtime.request_names import model_name
from services.runtime.store import Document, ReturnDocument, Store, now, within_store_limit

log = structlog.get_logger(__name__)

_MILLISECOND: Final = timedelta(milliseconds=1)
_FIELDS: Final = ("number", "time", "upstream_model", "system_fingerprint", "served_by", "drift")


class Prober:
    """The probes at work in this process."""

    def __init__(
        self,
        store: Store,
        models: Models,
        completions: Completions,
        notes: DriftNotes,
        instance: str,
        *,
        every: timedelta,
    ) -> None:
        self._store = store
        self._models = models
        self._completions = completions
        self._notes = notes
        self._instance = instance
        self._every = every
        self._probes = store.collection(PROBES)
        self._turns = store.collection(PROBE_TURNS)
        self._at_work: dict[str, asyncio.Task[None]] = {}

    async def sweep(self) -> None:
        """Begin the probes whose turn it is; the first two of a revision at once, to know how steady it is."""
        if not self._every:
            return
        for project in await self._models.projects():
            models = [model for model in await self._models.list(project) if not model.spec.endpoint.sparring]
            if not models:
                continue
            async with within_store_limit(self._store):
                # By `find`: `distinct` knows no `$$NOW`.
                found = self._turns.find(
                    {"project": project, "$expr": {"$gt": ["$next_at", "$$NOW"]}}, projection={"_id": 1}
                )
                waiting = {turn["_id"] async for turn in found}
            for model in models:
                identity_of_turn = turn_id(model.name, model.revision)
                if identity_of_turn not in waiting and identity_of_turn not in self._at_work:
                    self._begin(identity_of_turn, model)

    def _begin(self, identity_of_turn: str, model: RegisteredModel) -> None:
        task = asyncio.create_task(
            self._probe_in_turn(model), name=f"probe {model.revision}", context=contextvars.Context()
        )
        self._at_work[identity_of_turn] = task
        task.add_done_callback(lambda _: self._at_work.pop(identity_of_turn))

    async def stop(self) -> None:
        """Begin no more; calls in flight go on by themselves."""
        self._every = timedelta()
        await ending.cancelled(self._at_work.values())

    async def _probe_in_turn(self, model: RegisteredModel) -> None:
        try:
            while (number := await self._take_turn(model, only_due=True)) is not None:
                await self._probe(model, number)
        except ModelNotActive:
            pass
        except ArenaFault as fault:
            log.info("endpoint is probed later", model=str(model.revision), error=str(fault))
        except Exception:
            log.exception("probing an endpoint failed", model=str(model.revision))

    async def probe(self, model: RegisteredModel) -> Probe:
        """Probe an endpoint now, whosever turn it is.

        Raises:
            ModelNotActive: the model is retired.
        """
        if not model.may_be_called(model.revision):
            raise ModelNotActive(f"{model.name} is retired")
        number = await self._take_turn(model, only_due=False)
        assert number is not None  # noqa: S101 - only a turn that is not due is not given
        return await self._probe(model, number)

    async def _take_turn(self, model: RegisteredModel, *, only_due: bool) -> int | None:
        """The number of this probe; None when its turn has not come, or another gateway has taken it."""
        wanted: Document = {"_id": turn_id(model.name, model.revision)}
        moment = now()
        async with within_store_limit(self._store):
            await self._turns.update_one(
                wanted,
                {
                    "$setOnInsert": {
                        "project": model.name.project,
                        "model": str(model.revision),
                        "number": 0,
                        "next_at": moment,
                        "drift": None,
                        **provenance(self._instance, moment),
                    }
                },
                upsert=True,
            )
            made = {"$subtract": ["$number", {"$ifNull": ["$baseline_after", 0]}]}
            every = {"$cond": [{"$lt": [made, BASELINE - 1]}, 0, self._every // _MILLISECOND]}
            turn = await self._turns.find_one_and_update(
                wanted | ({"$expr": {"$lte": ["$next_at", "$$NOW"]}} if only_due else {}),
                [{"$set": {"number": {"$add": ["$number", 1]}, "next_at": {"$add": ["$$NOW", every]}}}],
                return_document=ReturnDocument.AFTER,
            )
        return int(turn["number"]) if turn else None

    async def _probe(self, model: RegisteredModel, number: int) -> Probe:
        completions = await asyncio.gather(*(self._complete(_call(model, number, prompt)) for prompt in PROMPTS))
        seen = observe(model.revision, number, now(), [one.reply if one else None for one in completions])
        baseline = await self._baseline(model, number)
        difference = drift(baseline, seen)
        document: Document = {name: getattr(seen, name) for name in _FIELDS} | {
            "_id": f"{turn_id(model.name, model.revision)}/{number}",
            "project": model.name.project,
            "slug": model.name.slug,
            "model": str(model.revision),
            "place": f"{model.revision.number:09}/{number:09}",
            "reply_hashes": list(seen.reply_hashes),
            "answered": any(seen.reply_hashes),
            "failures": sorted(set(_failures(completions))),
            "drift": difference,
            **provenance(self._instance, seen.time),
        }
        async with within_store_limit(self._store):
            await self._probes.insert_one(document)
        made = _probe_of(document)
        if difference:
            await self._notes.differs(model, made)
        elif len(baseline) == BASELINE and all(made.reply_hashes):
            await self._notes.is_as_before(model, made)
        return made

    async def _complete(self, call: Call) -> Completion | None:
        try:
            return await self._completions.complete(call)
        except EndpointLeftAlone:
            return None  # it does not reply, as one that was asked and is away

    async def _baseline(self, model: RegisteredModel, number: int) -> Sequence[Probe]:
        async with within_store_limit(self._store):
            turn = await self._turns.find_one({"_id": turn_id(model.name, model.revision)}, {"baseline_after": 1})
            wanted = {
                "project": model.name.project,
                "slug": model.name.slug,
                "model": str(model.revision),
                "answered": True,
                "number": {"$gt": (turn or {}).get("baseline_after", 0), "$lt": number},
            }
            found = self._probes.find(wanted).sort("number", 1).limit(BASELINE)
            return [_probe_of(document) async for document in found]

    async def list(self, request: pb.ListProbesRequest) -> pb.ListProbesResponse:
        """Probes of a model in the order in which they were made."""
        name = model_name("model", request.model)
        scope = ("probes", str(name))
        size = paging.size_of(request.page_size)
        wanted: Document = {"project": name.project, "slug": name.slug}
        if after := paging.after_of(scope, request.page_token):
            wanted["place"] = {"$gt": after}
        async with within_store_limit(self._store):
            found = await self._probes.find(wanted).sort("place", 1).limit(size + 1).to_list(size + 1)
        return pb.ListProbesResponse(
            probes=[message_of_probe(_probe_of(document)) for document in found[:size]],
            next_page_token=paging.token_of(scope, found[size - 1]["place"]) if len(found) > size else "",
        )


def _call(model: RegisteredModel, number: int, prompt: str) -> Call:
    request_id = identity.digest_of(
        {
            "purpose": "probe",
            "project": model.name.project,
            "model": str(model.revision),
            "number": number,
            "prompt": prompt,
        }
    )
    return Call(
        project=model.name.project,
        model=model.revision,
        spec=model.spec,
        messages=[Message("user", prompt)],
        parameters=PARAMETERS,
        request_id=request_id,
        purpose=Purpose.PROBE,
    )


def _failures(completions: Iterable[Completion | None]) -> Iterable[str]:
    return (str(completion.failure.kind) for completion in completions if completion and completion.failure)


def _probe_of(document: Any) -> Probe:
    return Probe(
        model=Revision.parse(document["model"]),
        reply_hashes=tuple(document["reply_hashes"]),
        **{name: document[name] for name in _FIELDS},
    )
