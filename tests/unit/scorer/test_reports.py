"""Reports are kept, whoever still waits for them."""

import asyncio
from typing import Any, cast

import pytest

from dearena.faults import NotReady
from dearena.v1 import scorer_pb2 as pb
from services.scorer.reports import Reports
from services.scorer.shared_work import SharedWork


def reports_of_nothing(shared: SharedWork) -> Reports:
    nothing = cast("Any", None)
    return Reports(nothing, nothing, nothing, shared)


async def test_a_report_that_nobody_waited_for_is_there_for_who_asks_again() -> None:
    shared, may_end = SharedWork(), asyncio.Event()
    reports = reports_of_nothing(shared)
    begun = 0

    async def made() -> pb.GetPairsResponse:
        nonlocal begun
        begun += 1
        await may_end.wait()
        return pb.GetPairsResponse(board_version=begun)

    gives_up = asyncio.ensure_future(reports._answer("key", made))
    await asyncio.sleep(0)
    gives_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gives_up
    may_end.set()
    await shared.drain(5)
    assert [(await reports._answer("key", made)).board_version for _ in range(2)] == [1, 1]
    assert begun == 1


async def test_a_fault_is_not_kept() -> None:
    reports = reports_of_nothing(SharedWork())

    async def refused() -> pb.GetPairsResponse:
        raise NotReady("not yet")

    async def made() -> pb.GetPairsResponse:
        return pb.GetPairsResponse(board_version=7)

    with pytest.raises(NotReady):
        await reports._answer("key", refused)
    assert (await reports._answer("key", made)).board_version == 7
