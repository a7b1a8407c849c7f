"""A judge dispatcher whose calls are refused for want of money: no outcome, and none of it paid twice."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

from typing import TYPE_CHECKING

from dearena import faults
from dearena.v1 import gateway_pb2 as gateway
from dearena.v1 import judge_dispatcher_pb2 as pb
from dearena.v1.common_pb2 import OUTCOME_A
from services.judge_dispatcher.room import DURABLE
from services.runtime import subjects
from tests.fixtures.judges import QUERIES, cell_of
from tests.fixtures.judging import ALGEBRA, Arena, outcomes, votes
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from dearena.v1.judge_dispatcher_pb2_grpc import JudgeDispatcherServiceAsyncStub

OF_ALGEBRA = "dimension algebra"
OF_GAMMA = "model gamma"
OF_ALPHA = "insertion of alpha in algebra"


def budget(name: str) -> gateway.Budget:
    """One that is exhausted."""
    scopes = {
        OF_ALGEBRA: gateway.Budget(scope=gateway.BUDGET_SCOPE_DIMENSION, dimension="algebra"),
        OF_GAMMA: gateway.Budget(scope=gateway.BUDGET_SCOPE_MODEL, model="gamma"),
        OF_ALPHA: gateway.Budget(scope=gateway.BUDGET_SCOPE_INSERTION, dimension="algebra", model="alpha"),
    }
    found = gateway.Budget(state=gateway.BUDGET_STATE_EXHAUSTED)
    found.MergeFrom(scopes[name])
    return found


async def waiting_for(dispatcher: JudgeDispatcherServiceAsyncStub, round_number: int = 1) -> list[str]:
    request = pb.GetRoundProgressRequest(dimension=ALGEBRA, round=round_number)
    return list((await dispatcher.GetRoundProgress(request)).exhausted_budgets)


async def test_a_cell_without_money_is_let_go_and_the_others_of_its_message_are_judged(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.budgets = {OF_ALPHA: budget(OF_ALPHA), OF_GAMMA: gateway.Budget(state=gateway.BUDGET_STATE_OPEN)}
    poor = [cell_of("gamma@1", query) for query in list(QUERIES)[:4]]
    rich = [cell_of("gamma@1", query, "beta@1", "delta@1") for query in list(QUERIES)[:4]]
    await arena.ask([*poor, *rich], newcomers=["alpha@1", "delta@1"])
    comparisons = await outcomes(dispatcher, rich)
    assert {one.outcome for one in comparisons} == {OUTCOME_A}
    await eventually(arena.unsettled, equals=(0, 0))
    assert {cell_id for _, cell_id, _ in await votes(dispatcher)} == {cell.cell_id for cell in rich}
    assert await waiting_for(dispatcher) == [OF_ALPHA]
    assert await waiting_for(dispatcher, 2) == []
    # Refused once an order, and not asked again until somebody says so.
    assert sorted(arena.gateway.refused.values()) == [1] * 2 * len(poor)
    assert await arena.events(f"dead.{DURABLE}", subjects.DEAD_LETTERS) == []


async def test_after_the_lift_the_cells_get_their_outcomes_and_nothing_is_paid_twice(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:8]]

    # The fifth call empties the budget: of some cell, one order is done and the other is refused.
    arena.gateway.budgets = {OF_ALGEBRA: budget(OF_ALGEBRA)}
    arena.gateway.budgets[OF_ALGEBRA].state = gateway.BUDGET_STATE_OPEN
    arena.gateway.exhausted_after = 5
    await arena.ask(cells)
    await eventually(lambda: waiting_for(dispatcher), equals=[OF_ALGEBRA])
    await eventually(arena.unsettled, equals=(0, 0))
    written = len(await votes(dispatcher))
    assert written < len(cells)
    assert arena.gateway.refused
    assert len(arena.gateway.paid) == 5

    arena.gateway.budgets[OF_ALGEBRA].state = gateway.BUDGET_STATE_OPEN
    assert await waiting_for(dispatcher) == []
    await arena.ask(cells)
    await outcomes(dispatcher, cells)
    assert len(await votes(dispatcher)) == len(cells)
    assert set(arena.gateway.paid.values()) == {1}
    assert len(arena.gateway.paid) == 2 * len(cells)


async def test_cells_of_a_closed_pilot_are_let_go_and_judged_once_it_is_open_again(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:4]]
    arena.gateway.closed = {"algebra"}
    await arena.ask(cells)
    await eventually(lambda: len(arena.gateway.refused), equals=2 * len(cells))
    await eventually(arena.unsettled, equals=(0, 0))
    assert await votes(dispatcher) == []
    assert not arena.gateway.paid
    assert await arena.events(f"dead.{DURABLE}", subjects.DEAD_LETTERS) == []

    arena.gateway.closed = set()
    await arena.ask(cells)
    await outcomes(dispatcher, cells)
    assert set(arena.gateway.paid.values()) == {1}
    assert set(arena.gateway.refused.values()) == {1}


async def test_what_a_round_waits_for_is_told_until_the_gateway_says_otherwise(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    arena.gateway.budgets = {OF_ALGEBRA: budget(OF_ALGEBRA), OF_GAMMA: budget(OF_GAMMA)}
    await arena.ask([cell_of("delta@1")], round_number=3)
    await eventually(lambda: waiting_for(dispatcher, 3), equals=[OF_ALGEBRA])
    arena.gateway.away = True
    assert await waiting_for(dispatcher, 3) == [OF_ALGEBRA]
    arena.gateway.away = False
    # Removed: nothing is held to it any more.
    del arena.gateway.budgets[OF_ALGEBRA]
    await eventually(lambda: waiting_for(dispatcher, 3), equals=[])
    arena.gateway.budgets = {OF_ALGEBRA: budget(OF_ALGEBRA)}
    assert await waiting_for(dispatcher, 3) == []
    await arena.ask([cell_of("delta@1")], round_number=3)
    await eventually(lambda: waiting_for(dispatcher, 3), equals=[OF_ALGEBRA])


async def test_newcomers_are_named_as_those_who_pay(arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub) -> None:
    cells = {
        ("alpha@1",): cell_of("gamma@1", "q00", "alpha@1", "beta@1"),
        ("beta@1", "delta@1"): cell_of("gamma@1", "q01", "beta@1", "delta@1"),
    }
    await arena.ask(list(cells.values()), newcomers=["alpha@1", "kappa@1"])
    comparisons = await outcomes(dispatcher, cells.values())
    for payers, comparison in zip(cells, comparisons, strict=True):
        ids = {seat.request_id for seat in comparison.seats}
        told = {tuple(one.on_behalf_of) for one in arena.gateway.requests if one.request_id in ids}
        assert told == {payers}


async def test_a_dispatcher_begun_anew_knows_what_rounds_wait_for(arena: Arena) -> None:
    arena.gateway.budgets = {OF_ALGEBRA: budget(OF_ALGEBRA)}
    cell = cell_of("gamma@1")
    async with arena.dispatcher() as dispatcher:
        await arena.ask([cell])
        await eventually(lambda: waiting_for(dispatcher), equals=[OF_ALGEBRA])
    async with arena.dispatcher() as dispatcher:
        assert await waiting_for(dispatcher) == [OF_ALGEBRA]
        arena.gateway.budgets.clear()
        await arena.ask([cell])
        await outcomes(dispatcher, [cell])
        assert await waiting_for(dispatcher) == []
    assert set(arena.gateway.paid.values()) == {1}


async def test_calls_that_do_not_fit_a_budget_wait_and_their_round_says_why_until_that_is_mended(
    arena: Arena, dispatcher: JudgeDispatcherServiceAsyncStub
) -> None:
    async def misfits() -> list[tuple[str, str, str]]:
        request = pb.GetRoundProgressRequest(dimension=ALGEBRA, round=1)
        found = (await dispatcher.GetRoundProgress(request)).misfit_budgets
        return [(one.budget, one.judge, one.problem) for one in found]

    problems = {slug: f"calls of {slug} are priced in EUR, and it is in USD" for slug in ("gamma", "delta")}
    held = arena.gateway.budgets[OF_ALGEBRA] = gateway.Budget(
        scope=gateway.BUDGET_SCOPE_DIMENSION, dimension="algebra", misfits=problems.values()
    )
    for slug, problem in problems.items():
        arena.gateway.unfit[f"{slug}@1"] = faults.BudgetMisfit.of(OF_ALGEBRA, problem)
    cells = [cell_of("gamma@1", query) for query in list(QUERIES)[:4]]
    others = [cell_of("delta@1", query) for query in list(QUERIES)[:4]]
    await arena.ask(cells)
    await arena.ask(others)
    told = [(OF_ALGEBRA, f"{slug}@1", problems[slug]) for slug in ("delta", "gamma")]
    await eventually(misfits, equals=told)
    await eventually(arena.unsettled, equals=(0, 0))
    # No budget is exhausted, and what does not fit still does not: it stands, and nobody asks for it again.
    assert await waiting_for(dispatcher) == []
    assert await misfits() == told
    assert not arena.gateway.paid
    assert set(arena.gateway.refused.values()) == {1}
    assert await votes(dispatcher) == []
    assert await arena.events(f"dead.{DURABLE}", subjects.DEAD_LETTERS) == []

    del held.misfits[0]
    del arena.gateway.unfit["gamma@1"]
    assert await misfits() == told[:1]
    await arena.ask(cells)
    await outcomes(dispatcher, cells)
    del held.misfits[0]
    arena.gateway.unfit.clear()
    assert await misfits() == []
    await arena.ask(others)
    await outcomes(dispatcher, others)
    assert set(arena.gateway.paid.values()) == {1}
