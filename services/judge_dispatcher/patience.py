"""Trouble of ours is waited out, never made into an outcome: which faults pass, and how to wait for it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import structlog
from tenacity import RetryCallState, retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from dearena import faults
from services.runtime.rpc import fault_in

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 10.0
"""Waits are drawn between nothing and a bound that doubles from the first to the longest."""

DEFECT_ATTEMPTS = 8
"""Calls in a row that meet a defect (INTERNAL), some 20 s: one that passes is ridden out, one that lasts does not
hold a judge's lane, and is met again when the ranker asks again."""

_LASTING = frozenset({"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION"})
"""Statuses that asking again does not change, except that what is not ready may become so."""
_DEFECT = "INTERNAL"
"""The status of everything that no service of the arena foresaw."""


def passes(error: BaseException) -> bool:
    """Whether the trouble is of a passing nature: a service away, a deadline, a restart under way.

    That an endpoint is left alone may pass or not: how long it is waited for is for the caller to say.
    """
    fault = fault_in(error)
    if fault is None or fault.status == _DEFECT or isinstance(fault, faults.EndpointLeftAlone):
        return False
    return fault.status not in _LASTING or isinstance(fault, faults.NotReady)


def _is_defect(error: BaseException) -> bool:
    fault = fault_in(error)
    return fault is not None and fault.status == _DEFECT


def _tell(attempt: RetryCallState) -> None:
    error = attempt.outcome.exception() if attempt.outcome else None
    log.info("waiting for another service", attempts=attempt.attempt_number, error=str(error and fault_in(error)))


_WAIT = wait_random_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS)
_while_it_passes = retry(retry=retry_if_exception(passes), wait=_WAIT, before_sleep=_tell)
_past_defects = retry(
    retry=retry_if_exception(_is_defect),
    wait=_WAIT,
    stop=stop_after_attempt(DEFECT_ATTEMPTS),
    before_sleep=_tell,
    reraise=True,
)


def until_it_passes(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Decorate a coroutine function: called again, without end, while what it raises passes.

    A defect of another service is not waited for without end: after DEFECT_ATTEMPTS in a row it is raised.
    """

    async def work_again(met: list[Exception], args: Any, kwargs: Any) -> T:
        if met:
            raise met.pop()
        return await work(*args, **kwargs)

    patiently = _while_it_passes(_past_defects(work_again))

    @wraps(work)
    async def patient(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again below unless it is waited out
            met = [error]
        # Only now: keeping count of attempts costs more than all else that a call does here. The first one counts.
        return await patiently(met, args, kwargs)

    return patient


async def all_of(*work: Awaitable[T]) -> list[T]:
    """Wait for all of it, whatever fails, then raise the first failure; passing ones come first."""
    done: list[Any] = await asyncio.gather(*work, return_exceptions=True)
    if failed := [one for one in done if isinstance(one, BaseException)]:
        raise min(failed, key=lambda error: not passes(error))
    return done
