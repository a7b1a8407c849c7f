"""Trials of attacks: what is measured is what was planted, each call is paid once, and no vote comes of it."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
from scipy import stats

from dearena import faults
from dearena.attacks import trials
from dearena.attacks.corpus import NAMES, VERSION
from dearena.attacks.questions import QUESTIONS
from dearena.rpc_faults import fault_of
from dearena.sparring import reading
from dearena.sparring.gullible import WEAKNESSES, GullibleWorld
from dearena.v1 import gateway_pb2
from dearena.v1 import judge_dispatcher_pb2 as pb
from tests.fixtures.judges import Gate, Habit, done, failed
from tests.fixtures.judging import ALGEBRA, GAMMA, Arena, votes
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub

RATE, SLIP = 0.6, 0.05
ONE_IN_TEN_THOUSAND = 1e-4
CALLS = len(trials.pairs())


def gullible(weakness: str, **rates: Any) -> Habit:
    """The habit of a sparring judge."""
    world = GullibleWorld(**rates)

    async def judge(prompt: reading.JudgingPrompt) -> gateway_pb2.Completion:
        reply = world.judged(weakness, prompt)
        assert reply is not None
        return done(reply.text)

    return judge


async def tried(dispatcher: JudgeDispatcherServiceAsyncStub, judge: str, **more: Any) -> pb.Persuasion:
    request = pb.TryAttacksRequest(**{"dimension": ALGEBRA, "judge": judge, **more})
    return (await dispatcher.TryAttacks(request)).persuasion


async def known(dispatcher: JudgeDispatcherServiceAsyncStub) -> list[pb.Persuasion]:
    return list((await dispatcher.ListPersuasion(pb.ListPersuasionRequest(dimension=ALGEBRA))).persuasions)


def likely(hits: int, of: int, rate: float) -> bool:
    """Whether a count is not one that so high a rate gives but once in ten thousand."""
    return bool(stats.binomtest(hits, of, rate).pvalue > ONE_IN_TEN_THOUSAND)


@pytest.mark.parametrize("weakness", WEAKNESSES)
async def test_what_is_measured_is_what_was_planted(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, weakness: str
) -> None:
    arena.gateway.habits["gamma@1"] = gullible(weakness, rate=RATE, slip_rate=SLIP)
    found = await tried(dispatcher, "gamma@1", questions=8)

    assert [one.attack for one in found.attacks] == list(NAMES)
    shown = trials.pairs(questions=8)
    for one in found.attacks:
        texts = [pair.bad for pair in shown if pair.attack == one.attack]
        works = sum(map(WEAKNESSES[weakness], texts)) / len(texts)
        planted = works * (RATE + (1 - RATE) * SLIP) + (1 - works) * SLIP
        assert one.readable == len(texts)
        assert likely(one.persuaded, one.readable, planted), one
        assert likely(one.plain_persuaded, one.plain_readable, SLIP), one
    assert weakness == "immune" or max(one.persuaded / one.readable for one in found.attacks) > 2 * SLIP


async def test_an_immune_judge_is_persuaded_by_nothing(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.habits["gamma@1"] = gullible("immune", rate=1.0)
    found = await tried(dispatcher, "gamma@1")
    assert [(one.persuaded, one.plain_persuaded, one.unreadable, one.failed) for one in found.attacks] == [
        (0, 0, 0, 0) for _ in NAMES
    ]
    assert (found.corpus, found.questions, found.judge_calls, found.template) == (VERSION, 4, CALLS, "pairwise@1")
    assert (found.cost.currency, found.cost.nano_units) == ("USD", CALLS * 1_000)
    assert sum(arena.gateway.paid.values()) == CALLS
    assert {(request.purpose, request.dimension) for request in arena.gateway.requests} == {
        (gateway_pb2.PURPOSE_JUDGE, "algebra")
    }


async def test_a_judge_that_is_held_to_a_schema_is_tried_in_its_form(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.structured = {"gamma"}
    arena.gateway.habits["gamma@1"] = gullible("believes-system", rate=1.0)
    (one,) = (await tried(dispatcher, "gamma@1", attacks=["fake-system"])).attacks
    assert (one.readable, one.persuaded, one.plain_readable, one.plain_persuaded) == (40, 40, 8, 0)
    assert all(request.response_schema for request in arena.gateway.requests)


async def test_what_cannot_be_read_is_counted_apart(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    arena.gateway.habits["gamma@1"] = gullible("obeys", rate=1.0, unreadable_rate=0.5)
    found = await tried(dispatcher, "gamma@1", attacks=["order-to-the-judge"])
    (one,) = found.attacks
    assert one.unreadable > 0
    assert one.readable + one.unreadable == 3 * 4 * 2
    assert one.persuaded == one.readable


async def test_a_judge_that_echoes_the_attack_has_said_nothing(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    good = {question.good for question in QUESTIONS}

    async def echo(prompt: reading.JudgingPrompt) -> gateway_pb2.Completion:
        return done(prompt.second if prompt.first in good else prompt.first)

    arena.gateway.habits["gamma@1"] = echo
    for one in (await tried(dispatcher, "gamma@1")).attacks:
        assert (one.readable, one.plain_readable) == (0, 0)
        assert one.unreadable > 0


async def test_a_trial_that_is_repeated_pays_nothing_twice(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    first = await tried(dispatcher, "gamma@1", request_id="one", attacks=["encoded"], questions=1)
    asked = len(arena.gateway.requests)
    assert await tried(dispatcher, "gamma@1", request_id="one", attacks=["encoded"], questions=1) == first
    assert len(arena.gateway.requests) == asked

    again = await tried(dispatcher, "gamma@1", request_id="two", attacks=["encoded"], questions=1)
    assert list(again.attacks) == list(first.attacks)
    assert set(arena.gateway.paid.values()) == {1}
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await tried(dispatcher, "gamma@1", request_id="one")
    assert isinstance(fault_of(error.value), faults.RequestIdReused)


async def test_a_trial_goes_on_when_its_caller_has_left(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    request = pb.TryAttacksRequest(
        dimension=ALGEBRA, judge="gamma@1", request_id="one", attacks=["encoded"], questions=1
    )
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await dispatcher.TryAttacks(request, timeout=0.5)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    gate.open.set()
    (found,) = await eventually(lambda: known(dispatcher))
    asked = len(arena.gateway.requests)
    assert (await dispatcher.TryAttacks(request)).persuasion == found
    assert found.judge_calls == len(arena.gateway.requests) == asked == 8


async def test_a_trial_outlives_its_dispatcher(arena: Arena) -> None:
    gate = arena.gateway.habits["gamma@1"] = Gate()
    request = pb.TryAttacksRequest(
        dimension=ALGEBRA, judge="gamma@1", request_id="one", attacks=["encoded"], questions=1
    )
    async with arena.dispatcher() as dispatcher:
        left = asyncio.ensure_future(dispatcher.TryAttacks(request))
        await eventually(lambda: gate.entered == 8)
    with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
        await left
    gate.open.set()
    async with arena.dispatcher() as dispatcher:
        assert (await dispatcher.TryAttacks(request)).persuasion.judge_calls == 8
    assert sorted(arena.gateway.paid.values()) == [1] * 8


async def test_calls_that_failed_are_made_again_by_the_next_trial_and_no_others(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    calls = 0

    async def failing_at_first(prompt: reading.JudgingPrompt) -> gateway_pb2.Completion:
        nonlocal calls
        calls += 1
        if calls <= 3:
            return failed(gateway_pb2.FAILURE_KIND_TIMEOUT, "no reply within 60 s")
        return await gullible("immune")(prompt)

    arena.gateway.habits["gamma@1"] = failing_at_first
    (first,) = (await tried(dispatcher, "gamma@1", attacks=["encoded"], questions=2)).attacks
    assert first.failed + (4 - first.plain_readable) == 3
    (second,) = (await tried(dispatcher, "gamma@1", attacks=["encoded"], questions=2)).attacks
    assert (second.readable, second.plain_readable, second.failed) == (12, 4, 0)
    assert calls == 16 + 3


async def test_a_small_trial_takes_nothing_from_a_large_one_and_no_vote_is_cast(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.habits["gamma@1"] = gullible("immune")
    large = await tried(dispatcher, "gamma@1", attacks=["authority", "encoded"], questions=2)
    arena.gateway.habits["gamma@1"] = gullible("decodes", rate=1.0)
    small = await tried(dispatcher, "gamma@1", attacks=["encoded"], questions=1)
    added = await tried(dispatcher, "gamma@1", attacks=["fake-system"], questions=2)
    other = await tried(dispatcher, "delta@1", attacks=["encoded"], questions=1)
    assert [(one.attack, one.readable) for one in small.attacks] == [("encoded", 6)]

    [of_delta, of_one, of_two] = await known(dispatcher)
    assert (of_delta, of_one) == (other, small)
    assert (of_two.judge, of_two.questions, of_two.time) == ("gamma@1", 2, added.time)
    # In the order of the corpus, whenever each was tried.
    assert list(of_two.attacks) == [added.attacks[0], *large.attacks]
    assert await votes(dispatcher) == []
    assert await arena.rung() == {}


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"attacks": ["charm"]}, faults.InvalidField),
        ({"questions": 9}, faults.InvalidField),
        ({"judge": "gamma"}, faults.InvalidField),
        ({"dimension": "algebra"}, faults.InvalidField),
        ({"dimension": "projects/default/dimensions/nothing"}, faults.UnknownDimension),
        ({"judge": "retired@1"}, faults.ModelNotActive),
        ({"judge": "paused@1"}, faults.NotReady),
        ({"request_id": "x" * 129}, faults.InvalidField),
    ],
)
async def test_a_trial_that_cannot_be_is_refused(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub, asked: dict[str, Any], fault: type[faults.ArenaFault]
) -> None:
    arena.gateway.retired = {"retired@1"}
    await dispatcher.PauseJudge(pb.PauseJudgeRequest(name=GAMMA.replace("gamma", "paused")))
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await tried(dispatcher, **{"judge": "gamma@1", **asked})
    assert isinstance(fault_of(error.value), fault)
    assert not arena.gateway.paid
