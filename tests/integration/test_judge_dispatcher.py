"""The judge dispatcher alone, on a real mongod and a real nats-server; the gateway and the queries are fakes."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import nats
import pytest
from nats.js.api import ConsumerConfig, DeliverPolicy
from pydantic import SecretStr

from dearena import faults, identity
from dearena.rpc_faults import fault_of
from dearena.sparring.reading import JudgingPrompt
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1.common_pb2 import (
    CELL_KIND_CANARY,
    OUTCOME_A,
    OUTCOME_FAILED,
    OUTCOME_FLIP,
    OUTCOME_INVALID,
    OUTCOME_SKIPPED,
    OUTCOME_TIE,
    OUTCOME_VOID,
    SEAT_VERDICT_FIRST,
    SEAT_VERDICT_SECOND,
    Cell,
)
from dearena.v1.events_pb2 import EventEnvelope, JudgingRequested
from dearena.v1.gateway_pb2 import FAILURE_KIND_NO_RECORD, FAILURE_KIND_TIMEOUT, PURPOSE_JUDGE, Completion
from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceStub
from services.judge_dispatcher.room import DURABLE, build
from services.judge_dispatcher.settings import JudgeDispatcherSettings
from services.judge_dispatcher.store import OtherSecret
from services.runtime import subjects
from services.runtime.bus import Bus, envelope
from services.runtime.lifecycle import running
from services.runtime.store import Store
from tests.fixtures.judging import QUERIES, Gateway, answer_text, better, cell_of, done, failed, peers
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub

ALGEBRA = "projects/default/dimensions/algebra"
GAMMA = "projects/default/models/gamma"
DISPATCHER_SECRET = SecretStr("a secret of the test")
MAX_ACK_PENDING = 100

Settings = Callable[..., JudgeDispatcherSettings]


@dataclass
class Arena:
    """A dispatcher's surroundings, and how the ranker would use it."""

    gateway: Gateway
    bus: Bus
    nats_url: str
    settings: JudgeDispatcherSettings
    _asked: int = field(default=0)

    async def ask(self, cells: Sequence[Cell], *, round_number: int = 1, event_id: str = "") -> None:
        """One message of one judge's cells."""
        self._asked += 1
        event = envelope(
            event_id or f"judging.requested/default/algebra/{round_number}/{self._asked}",
            "default",
            "algebra",
            judging_requested=JudgingRequested(
                dimension_version=1, round=round_number, judge=cells[0].judge, cells=cells
            ),
        )
        await self.bus.publish(subjects.judging_requested("0", cells[0].judge.partition("@")[0]), event)

    async def unsettled(self) -> tuple[int, int]:
        """Messages that wait for the dispatcher, and those that it holds."""
        async with await nats.connect(self.nats_url) as client:
            info = await client.jetstream().consumer_info(subjects.JUDGING, DURABLE)
        return info.num_pending or 0, info.num_ack_pending or 0

    async def events(self, subject: str, stream: str = subjects.EVENTS) -> list[bytes]:
        """What has been sent so far."""
        async with await nats.connect(self.nats_url) as client:
            context = client.jetstream()
            if not (await context.stream_info(stream)).state.messages:
                return []
            pull = await context.pull_subscribe(
                subject, stream=stream, config=ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
            )
            try:
                return [message.data for message in await pull.fetch(1000, timeout=0.5)]
            except TimeoutError:
                return []

    async def rung(self) -> Counter[tuple[str, int]]:
        """How often vote.cast told of a cell and attempt."""
        told = [EventEnvelope.FromString(data).vote_cast for data in await self.events("vote.cast.default.algebra")]
        return Counter((one.cell_id, one.attempt) for event in told for one in event.outcomes)

    @asynccontextmanager
    async def dispatcher(self, **changes: Any) -> AsyncIterator[JudgeDispatcherServiceAsyncStub]:
        async with (
            running("judge_dispatcher", self.settings.model_copy(update=changes), build) as service,
            grpc.aio.insecure_channel(service.address) as channel,
        ):
            yield JudgeDispatcherServiceStub(channel)


@pytest.fixture
async def arena(arena_settings: Settings, nats_url: str) -> AsyncIterator[Arena]:
    async with peers() as (gateway, addresses):
        settings = arena_settings(JudgeDispatcherSettings, installation_secret=DISPATCHER_SECRET, **addresses)
        bus = Bus(nats_url, "test")
        bus.start()
        await bus.ready()
        yield Arena(gateway, bus, nats_url, settings)
        await bus.close()


