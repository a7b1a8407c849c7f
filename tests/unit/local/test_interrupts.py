"""Ctrl-C is heard once; what leaves is left in peace."""

import asyncio
import os
import signal

import pytest

from dearena.local import interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_does_not_disturb_the_leaving(number: signal.Signals) -> None:
    order: list[str] = []

    async def body() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            order.append("leaves")
            os.kill(os.getpid(), number)
            for _ in range(3):
                await asyncio.sleep(0)
            order.append("left")

    with pytest.raises(interrupts.Interrupted):
        interrupts.run(body(), leaving=lambda: order.append("heard again"))
    assert order == ["leaves", "heard again", "left"]


def test_a_result_and_an_error_come_through() -> None:
    async def gives() -> int:
        await asyncio.sleep(0)
        return 3

    async def fails() -> int:
        await asyncio.sleep(0)
        raise LookupError("as it is")

    assert interrupts.run(gives()) == 3
    with pytest.raises(LookupError, match="as it is"):
        interrupts.run(fails())
