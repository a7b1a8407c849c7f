"""Which trouble is waited out, and which is not."""

import asyncio

import pytest

from dearena import faults
from services.judge_dispatcher import patience
from services.judge_dispatcher.patience import DEFECT_ATTEMPTS, all_of, passes, until_it_passes


@pytest.mark.parametrize(
    "error",
    [
        faults.StoreUnavailable("x"),
        faults.ServiceUnavailable("x"),
        faults.Conflict("x"),
        faults.NotReady("x"),
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
        faults.ArenaFault("a defect of another service"),
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


@pytest.fixture
def without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience._WAIT, "multiplier", 0)


@pytest.mark.usefixtures("without_waits")
@pytest.mark.parametrize("defects", [DEFECT_ATTEMPTS - 1, DEFECT_ATTEMPTS])
async def test_defects_in_a_row_are_borne_so_often_and_no_more(defects: int) -> None:
    calls = []

    @until_it_passes
    async def work() -> str:
        calls.append(1)
        if len(calls) <= defects:
            raise faults.ArenaFault("a defect of another service")
        return "done"

    if defects < DEFECT_ATTEMPTS:
        assert await work() == "done"
    else:
        with pytest.raises(faults.ArenaFault):
            await work()
    assert len(calls) == DEFECT_ATTEMPTS


@pytest.mark.usefixtures("without_waits")
async def test_trouble_that_passes_begins_the_count_of_defects_anew() -> None:
    calls = []

    @until_it_passes
    async def work() -> str:
        calls.append(1)
        if len(calls) > 2 * DEFECT_ATTEMPTS:
            return "done"
        if len(calls) % 2:
            raise faults.ArenaFault("a defect of another service")
        raise faults.ServiceUnavailable("restarting")

    assert await work() == "done"


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
