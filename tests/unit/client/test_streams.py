"""Lists that turn their pages, watches that come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from dearena.client.streams import paged, resumed
from dearena.faults import ArenaFault, ServiceUnavailable, StoreUnavailable, UnknownInsertion


@dataclass
class Page:
    entries: list[int]
    next_page_token: str


async def test_all_pages_are_turned_even_empty_ones() -> None:
    pages = {"": Page([1, 2], "x"), "x": Page([], "y"), "y": Page([3], "")}

    async def page_at(token: str) -> Page:
        return pages[token]

    assert [entry async for entry in paged(page_at, lambda page: page.entries)] == [1, 2, 3]


def breaking(*streams: list[int | float | ArenaFault]) -> tuple[Callable[[int], AsyncIterator[int]], list[int]]:
    """A watch that gives one of the streams at each opening, and where each was opened; a float is a silence."""
    opened: list[int] = []
    left = iter(streams)

    async def watch(cursor: int) -> AsyncIterator[int]:
        opened.append(cursor)
        for message in next(left):
            if isinstance(message, ArenaFault):
                raise message
            if isinstance(message, float):
                await asyncio.sleep(message)
            else:
                yield message

    return watch, opened


async def test_a_watch_goes_on_after_the_last_that_it_saw() -> None:
    away, no_store = ServiceUnavailable("away"), StoreUnavailable("away")
    watch, opened = breaking([4, 7, no_store], [away], [9])
    assert [message async for message in resumed(watch, 3, lambda message: message)] == [4, 7, 9]
    assert opened == [3, 7, 7]


async def test_a_service_that_is_not_there_to_begin_with_is_told_at_once() -> None:
    watch, opened = breaking([ServiceUnavailable("not there")], [4])
    with pytest.raises(ServiceUnavailable, match="not there"):
        async for _ in resumed(watch, 0, lambda message: message):
            pass
    assert opened == [0]


async def test_a_watch_with_nothing_to_tell_comes_back_again_and_again() -> None:
    quiet: list[int | float | ArenaFault] = [0.03, ServiceUnavailable("restarts")]
    watch, opened = breaking(quiet, quiet, quiet, [4])
    stream = resumed(watch, 0, lambda message: message, patience_seconds=0.1, standing_seconds=0.02)
    assert [message async for message in stream] == [4]
    assert opened == [0, 0, 0, 0]


async def test_a_watch_does_not_wait_for_ever() -> None:
    watch, opened = breaking([4, ServiceUnavailable("away")], [ServiceUnavailable("still away")])
    with pytest.raises(ServiceUnavailable, match="still away"):
        async for _ in resumed(watch, 0, lambda message: message, patience_seconds=0.05):
            pass
    assert len(opened) == 2


async def test_other_faults_end_a_watch_at_once() -> None:
    watch, opened = breaking([4, UnknownInsertion("no such insertion")], [5])
    with pytest.raises(UnknownInsertion):
        async for _ in resumed(watch, 0, lambda message: message):
            pass
    assert opened == [0]
