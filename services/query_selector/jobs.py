"""A selection as a job: how far the choice of a dimension's queries is, and what comes next. Pure.

A dimension's queries are chosen by a pilot, which is a dimension of its own: a few models answer a part of the pool
and judge one another. Whoever holds a job takes its next step (`pilot_steps`) and writes the job down; it may die
before or after any of this, and another may do the same at the same time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from typing import Any, Final

from dearena.names import DimensionName
from dearena.ranking.defaults import DEFAULT_CAP
from dearena.selection.allocation import FIRST_QUERIES_A_PLACE, PilotPlan, look_of
from dearena.selection.growth import first_part
from dearena.selection.lots import drawn
from services.query_selector.pilot_settings import LEAST_MODELS
from services.query_selector.ranking_settings import CAPS, Money

MOST_DRAWN_MODELS: Final = 10
MOST_CELLS_AN_ORDER: Final = 5_000
"""As the ranker takes them."""
ORDERS: Final = 8
"""Into how many orders a pilot's cells are parted, about: each is decided by what the earlier ones have brought, and
each costs a round."""
SEEDING_SHARE: Final = 0.5
"""Of the cells, at most, for ranking the pilot's models at first, where the jury's least cap lets that be."""


class Stage(StrEnum):
    """As in the contract."""

    WAITING_FOR_MODELS = "WAITING_FOR_MODELS"
    PILOTING = "PILOTING"
    CHOOSING = "CHOOSING"
    DONE = "DONE"
    FAILED = "FAILED"


OVER: Final = (Stage.DONE, Stage.FAILED)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a pilot has heard and taken, when somebody last looked.

    Attributes:
        cells: with an outcome, canaries aside; `votes` of them can be read, on `heard_queries` queries.
        open_queries: those of which it is not yet clear whether to take them.
        spent: nano-units by currency, answers and judging together.
    """

    cells: int = 0
    votes: int = 0
    heard_queries: int = 0
    open_queries: int = 0
    judge_calls: int = 0
    spent: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Growth:
    """When a pilot went on to more of its pool.

    Attributes:
        pilot: slug of the dimension that was asked until then; it is closed, and what it has heard counts.
        queries: looked at until then, in all.
        seeded: number of its round after which its models were ranked.
        cells: asked until then, in all.
        why: for a person.
        at: moment.
    """

    pilot: str
    queries: int
    seeded: int
    cells: int
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """One choice of a dimension version's queries.

    Attributes:
        pool_id: under which the pool's questions are kept.
        wished_models: slugs; empty: drawn.
        most_judge_calls: 0 until the models are known, unless they were given.
        piloted_queries: that are looked at, in all: the first of the pool by lot. Until the models are known, what was
            given as the most.
        most_queries: that may be looked at; 0 until the models are known.
        budget: of answers and judging together; `budget_set` is what the gateway was told.
        models: slugs, once they are chosen.
        pilots: slugs of the pilot's dimensions, as far as they are made; the last one is in force.
        grown: how it went on from part to part of the pool.
        attempt: number of the one that is in force, or is to be made.
        opened: number of the newest that is answered and ranked; those after it are not yet.
        seeded: number of the round after which all models were ranked; None before.
        failing: slugs of models that have failed to answer, and since when; cleared once they are ready.
        orders: of comparisons, begun; `given` are the ranker's numbers of those that it has taken. To go on to more of
            the pool counts as one, with the number 0.
        stopping: somebody wants the choice now.
        reasons_id: under which the reasons are kept, once it is done.
        version: grows with every change.
    """

    project: str
    dimension: str
    dimension_version: int
    pool_id: str
    method: str
    k: int
    seed: int
    seats: int
    wished_models: tuple[str, ...] = ()
    most_judge_calls: int = 0
    piloted_queries: int = 0
    most_queries: int = 0
    budget: Money | None = None
    budget_set: Money | None = None
    stage: Stage = Stage.WAITING_FOR_MODELS
    models: tuple[str, ...] = ()
    pilots: tuple[str, ...] = ()
    grown: tuple[Growth, ...] = ()
    attempt: int = 1
    opened: int = 0
    seeded: int | None = None
    failing: Mapping[str, datetime] = field(default_factory=dict)
    orders: int = 0
    given: tuple[int, ...] = ()
    stopping: bool = False
    failure: str = ""
    waiting_reason: str = ""
    figures: Figures = field(default_factory=Figures)
    reasons_id: str = ""
    traceparent: str = ""
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def name(self) -> DimensionName:
        """Of the dimension."""
        return DimensionName(self.project, self.dimension)

    @property
    def pilot(self) -> DimensionName:
        """Of the pilot's newest dimension."""
        return DimensionName(self.project, self.pilots[-1])

    @property
    def heard_pilots(self) -> tuple[str, ...]:
        """Those whose votes count: one a part of the pool. The newest may not be made yet."""
        newest = self.pilots[-1:] if len(self.pilots) >= self.attempt else ()
        return (*(one.pilot for one in self.grown), *newest)

    @property
    def part_begins(self) -> int:
        """Queries of the earlier parts."""
        return self.grown[-1].queries if self.grown else 0

    @property
    def part(self) -> int:
        """Queries of the newest part."""
        return self.piloted_queries - self.part_begins

    @property
    def is_over(self) -> bool:
        """Whether it does not go on by itself."""
        return self.stage in OVER

    @property
    def order_given(self) -> int:
        """Number of the last order of the newest pilot that the ranker has taken; 0: none."""
        return self.given[-1] if self.given else 0

    def hears(self, slug: str) -> bool:
        """Whether what comes of one of its pilots still matters: else that pilot is closed, and costs nothing more."""
        if slug not in self.pilots:
            return True  # it is being made
        is_newest = slug == self.pilots[-1] and len(self.pilots) >= self.attempt
        return is_newest and self.stage is Stage.PILOTING and not self.stopping

    def request_id(self, step: str) -> str:
        """By which a step is known to others, whoever takes it and however often."""
        return f"selection/{self.dimension}/{self.dimension_version}/{step}"