@pytest.fixture
async def dispatcher(arena: Arena) -> AsyncIterator[JudgeDispatcherServiceAsyncStub]:
    async with arena.dispatcher() as stub:
        yield stub


async def votes(
    dispatcher: JudgeDispatcherServiceAsyncStub, *, round_number: int = 0, after_sequence: int = 0
) -> list[tuple[int, str, int]]:
    """(sequence, cell id, outcome) as ListVotes gives them."""
    request = pb.ListVotesRequest(dimension=ALGEBRA, round=round_number, after_sequence=after_sequence)
    return [
        row
        async for batch in dispatcher.ListVotes(request)
        for row in zip(batch.sequence, batch.cell_id, batch.outcome, strict=True)
    ]


async def outcomes(dispatcher: JudgeDispatcherServiceAsyncStub, cells: Iterable[Cell]) -> list[pb.Comparison]:
    """The comparisons of these cells, when all of them stand."""

    async def found() -> list[pb.Comparison] | None:
        try:
            return [
                (
                    await dispatcher.GetComparison(
                        pb.GetComparisonRequest(dimension=ALGEBRA, cell_id=cell.cell_id, attempt=cell.attempt)
                    )
                ).comparison
                for cell in cells
            ]
        except grpc.aio.AioRpcError as error:
            if isinstance(fault_of(error), faults.UnknownComparison):
                return None
            raise

    return await eventually(found)  # type: ignore[no-any-return]


class Gate:
    """A judge's habit: it hangs until it is let go."""

    def __init__(self) -> None:
        self.entered = 0
        self.open = asyncio.Event()

    async def __call__(self, prompt: JudgingPrompt) -> Completion:
        self.entered += 1
        await self.open.wait()
        return done(better(prompt))


# What is asked, and what comes of it


async def test_both_seat_orders_are_asked_and_all_is_kept(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cell = cell_of("gamma@1", "q07")
    await arena.ask([cell], round_number=3)
    [comparison] = await outcomes(dispatcher, [cell])

    assert comparison.cell == cell
    assert (comparison.round, comparison.outcome, comparison.reason) == (3, OUTCOME_A, "")
    assert [seat.first for seat in comparison.seats] == ["alpha@1", "beta@1"]
    assert [seat.verdict for seat in comparison.seats] == [SEAT_VERDICT_FIRST, SEAT_VERDICT_SECOND]
    for seat in comparison.seats:
        assert seat.transcript.splitlines()[-1].startswith("VERDICT ")
        assert seat.transcript_hash == identity.text_hash(seat.transcript)
        assert (seat.usage.input_tokens, seat.usage.output_tokens) == (300, 20)
        assert (seat.cost.currency, seat.cost.nano_units) == ("USD", 1_000)
        assert seat.latency.ToMilliseconds() == 250

    by_id = {request.request_id: request for request in arena.gateway.requests}
    first, second = (by_id[seat.request_id] for seat in comparison.seats)
    for request, seats in ((first, ("alpha@1", "beta@1")), (second, ("beta@1", "alpha@1"))):
        prompt = request.messages[0].content
        assert prompt.index(answer_text(seats[0], "q07")) < prompt.index(answer_text(seats[1], "q07"))
        assert QUERIES["q07"] in prompt
        assert (request.model, request.query_id, request.dimension) == ("gamma@1", "q07", "algebra")
        assert request.purpose == PURPOSE_JUDGE
        assert not request.HasField("parameters")


async def first_always(prompt: JudgingPrompt) -> Completion:
    return done(f"The first.\nVERDICT {prompt.nonce}: 1")


async def mute(_: JudgingPrompt) -> Completion:
    return done("I would rather not say.")


async def fooled_in_its_quotes(prompt: JudgingPrompt) -> Completion:
    return done(f"It says:\n{prompt.first}")


async def slow(_: JudgingPrompt) -> Completion:
    return failed(FAILURE_KIND_TIMEOUT, "no reply within 60 s")


async def unrecorded(_: JudgingPrompt) -> Completion:
    return failed(FAILURE_KIND_NO_RECORD, "")


@pytest.mark.parametrize(
    ("habit", "models", "outcome", "reason"),
    [
        (None, ("alpha@1", "beta@1"), OUTCOME_A, ""),
        (None, ("beta@1", "gamma@1"), OUTCOME_TIE, ""),
        (first_always, ("alpha@1", "beta@1"), OUTCOME_FLIP, ""),
        (mute, ("alpha@1", "beta@1"), OUTCOME_INVALID, "in both seat orders: the last line is not a verdict"),
        (fooled_in_its_quotes, ("alpha@1", "beta@1"), OUTCOME_INVALID, "code of this call"),
        (slow, ("alpha@1", "beta@1"), OUTCOME_FAILED, "TIMEOUT: no reply within 60 s"),
        (unrecorded, ("alpha@1", "beta@1"), OUTCOME_VOID, "NO_RECORD"),
    ],
)
async def test_what_a_judge_says_becomes_an_outcome_with_its_reason(  # noqa: PLR0917 - a row of the table
    arena: Arena,
    dispatcher: JudgeDispatcherServiceAsyncStub,
    habit: Any,
    models: tuple[str, str],
    outcome: int,
    reason: str,
) -> None:
    if habit is not None:
        arena.gateway.habits["delta@1"] = habit
    cell = cell_of("delta@1", "q00", *models)
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == outcome
    assert reason in comparison.reason
    assert bool(reason) == bool(comparison.reason)


async def test_a_judge_that_may_judge_no_more_is_skipped(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.retired.add("delta@1")
    cell = cell_of("delta@1")
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == OUTCOME_SKIPPED
    assert "delta@1 is retired" in comparison.reason
    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1))
    assert (progress.outcomes, progress.judge_calls) == (1, 0)


