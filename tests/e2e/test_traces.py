"""One can walk from a registration to the last vote of its insertion, and back, along the edges of exported spans."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from dearena.client import Vote
from dearena.faults import UnknownDimension
from dearena.v1 import judge_dispatcher_pb2
from tests.fixtures.arena import Arena, arena
from tests.fixtures.otlp import ReceivedSpan, Spans, otlp_receiver
from tests.fixtures.selections import selecting

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

EDGES = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "observability" / "edges.yaml").read_text("utf-8"))

SEEDS = [f"planted-{n}" for n in range(5)]
NEWCOMER = "planted-5"

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
CALL, MESSAGE = (CLIENT, SERVER), (PRODUCER, CONSUMER)
CROSSINGS = (CALL, MESSAGE)

GATEWAY, RANKER, DISPATCHER, SCORER = (
    f"dearena.{name}" for name in ("gateway", "ranker", "judge_dispatcher", "scorer")
)


@dataclass
class Recorded:
    """What a whole run exported, and what the arena keeps of it."""

    spans: Spans
    votes: list[Vote]
    comparison: judge_dispatcher_pb2.Comparison

    def registration(self, slug: str = NEWCOMER) -> ReceivedSpan:
        [found] = [
            span
            for span in self.spans.received.values()
            if span.name.endswith("/RegisterModel") and span.attributes.get("dearena.model") == slug
        ]
        return found

    def in_trace(self, trace_id: str, name: str = "") -> list[ReceivedSpan]:
        return [s for s in self.spans.received.values() if s.trace_id == trace_id and name in ("", s.name)]

    def of_insertion(self, name: str) -> list[ReceivedSpan]:
        return self.in_trace(self.registration().trace_id, name)

    def cells(self) -> list[ReceivedSpan]:
        return self.spans.named("judge cell", DISPATCHER)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorded]:
    """A pilot chooses a dimension's queries, five models are ranked, a sixth is inserted."""
    async with otlp_receiver() as (endpoint, spans):
        async with arena(tmp_path_factory.mktemp("traces"), environment={"DEARENA_OTLP_ENDPOINT": endpoint}) as whole:
            votes, comparison = await _play(whole)
        yield Recorded(spans, votes, comparison)


async def _play(whole: Arena) -> tuple[list[Vote], judge_dispatcher_pb2.Comparison]:
    """Whatever services do with one another."""
    async with selecting(whole, "traced", SEEDS) as found:
        client = found.client
        await found.create("d", k=8, calls=800)
        await found.over("d")
        await whole.dimension(client, "other", 2)
        await whole.settled(client, len(SEEDS))
        await whole.settled(client, len(SEEDS), "other")
        # A budget that is changed rings the ranker.
        await whole.said("traced", "budget", "set", "1000 USD", "--dimension", "d")
        await whole.register(client, NEWCOMER)
        played = await whole.settled(client, len(SEEDS) + 1)
        # Reports ask for what boards do not hold: of families, of other dimensions, whether there is such a dimension.
        await client.judge_report("d")
        await client.dimension_health("d")
        with pytest.raises(UnknownDimension):
            await client.leaderboard("nowhere")
        votes = [vote async for vote in client.votes("d", trace_ids=True)]
        return votes, await client.comparison("d", played.votes[-1].cell_id)


def name_of(service: str) -> str:
    """As in the cluster."""
    return service.removeprefix("dearena.").replace("_", "-")


# Edges between services: exactly those of deploy/observability/edges.yaml


def connections(kind: str) -> set[tuple[str, str]]:
    return {(one["from"], one["to"]) for one in EDGES["connections"] if one["spans"] == kind}


def between(pairs: Iterable[tuple[ReceivedSpan, ReceivedSpan]], *kinds: tuple[int, int]) -> set[tuple[str, str]]:
    """Edges between services whose two spans are of these kinds; of any others where none are given."""
    return {
        (name_of(before.service), name_of(after.service))
        for before, after in pairs
        if before.service != after.service
        and ((before.kind, after.kind) in kinds or (not kinds and (before.kind, after.kind) not in CROSSINGS))
    }


async def test_calls_between_services_are_exactly_those_that_are_named(recorded: Recorded) -> None:
    assert between(recorded.spans.parents(), CALL) == connections("rpc")


async def test_messages_between_services_are_exactly_those_that_are_named(recorded: Recorded) -> None:
    sent = {
        (name_of(before.service), name_of(after.service), subject(before))
        for before, after in recorded.spans.parents()
        if (before.kind, after.kind) == MESSAGE
    }
    assert sent == {(one["from"], one["to"], one["subject"]) for one in EDGES["messages"]}
    announced = {(name_of(s.service), subject(s)) for s in recorded.spans.received.values() if s.kind == PRODUCER}
    assert announced - {(sender, what) for sender, _, what in sent} == {
        (one["from"], one["subject"]) for one in EDGES["announcements"]
    }


def subject(span: ReceivedSpan) -> str:
    return ".".join(span.attributes["messaging.destination.template"].split(".")[:2])


async def test_what_is_taken_up_from_documents_and_what_is_linked_is_exactly_what_is_named(recorded: Recorded) -> None:
    assert between(recorded.spans.parents()) == {(one["from"], one["to"]) for one in EDGES["taken_up"]}
    assert between(recorded.spans.linked()) == {(one["from"], one["to"]) for one in EDGES["links"]}


