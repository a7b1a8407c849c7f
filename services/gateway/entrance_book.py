"""`entrances`: in which trace each entrant's insertion is, decided once, before its first answer is collected.

Whoever collects, after a restart or in another gateway, goes on in the trace that is written here; and the ranker
is told of it with the entrant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry import trace

from dearena.names import DimensionName
from services.gateway.answer_log import EntrantKey
from services.gateway.documents import provenance
from services.gateway.entrances import ANSWERS_A_TRACE, Place, places
from services.gateway.store import ENTRANCES, count_up
from services.runtime import semantics, telemetry
from services.runtime.store import Document, Session, Store, now, within_store_limit

_INSERTION: Final = {semantics.TRACE: semantics.INSERTION}


@dataclass(frozen=True, slots=True)
class Entrance:
    """The trace of an entrant's insertion."""

    traceparent: str
    """Of the registration, or of the root of a trace of its own; empty without tracing."""
    answers: int
    """So many are collected in it."""
    new: bool = False
    """Decided just now: nobody has begun to collect."""


class EntranceBook:
    """Decides, and looks up."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._entrances = store.collection(ENTRANCES)

    async def claim(self, registered: str, wanted: Mapping[EntrantKey, int]) -> dict[EntrantKey, Entrance]:
        """The traces of entrants of one revision; those not decided yet are, in one transaction.

        Args:
            registered: traceparent of the revision's registration.
            wanted: how many queries there are, by entrant, in the order in which they enter.

        Raises:
            StoreUnavailable: nothing was decided, or nobody knows.
            Conflict: likewise, for others decided at the same time.
        """
        if not telemetry.is_recorded(registered):
            return dict.fromkeys(wanted, Entrance(registered, ANSWERS_A_TRACE, new=True))
        async with within_store_limit(self._store):
            known = await self._of_revision(next(iter(wanted)), None)
            if all(key in known for key in wanted):
                return {key: _entrance(known[key]) for key in wanted}
            found, begun = await self._store.run_transaction(lambda session: self._decide(registered, wanted, session))
        # Only now: an attempt that came to nothing must leave nothing in a trace. Spans that do not end are not told.
        for span in begun:
            span.end()
        return found

    async def _decide(
        self, registered: str, wanted: Mapping[EntrantKey, int], session: Session
    ) -> tuple[dict[EntrantKey, Entrance], list[trace.Span]]:
        one = next(iter(wanted))
        # The count makes decisions over one revision follow one another.
        await count_up(self._store, f"entrances/{one.dimension.project}/{one.model}", session)
        known = await self._of_revision(one, session)
        found = {key: _entrance(known[key]) for key in wanted if key in known}
        missing = [key for key in wanted if key not in known]
        documents: list[Document] = []
        begun: list[trace.Span] = []
        before = [Place(document["apart"], document["answers"]) for document in known.values()]
        for key, place in zip(missing, places(before, [wanted[key] for key in missing]), strict=True):
            traceparent = registered
            if place.apart:
                spans = telemetry.part(registered, "enter dimension", "insertion", _INSERTION | attributes_of(key))
                begun += spans
                traceparent = telemetry.traceparent_of(spans[1]) or registered
            said = {"apart": place.apart, "answers": place.answers, "traceparent": traceparent}
            documents.append({**key.document(), **said, **provenance(self._instance, now())})
            found[key] = Entrance(traceparent, place.answers, new=True)
        if documents:
            await self._entrances.insert_many(documents, session=session)
        return found, begun

    async def _of_revision(self, one: EntrantKey, session: Session | None) -> dict[EntrantKey, Document]:
        project = one.dimension.project
        entered = self._entrances.find({"project": project, "model": str(one.model)}, session=session)
        return {
            EntrantKey(DimensionName(project, found["dimension"]), found["dimension_version"], one.model): found
            async for found in entered
        }

    async def of(self, dimension: DimensionName, version: int) -> dict[str, str]:
        """Traceparents of all entrants of a dimension version, by model revision; none of those without tracing."""
        wanted = {"project": dimension.project, "dimension": dimension.slug, "dimension_version": version}
        async with within_store_limit(self._store):
            found = self._entrances.find(wanted, projection={"model": 1, "traceparent": 1})
            return {document["model"]: document["traceparent"] async for document in found}


def _entrance(document: Document) -> Entrance:
    return Entrance(document["traceparent"], document["answers"])


def attributes_of(key: EntrantKey) -> dict[str, str]:
    """The attributes of spans that name an entrant."""
    return {
        semantics.PROJECT: key.dimension.project,
        semantics.DIMENSION: key.dimension.slug,
        semantics.MODEL: str(key.model),
    }
