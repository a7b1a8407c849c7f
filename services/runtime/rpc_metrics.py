"""How long calls to this service took, and how they ended."""

from __future__ import annotations  # grpc's types are generic in its stubs only

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

import grpc
import grpc.aio

from services.runtime import instruments, metrics

CANCELLED: Final = grpc.StatusCode.CANCELLED.value[0]
OURS: Final = "/dearena."
"""Calls of probes and of reflection are not counted."""


class Timed:
    """One call: the block in which it is served."""

    __slots__ = ("_attributes", "_began", "_context")

    def __init__(self, attributes: Callable[[int], metrics.Attributes], context: Any) -> None:
        self._attributes = attributes
        self._context = context

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        gone = kind is not None and issubclass(kind, asyncio.CancelledError | GeneratorExit)
        code = CANCELLED if gone else code_of(self._context)
        metrics.record(instruments.RPC_DURATION, time.perf_counter() - self._began, self._attributes(code))


class Untimed:
    """A call that is not counted."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Nothing begins."""

    def __exit__(self, *_: object) -> None:
        """Nothing ends."""


def of_method(method: str) -> Callable[[Any], Timed | Untimed]:
    """What times a call of a method, given as `/package.Service/Method`, by the call's context."""
    if not method.startswith(OURS):
        untimed = Untimed()
        return lambda _context: untimed
    service, _, name = method.removeprefix("/").rpartition("/")
    known: dict[int, metrics.Attributes] = {}

    def attributes(code: int) -> metrics.Attributes:
        # Made once: there are few of them, and many calls.
        if (found := known.get(code)) is None:
            found = known[code] = {
                instruments.RPC_SERVICE: service,
                instruments.RPC_METHOD: name,
                instruments.RPC_STATUS: code,
            }
        return found

    return lambda context: Timed(attributes, context)


def code_of(context: grpc.aio.ServicerContext[Any, Any]) -> int:
    """The status with which a call ends, as a number; 0 is OK."""
    code: Any = context.code()
    return int(code.value[0]) if isinstance(code, grpc.StatusCode) else int(code or 0)