async def test_without_an_answer_no_call_is_made(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    arena.gateway.unusable.add(("beta@1", "q01"))
    unnamed, unusable = cell_of("gamma@1", "q00", answer_hash_a=""), cell_of("gamma@1", "q01")
    await arena.ask([unnamed, unusable])
    first, second = await outcomes(dispatcher, [unnamed, unusable])
    assert [first.outcome, second.outcome] == [OUTCOME_VOID, OUTCOME_VOID]
    assert [first.reason, second.reason] == ["no usable answer of alpha@1", "no usable answer of beta@1"]
    assert arena.gateway.requests == []


async def test_equal_answers_are_one_call_for_both_seats(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    # Two models gave the same text. Here: one model twice, which is the same to a judge.
    cell = cell_of("gamma@1", "q00", "alpha@1", "alpha@1")
    await arena.ask([cell])
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == OUTCOME_TIE
    assert sum(arena.gateway.paid.values()) == 1
    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1))
    assert (progress.judge_calls, progress.cost.nano_units) == (1, 1_000)


async def test_texts_are_fetched_once_for_many_cells(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    cells = [cell_of("gamma@1", query) for query in QUERIES]
    for start in range(0, len(cells), 8):
        await arena.ask(cells[start : start + 8])
    await outcomes(dispatcher, cells)
    assert arena.gateway.lists_of_answers == {"alpha@1": 3, "beta@1": 3}  # pages


async def test_a_message_that_cannot_be_worked_on_is_a_dead_letter_and_holds_nothing_up(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    good = cell_of("gamma@1")
    await arena.ask([cell_of("gamma@1", template_hash="0" * 64), good])
    await arena.ask([cell_of("gamma@1", answer_hash_a="0" * 64)])
    await arena.ask([cell_of("gamma@1", query_hash="0" * 64)])
    await arena.ask([good, cell_of("delta@1")])
    await outcomes(dispatcher, [good])
    await eventually(arena.unsettled, equals=(0, 0))
    assert len(await arena.events(f"dead.{DURABLE}", subjects.DEAD_LETTERS)) == 4
    assert len(await votes(dispatcher)) == 1


# Once


async def test_doubled_messages_make_one_outcome_and_one_payment(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cells = [cell_of(judge, query) for judge in ("gamma@1", "delta@1") for query in QUERIES]
    for judge_cells in (cells[:24], cells[24:]):
        for start in range(0, 24, 8):
            for copy in range(2):
                batch = judge_cells[start : start + 8]
                await arena.ask(batch, event_id=f"{batch[0].cell_id}/{copy}")
    await outcomes(dispatcher, cells)
    await arena.ask(cells[:8])  # and once more, when all is written
    await eventually(arena.unsettled, equals=(0, 0))

    listed = await votes(dispatcher, round_number=1)
    assert Counter(cell_id for _, cell_id, _ in listed) == Counter(cell.cell_id for cell in cells)
    assert set(arena.gateway.paid.values()) == {1}
    assert len(arena.gateway.paid) == 2 * len(cells)
    assert (await arena.rung()).keys() == {(cell.cell_id, 1) for cell in cells}


async def test_a_late_request_for_what_is_written_rings_again(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cell = cell_of("gamma@1")
    await arena.ask([cell])
    await outcomes(dispatcher, [cell])
    await arena.ask([cell])
    await eventually(arena.rung, equals=Counter({(cell.cell_id, 1): 2}))
    assert len(arena.gateway.requests) == 2


async def test_another_attempt_is_another_outcome_and_other_calls(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.habits["gamma@1"] = slow
    first, second = cell_of("gamma@1"), cell_of("gamma@1", attempt=2)
    await arena.ask([first])
    await outcomes(dispatcher, [first])
    del arena.gateway.habits["gamma@1"]
    await arena.ask([second], round_number=2)
    comparisons = await outcomes(dispatcher, [first, second])
    assert [one.outcome for one in comparisons] == [OUTCOME_FAILED, OUTCOME_A]
    newest = await dispatcher.GetComparison(pb.GetComparisonRequest(dimension=ALGEBRA, cell_id=first.cell_id))
    assert newest.comparison.cell.attempt == 2
    assert len(arena.gateway.paid) == 4


async def test_a_dispatcher_stopped_in_mid_flight_goes_on_where_it_was(arena: Arena) -> None:
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:16]]
    gate = arena.gateway.habits["gamma@1"] = Gate()
    async with arena.dispatcher(drain_seconds=0.0, judge_cells_in_flight=4):
        await arena.ask(cells[:8])
        await arena.ask(cells[8:])
        await eventually(lambda: gate.entered, equals=8)
    gate.open.set()

    async with arena.dispatcher() as dispatcher:
        # The messages are still leased to the one that is gone; the ranker asks again before that ends.
        await arena.ask(cells[:8])
        await arena.ask(cells[8:])
        comparisons = await outcomes(dispatcher, cells)
        assert {one.outcome for one in comparisons} == {OUTCOME_A}
        assert len(await votes(dispatcher)) == len(cells)
        # The calls in flight at the stop were not made again.
        assert set(arena.gateway.paid.values()) == {1}
        assert len(arena.gateway.paid) == 2 * len(cells)


async def test_a_dispatcher_that_is_drained_writes_what_it_has_asked(arena: Arena) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    cell = cell_of("gamma@1")
    async with arena.dispatcher():
        await arena.ask([cell])
        await eventually(lambda: gate.entered, equals=2)
        asyncio.get_running_loop().call_later(0.2, gate.open.set)
    assert await arena.unsettled() == (0, 0)
    async with arena.dispatcher() as dispatcher:
        assert len(await votes(dispatcher)) == 1


# Trouble of ours, and of a judge's


async def test_while_the_gateway_is_away_there_is_no_outcome_and_then_there_is(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.away = True
    cell = cell_of("gamma@1")
    await arena.ask([cell])
    await eventually(lambda: arena.gateway.turned_away >= 20)
    assert await votes(dispatcher) == []
    arena.gateway.away = False
    [comparison] = await outcomes(dispatcher, [cell])
    assert comparison.outcome == OUTCOME_A


async def test_a_deadline_of_ours_is_no_outcome(arena: Arena) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    async with arena.dispatcher(complete_seconds=0.05) as dispatcher:
        cell = cell_of("gamma@1")
        await arena.ask([cell])
        await eventually(lambda: len(arena.gateway.requests) >= 6)
        assert await votes(dispatcher) == []
        gate.open.set()
        await outcomes(dispatcher, [cell])
    assert set(arena.gateway.paid.values()) == {1}


async def test_a_judge_that_hangs_does_not_starve_the_others(arena: Arena) -> None:
    async with await nats.connect(arena.nats_url) as client:
        consumer = (await client.jetstream().consumer_info(subjects.JUDGING, DURABLE)).config
        consumer.max_ack_pending = MAX_ACK_PENDING
        await client.jetstream().add_consumer(subjects.JUDGING, consumer)
    gate = arena.gateway.habits["delta@1"] = Gate()
    hanging = [cell_of("delta@1", attempt=attempt) for attempt in range(1, 3 * MAX_ACK_PENDING + 1)]
    healthy = [cell_of("gamma@1", query) for query in QUERIES]
    async with arena.dispatcher(messages_held=MAX_ACK_PENDING, judge_cells_in_flight=4) as dispatcher:
        await asyncio.gather(*(arena.ask([cell]) for cell in hanging))
        for start in range(0, len(healthy), 8):
            await arena.ask(healthy[start : start + 8])
        comparisons = await outcomes(dispatcher, healthy)
        assert {one.outcome for one in comparisons} == {OUTCOME_A}
        assert gate.entered == 2 * 4
        waiting, held = await arena.unsettled()
        assert waiting == 0
        assert 0 < held <= MAX_ACK_PENDING / 10
        gate.open.set()
        await eventually(arena.unsettled, equals=(0, 0))


async def test_a_full_backlog_lets_messages_go_and_takes_them_when_there_is_room(arena: Arena) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:6]]
    async with arena.dispatcher(judge_cells_in_flight=1, judge_backlog_cells=4) as dispatcher:
        for start in range(0, 6, 2):
            await arena.ask(cells[start : start + 2])
        await eventually(arena.unsettled, equals=(0, 2))
        await eventually(lambda: gate.entered, equals=2)
        gate.open.set()
        await outcomes(dispatcher, cells[:4])
        await eventually(arena.unsettled, equals=(0, 0))
        assert len(await votes(dispatcher)) == 4
        await arena.ask(cells[4:])
        await outcomes(dispatcher, cells)


async def test_another_secret_is_refused(arena: Arena) -> None:
    async with arena.dispatcher():
        pass
    async with arena.dispatcher():
        pass
    with pytest.raises(OtherSecret, match="recorded replies"):
        async with arena.dispatcher(installation_secret=SecretStr("another secret altogether")):
            pass


# Paused judges


async def test_a_paused_judge_is_asked_nothing_until_it_is_resumed(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    for _ in range(2):
        await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA, reason="it is ill", request_id="pause"))
    paused, other = cell_of("gamma@1"), cell_of("delta@1")
    await arena.ask([paused], round_number=5)
    await arena.ask([other], round_number=5)
    await outcomes(dispatcher, [other])
    await eventually(arena.unsettled, equals=(0, 0))

    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=5))
    assert (progress.outcomes, list(progress.paused_judges)) == (1, ["gamma@1"])
    before = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=4))
    assert list(before.paused_judges) == []
    assert {request.model for request in arena.gateway.requests} == {"delta@1"}

    for _ in range(2):
        await dispatcher.ResumeJudge(pb.ResumeJudgeRequest(name=GAMMA, request_id="resume"))
    progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=5))
    assert list(progress.paused_judges) == []
    await arena.ask([paused], round_number=5)
    await outcomes(dispatcher, [paused])


