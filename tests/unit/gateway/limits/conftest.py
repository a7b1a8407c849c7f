"""Tests of limits run on the loop that services run on: its timers differ from the standard library's."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """What makes loops, by name."""
    return {"uvloop": uvloop.new_event_loop}