def first_job(dimension: Mapping[str, Any]) -> dict[str, Any]:
    """The document of the job that chooses the queries of a dimension, of which the document is given."""
    chosen = dimension["selection"]
    pilot = chosen.get("pilot") or {}
    budget = pilot.get("budget")
    return document_of(
        Job(
            project=dimension["project"],
            dimension=dimension["slug"],
            dimension_version=dimension["version"],
            pool_id=dimension["pool_id"],
            method=chosen["method"],
            k=chosen["k"],
            seed=int(chosen["seed"]),
            seats=1 if dimension["ranking"].get("seats") == "SINGLE" else 2,
            wished_models=tuple(pilot.get("models") or ()),
            most_judge_calls=pilot.get("calls") or 0,
            piloted_queries=pilot.get("queries") or 0,
            budget=Money(**budget) if budget else None,
            created_at=dimension["created_at"],
            updated_at=dimension["created_at"],
        )
    )


def document_of(job: Job) -> dict[str, Any]:
    """As it is stored."""
    document = asdict(job)
    # As text: a seed has 64 bits without a sign, an integer of the store 63.
    return document | {
        "seed": str(job.seed),
        "stage": str(job.stage),
        "open": not job.is_over,
        "wished_models": list(job.wished_models),
        "models": list(job.models),
        "pilots": list(job.pilots),
        "given": list(job.given),
        "grown": [asdict(one) for one in job.grown],
        "failing": dict(job.failing),
        "figures": asdict(job.figures) | {"spent": dict(job.figures.spent)},
        "schema_version": 1,
    }


def job_of(document: Mapping[str, Any]) -> Job:
    """The inverse of `document_of`; what is not known here is passed over."""
    known = {name: document[name] for name in Job.__dataclass_fields__ if name in document}
    money = {
        name: Money(**document[name]) if document.get(name) is not None else None for name in ("budget", "budget_set")
    }
    lists = {name: tuple(document[name]) for name in ("wished_models", "models", "pilots", "given")}
    return Job(
        **known
        | money
        | lists
        | {
            "seed": int(document["seed"]),
            "stage": Stage(document["stage"]),
            "figures": Figures(**document["figures"]),
            "grown": tuple(Growth(**one) for one in document.get("grown", ())),
        }
    )