async def test_a_pause_reaches_cells_that_wait_in_the_backlog(arena: Arena) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:8]]
    async with arena.dispatcher(judge_cells_in_flight=1) as dispatcher:
        await arena.ask(cells)
        await eventually(lambda: gate.entered, equals=2)
        await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA))
        gate.open.set()
        await eventually(arena.unsettled, equals=(0, 0))
        # What was being asked is finished and paid for; the rest waits.
        assert len(await votes(dispatcher)) == 1
        progress = await dispatcher.GetRoundProgress(pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1))
        assert list(progress.paused_judges) == ["gamma@1"]


async def test_a_pause_outlives_a_restart(arena: Arena) -> None:
    async with arena.dispatcher() as dispatcher:
        await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA))
    async with arena.dispatcher() as dispatcher:
        await arena.ask([cell_of("gamma@1")])
        await eventually(arena.unsettled, equals=(0, 0))
        assert await votes(dispatcher) == []


# What others ask of it


async def test_votes_are_listed_by_round_and_after_a_sequence(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    one, two = [cell_of("gamma@1", query) for query in ("q00", "q01")], [cell_of("delta@1")]
    await arena.ask(one, round_number=1)
    await outcomes(dispatcher, one)
    await arena.ask(two, round_number=2)
    await outcomes(dispatcher, two)

    everything = await votes(dispatcher)
    assert [sequence for sequence, _, _ in everything] == sorted(sequence for sequence, _, _ in everything)
    assert await votes(dispatcher, round_number=1) == everything[:2]
    assert await votes(dispatcher, round_number=2) == everything[2:]
    assert await votes(dispatcher, after_sequence=everything[0][0]) == everything[1:]
    assert await votes(dispatcher, round_number=1, after_sequence=everything[0][0]) == everything[1:2]
    assert await votes(dispatcher, round_number=3) == []


async def test_a_round_of_thousands_is_streamed_in_batches(arena: Arena) -> None:
    cells = [cell_of("gamma@1", attempt=attempt, answer_hash_b="") for attempt in range(1, 2_501)]
    async with arena.dispatcher(judge_backlog_cells=len(cells)) as dispatcher:
        await asyncio.gather(*(arena.ask(cells[start : start + 125]) for start in range(0, len(cells), 125)))
        progress = pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1)

        async def count() -> int:
            return (await dispatcher.GetRoundProgress(progress)).outcomes

        await eventually(count, equals=len(cells))
        batches = [batch async for batch in dispatcher.ListVotes(pb.ListVotesRequest(dimension=ALGEBRA, round=1))]
        assert [len(batch.sequence) for batch in batches] == [2_000, 500]
        assert [sequence for batch in batches for sequence in batch.sequence] == list(range(1, len(cells) + 1))
        assert sorted(attempt for batch in batches for attempt in batch.attempt) == list(range(1, len(cells) + 1))
        assert set(batches[0].models) == {"alpha@1", "beta@1", "gamma@1"}


