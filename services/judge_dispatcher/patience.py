"""Trouble of ours is waited out, never made into an outcome: which faults pass, and how to wait for it."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import structlog
from tenacity import RetryCallState, retry, retry_if_exception, wait_random_exponential

from dearena import faults
from services.runtime.rpc import fault_in

T = TypeVar("T")

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 10.0
"""Waits are drawn between nothing and a bound that doubles from the first to the longest."""

_LASTING = frozenset({"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION"})
"""Statuses that asking again does not change, except that what is not ready may become so."""


def passes(error: BaseException) -> bool:
    """Whether the trouble is of a passing nature: a service away, a deadline, a restart under way."""
    fault = fault_in(error)
    return fault is not None and (fault.status not in _LASTING or isinstance(fault, faults.NotReady))


def _tell(attempt: RetryCallState) -> None:
    error = attempt.outcome.exception() if attempt.outcome else None
    log.info("waiting for another service", attempts=attempt.attempt_number, error=str(error and fault_in(error)))


until_it_passes = retry(
    retry=retry_if_exception(passes),
    wait=wait_random_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
    before_sleep=_tell,
)
"""Decorates a coroutine function: called again, without end, while what it raises passes."""


async def all_of(*work: Awaitable[T]) -> list[T]:
    """Wait for all of it, whatever fails, then raise the first failure; passing ones come first."""
    done: list[Any] = await asyncio.gather(*work, return_exceptions=True)
    if failed := [one for one in done if isinstance(one, BaseException)]:
        raise min(failed, key=lambda error: not passes(error))
    return done
