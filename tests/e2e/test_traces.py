"""One can walk from a registration to the last vote of its insertion along the edges of exported spans."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.fixtures.arena import Arena, arena
from tests.fixtures.otlp import Spans, otlp_receiver
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

MODELS = [f"planted-{n}" for n in range(6)]

SELECTOR, GATEWAY, RANKER, DISPATCHER, SCORER = (
    f"dearena.{name}" for name in ("query_selector", "gateway", "ranker", "judge_dispatcher", "scorer")
)

NEWCOMER = MODELS[-1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def spans(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Spans]:
    """What an insertion exports."""
    async with otlp_receiver() as (endpoint, spans):
        async with arena(tmp_path_factory.mktemp("traces"), environment={"DEARENA_OTLP_ENDPOINT": endpoint}) as whole:
            await _play(whole)
        yield spans


async def _play(whole: Arena) -> None:
    async with whole.client("traced") as client:
        await whole.begin(client, MODELS, queries=3)
        await whole.settled(client, len(MODELS))


def registration_of(spans: Spans, slug: str) -> set[tuple[str, str]]:
    """Everything that follows from one registration."""
    registrations = [
        span
        for span in spans.received.values()
        if span.service == GATEWAY and span.name.endswith("GatewayService/RegisterModel")
    ]
    assert len(registrations) == len(MODELS)
    # Registrations are made one after the other, in the order of MODELS.
    return spans.reachable(sorted(registrations, key=lambda span: span.start)[MODELS.index(slug)])


async def test_a_registration_leads_to_the_last_vote_of_its_insertion(spans: Spans) -> None:
    reached = registration_of(spans, NEWCOMER)
    rounds = {
        span.attributes["dearena.round"]
        for span in spans.received.values()
        if span.key in reached and span.service == RANKER and "dearena.round" in span.attributes
    }
    assert rounds
    last = max(rounds)
    casts = {
        span.key
        for span in spans.received.values()
        if span.service == DISPATCHER and span.name == "cast votes" and span.attributes["dearena.round"] == last
    }
    votes = [
        span
        for span in spans.received.values()
        if span.name.startswith("send vote.cast") and (span.trace_id, span.parent_id) in casts
    ]

    assert votes
    assert all(vote.key in reached for vote in votes)


async def test_every_edge_between_services_is_there(spans: Spans) -> None:
    await eventually(
        lambda: (
            spans.edges()
            >= {
                (SELECTOR, GATEWAY),  # dimension.ready
                (GATEWAY, RANKER),  # answers.ready
                (RANKER, DISPATCHER),  # judging.requested
                (DISPATCHER, GATEWAY),  # Complete
                (DISPATCHER, RANKER),  # vote.cast
                (RANKER, SCORER),  # ScoreThrough
            }
        )
    )


async def test_no_trace_grows_with_the_number_of_cells(spans: Spans) -> None:
    cells = {span.trace_id for span in spans.received.values() if "dearena.cell" in span.attributes}
    registrations = {s.trace_id for s in spans.received.values() if s.name.endswith("GatewayService/RegisterModel")}

    assert cells
    assert not cells & registrations