async def test_a_canary_is_no_vote(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    cell = cell_of("gamma@1", kind=CELL_KIND_CANARY)
    await arena.ask([cell])
    await outcomes(dispatcher, [cell])
    assert await votes(dispatcher) == []


async def test_an_erased_transcript_leaves_the_comparison_whole(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cell = cell_of("gamma@1")
    await arena.ask([cell])
    [before] = await outcomes(dispatcher, [cell])
    async with running_store(arena) as store:
        await store.collection("transcripts").delete_many({})
    [after] = await outcomes(dispatcher, [cell])
    assert [seat.transcript for seat in after.seats] == ["", ""]
    for seat in before.seats:
        seat.ClearField("transcript")
    for seat in after.seats:
        seat.ClearField("transcript")
    assert after == before


async def test_the_template_can_be_read(dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    template = await dispatcher.GetTemplate(pb.GetTemplateRequest())
    assert template.template == "pairwise@1"
    assert template.template_hash == cell_of("gamma@1").template_hash
    assert "impartial" in template.text


@pytest.mark.parametrize(
    ("method", "request_", "kind"),
    [
        ("GetTemplate", pb.GetTemplateRequest(template="other@1"), faults.UnknownTemplate),
        ("GetComparison", pb.GetComparisonRequest(dimension=ALGEBRA, cell_id="0"), faults.UnknownComparison),
        ("GetComparison", pb.GetComparisonRequest(dimension="algebra", cell_id="0"), faults.InvalidField),
        ("GetComparison", pb.GetComparisonRequest(dimension=ALGEBRA), faults.InvalidField),
        ("GetRoundProgress", pb.GetRoundProgressRequest(), faults.InvalidField),
        ("PauseJudge", pb.PauseJudgeRequest(name="gamma"), faults.InvalidField),
        ("PauseJudge", pb.PauseJudgeRequest(name=GAMMA, request_id="x" * 129), faults.InvalidField),
        ("PauseJudge", pb.PauseJudgeRequest(name="projects/default/models/nobody"), faults.UnknownModel),
        ("ResumeJudge", pb.ResumeJudgeRequest(name=""), faults.InvalidField),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(
    dispatcher: JudgeDispatcherServiceAsyncStub, method: str, request_: Any, kind: type[faults.ArenaFault]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(dispatcher, method)(request_)
    assert type(fault_of(caught.value)) is kind


async def test_a_request_id_is_not_used_for_two_things(dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA, reason="one", request_id="r"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA, reason="two", request_id="r"))
    assert isinstance(fault_of(caught.value), faults.RequestIdReused)


@asynccontextmanager
async def running_store(arena: Arena) -> AsyncIterator[Store]:
    store = Store(arena.settings.mongo_url, arena.settings.mongo_database)
    yield store
    store.close()
