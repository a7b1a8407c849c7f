"""What is wrong gets a clear error or a recorded outcome; nothing hangs, nothing is half-written."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from dearena import faults
from dearena.v1 import gateway_pb2, query_selector_pb2
from tests.fixtures.arena import Arena, arena
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

KEY = "sparring-key"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    environment = {
        "SPARRING_RIGHT_KEY": KEY,
        "SPARRING_WRONG_KEY": "a-wrong-key",
        # Whoever is not reached has failed when its first probe has, so that the others need not wait long.
        "DEARENA_ANSWER_UNREACHED_SECONDS": "1",
        "DEARENA_STORE_TIMEOUT_SECONDS": "2.5",
    }
    async with arena(tmp_path_factory.mktemp("bad-input"), environment=environment) as whole:
        yield whole


async def test_endpoints_that_misbehave_fail_by_name_and_hold_nobody_up(whole: Arena) -> None:
    def faulty(fault: str, **more: Any) -> gateway_pb2.Endpoint:
        return whole.endpoint(fault, "faulty", **more)

    bad = {
        "unreachable": whole.endpoint("x", base_url="http://127.0.0.1:9/v1"),
        "wrong-key": faulty("locked", key_reference="env:SPARRING_WRONG_KEY"),
        "no-key-there": faulty("locked", key_reference="env:SPARRING_UNSET_KEY"),
        "html": faulty("html"),
        "empty": faulty("empty"),
        "cut-off": faulty("answer-cut-off"),
        "filtered": faulty("answer-filtered"),
        "thinking-only": faulty("answer-thinking-only"),
        "other-model": faulty("answer-other-model"),
        "redirecting": faulty("answer-redirecting"),
    }
    good = [f"planted-{n}" for n in range(4)]
    async with whole.client("endpoints") as client:
        for slug in good:
            await whole.register(client, slug)
        for slug, endpoint in bad.items():
            await whole.register(client, slug, endpoint=endpoint)
        await whole.register(client, "unlocked", endpoint=faulty("locked", key_reference="env:SPARRING_RIGHT_KEY"))
        await whole.register(client, "mumbling", endpoint=faulty("judge-unreadable"))
        await whole.dimension(client, "d", 4)
        played = await whole.settled(client, len(good) + 2)
        entrants = {entrant.model.partition("@")[0]: entrant for entrant in await client.entrants("d")}

    for slug in bad:
        assert entrants[slug].state == gateway_pb2.ENTRANT_STATE_FAILED, slug
        assert entrants[slug].reason, slug
    assert "a-wrong-key" not in str(entrants)
    ranked = {row.model.partition("@")[0] for row in played.board.rows}
    assert ranked == {*good, "unlocked", "mumbling"}
    said = {vote.outcome for vote in played.votes if vote.judge == "mumbling@1"}
    assert said in ({"INVALID"}, set())
    assert {vote.outcome for vote in played.votes if vote.judge != "mumbling@1"} <= {"A", "B", "TIE", "FLIP"}


async def test_a_judge_that_cannot_be_read_is_invalid_never_a_tie(whole: Arena) -> None:
    async with whole.client("mumbling") as client:
        await whole.register(client, "mumbling", endpoint=whole.endpoint("judge-unreadable", "faulty"))
        for n in range(4):
            await whole.register(client, f"planted-{n}")
        await whole.dimension(client, "d", 4)
        played = await whole.settled(client, 5)

    assert {vote.outcome for vote in played.votes if vote.judge == "mumbling@1"} == {"INVALID"}
    # Four and twenty of them are enough: it judges no more, and the board speaks of the other judges' outcomes.
    row = next(row for row in played.board.rows if row.model == "mumbling@1")
    assert row.suspended
    assert row.judge_weight == played.board.outcomes.invalid == 0


async def test_two_models_of_one_name(whole: Arena) -> None:
    async with whole.client("names") as client:
        await whole.register(client, "planted-0")
        with pytest.raises(faults.AlreadyExists, match="planted-0"):
            await whole.register(client, "planted-0", upstream="planted-1")
        models = [model async for model in client.models()]

    assert [model.endpoint.upstream_model for model in models] == ["planted-0"]


async def test_a_key_in_place_of_its_reference_is_refused_and_not_repeated(whole: Arena) -> None:
    async with whole.client("keys") as client:
        with pytest.raises(faults.InvalidField, match="key_reference") as caught:
            await whole.register(client, "leaky", endpoint=whole.endpoint("x", key_reference="sk-very-secret"))
        assert [model async for model in client.models()] == []

    assert "sk-very-secret" not in str(caught.value)


async def create(client: Any, pool: bytes, k: int = 2) -> None:
    dimension = query_selector_pb2.Dimension(
        name=client.dimension_name("d"), selection=query_selector_pb2.Selection(k=k)
    )
    await client.create_dimension(dimension, _Lines(pool))


class _Lines(list[Any]):
    """A pool of objects, of which some are wrong."""

    def __init__(self, pool: bytes) -> None:
        super().__init__(json.loads(line) for line in pool.splitlines())


@pytest.mark.parametrize(
    ("pool", "k", "fault", "said"),
    [
        (b'{"id": "a", "text": "?"}\n{"id": "a", "text": "again?"}\n', 1, faults.BrokenPool, "line 2"),
        (b'{"id": "a", "text": "?"}\n{"id": "b"}\n', 1, faults.BrokenPool, "line 2"),
        (b'{"id": "a", "text": "?"}\n', 2, faults.InvalidField, "k"),
        (b"", 1, faults.BrokenPool, "pool"),
        (b'{"id": "a", "text": "?"}\n', 0, faults.InvalidField, "k"),
    ],
)
async def test_a_pool_that_cannot_be_used(
    whole: Arena, pool: bytes, k: int, fault: type[faults.ArenaFault], said: str
) -> None:
    async with whole.client("pools") as client:
        with pytest.raises(fault, match=said):
            await create(client, pool, k)
        assert [dimension async for dimension in client.dimensions()] == []


async def test_a_pool_with_a_line_that_is_no_json_names_the_line(whole: Arena, tmp_path: Any) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_bytes(b'{"id": "a", "text": "?"}\n\n{"id": "b", "text": "?"\n')
    async with whole.client("broken-line") as client:
        dimension = query_selector_pb2.Dimension(
            name=client.dimension_name("d"), selection=query_selector_pb2.Selection(k=1)
        )
        with pytest.raises(faults.BrokenPool) as caught:
            await client.create_dimension(dimension, path)
        assert [dimension async for dimension in client.dimensions()] == []

    assert "line 3" in caught.value.violations[0].field


async def test_registering_while_the_bus_is_down_is_accepted_and_told_later(whole: Arena) -> None:
    async with whole.client("no-bus") as client:
        await whole.stack.stop("nats-server")
        try:
            model = await whole.register(client, "planted-0")
            assert model.state == gateway_pb2.MODEL_STATE_WAITING_FOR_BUS
        finally:
            await whole.stack.start("nats-server")

        async def active() -> bool:
            return (await client.get_model("planted-0")).state == gateway_pb2.MODEL_STATE_ACTIVE

        await eventually(active)


async def test_registering_while_the_store_is_down_is_refused_in_time(whole: Arena) -> None:
    async with whole.client("no-store") as client:
        await whole.stack.stop("mongod")
        try:
            async with asyncio.timeout(6):
                with pytest.raises((faults.StoreUnavailable, faults.ServiceUnavailable)):
                    await whole.register(client, "planted-0")
        finally:
            await whole.stack.start("mongod")

        async def registered() -> bool:
            return await whole.calmly(whole.register, client, "planted-0") is not None

        await eventually(registered, poll=0.5)
        assert [model.name async for model in client.models()] == [client.model_name("planted-0")]
