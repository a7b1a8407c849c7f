"""Traces of entrants on a real mongod: one each, whoever asks, and whenever a gateway dies."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dearena.names import DimensionName, Revision
from services.gateway.answer_log import EntrantKey
from services.gateway.entrance_book import Entrance, EntranceBook
from services.gateway.store import ENTRANCES, INDEXES
from services.runtime import sampling, telemetry
from services.runtime.store import Store

REGISTERED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = telemetry.trace_id_in(REGISTERED)


class Killed(BaseException):
    """The process is gone: nothing after this is done."""


@pytest.fixture
async def store(mongo_url: str, mongo_database: str) -> AsyncIterator[Store]:
    store = Store(mongo_url, mongo_database)
    await store.ensure_indexes({ENTRANCES: INDEXES[ENTRANCES]})
    yield store
    store.close()


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    provider = TracerProvider(sampler=sampling.sampler(0.0), shutdown_on_exit=False)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer)
    return exporter


def keys(count: int, first: int = 0, model: str = "m") -> dict[EntrantKey, int]:
    names = [DimensionName("p", f"d{number:02}") for number in range(first, first + count)]
    return {EntrantKey(name, 1, Revision(model, 1)): 2 for name in names}


def traces(found: dict[EntrantKey, Entrance]) -> dict[EntrantKey, str]:
    return {key: telemetry.trace_id_in(one.traceparent) for key, one in found.items()}


def named(exported: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exported.get_finished_spans() if span.name == name]


def context(span: ReadableSpan) -> Any:
    assert span.context is not None
    return span.context


async def test_beyond_the_eighth_each_dimension_has_a_trace_and_the_two_lead_to_each_other(
    store: Store, exported: InMemorySpanExporter
) -> None:
    found = traces(await EntranceBook(store, "one").claim(REGISTERED, keys(10)))
    together = [key for key, trace_id in found.items() if trace_id == TRACE]
    assert together == list(keys(8))
    apart = {key: trace_id for key, trace_id in found.items() if key not in together}
    assert len(set(apart.values())) == 2
    entered = {span.attributes["dearena.dimension"]: span for span in named(exported, "enter dimension")}  # type: ignore[index]
    roots = {span.attributes["dearena.dimension"]: span for span in named(exported, "insertion")}  # type: ignore[index]
    assert set(entered) == set(roots) == {"d08", "d09"}
    for key, trace_id in apart.items():
        here, root = entered[key.dimension.slug], roots[key.dimension.slug]
        assert f"{context(here).trace_id:032x}" == TRACE
        assert f"{context(root).trace_id:032x}" == trace_id
        assert [link.context.span_id for link in here.links] == [context(root).span_id]
        assert [link.context.span_id for link in root.links] == [context(here).span_id]
        assert here.attributes["dearena.insertion.trace_id"] == trace_id  # type: ignore[index]
        assert root.attributes["dearena.registration.trace_id"] == TRACE  # type: ignore[index]
        assert root.parent is None


async def test_after_a_restart_and_for_the_ranker_it_is_the_same_trace(
    store: Store, exported: InMemorySpanExporter
) -> None:
    first = await EntranceBook(store, "one").claim(REGISTERED, keys(10))
    assert all(one.new for one in first.values())
    spans = len(exported.get_finished_spans())
    other = EntranceBook(store, "other")
    again = await other.claim(REGISTERED, keys(10))
    assert traces(again) == traces(first)
    assert not any(one.new for one in again.values())
    assert len(exported.get_finished_spans()) == spans
    for key, one in first.items():
        assert await other.of(key.dimension, 1) == {"m@1": one.traceparent}
    assert await other.of(DimensionName("p", "d00"), 2) == {}


async def test_of_gateways_that_decide_at_once_one_does(store: Store, exported: InMemorySpanExporter) -> None:
    books = [EntranceBook(store, f"g{number}") for number in range(4)]
    wanted = [keys(6), keys(6, 4), keys(10), keys(3, 7)]
    found = await asyncio.gather(*(book.claim(REGISTERED, some) for book, some in zip(books, wanted, strict=True)))
    decided: dict[EntrantKey, str] = {}
    for one in map(traces, found):
        for key, trace_id in one.items():
            assert decided.setdefault(key, trace_id) == trace_id
    assert sum(trace_id == TRACE for trace_id in decided.values()) == 8
    assert sum(one.new for some in found for one in some.values()) == len(decided) == 10
    told = {f"{context(span).trace_id:032x}" for span in named(exported, "insertion")}
    assert told == set(decided.values()) - {TRACE}


async def test_of_different_dimensions_that_enter_at_once_eight_are_together(
    store: Store, exported: InMemorySpanExporter
) -> None:
    books = [EntranceBook(store, f"g{number}") for number in range(5)]
    found = await asyncio.gather(*(book.claim(REGISTERED, keys(4, 4 * n)) for n, book in enumerate(books)))
    entered = [trace_id for one in map(traces, found) for trace_id in one.values()]
    assert len(entered) == 20
    assert entered.count(TRACE) == 8


@pytest.mark.parametrize("committed", [False, True])
async def test_a_kill_between_claim_and_use_leaves_one_trace_an_insertion(
    store: Store, exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    run = store.run_transaction

    async def killed(body: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
        async def cut(session: Any) -> None:
            await body(session)
            if not committed:
                raise Killed

        await run(cut)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(store, "run_transaction", killed)
        await EntranceBook(store, "one").claim(REGISTERED, keys(10))
    assert not exported.get_finished_spans()
    kept = {f"d{n:02}": await EntranceBook(store, "x").of(DimensionName("p", f"d{n:02}"), 1) for n in range(10)}
    assert all(bool(one) == committed for one in kept.values())

    found = await EntranceBook(store, "two").claim(REGISTERED, keys(10))
    assert [trace_id == TRACE for trace_id in traces(found).values()] == [True] * 8 + [False] * 2
    if committed:
        assert {key.dimension.slug: {"m@1": one.traceparent} for key, one in found.items()} == kept
    rows = await store.collection(ENTRANCES).count_documents({})
    assert rows == 10


@pytest.mark.parametrize("registered", ["", REGISTERED[:-2] + "00"])
async def test_without_a_recorded_registration_nothing_is_written(
    store: Store, exported: InMemorySpanExporter, registered: str
) -> None:
    found = await EntranceBook(store, "one").claim(registered, keys(10))
    assert {one.traceparent for one in found.values()} == {registered}
    assert await store.collection(ENTRANCES).count_documents({}) == 0
    assert not exported.get_finished_spans()
