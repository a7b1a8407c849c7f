"""What is cancelled has ended, also where it did not hear it the first time."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from services.runtime import ending


async def deaf(times: int) -> int:
    heard = 0
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard += 1
            if heard > times:
                raise


async def begun(*bodies: Coroutine[Any, Any, int]) -> "list[asyncio.Task[int]]":
    tasks = [asyncio.create_task(body) for body in bodies]
    await asyncio.sleep(0)
    return tasks


async def test_a_cancellation_that_was_swallowed_is_repeated() -> None:
    tasks = await begun(deaf(0), deaf(1), deaf(3))
    async with asyncio.timeout(10):
        await ending.cancelled(tasks, again_seconds=0.01)
    assert all(task.cancelled() for task in tasks)


async def test_one_that_is_cleaning_up_is_not_disturbed() -> None:
    cleaned = asyncio.Event()

    async def tidy() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            cleaned.set()
        return 0

    await ending.cancelled(await begun(tidy()))
    assert cleaned.is_set()


async def test_what_they_raise_is_told_to_nobody_and_what_has_ended_is_left() -> None:
    async def fails() -> int:
        raise ValueError

    async def ends() -> int:
        return 1

    tasks = await begun(fails(), ends())
    await asyncio.wait(tasks)
    await ending.cancelled(tasks)
    await ending.cancelled([])
    assert tasks[1].result() == 1
