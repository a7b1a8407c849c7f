"""A model enters ten dimensions: its registration's trace holds eight, and leads to the other two and back."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.gateway.entrances import DIMENSIONS_A_TRACE
from tests.fixtures.arena import arena
from tests.fixtures.otlp import ReceivedSpan, Spans, otlp_receiver

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(420)]

SEEDS = 3
NEWCOMER = f"planted-{SEEDS}"
DIMENSIONS = {f"d{number:02}": 1 + number % 2 for number in range(10)}
"""Queries of each."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def spans(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Spans]:
    async with otlp_receiver() as (endpoint, received):
        environment = {"DEARENA_OTLP_ENDPOINT": endpoint}
        async with (
            arena(tmp_path_factory.mktemp("sizes"), environment=environment) as whole,
            whole.client("sizes") as client,
        ):
            for slug, queries in DIMENSIONS.items():
                await whole.dimension(client, slug, queries, seed_models=SEEDS)
            for number in range(SEEDS):
                await whole.register(client, f"planted-{number}")
            for slug in DIMENSIONS:
                await whole.settled(client, SEEDS, slug)
            await whole.register(client, NEWCOMER)
            for slug in DIMENSIONS:
                await whole.settled(client, SEEDS + 1, slug)
        yield received


@pytest.fixture
def registration(spans: Spans) -> ReceivedSpan:
    [found] = [
        span
        for span in spans.received.values()
        if span.name.endswith("/RegisterModel") and span.attributes.get("dearena.model") == NEWCOMER
    ]
    return found


def in_trace(spans: Spans, trace_id: str, name: str = "") -> list[ReceivedSpan]:
    return [span for span in spans.received.values() if span.trace_id == trace_id and name in ("", span.name)]


def dimensions_of(found: list[ReceivedSpan]) -> set[str]:
    return {span.attributes["dearena.dimension"] for span in found}


async def test_eight_dimensions_from_answers_to_settle_are_in_the_trace_of_the_registration(
    spans: Spans, registration: ReceivedSpan
) -> None:
    settled = dimensions_of(in_trace(spans, registration.trace_id, "settle"))
    assert len(settled) == DIMENSIONS_A_TRACE == 8
    for name in ("collect answers", "open round", "close round"):
        assert dimensions_of(in_trace(spans, registration.trace_id, name)) == settled, name


async def test_each_further_one_is_reached_in_one_hop_by_attribute_and_link_and_leads_back(
    spans: Spans, registration: ReceivedSpan
) -> None:
    settled = dimensions_of(in_trace(spans, registration.trace_id, "settle"))
    entered = in_trace(spans, registration.trace_id, "enter dimension")
    assert dimensions_of(entered) == set(DIMENSIONS) - settled
    assert len(entered) == 2
    for span in entered:
        trace_id, dimension = span.attributes["dearena.insertion.trace_id"], span.attributes["dearena.dimension"]
        [link] = span.links
        root = spans.received[link]
        assert (root.trace_id, root.parent_id) == (trace_id, "")
        assert root.links == (span.key,)
        assert root.attributes["dearena.registration.trace_id"] == registration.trace_id
        for name in ("collect answers", "open round", "ask judges", "close round", "read board", "settle"):
            assert dimensions_of(in_trace(spans, trace_id, name)) == {dimension}, name
        cells = [one for one in spans.named("judge cell") if one.attributes["dearena.insertion.trace_id"] == trace_id]
        assert {one.attributes["dearena.dimension"] for one in cells} == {dimension}
        assert all(one.key in spans.reachable(registration) for one in cells)


async def test_no_trace_is_larger_than_eight_dimensions_make_it(spans: Spans, registration: ReceivedSpan) -> None:
    sizes = Counter(span.trace_id for span in spans.received.values())
    [one, other] = [
        sizes[span.attributes["dearena.insertion.trace_id"]]
        for span in in_trace(spans, registration.trace_id, "enter dimension")
    ]
    # A trace apart is of one dimension with all that it does; in that of the registration are eight such.
    assert 20 < sizes[registration.trace_id] < 8.9 * max(one, other)
    assert max(one, other) < 450
    assert max(sizes.values()) < 8 * 450