def drawn_models(job: Job, entering: Sequence[str]) -> tuple[str, ...]:
    """Models of the pilot in slug order, or none: there are too few.

    Args:
        job: of the selection.
        entering: slugs of the registered models that may enter.
    """
    if job.wished_models:
        found = [slug for slug in job.wished_models if slug in entering]
        enough = LEAST_MODELS <= len(found) == len(job.wished_models)
        return tuple(sorted(found)) if enough else ()
    known = sorted(entering)
    if len(known) < LEAST_MODELS:
        return ()
    return tuple(sorted(known[place] for place in drawn(known, job.seed)[: _most_models(job)]))


def _most_models(job: Job) -> int:
    """As many as the calls let be ranked at first and then asked as much again."""
    if not job.most_judge_calls:
        return MOST_DRAWN_MODELS
    ranked = [
        models
        for models in range(LEAST_MODELS, MOST_DRAWN_MODELS + 1)
        if pairs_of(models) * CAPS[0] <= SEEDING_SHARE * cells_of(job)
    ]
    return max(ranked, default=LEAST_MODELS)


def missing_models(job: Job, entering: Sequence[str]) -> str:
    """Why there is no pilot yet, for a person."""
    if job.wished_models:
        lacking = [slug for slug in job.wished_models if slug not in entering]
        if not lacking:
            return f"a pilot takes at least {LEAST_MODELS} models; left of those named: {', '.join(job.wished_models)}"
        return f"models of the pilot that are not registered, or may not enter: {', '.join(lacking)}"
    return f"a pilot takes at least {LEAST_MODELS} models that may enter; registered: {len(set(entering))}"


def manned(job: Job, models: Sequence[str], pool_size: int) -> Job:
    """With its models, and what was left open decided."""
    # Where models were lost and others come in their place, it goes on with as many queries.
    most = job.most_queries or min(job.piloted_queries or pool_size, pool_size)
    queries = job.piloted_queries if job.most_queries else first_part(job.k, most)
    # At least as much again as it takes to rank them at first.
    even = max(
        job.seats * first_look(len(models)) * min(FIRST_QUERIES_A_PLACE * job.k, most),
        2 * least_calls(job, len(models)),
    )
    calls = job.most_judge_calls or even
    return replace(
        job,
        models=tuple(models),
        piloted_queries=queries,
        most_queries=most,
        most_judge_calls=calls,
        stage=Stage.PILOTING,
        waiting_reason="",
    )


def first_look(models: int) -> int:
    """Cells that a query is looked at with at first."""
    return look_of(models, most_a_pair(models))


def pairs_of(models: int) -> int:
    """Of so many models."""
    return models * (models - 1) // 2


def most_a_pair(models: int) -> int:
    """Cells that a pair can have on a query: of each model that does not stand in it."""
    return max(models - 2, 1)


