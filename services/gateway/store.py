"""The gateway's collections, and the one of them that holds the models.

`models`: one document a model, with all its revisions. `completions`: one a paid call (completion_log.py).
`answers` and `entrants`: one an answer, and one a model revision whose answers to a dimension version are
all recorded (answer_log.py). `entrances`: in which trace each revision's insertion is (entrance_book.py).
`budgets`: one the most that calls may cost (money/budget_book.py).
The other collections serve these: the outbox, results of requests, counters,
and leases of gateway processes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dearena.faults import AlreadyExists, Conflict, UnknownModel
from dearena.names import ModelName
from services.gateway.documents import document_of_model, model_of, provenance
from services.gateway.models import RegisteredModel
from services.runtime.store import (
    Document,
    DuplicateKey,
    Index,
    ReturnDocument,
    Session,
    Store,
    within_store_limit,
)

MODELS: Final = "models"
ANSWERS: Final = "answers"
ENTRANTS: Final = "entrants"
ENTRANCES: Final = "entrances"
COMPLETIONS: Final = "completions"
OUTBOX: Final = "gateway_outbox"
RESULTS: Final = "gateway_results"
COUNTERS: Final = "gateway_counters"
BUDGETS: Final = "budgets"
INSTANCES: Final = "gateway_instances"
PROBES: Final = "probes"
PROBE_TURNS: Final = "probe_turns"

SUM_SECONDS: Final = 300.0
"""For a sum over the record of calls, which grows without end: some 30 microseconds a call of 1 kB, where mongod has
one busy core."""

_ENTRANT_KEY = ("project", "dimension", "dimension_version", "model")

INDEXES: Final[Mapping[str, Sequence[Index]]] = {
    MODELS: [Index(("project", "slug"), unique=True), Index(("project", "registration"))],
    ANSWERS: [
        Index((*_ENTRANT_KEY, "query_id"), unique=True),
        Index(
            ("project", "dimension", "dimension_version", "ask_again_at"), partial={"ask_again_at": {"$exists": True}}
        ),
    ],
    ENTRANTS: [Index(_ENTRANT_KEY, unique=True)],
    ENTRANCES: [
        Index(("project", "model", "dimension", "dimension_version"), unique=True),
        Index(("project", "dimension", "dimension_version")),
    ],
    # `_id` is project and request id, so that the insert of a call is also the look-up.
    COMPLETIONS: [
        Index(("project", "started_at", "request_id")),
        Index(("owner",), partial={"state": "STARTED"}),
        Index(("charges.account",), partial={"charges.account": {"$exists": True}}),
        Index(("project", "started_at", "request_id", "interruptions"), partial={"interruptions": {"$gt": 0}}),
    ],
    # `_id` is project, scope, dimension and model.
    BUDGETS: [Index(("project",))],
    PROBES: [Index(("project", "slug", "place"), unique=True)],
    PROBE_TURNS: [Index(("project", "next_at"))],
    OUTBOX: [Index(("created_at",), partial={"waiting": True})],
}


async def count_up(store: Store, counter: str, session: Session) -> int:
    """The next number of a counter, 1 for the first; gaps stay where transactions fail."""
    counters = store.collection(COUNTERS)
    document: Document = await counters.find_one_and_update(
        {"_id": counter},
        {"$inc": {"value": 1}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
        session=session,
    )
    value: int = document["value"]
    return value


class Models:
    """Registered models, as they are kept."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._models = store.collection(MODELS)

    async def get(self, name: ModelName, session: Session | None = None) -> RegisteredModel:
        """A model; raises UnknownModel."""
        if found := await self.find(name, session):
            return found
        raise UnknownModel(f"there is no model {name}")

    async def find(self, name: ModelName, session: Session | None = None) -> RegisteredModel | None:
        """A model, or None."""
        async with within_store_limit(self._store):
            document = await self._models.find_one({"project": name.project, "slug": name.slug}, session=session)
        return model_of(document) if document else None

    async def next_order(self, project: str, session: Session) -> int:
        """The place of a further revision in the project's order of admission."""
        return await count_up(self._store, f"registrations/{project}", session)

    async def insert(self, model: RegisteredModel, session: Session) -> None:
        """Add a model; raises AlreadyExists."""
        document = document_of_model(model) | provenance(self._instance, model.created_at)
        try:
            await self._models.insert_one(document, session=session)
        except DuplicateKey as error:
            raise AlreadyExists(f"there is a model {model.name} already") from error

    async def replace(self, before: RegisteredModel, after: RegisteredModel, session: Session) -> None:
        """Change a model that has not changed meanwhile; raises Conflict."""
        changes = document_of_model(after)
        del changes["announced_revision"]  # the relay's alone
        found = await self._models.update_one(
            {"project": before.name.project, "slug": before.name.slug, "version": before.version},
            {"$set": changes},
            session=session,
        )
        if found.matched_count == 0:
            raise Conflict(f"{before.name} was changed at the same time; try again")

    async def announced(self, project: str, slug: str, revision: int) -> None:
        """Note that the bus has taken the news of a revision; harmless when repeated."""
        async with within_store_limit(self._store):
            await self._models.update_one(
                {"project": project, "slug": slug}, {"$max": {"announced_revision": revision}}
            )

    async def list(
        self, project: str, *, retired: bool = False, after: int = 0, limit: int = 0
    ) -> Sequence[RegisteredModel]:
        """Models of a project in the order of their registration.

        Args:
            project: whose.
            retired: retired ones too.
            after: registration number of the last one known.
            limit: at most so many; 0 for all.
        """
        wanted: dict[str, Any] = {"project": project, "registration": {"$gt": after}}
        if not retired:
            wanted["retired_at"] = None
        async with within_store_limit(self._store):
            found = self._models.find(wanted).sort("registration", 1).limit(limit)
            return [model_of(document) async for document in found]

    async def retired_of(self, models: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
        """Those of them that are retired; each a project and a slug."""
        slugs: defaultdict[str, list[str]] = defaultdict(list)
        for project, slug in models:
            slugs[project].append(slug)
        wanted = [{"project": project, "slug": {"$in": some}} for project, some in slugs.items()]
        if not wanted:
            return []
        async with within_store_limit(self._store):
            found = self._models.find({"$or": wanted, "retired_at": {"$ne": None}}, {"project": 1, "slug": 1})
            return [(one["project"], one["slug"]) async for one in found]

    async def projects(self) -> Sequence[str]:
        """Projects with models in force, in order."""
        async with within_store_limit(self._store):
            return sorted(await self._models.distinct("project", {"retired_at": None}))
