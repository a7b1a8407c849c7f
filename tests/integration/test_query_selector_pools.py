"""Pools of every kind sent to a real query selector: what it takes, and how it says what it does not take."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
import pytest

from dearena import faults
from dearena.pools.json_lines import LISTED_LINES, MAX_LINE_BYTES, MAX_QUESTION_BYTES
from dearena.rpc_faults import fault_of
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1 import query_selector_pb2_grpc as stubs
from services.query_selector.room import build
from services.query_selector.settings import QuerySelectorSettings
from services.runtime.lifecycle import Running, running
from tests.fixtures.waiting import eventually

Settings = Callable[..., QuerySelectorSettings]

PIECE = 256 * 1024


class Stage:
    """A query selector, and what it has kept."""

    def __init__(self, selector: stubs.QuerySelectorServiceAsyncStub, service: Running[Any]) -> None:
        self.selector = selector
        self._store = service.shell.store

    async def create(self, pool: bytes | Sequence[bytes], k: int = 1, slug: str = "d", **fields: Any) -> pb.Dimension:
        whole = pool if isinstance(pool, bytes) else b"\n".join(pool)
        pieces = [whole[start : start + PIECE] for start in range(0, len(whole), PIECE)]
        call = self.selector.CreateDimension(iter(self.requests(pieces, k, slug, **fields)), timeout=300)
        return (await call).dimension

    @staticmethod
    def requests(
        pieces: Sequence[bytes], k: int = 1, slug: str = "d", **fields: Any
    ) -> list[pb.CreateDimensionRequest]:
        dimension = pb.Dimension(
            name=f"projects/default/dimensions/{slug}", selection=pb.Selection(k=k, seed=7), **fields
        )
        start = pb.CreateDimensionStart(dimension=dimension)
        return [pb.CreateDimensionRequest(start=start), *(pb.CreateDimensionRequest(pool=piece) for piece in pieces)]

    async def queries(self, made: pb.Dimension) -> list[pb.Query]:
        return list((await self.selector.ListQueries(pb.ListQueriesRequest(dimension=made.name))).queries)

    async def refused(self, call: Any, kind: type[faults.ArenaFault], match: str) -> dict[str, str]:
        """The violations of a refusal that left nothing behind."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        fault = fault_of(caught.value)
        assert type(fault) is kind, fault
        assert match in str(fault)
        assert await self.kept() == (0, 0, 0)
        return {one.field: one.description for one in fault.violations}

    async def kept(self) -> tuple[int, ...]:
        """Dimensions, questions and unfinished uploads."""
        collections = ("dimensions", "queries", "pool_uploads")
        return tuple([await self._store.collection(name).count_documents({}) for name in collections])


