"""What a pilot needs next, by its job and by how it stands elsewhere. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from dearena.names import Revision
from dearena.ranking.agenda import AT_REST, CLOSED
from services.query_selector.jobs import Job
from services.query_selector.pilot_settings import LEAST_MODELS

NOT_LOOKED_YET: Final = (f"WAITING({AT_REST})", f"WAITING({CLOSED})")
"""What a ranker still says that has not looked at an order yet, or not since a resume: nothing to be told."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a pilot stands elsewhere.

    Attributes:
        ranked: model revisions that its ranking holds.
        waiting_reason: why the ranker does not go on; empty while it does.
        orders_done: number through which orders have been answered.
        exhausted: the pilot's budget may pay no more calls, and none is in flight.
        gone: slugs of its models that are retired.
        failing: slugs of those whose answers failed, and why.
        given_up: of these, whom nobody waits for any longer.
    """

    ranked: tuple[str, ...] = ()
    waiting_reason: str = ""
    orders_done: int = 0
    exhausted: bool = False
    gone: tuple[str, ...] = ()
    failing: Mapping[str, str] = field(default_factory=dict)
    given_up: tuple[str, ...] = ()


class Do(StrEnum):
    """What a pilot needs next."""

    SET_BUDGET = "set budget"
    CREATE_PILOT = "create pilot"
    OPEN_PILOT = "open pilot"
    WAIT = "wait"
    ORDER = "order"
    GIVE_ORDER = "give order"
    GO_ON_WITHOUT = "go on without"
    CHOOSE = "choose"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and why nothing moves or goes on, for a person; `lost` models of the pilot are never ranked."""

    do: Do
    reason: str = ""
    lost: tuple[str, ...] = ()


def before_pilot(job: Job) -> Step | None:
    """What a pilot needs before anybody may look at it; None: nothing any more.

    It is made first, since its budget is held against the models that it names, and opened last, so that no call of it
    is made before there is a budget.
    """
    if len(job.pilots) < job.attempt:
        return Step(Do.CREATE_PILOT)
    if job.budget is not None and job.budget != job.budget_set:
        return Step(Do.SET_BUDGET)
    return None if job.opened >= job.attempt else Step(Do.OPEN_PILOT)


def next_step(job: Job, seen: Seen) -> Step:
    """What a pilot that is made needs next."""
    if job.stopping:
        return ended(job, "it was told to stop")
    if seen.exhausted:
        return ended(job, "the pilot's budget is exhausted")
    if job.seeded is None:
        step = _seeding(job, seen) or Step(Do.ORDER)
        # What the earlier parts have told is enough to choose by.
        return ended(job, step.reason, step.lost) if step.do is Do.FAIL and job.grown else step
    if len(seen.ranked) < LEAST_MODELS:
        return ended(job, f"only {len(seen.ranked)} of the pilot's models are left")
    if len(job.given) < job.orders:
        return Step(Do.GIVE_ORDER)
    return _waiting(seen) if seen.orders_done < job.order_given else Step(Do.ORDER)


def _seeding(job: Job, seen: Seen) -> Step | None:
    """While models are not ranked yet; None: all are."""
    ranked = {Revision.parse(model).slug for model in seen.ranked}
    missing = [slug for slug in job.models if slug not in ranked]
    if lost := [slug for slug in missing if slug in seen.gone]:
        return Step(Do.FAIL, f"retired before it was ranked in the pilot: {', '.join(lost)}", tuple(lost))
    if lost := [slug for slug in missing if slug in seen.given_up]:
        reason = f"failed to answer the pilot: {_told(seen, lost)}"
        if (left := len(job.models) - len(lost)) < LEAST_MODELS:
            return Step(Do.FAIL, f"{reason}; {left} models are left, and a pilot takes {LEAST_MODELS}")
        return Step(Do.GO_ON_WITHOUT, reason, tuple(lost))
    if failing := [slug for slug in missing if slug in seen.failing]:
        waits = _waiting(seen).reason or "the pilot waits"
        return Step(Do.WAIT, f"{waits}; fails to answer: {_told(seen, failing)}")
    return _waiting(seen) if missing else None


def _told(seen: Seen, slugs: Sequence[str]) -> str:
    return ", ".join(f"{slug} ({seen.failing.get(slug) or 'no reason is told'})" for slug in slugs)


def _waiting(seen: Seen) -> Step:
    is_told = seen.waiting_reason and seen.waiting_reason not in NOT_LOOKED_YET
    return Step(Do.WAIT, f"the pilot waits: {seen.waiting_reason}" if is_told else "")


def ended(job: Job, why: str, lost: tuple[str, ...] = ()) -> Step:
    """No more is asked: the choice is made, but not on nothing."""
    heard = job.figures.heard_queries
    if heard >= min(job.k, job.piloted_queries):
        return Step(Do.CHOOSE, why)
    return Step(Do.FAIL, f"{why}, with votes on {heard:,} queries only; {job.k:,} are to be chosen", lost)
