"""A dimension from a pile of questions: a pilot tells which of them are worth asking."""

import json
from collections.abc import AsyncIterator
from datetime import UTC
from itertools import pairwise

import grpc.aio
import pytest
import pytest_asyncio

from dearena.names import DimensionName
from dearena.v1 import common_pb2, gateway_pb2, query_selector_pb2
from tests.fixtures.arena import Arena, arena
from tests.fixtures.selections import SELECTION_SECONDS, Selecting, selecting
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(5)]


def dollars(amount: float) -> common_pb2.Money:
    return common_pb2.Money(currency="USD", nano_units=round(amount * 10**9))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with arena(tmp_path_factory.mktemp("selection")) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chosen(whole: Arena) -> AsyncIterator[tuple[Selecting, query_selector_pb2.SelectionProgress]]:
    """A selection that is done."""
    async with selecting(whole, "chosen", MODELS) as found:
        await found.create("d", k=8, calls=800)
        yield found, await found.over("d")


async def test_a_pilot_chooses_the_queries(chosen: tuple[Selecting, query_selector_pb2.SelectionProgress]) -> None:
    selecting, progress = chosen
    queries = [query.query_id async for query in selecting.client.queries("d")]
    dimension = await selecting.client.get_dimension("d")

    assert progress.stage == query_selector_pb2.SELECTION_STAGE_DONE, progress
    assert (len(queries), dimension.query_count) == (8, 8)
    assert dimension.state == query_selector_pb2.DIMENSION_STATE_READY
    assert list(progress.models) == MODELS
    assert progress.piloted_queries == 60
    assert progress.orders >= 2
    assert 0 < progress.votes <= progress.cells
    assert progress.judge_calls <= progress.most_judge_calls == 800


async def test_every_query_of_the_pool_has_a_reason(
    chosen: tuple[Selecting, query_selector_pb2.SelectionProgress],
) -> None:
    selecting, _ = chosen
    queries = {query.query_id async for query in selecting.client.queries("d")}

    reasons = await selecting.reasons("d")
    taken = await selecting.reasons("d", taken_only=True)

    assert len({reason.query_id for reason in reasons}) == len(reasons) == 60
    assert reasons[:8] == taken
    assert {reason.query_id for reason in taken} == queries
    assert [reason.rank for reason in taken] == list(range(1, 9))
    left = [reason.query_id for reason in reasons[8:]]
    assert left == sorted(left)
    assert all(reason.HasField("slope") and reason.slope > 0 for reason in taken)


async def test_nothing_of_a_pilot_was_paid_twice(
    chosen: tuple[Selecting, query_selector_pb2.SelectionProgress],
) -> None:
    selecting, progress = chosen

    made = await selecting.paid_once(progress.pilots[0])

    # A call a turn.
    assert made[gateway_pb2.PURPOSE_ANSWER] == len(MODELS) * await selecting.turns(progress.pilots[0])
    assert progress.judge_calls <= made[gateway_pb2.PURPOSE_JUDGE] <= 1.1 * progress.judge_calls


async def test_models_are_ranked_on_what_was_chosen_and_the_pilot_rests(
    whole: Arena, chosen: tuple[Selecting, query_selector_pb2.SelectionProgress]
) -> None:
    selecting, progress = chosen
    before = len(await selecting.calls_made(progress.pilots[0]))
    await whole.register(selecting.client, "planted-5")

    played = await whole.settled(selecting.client, 6)

    assert [row.model for row in played.board.rows]
    pilot = DimensionName.parse(progress.pilots[0]).slug
    assert len((await selecting.client.ranking(pilot)).models) == len(MODELS)
    assert len(await selecting.calls_made(progress.pilots[0])) == before


async def test_a_pilot_that_is_stopped_chooses_by_what_it_has_heard(whole: Arena) -> None:
    async with selecting(whole, "stopped", MODELS[:4], world="slow") as found:
        await found.create("d", k=8, calls=100_000)

        async def heard() -> bool:
            return (await found.get("d")).orders >= 1

        await eventually(heard, SELECTION_SECONDS, poll=0.2)
        await found.stop("d", "enough")
        await found.stop("d", "enough")
        progress = await found.over("d")

        assert progress.stage == query_selector_pb2.SELECTION_STAGE_DONE, progress
        assert progress.judge_calls < progress.most_judge_calls / 10
        assert len([query async for query in found.client.queries("d")]) == 8
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await found.resume("d", "on", calls=5_000)
        assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION


async def test_a_stopped_pilot_has_spent_what_its_ledger_says(whole: Arena) -> None:
    price = gateway_pb2.Price(per_million_input_tokens=dollars(1), per_million_output_tokens=dollars(1))
    async with selecting(whole, "halted", MODELS[:4], world="slow", price=price) as found:
        await found.create("d", k=8, calls=100_000, budget=dollars(50))

        async def is_under_way() -> bool:
            now = await found.get("d")
            return now.orders >= 1 and await is_calling()

        async def is_calling() -> bool:
            slug = DimensionName.parse((await found.get("d")).pilots[-1]).slug
            budgets = [one async for one in found.client.budgets() if one.dimension == slug]
            return any(one.reserved.nano_units for one in budgets)

        async def is_at_rest() -> bool:
            return not await is_calling()

        await eventually(is_under_way, SELECTION_SECONDS, poll=0.05)
        await found.stop("d", "enough")
        progress = await found.over("d")
        await eventually(is_at_rest, 60, poll=0.1)
        entries = [entry for pilot in progress.pilots for entry in await found.calls_made(pilot)]
        again = await found.get("d")

    assert progress.stage == query_selector_pb2.SELECTION_STAGE_DONE, progress
    done = progress.update_time.ToDatetime(UTC)
    assert [one for one in entries if one.start_time.ToDatetime(UTC) > done] == []
    paid = sum(one.cost.nano_units for one in entries)
    assert paid > 0
    assert list(again.spent) == [common_pb2.Money(currency="USD", nano_units=paid)]


