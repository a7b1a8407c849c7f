"""Which trouble is waited out, and which is not."""

import asyncio

import pytest

from dearena import faults
from services.judge_dispatcher.patience import all_of, passes, until_it_passes


@pytest.mark.parametrize(
    "error",
    [
        faults.StoreUnavailable("x"),
        faults.ServiceUnavailable("x"),
        faults.Conflict("x"),
        faults.NotReady("x"),
        faults.ArenaFault("a defect that a new version mends"),
        TimeoutError(),
    ],
)
def test_what_passes_is_waited_out(error: Exception) -> None:
    assert passes(error)


@pytest.mark.parametrize(
    "error",
    [
        faults.InvalidField("x"),
        faults.UnknownModel("x"),
        faults.ModelNotActive("x"),
        faults.RequestIdReused("x"),
        KeyError("a defect of ours"),
        asyncio.CancelledError(),
    ],
)
def test_what_lasts_is_not(error: BaseException) -> None:
    assert not passes(error)


async def test_work_is_done_again_until_the_trouble_has_passed() -> None:
    calls = []

    @until_it_passes
    async def work() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise faults.ServiceUnavailable("restarting")
        return "done"

    assert await work() == "done"
    assert len(calls) == 3


async def test_lasting_trouble_is_raised_at_once() -> None:
    calls = []

    @until_it_passes
    async def work() -> None:
        calls.append(1)
        raise faults.UnknownModel("nobody")

    with pytest.raises(faults.UnknownModel):
        await work()
    assert len(calls) == 1


async def test_all_work_is_ended_before_a_failure_is_told() -> None:
    ended = asyncio.Event()

    async def fails(error: Exception) -> None:
        raise error

    async def goes_on() -> None:
        await asyncio.sleep(0)
        ended.set()

    with pytest.raises(faults.StoreUnavailable):
        await all_of(fails(faults.UnknownModel("x")), goes_on(), fails(faults.StoreUnavailable("x")))
    assert ended.is_set()
