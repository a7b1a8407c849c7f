"""What an arena exports of itself is what its ledger, its votes and its boards say."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from dearena.client import Vote
from dearena.names import Revision
from dearena.v1 import gateway_pb2, ranker_pb2, scorer_pb2
from dearena.v1.common_pb2 import Money
from services.runtime import instruments
from services.runtime.instruments import CATALOGUE, Instrument, Kind
from tests.fixtures.arena import Arena, arena
from tests.fixtures.otlp import Spans, otlp_receiver
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

PROJECT, DIMENSION = "measured", "d"
MODELS = [f"planted-{n}" for n in range(6)]
PRICE = gateway_pb2.Price(
    per_million_input_tokens=Money(currency="USD", nano_units=3_000_000_000),
    per_million_output_tokens=Money(currency="USD", nano_units=15_000_000_000),
)
BUDGET = Money(currency="USD", nano_units=500_000_000_000)
KINDS = {Kind.COUNTER: "sum", Kind.GAUGE: "gauge", Kind.HISTOGRAM: "histogram"}
SECRET = "an installation secret of the test's own"
CATCH_UP_SECONDS = 10.0


@dataclass
class Measured:
    """What a run exported, and what the arena keeps of it."""

    spans: Spans
    ledger: list[gateway_pb2.LedgerEntry]
    votes: list[Vote]
    ranking: ranker_pb2.Ranking
    board: scorer_pb2.Board
    texts: set[str]
    """What was asked, answered and judged."""

    async def become(self, one: Instrument, wanted: Mapping[Any, float]) -> None:
        """Wait until the sums by all attributes are so; fails with what they are."""

        async def equal() -> bool:
            return self.now(one) == pytest.approx(wanted)

        try:
            await eventually(equal, CATCH_UP_SECONDS)
        except AssertionError:
            assert self.now(one) == pytest.approx(wanted), one.name

    def now(self, one: Instrument) -> Mapping[Any, float]:
        metrics = self.spans.metrics
        return (metrics.counts_by if one.buckets else metrics.by)(one.name, *one.attributes)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def measured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Measured]:
    async with otlp_receiver() as (endpoint, spans):
        environment = {
            "DEARENA_OTLP_ENDPOINT": endpoint,
            "DEARENA_METRICS_SECONDS": "0.3",
            "DEARENA_INSTALLATION_SECRET": SECRET,
        }
        async with arena(tmp_path_factory.mktemp("metrics"), environment=environment) as whole:
            yield await _play(whole, spans)


async def _play(whole: Arena, spans: Spans) -> Measured:
    async with whole.client(PROJECT) as client:
        for slug in MODELS[:-1]:
            await whole.register(client, slug, "slow", price=PRICE)
        await client.set_budget(
            gateway_pb2.Budget(
                parent=f"projects/{PROJECT}", scope=gateway_pb2.BUDGET_SCOPE_MODEL, model=MODELS[0], limit=BUDGET
            )
        )
        await whole.dimension(client, DIMENSION, 4)
        await whole.settled(client, len(MODELS) - 1)
        await whole.register(client, MODELS[-1], "slow", price=PRICE)
        played = await whole.settled(client, len(MODELS))
        questions = {turn async for query in client.queries(DIMENSION) for turn in query.turns}
        shown = await client.comparison(DIMENSION, played.votes[-1].cell_id, with_prompts=True)
        texts = questions | {text for text in _strings(shown) if " " in text}
        return Measured(
            spans,
            [entry async for entry in client.ledger()],
            played.votes,
            await client.ranking(DIMENSION),
            played.board,
            texts,
        )


def _strings(message: Any) -> set[str]:
    """Every text in a message."""
    found: set[str] = set()
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if isinstance(one, str):
                found.add(one)
            elif hasattr(one, "ListFields"):
                found |= _strings(one)
    return found


def _slug(revision: str) -> str:
    return Revision.parse(revision).slug


def _word(enum: Any, number: int, prefix: str) -> str:
    name: str = enum.Name(number)
    return name.removeprefix(prefix).lower()


def _purpose(entry: gateway_pb2.LedgerEntry) -> str:
    return _word(gateway_pb2.Purpose, entry.purpose, "PURPOSE_")


async def test_every_metric_of_the_catalogue_is_exported_as_it_stands_there(measured: Measured) -> None:
    received = measured.spans.metrics.kinds

    await eventually(lambda: CATALOGUE.keys() <= received.keys(), CATCH_UP_SECONDS)
    assert {name: received[name] for name in CATALOGUE} == {
        name: (KINDS[one.kind], one.unit) for name, one in CATALOGUE.items()
    }


async def test_nothing_else_is_exported(measured: Measured) -> None:
    ours = {name for name in measured.spans.metrics.kinds if name.startswith(("dearena.", "gen_ai."))}
    assert ours <= CATALOGUE.keys()
    for name, one in CATALOGUE.items():
        for point in measured.spans.metrics.points(name):
            assert set(point.attributes) <= set(one.attributes), name
            assert point.service.removeprefix("dearena.").replace("_", "-") in one.services, name
            assert point.buckets == len(one.buckets), name


async def test_calls_tokens_and_money_are_those_of_the_ledger(measured: Measured) -> None:
    calls: Counter[Any] = Counter()
    tokens: Counter[Any] = Counter()
    money: Counter[Any] = Counter()
    of_dimension: Counter[Any] = Counter()
    for entry in measured.ledger:
        model, purpose = _slug(entry.model), _purpose(entry)
        calls[PROJECT, model, purpose, _word(gateway_pb2.CompletionState, entry.state, "COMPLETION_STATE_")] += 1
        tokens["input", model] += entry.usage.input_tokens
        tokens["output", model] += entry.usage.output_tokens
        money["USD", PROJECT, model, purpose] += entry.cost.nano_units
        of_dimension["USD", PROJECT, DIMENSION] += entry.cost.nano_units
    assert {purpose for _, _, purpose, _ in calls} >= {"answer", "judge"}
    assert min(money.values()) > 0

    await measured.become(instruments.CALLS, calls)
    await measured.become(instruments.MONEY_SPENT, {key: nano / 1e9 for key, nano in money.items()})
    await measured.become(instruments.DIMENSION_SPENT, {key: nano / 1e9 for key, nano in of_dimension.items()})
    name = instruments.TOKEN_USAGE.name
    await eventually(
        lambda: measured.spans.metrics.by(name, *instruments.TOKEN_USAGE.attributes) == tokens, CATCH_UP_SECONDS
    )
    durations = Counter(_slug(entry.model) for entry in measured.ledger if entry.http_requests)
    by_model = measured.spans.metrics.counts_by(instruments.CALL_DURATION.name, "gen_ai.request.model")
    assert by_model == {(model,): count for model, count in durations.items()}


async def test_budgets_and_endpoints_are_as_they_stand(measured: Measured) -> None:
    spent = sum(entry.cost.nano_units for entry in measured.ledger if _slug(entry.model) == MODELS[0])
    key = (PROJECT, "model", MODELS[0], "USD")

    await measured.become(instruments.BUDGET_LIMIT, {key: BUDGET.nano_units / 1e9})
    await measured.become(instruments.BUDGET_LEFT, {key: (BUDGET.nano_units - spent) / 1e9})
    idle = {(PROJECT, model): 0.0 for model in MODELS}
    for one in (instruments.CALLS_IN_FLIGHT, instruments.CALLS_WAITING, instruments.ENDPOINT_OPEN):
        await measured.become(one, idle)
    await measured.become(instruments.OUTBOX_WAITING, {(): 0})


async def test_votes_are_those_of_the_log(measured: Measured) -> None:
    votes = Counter((PROJECT, _slug(vote.judge), vote.outcome) for vote in measured.votes)
    assert len(votes) > len(MODELS)

    await measured.become(instruments.VOTES, votes)
    await measured.become(instruments.DIMENSION_VOTES, {(PROJECT, DIMENSION): len(measured.votes)})
    await measured.become(instruments.CELLS_IN_FLIGHT, {(): 0})
    last = measured.now(instruments.LAST_VOTE)[PROJECT, DIMENSION]
    ends = [entry.start_time.ToDatetime().timestamp() for entry in measured.ledger]
    assert last > min(ends)
    compared = measured.spans.metrics.counts_by(instruments.CELL_DURATION.name)[()]
    assert compared >= len(measured.votes), "canaries are compared too"


async def test_rounds_insertions_and_boards_are_those_that_were_made(measured: Measured) -> None:
    here, rounds = (PROJECT, DIMENSION), measured.ranking.last_closed_round
    assert rounds > 1
    once = {here: float(rounds)}

    await measured.become(instruments.ROUNDS, once)
    await measured.become(instruments.ROUND_DURATION, once)
    await measured.become(instruments.FIT_DURATION, once)
    await measured.become(instruments.BOARD_VERSION, {here: measured.board.board_version})
    await measured.become(instruments.BOARD_LAG, {here: 0})
    await measured.become(instruments.INSERTION_DURATION, {here: len(MODELS)})
    await measured.become(instruments.MODELS_RANKED, {here: len(MODELS)})
    await measured.become(instruments.JUDGES_SUSPENDED, {here: 0})
    phases = ("seeding", "coarse", "fine", "held")
    await measured.become(instruments.INSERTIONS_OPEN, {(*here, phase): 0 for phase in phases})
    await measured.become(instruments.INSERTION_IDLE, {here: 0})
    states = {("ready",): 1, ("selecting",): 0, ("waiting_for_bus",): 0, ("pilot",): 0}
    await measured.become(instruments.DIMENSIONS, states)
    await measured.become(instruments.SELECTIONS_RUNNING, {(): 0})


async def test_queues_are_empty_and_there_are_no_dead_letters(measured: Measured) -> None:
    consumers = [
        ("EVENTS", "gateway-dimensions"),
        ("EVENTS", "ranker-doorbell"),
        ("EVENTS", "scorer-rounds"),
        ("JUDGING", "dispatcher-judging"),
    ]
    for one in (instruments.QUEUE_PENDING, instruments.QUEUE_IN_FLIGHT):
        await measured.become(one, dict.fromkeys(consumers, 0))
    letters = measured.spans.metrics.points(instruments.DEAD_LETTERS.name)
    assert letters
    assert not any(point.value for point in letters)


async def test_calls_between_services_are_timed(measured: Measured) -> None:
    services = {key[0] for key in measured.now(instruments.RPC_DURATION)}
    assert services == {
        f"dearena.v1.{one}Service" for one in ("Gateway", "QuerySelector", "Ranker", "JudgeDispatcher", "Scorer")
    }
    completed = measured.now(instruments.RPC_DURATION)["dearena.v1.GatewayService", "Complete", 0]
    assert completed >= sum(_purpose(entry) == "judge" for entry in measured.ledger)


async def test_slow_values_lead_to_traces_that_were_received(measured: Measured) -> None:
    spans = {span.trace_id for span in measured.spans.received.values()}
    for one in (instruments.CALL_DURATION, instruments.CELL_DURATION, instruments.RPC_DURATION):
        named = measured.spans.metrics.traces[one.name]
        assert named, one.name
        assert named & spans, one.name


async def test_no_secret_and_no_text_is_exported(measured: Measured) -> None:
    assert len(measured.texts) > 4
    exports = b"".join(measured.spans.exports)
    assert exports
    assert not [text for text in (*measured.texts, SECRET) if text.encode() in exports]