async def test_a_pilot_without_money_fails_and_goes_on_with_more(whole: Arena) -> None:
    price = gateway_pb2.Price(per_million_input_tokens=dollars(1), per_million_output_tokens=dollars(1))
    async with selecting(whole, "poor", MODELS[:4], price=price) as found:
        # Whom the pilot does not name is nothing to its budget, in whatever currency it is paid.
        euros = common_pb2.Money(currency="EUR", nano_units=10**9)
        await whole.register(found.client, "foreign", price=gateway_pb2.Price(per_million_output_tokens=euros))
        await found.create("d", k=8, calls=600, models=MODELS[:4], budget=dollars(0.02))
        failed = await found.over("d")
        spent = failed.spent[0].nano_units
        await found.resume("d", "on", budget=dollars(50))
        progress = await found.over("d")
        paid = await found.paid_once(progress.pilots[0])

    assert failed.stage == query_selector_pb2.SELECTION_STAGE_FAILED
    assert failed.failure.startswith("the pilot's budget is exhausted, with votes on ")
    assert 0 < spent <= dollars(0.02).nano_units
    assert progress.stage == query_selector_pb2.SELECTION_STAGE_DONE, progress
    assert not progress.failure
    assert progress.spent[0].nano_units > spent
    assert paid[gateway_pb2.PURPOSE_JUDGE] >= progress.judge_calls


async def test_a_selection_is_watched_to_its_end(whole: Arena) -> None:
    async with selecting(whole, "watched", MODELS[:2]) as found:
        await found.create("d", k=8, calls=400, pool=30)
        waiting = await found.get("d")
        seen = []
        async for step in found.watch("d"):
            seen.append(step)
            if step.waiting_reason and len(seen) < 3:
                await whole.register(found.client, "planted-2")
        stages = list(dict.fromkeys(step.stage for step in seen))

    assert waiting.stage == query_selector_pb2.SELECTION_STAGE_WAITING_FOR_MODELS
    assert any("registered: 2" in step.waiting_reason for step in seen)
    assert stages[0] == query_selector_pb2.SELECTION_STAGE_WAITING_FOR_MODELS
    assert stages[-1] == query_selector_pb2.SELECTION_STAGE_DONE
    assert query_selector_pb2.SELECTION_STAGE_PILOTING in stages
    assert all(one != other for one, other in pairwise(seen))


async def test_the_command_line_creates_watches_and_tells_why(whole: Arena) -> None:
    async with selecting(whole, "commanded", MODELS[:4]) as found:
        made = [
            "dimension",
            "create",
            "d",
            "--generate",
            "algebra",
            "--size",
            "40",
            "--seed",
            "1",
            "--select",
            "telling",
            "-k",
            "5",
        ]
        pilot = ["--pilot-models", ",".join(MODELS[:4]), "--pilot-calls", "400"]
        checked = await whole.said("commanded", *made, *pilot, "--check")
        shown = await whole.said("commanded", *made, *pilot, "--watch")
        told = await whole.said("commanded", "dimension", "selection", "d", "--reasons")
        as_json = json.loads(await whole.said("commanded", "dimension", "selection", "d", "--json"))
        queries = [query.query_id async for query in found.client.queries("d")]
        pilots = await whole.said("commanded", "dimension", "list", "--pilots")
        alone = await whole.said("commanded", "dimension", "list")

    assert checked.strip() == "d can be created; a pilot would choose 5 of 40 questions"
    first, *_, last = shown.strip().splitlines()
    assert first.startswith("d is created; a pilot chooses 5 of 40 questions")
    assert last.startswith("d: done")
    assert as_json["stage"] == "DONE"
    assert all(query in told for query in queries)
    assert len(told.strip().splitlines()) == 6
    assert "d-pilot-1" in pilots
    assert "d-pilot-1" not in alone


async def test_the_command_line_refuses_what_no_pilot_can_do(whole: Arena) -> None:
    made = ["dimension", "create", "d", "--generate", "algebra", "--size", "40", "-k", "5"]
    for more, said in (
        (["--select", "psychic"], "is not known; there is: random, consistent, telling"),
        (["--select", "random", "--pilot-calls", "400"], "is of methods by a pilot"),
        (["--select", "telling", "--pilot-models", "a,b"], "a pilot takes 3"),
        (["--select", "telling", "--pilot-budget", "much"], "--pilot-budget"),
        (["--select", "telling", "-k", "41"], "but the pool holds 40"),
    ):
        assert said in await whole.refused("refused", *made, *more)
    assert "no dimensions yet" in await whole.said("refused", "dimension", "list")
    assert "there is no dimension" in await whole.refused("refused", "dimension", "selection", "d")


async def test_what_looks_at_no_pilot_is_chosen_at_once(whole: Arena) -> None:
    async with selecting(whole, "at-random", []) as found:
        await whole.dimension(found.client, "d", 4)
        progress = await found.get("d")

        assert progress.stage == query_selector_pb2.SELECTION_STAGE_DONE
        assert progress.selection.method == "random"
        assert not progress.pilots
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await found.stop("d", "enough")
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND
