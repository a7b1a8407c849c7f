"""What takes too long is given up, and is told as such; what fails otherwise is told as it is."""

import asyncio

import pytest

from dearena.local import following


async def test_what_takes_too_long_is_told_with_its_dimension_and_its_time() -> None:
    with pytest.raises(following.NotRanked, match=r"^not every model had its place in algebra within 0 s$"):
        async with following.in_time(0.01, "algebra"):
            await asyncio.Event().wait()
    with pytest.raises(following.NotRanked, match=r"^not every model had its place within 0 s$"):
        async with following.in_time(0.01):
            await asyncio.Event().wait()


async def test_a_time_out_of_something_else_is_its_own() -> None:
    with pytest.raises(TimeoutError, match="the endpoint"):
        async with following.in_time(60):
            raise TimeoutError("the endpoint")