@pytest.mark.parametrize(
    ("kind", "attribute", "to"),
    [
        ("database", "db.system", "mongo"),
        ("broker", "messaging.system", "nats"),
        ("model", "gen_ai.operation.name", "model-endpoints"),
    ],
)
async def test_servers_that_are_not_ours_are_called_by_exactly_those_who_are_named(
    recorded: Recorded, kind: str, attribute: str, to: str
) -> None:
    callers = {name_of(span.service) for span in recorded.spans.received.values() if attribute in span.attributes}
    assert {(caller, to) for caller in callers} == connections(kind)


# One insertion


async def test_one_trace_holds_registration_answers_rounds_and_settle(recorded: Recorded) -> None:
    votes_of = {vote.round for vote in recorded.votes if f"{NEWCOMER}@1" in (vote.model_a, vote.model_b)}

    def rounds_of(name: str) -> set[int]:
        in_d = [span for span in recorded.of_insertion(name) if span.attributes["dearena.dimension"] == "d"]
        return {span.attributes["dearena.round"] for span in in_d}

    assert {span.attributes["dearena.dimension"] for span in recorded.of_insertion("collect answers")} == {"d", "other"}
    assert votes_of
    for name in ("open round", "ask judges", "close round", "read board"):
        assert rounds_of(name) == votes_of, name
    assert rounds_of("settle") == {max(votes_of)}
    assert {span.service for span in recorded.of_insertion("")} >= {GATEWAY, RANKER, SCORER}
    assert [span for span in recorded.of_insertion("fit board") if span.service == SCORER]


async def test_every_cell_is_a_trace_of_its_own_and_no_trace_grows_with_their_number(recorded: Recorded) -> None:
    cells = recorded.cells()
    assert len({span.trace_id for span in cells}) == len(cells) > 100
    sizes = Counter(trace_id for trace_id, _ in recorded.spans.received)
    # Two calls of a few spans each, the write, the ring; of a message, its cells are elsewhere.
    assert max(sizes[span.trace_id] for span in cells) < 60
    messages = recorded.spans.named("ask judge", RANKER)
    assert max(sizes[span.trace_id] for span in messages) < 60
    assert max(sizes.values()) < 1_000


async def test_links_lead_from_a_round_to_its_cells_and_from_a_cell_to_its_round(recorded: Recorded) -> None:
    spans = recorded.spans
    cells = {span.key: span for span in recorded.cells()}
    asked = recorded.of_insertion("ask judges")
    for ask in asked:
        here = (ask.attributes["dearena.dimension"], ask.attributes["dearena.round"])
        found = set()
        for message in map(spans.received.__getitem__, ask.links):
            assert message.name == "ask judge"
            for processed in recorded.in_trace(message.trace_id, "process judging.requested.{shard}.{judge}"):
                found |= set(processed.links)
        of_round = {
            key
            for key, cell in cells.items()
            if (cell.attributes["dearena.dimension"], cell.attributes["dearena.round"]) == here
        }
        assert found == of_round
        messages = [
            one
            for one in spans.named("ask judge", RANKER)
            if (one.attributes["dearena.insertion.trace_id"], one.attributes["dearena.round"])
            == (ask.trace_id, here[1])
        ]
        assert set(ask.links) <= {one.key for one in messages}
        for key in of_round:
            assert cells[key].attributes["dearena.insertion.trace_id"] == ask.trace_id
            opened = [spans.received[link] for link in cells[key].links if link[0] == ask.trace_id]
            assert {span.name for span in opened} == {"open round"}
            assert {span.attributes["dearena.round"] for span in opened} == {here[1]}
    assert asked


async def test_a_registration_leads_to_every_vote_of_its_insertion(recorded: Recorded) -> None:
    reached = recorded.spans.reachable(recorded.registration())
    cells = {span.trace_id: span for span in recorded.cells()}
    own = [vote for vote in recorded.votes if f"{NEWCOMER}@1" in (vote.model_a, vote.model_b)]
    assert own
    assert all(cells[vote.trace_id].key in reached for vote in own)
    told = {
        span.attributes["dearena.round"]
        for span in recorded.spans.named("cast votes", DISPATCHER)
        if span.key in reached and span.attributes["dearena.dimension"] == "d"
    }
    assert told >= {vote.round for vote in own}


async def test_a_vote_names_its_trace_and_the_trace_its_judge_s_calls(recorded: Recorded) -> None:
    cells = {span.attributes["dearena.cell"]: span for span in recorded.cells()}
    assert {vote.cell_id: vote.trace_id for vote in recorded.votes} == {
        vote.cell_id: cells[vote.cell_id].trace_id for vote in recorded.votes
    }
    comparison = recorded.comparison
    calls = [s for s in recorded.in_trace(comparison.trace_id) if "gen_ai.operation.name" in s.attributes]
    assert {call.attributes["dearena.request_id"] for call in calls} == {seat.request_id for seat in comparison.seats}
    assert {call.attributes["gen_ai.request.model"] for call in calls} == {comparison.cell.judge.partition("@")[0]}


async def test_probes_and_commands_that_belong_to_nothing_are_not_among_the_spans(recorded: Recorded) -> None:
    commands = {span.name for span in recorded.spans.received.values() if "db.system" in span.attributes}
    assert commands >= {"insert rounds", "find comparisons", "commitTransaction"}
    alone = [span for span in recorded.spans.received.values() if not span.parent_id]
    assert not [span.name for span in alone if "db.system" in span.attributes]
    assert not [span.name for span in alone if span.name.startswith("/grpc.health")]