@asynccontextmanager
async def staged(settings: QuerySelectorSettings) -> AsyncIterator[Stage]:
    async with (
        running("query_selector", settings, build) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        yield Stage(stubs.QuerySelectorServiceStub(channel), service)


@pytest.fixture
async def stage(arena_settings: Settings) -> AsyncIterator[Stage]:
    async with staged(arena_settings(QuerySelectorSettings)) as stage:
        yield stage


def question(query_id: str, text: str = "Why?", **members: Any) -> bytes:
    return json.dumps({"id": query_id, "text": text, **members}, ensure_ascii=False).encode()


async def test_a_pool_of_one_question_makes_a_dimension_of_it(stage: Stage) -> None:
    made = await stage.create(question("only"))
    assert (made.pool_size, made.query_count) == (1, 1)
    assert [query.query_id for query in await stage.queries(made)] == ["only"]


@pytest.mark.timeout(600)
async def test_a_pool_of_a_hundred_thousand_is_stored_well_within_a_clients_deadline(stage: Stage) -> None:
    pool = b"\n".join(question(f"q{number}", f"What is {number} squared, plus one?") for number in range(100_000))
    start = time.monotonic()
    made = await stage.create(pool, k=40)
    assert time.monotonic() - start < 100  # of 300
    assert (made.pool_size, made.query_count) == (100_000, 40)
    assert await stage.kept() == (1, 100_000, 0)
    assert len(await stage.queries(made)) == 40


@pytest.mark.parametrize(
    "text",
    [
        "Who is 👩‍👩‍👧‍👦, and what is 🏳️‍🌈?",
        "מה בירת צרפת? \u202eabc\u202c ما عاصمة فرنسا؟",
        "one line\u2028another\u2029a third\u0085and a fourth",
        "a NUL \x00 between, and \x1b[31m an escape",
        "a\r\nb\rc\n\n",
        "\ufeffa mark of byte order inside",
        "e\u0301 is not \u00e9",
    ],
    ids=["emojis", "right-to-left", "line-separators", "control", "line-ends", "byte-order-mark", "not-normalised"],
)
async def test_every_text_that_is_one_comes_back_as_it_was(stage: Stage, text: str) -> None:
    made = await stage.create([question(text[:20], text, reference=text, category=text), question("other")], k=2)
    found = {query.query_id: query for query in await stage.queries(made)}
    assert (found[text[:20]].turns[0], found[text[:20]].reference, found[text[:20]].category) == (text, text, text)


async def test_half_a_surrogate_pair_is_told_with_its_line(stage: Stage) -> None:
    told = await stage.refused(
        stage.create([question("a"), rb'{"id": "b", "text": "\ud83d"}', question("c")]),
        faults.BrokenPool,
        "pool line 2: an escape names half of a surrogate pair",
    )
    assert list(told) == ["pool line 2"]


async def test_a_whole_surrogate_pair_is_a_character(stage: Stage) -> None:
    made = await stage.create(rb'{"id": "b", "text": "\ud83d\ude00"}')
    assert (await stage.queries(made))[0].turns == ["\N{GRINNING FACE}"]


async def test_a_question_of_a_mebibyte_is_taken_and_a_larger_one_told(stage: Stage) -> None:
    fits = "x" * (MAX_QUESTION_BYTES - 1)
    told = await stage.refused(
        stage.create([question("a"), question("b", fits + "xx")]),
        faults.BrokenPool,
        "pool line 2: the question has 1,048,578 bytes; at most 1,048,576 are allowed",
    )
    assert list(told) == ["pool line 2"]
    made = await stage.create([question("b", fits), question("c")], k=2)
    assert {len(query.turns[0]) for query in await stage.queries(made)} == {len(fits), 4}


async def test_a_line_without_end_is_told_and_does_not_hide_what_follows(stage: Stage) -> None:
    told = await stage.refused(
        stage.create([b'{"id": "a", "text": "' + b"x" * 2 * MAX_LINE_BYTES, b"no question"]),
        faults.BrokenPool,
        "line 1",
    )
    assert told["pool line 1"] == f"the line is longer than {MAX_LINE_BYTES:,} bytes"
    assert told["pool line 2"].startswith("not JSON")


async def test_queries_without_a_reference_are_told_where_judges_are_shown_one(stage: Stage) -> None:
    pool = [question("a", reference="because"), question("b"), question("c", reference="  ")]
    told = await stage.refused(stage.create(pool, k=3, template="reference@1"), faults.BrokenPool, "reference")
    assert list(told) == ["pool line 2", "pool line 3"]


@pytest.mark.parametrize(("k", "said"), [(4, "is 4, but the pool holds 3"), (0, "dimension.selection.k")])
async def test_more_queries_than_questions_and_none_are_refused(stage: Stage, k: int, said: str) -> None:
    pool = [question(name) for name in "abc"]
    told = await stage.refused(stage.create(pool, k=k), faults.InvalidField, said)
    assert list(told) == ["dimension.selection.k"]


@pytest.mark.parametrize("pool", [b"", b"\n \n\t\n", b"\xef\xbb\xbf"])
async def test_an_empty_pool_is_told(stage: Stage, pool: bytes) -> None:
    await stage.refused(stage.create(pool), faults.BrokenPool, "the pool holds no question")


async def test_of_a_pool_of_broken_lines_the_first_are_listed_and_all_counted(stage: Stage) -> None:
    lines = [b"{", b"[]", b'{"id": 7, "text": "x"}', b'{"id": "a"}', b"\xff", *[b"?"] * 995]
    told = await stage.refused(stage.create(lines), faults.BrokenPool, "(and 999 more broken lines)")
    assert list(told) == [f"pool line {number}" for number in range(1, LISTED_LINES + 1)]
    assert told["pool line 3"] == "id must be a string"
    assert told["pool line 5"] == "not UTF-8: byte 1 of the line is 0xff"


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        (gzip.compress(question("a")), "is packed by gzip"),
        (b"PAR1" + bytes(range(256)) * 9, "is Parquet"),
        (question("a").decode().encode("utf-16"), "is UTF-16"),
    ],
    ids=["gzip", "parquet", "utf-16"],
)
async def test_a_file_of_another_kind_sent_as_it_is_is_refused_as_a_whole(stage: Stage, pool: bytes, said: str) -> None:
    await stage.refused(stage.create(pool), faults.BrokenPool, said)


async def test_more_questions_or_bytes_than_are_taken_are_refused(arena_settings: Settings) -> None:
    few = arena_settings(QuerySelectorSettings, pool_max_questions=3, pool_max_bytes=200)
    async with staged(few) as stage:
        await stage.refused(
            stage.create([question(name) for name in "abcd"]), faults.BrokenPool, "more than 3 questions"
        )
        await stage.refused(stage.create(b" " * 201), faults.BrokenPool, "larger than 200 bytes")


async def test_a_caller_that_falls_silent_is_let_go(arena_settings: Settings) -> None:
    async with staged(arena_settings(QuerySelectorSettings, pool_seconds=0.3)) as stage:

        async def silent() -> AsyncIterator[pb.CreateDimensionRequest]:
            for request in stage.requests([question("a") + b"\n", question("b")[:9]]):
                yield request
            await asyncio.Event().wait()

        await stage.refused(
            stage.selector.CreateDimension(silent(), timeout=60), faults.BrokenPool, "did not end within 0.3 s"
        )


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_caller_that_goes_away_leaves_nothing(stage: Stage, after: int) -> None:
    sent = asyncio.Event()

    async def some() -> AsyncIterator[pb.CreateDimensionRequest]:
        for request in stage.requests([question("a") + b"\n", question("b")])[:after]:
            yield request
        sent.set()
        await asyncio.Event().wait()

    call = stage.selector.CreateDimension(some())
    await sent.wait()
    call.cancel()
    assert await stage.kept() == (0, 0, 0)
    # The service goes on, and the name is free.
    assert (await stage.create([question("a"), question("b")])).pool_size == 2


async def test_a_caller_that_goes_away_while_its_pool_is_stored_leaves_all_or_nothing(stage: Stage) -> None:
    pool = b"\n".join(question(f"q{number}") for number in range(20_000))
    requests = stage.requests([pool[start : start + PIECE] for start in range(0, len(pool), PIECE)])
    call = stage.selector.CreateDimension(iter(requests))

    async def is_storing() -> bool:
        return (await stage.kept())[1] > 0

    await eventually(is_storing)
    call.cancel()

    async def is_settled() -> bool:
        return await stage.kept() in {(0, 0, 0), (1, 20_000, 0)}

    await eventually(is_settled)