def cells_of(job: Job) -> int:
    """Cells that a pilot may ask in all."""
    return max(job.most_judge_calls // job.seats, 1)


def seeding_cap(job: Job) -> int:
    """Readable outcomes of a pair while the models are ranked at first: so few that cells are left to be ordered.

    In a further part they are ranked again, and what is compared for that is the first look at its queries.
    """
    models = len(job.models)
    cells = first_look(models) * job.part if job.grown else int(SEEDING_SHARE * cells_of(job))
    fair = cells // pairs_of(models)
    return min(max(fair, CAPS[0]), DEFAULT_CAP)


def plan_of(job: Job, models: int, beside: int = 0) -> PilotPlan:
    """How the pilot's next cells are found, of so many models that are ranked in it.

    Args:
        job: of the selection.
        models: that are ranked.
        beside: cells that were asked of others.
    """
    cells = max(cells_of(job) - beside, 1)
    return PilotPlan(
        k=job.k,
        budget=cells,
        most_a_pair=most_a_pair(models),
        batch=min(max(-(-cells // ORDERS), first_look(models)), MOST_CELLS_AN_ORDER),
        seed=job.seed,
        queries=job.piloted_queries,
    )


def least_part(models: int) -> int:
    """Queries of a further part at least: so many that to rank so many models again is no more than a look at them."""
    return -(-pairs_of(models) * CAPS[0] // first_look(models))


def affordable(job: Job, spent: Mapping[str, int], cells: int) -> int:
    """Cells that the budget may still pay, if they cost what those so far did, answers included."""
    used = spent.get(job.budget.currency, 0) if job.budget is not None else 0
    if job.budget is None or not used:
        return cells_of(job)
    return max(job.budget.nano_units - used, 0) * cells // used


def grown_to(
    job: Job, models: Collection[str], queries: int, seeded: int, cells: int, why: str, moment: datetime
) -> Job:
    """It looks at so many queries in all, by another pilot; the one before is closed, and what it has heard counts.

    Args:
        job: whose pilot has nothing under way.
        models: slugs of those that the pilot still ranks; who has left is not waited for in the next one.
        queries: in all.
        seeded: round of the pilot after which its models were ranked.
        cells: asked so far, in all.
        why: for a person.
        moment: of now.
    """
    return replace(
        job,
        models=tuple(slug for slug in job.models if slug in models),
        grown=(*job.grown, Growth(job.pilots[-1], job.piloted_queries, seeded, cells, why, moment)),
        piloted_queries=queries,
        budget_set=None,
        attempt=len(job.pilots) + 1,
        seeded=None,
        failing={},
        orders=job.orders + 1,
        given=(*job.given, 0),
        waiting_reason="",
    )


def failed(job: Job, why: str, lost: Sequence[str] = ()) -> Job:
    """It does not go on before somebody resumes it; where models of its pilot are lost, then with another pilot."""
    over = replace(job, stage=Stage.FAILED, failure=why, waiting_reason="", stopping=False)
    if not lost:
        return over
    return replace(
        over,
        # Where all that were named are lost, nobody else is put in their place.
        wished_models=tuple(slug for slug in job.wished_models if slug not in lost) or job.wished_models,
        models=(),
        budget_set=None,
        attempt=len(job.pilots) + 1,
        failing={},
    )


def without(job: Job, lost: Sequence[str]) -> Job:
    """It goes on by another pilot, without these of its models. What the others have answered is not paid again."""
    return replace(
        job,
        models=tuple(slug for slug in job.models if slug not in lost),
        budget_set=None,
        attempt=len(job.pilots) + 1,
        failing={},
        waiting_reason="",
    )


def noted(job: Job, failing: Collection[str], ready: Collection[str], moment: datetime) -> Job:
    """With who fails, since when; who is asked again meanwhile is not ready yet."""
    still = {slug: since for slug, since in job.failing.items() if slug not in ready}
    return replace(job, failing=dict.fromkeys(sorted(failing), moment) | still)


def resumed(job: Job, calls: int, budget: Money | None) -> Job:
    """It goes on, with other limits where these are given."""
    going = job
    if job.stage in (Stage.WAITING_FOR_MODELS, Stage.PILOTING):
        # Told to stop, and not come to it yet.
        going = replace(job, stopping=False)
    elif job.stage is Stage.FAILED:
        stage = Stage.PILOTING if job.models else Stage.WAITING_FOR_MODELS
        # Who failed has as long again.
        going = replace(job, stage=stage, failure="", waiting_reason="", stopping=False, failing={})
    return replace(going, most_judge_calls=calls or going.most_judge_calls, budget=budget or going.budget)


def least_calls(job: Job, models: int) -> int:
    """Judge calls without which so many models cannot be ranked at first."""
    return job.seats * pairs_of(models) * CAPS[0]


def too_few_calls(job: Job, models: Sequence[str]) -> str:
    """Why these models cannot be compared within the calls; empty: they can."""
    least = least_calls(job, len(models))
    if not job.most_judge_calls or job.most_judge_calls >= least:
        return ""
    return f"{job.most_judge_calls:,} judge calls do not rank {len(models)} models; that takes at least {least:,}"


def ordered_pairs(models: Sequence[str]) -> dict[tuple[str, str], int]:
    """Column of each pair in what was asked, by its models in canonical order."""
    return {pair: place for place, pair in enumerate(combinations(sorted(models), 2))}
