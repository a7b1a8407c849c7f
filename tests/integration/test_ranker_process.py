"""The ranker as a process: killed in the middle, and traced."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from dearena.local import ports, servers
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.rules import Rules
from dearena.trials.world import Planted
from services.ranker.settings import RankerSettings
from services.ranker.store import RankerStore
from services.runtime.store import Store
from services.runtime.telemetry import LINKS_A_SPAN
from tests.fixtures.otlp import ReceivedSpan, Spans, otlp_receiver
from tests.fixtures.ranked import ClosedRound, Surroundings, calmly, peers_at, surroundings, told
from tests.fixtures.waiting import eventually
from tests.unit.ranking.planted import ALGEBRA

RULES = Rules(jury="exhaustive")
WORLD = Planted.economy(0, 7, 4)


@pytest.fixture
async def store(mongo_url: str, mongo_database: str) -> AsyncIterator[RankerStore]:
    """The store, from outside."""
    store = Store(mongo_url, mongo_database)
    yield RankerStore(store, "test")
    store.close()


@pytest.fixture
async def around(nats_url: str, store: RankerStore) -> AsyncIterator[Surroundings]:
    async def closed_round(number: int) -> ClosedRound:
        record = await store.round(ALGEBRA, number)
        assert record is not None
        return record.closed, record.settles, record.entrants

    async with surroundings(WORLD, nats_url, closed_round) as around:
        yield around


def process_of(settings: RankerSettings, directory: Path, **environment: str) -> servers.Server:
    port = int(settings.listen.rpartition(":")[2])
    given: Mapping[str, Any] = settings.model_dump(exclude={"instance"}) | environment
    return servers.Server(
        name="ranker",
        command=[
            "env",
            *(f"DEARENA_{name.upper()}={value}" for name, value in given.items()),
            *(sys.executable, "-m", "services.ranker"),
        ],
        log=directory / "ranker.log",
        is_ready=lambda: servers.accepts(port),
    )


async def log_of(store: RankerStore) -> list[Decision]:
    return [decision for decision, _ in await store.decisions(ALGEBRA)]


async def test_killed_again_and_again_it_decides_what_it_would_have_decided(
    around: Surroundings, store: RankerStore, arena_settings: Callable[..., Any], tmp_path: Path
) -> None:
    calm = calmly(WORLD, RULES)
    listen = f"127.0.0.1:{ports.free_port()}"
    process = process_of(arena_settings(RankerSettings, listen=listen, reask_seconds=1, **peers_at(around)), tmp_path)
    cells = sum(map(len, calm.votes.values()))
    await process.start()
    try:
        for share in (0.3, 0.6, 0.9):
            await eventually(lambda share=share: len(around.outcomes) > share * cells, poll=0.001)
            process.stop(signal.SIGKILL)
            await process.start()

        async def done() -> bool:
            record = await store.ranking(ALGEBRA)
            return record is not None and len(record.models) == len(WORLD.models)

        await eventually(done)
    finally:
        process.stop()
    assert told(await log_of(store)) == told(calm.log)


async def test_rounds_hang_in_the_trace_of_the_registration_they_serve(
    around: Surroundings, store: RankerStore, arena_settings: Callable[..., Any], tmp_path: Path
) -> None:
    ids = RandomIdGenerator()
    registrations = {}
    for entrant in around.entrants:
        trace_id, span_id = f"{ids.generate_trace_id():032x}", f"{ids.generate_span_id():016x}"
        registrations[entrant.model] = (trace_id, span_id)
        entrant.traceparent = f"00-{trace_id}-{span_id}-01"
    listen = f"127.0.0.1:{ports.free_port()}"
    async with otlp_receiver() as (endpoint, spans):
        settings = arena_settings(RankerSettings, listen=listen, otlp_endpoint=endpoint, **peers_at(around))
        process = process_of(settings, tmp_path)
        await process.start()
        try:

            async def settled() -> bool:
                record = await store.insertion(ALGEBRA, 1, WORLD.models[-1])
                return record is not None and record.insertion.is_over

            await eventually(settled)
        finally:
            # Not in this loop: the receiver lives in it, and takes what the process has left to tell.
            await asyncio.to_thread(process.stop)

    newcomer = WORLD.models[-1]
    [*_, settle] = [d for d in await log_of(store) if d.kind is DecisionKind.SETTLED]
    insertion = await store.insertion(ALGEBRA, 1, newcomer)
    assert insertion is not None
    assert newcomer in settle.content["models"]
    assert insertion.traceparent.split("-")[1:3] == list(registrations[newcomer])
    reached = spans.reachable(_registration(registrations[newcomer]))
    assert [span for span in spans.named("decide") if span.key in reached]
    for name in ("open round", "close round"):
        assert _rounds(spans, name, reached) == set(insertion.insertion.rounds)
    assert _rounds(spans, "settle", reached) == {insertion.insertion.settled_by}
    sent = [span for span in spans.named("send judging.requested.{shard}.{judge}") if span.key in reached]
    assert sent
    # Each message to a judge is a trace of its own, so that that of a registration stays small; the span that asks
    # leads there, and the message back.
    assert not {span.trace_id for span in sent} & {trace_id for trace_id, _ in registrations.values()}
    messages = {span.key: span for span in spans.named("ask judge")}
    assert len({trace_id for trace_id, _ in messages}) == len(messages)
    asked = [span for span in spans.named("ask judges") if span.key in reached]
    assert {span.trace_id for span in asked} <= {trace_id for trace_id, _ in registrations.values()}
    for span in asked:
        of_round = [key for key, one in messages.items() if one.attributes["dearena.round"] == _round(span)]
        assert len(span.links) == min(len(of_round), LINKS_A_SPAN)
        assert set(span.links) <= set(of_round)
        assert all(span.key in messages[key].links for key in of_round)
    assert {_round(span) for span in asked} == set(insertion.insertion.rounds)
    # So is what a board cost in time: it is read in the trace of the round that it shows.
    assert _rounds(spans, "read board", reached) & set(insertion.insertion.rounds)
    # The seeding was waited for by all seeds.
    for seed in WORLD.models[:5]:
        assert 1 in _rounds(spans, "open round", spans.reachable(_registration(registrations[seed])))


def _registration(key: tuple[str, str]) -> ReceivedSpan:
    return ReceivedSpan("gateway", "RegisterModel", *key, "", 0, (), {})


def _round(span: ReceivedSpan) -> int:
    found: int = span.attributes["dearena.round"]
    return found


def _rounds(spans: Spans, name: str, reached: set[tuple[str, str]]) -> set[int]:
    return {span.attributes.get("dearena.round", 0) for span in spans.named(name) if span.key in reached}
