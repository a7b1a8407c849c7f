"""Collecting answers, on a real mongod and a real nats-server, with a small query selector."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from dearena import faults, identity
from dearena.v1 import common_pb2
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1.events_pb2 import DimensionReady
from dearena.v1.query_selector_pb2 import JudgingPolicy
from services.gateway import entrants as standings
from services.gateway.settings import GatewaySettings
from services.runtime import subjects
from services.runtime.bus import envelope
from services.runtime.lifecycle import Running
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import (
    QUICK,
    QuerySelector,
    ledger,
    model,
    query_selector,
    refused,
    register,
    sent,
    serving,
)
from tests.fixtures.model_endpoint import ModelEndpoint, fails, says, sends, waits_for
from tests.fixtures.waiting import eventually

ALGEBRA = "projects/default/dimensions/algebra"


@pytest.fixture
async def selector() -> AsyncIterator[tuple[QuerySelector, str]]:
    async with query_selector() as served:
        yield served


@pytest.fixture
def queries(selector: tuple[QuerySelector, str]) -> QuerySelector:
    return selector[0]


@pytest.fixture
def settings(arena_settings: ArenaSettings, selector: tuple[QuerySelector, str]) -> GatewaySettings:
    # Sweeps are put off, so that it is doorbells that are answered.
    made: GatewaySettings = arena_settings(
        GatewaySettings, query_selector_address=selector[1], sweep_seconds=60, **QUICK
    )
    return made


@pytest.fixture
async def service(
    settings: GatewaySettings,
) -> AsyncIterator[tuple[stubs.GatewayServiceAsyncStub, Running[GatewaySettings]]]:
    async with serving(settings) as served:
        yield served


@pytest.fixture
def gateway(service: tuple[stubs.GatewayServiceAsyncStub, Running[GatewaySettings]]) -> stubs.GatewayServiceAsyncStub:
    return service[0]


async def entrants(gateway: stubs.GatewayServiceAsyncStub, dimension: str = ALGEBRA) -> list[pb.Entrant]:
    response = await gateway.ListEntrants(pb.ListEntrantsRequest(dimension=dimension, dimension_version=1), timeout=10)
    return list(response.entrants)


async def entrant(gateway: stubs.GatewayServiceAsyncStub, revision: str, dimension: str = ALGEBRA) -> pb.Entrant:
    """The entrant once its answers are recorded."""

    async def settled() -> pb.Entrant | None:
        found = [one for one in await entrants(gateway, dimension) if one.model == revision]
        return found[0] if found and found[0].state != pb.ENTRANT_STATE_COLLECTING else None

    result: pb.Entrant = await eventually(settled)
    return result


async def answers(gateway: stubs.GatewayServiceAsyncStub, revision: str, **fields: bool) -> list[pb.Answer]:
    found: list[pb.Answer] = []
    token = ""
    while True:
        page = await gateway.ListAnswers(
            pb.ListAnswersRequest(
                dimension=ALGEBRA, dimension_version=1, model=revision, page_size=2, page_token=token, **fields
            ),
            timeout=10,
        )
        found += page.answers
        if not (token := page.next_page_token):
            return found


async def ring(service: Running[GatewaySettings], dimension: str = "algebra") -> None:
    event = envelope(
        f"dimension.ready/default/{dimension}/1",
        "default",
        dimension,
        dimension_ready=DimensionReady(dimension_version=1),
    )
    await service.shell.bus.publish(subjects.dimension_ready("default", dimension), event)


async def test_a_registered_model_answers_every_query_once(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint, nats_url: str
) -> None:
    queries.add("algebra", *(f"What is {n} squared?" for n in range(5)))
    endpoint.behave("m", says("a"), says("b"), says("c"), says("d"), says("e"))
    await register(gateway, model("m", endpoint.base_url, family="f", system_prompt="Be brief.", concurrency=1))

    found = await entrant(gateway, "m@1")
    assert (found.state, found.answers_usable, found.answers_recorded, found.queries) == (
        pb.ENTRANT_STATE_READY,
        5,
        5,
        5,
    )
    assert (found.family, found.may_judge, found.cohort) == ("f", True, "m@1")
    assert found.judge_parameters_hash == identity.parameters_hash({"temperature": 0, "max_tokens": 1024})

    recorded = await answers(gateway, "m@1")
    assert [answer.query_id for answer in recorded] == ["q00", "q01", "q02", "q03", "q04"]
    assert [answer.text for answer in recorded] == ["a", "b", "c", "d", "e"]
    assert [answer.answer_hash for answer in recorded] == [identity.text_hash(text) for text in "abcde"]
    assert {answer.state for answer in recorded} == {pb.ANSWER_STATE_USABLE}
    hashes = await answers(gateway, "m@1", hashes_only=True)
    assert [answer.answer_hash for answer in hashes] == [answer.answer_hash for answer in recorded]
    assert not any(answer.text for answer in hashes)

    assert [received.prompt for received in endpoint.requests] == [f"What is {n} squared?" for n in range(5)]
    assert endpoint.requests[0].body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "dearena" not in endpoint.requests[0].body
    parameters = identity.parameters_hash({"temperature": 0, "max_tokens": 2048}, "Be brief.")
    assert recorded[0].request_id == identity.answer_request_id(
        model="m@1",
        parameters_hash=parameters,
        query_hash=queries.queries["algebra"][0].query_hash,
        attempt=1,
        project="default",
    )
    assert {entry.purpose for entry in await ledger(gateway)} == {pb.PURPOSE_ANSWER}

    [event] = await eventually(lambda: sent(nats_url, "answers.ready.>"))
    assert event.event_id == "answers.ready/default/algebra/1/m@1"
    assert event.sequence == 1
    assert (event.answers_ready.model, event.answers_ready.dimension_version, event.answers_ready.usable) == (
        "m@1",
        1,
        True,
    )


async def test_a_new_dimension_is_answered_when_it_rings(
    service: tuple[stubs.GatewayServiceAsyncStub, Running[GatewaySettings]],
    queries: QuerySelector,
    endpoint: ModelEndpoint,
) -> None:
    gateway, running = service
    await register(gateway, model("m", endpoint.base_url))
    await register(gateway, model("n", endpoint.base_url))
    queries.add("algebra", "one", "two", "three")
    await asyncio.gather(*(ring(running) for _ in range(3)))
    assert (await entrant(gateway, "m@1")).state == pb.ENTRANT_STATE_READY
    assert (await entrant(gateway, "n@1")).state == pb.ENTRANT_STATE_READY
    assert len(endpoint.requests) == 6

    # What is known of a version is not asked again.
    asked = queries.lists_of_queries
    await register(gateway, model("o", endpoint.base_url))
    assert (await entrant(gateway, "o@1")).state == pb.ENTRANT_STATE_READY
    assert queries.lists_of_queries == asked


async def test_each_answer_has_the_state_it_deserves(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint
) -> None:
    queries.add("algebra", *(f"{n}" for n in range(6)))
    endpoint.behave(
        "m",
        says("fine"),
        says("  "),
        says("cut", "length"),
        fails(404, "no_record"),
        fails(400),
        sends(b"<html>"),
        sends(b"<html>"),
    )
    await register(gateway, model("m", endpoint.base_url, concurrency=1, endpoint=pb.Endpoint(sparring=True)))
    found = await entrant(gateway, "m@1")
    assert (found.state, found.answers_usable, found.answers_recorded) == (pb.ENTRANT_STATE_READY, 1, 6)
    recorded = await answers(gateway, "m@1")
    assert [answer.state for answer in recorded] == [
        pb.ANSWER_STATE_USABLE,
        pb.ANSWER_STATE_EMPTY,
        pb.ANSWER_STATE_CUT_OFF,
        pb.ANSWER_STATE_NO_RECORD,
        pb.ANSWER_STATE_FAILED,
        pb.ANSWER_STATE_FAILED,
    ]
    assert [bool(answer.answer_hash) for answer in recorded] == [True] + [False] * 5
    assert [bool(answer.reason) for answer in recorded] == [False] + [True] * 5
    # Only what may pass is asked again, as another attempt with an id of its own.
    assert Counter(received.prompt for received in endpoint.requests) == Counter("0123455")
    assert len({received.request_id for received in endpoint.requests}) == 7
    assert {received.body["dearena"]["purpose"] for received in endpoint.requests} == {"answer"}


async def test_a_wrong_key_fails_the_entrant_with_its_reason(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint, nats_url: str
) -> None:
    queries.add("algebra", "one", "two")
    endpoint.behave("m", fails(401, "invalid_api_key"))
    await register(gateway, model("m", endpoint.base_url))
    found = await entrant(gateway, "m@1")
    assert found.state == pb.ENTRANT_STATE_FAILED
    assert "UNAUTHENTICATED" in found.reason
    assert "invalid_api_key" in found.reason
    assert len(endpoint.requests) == 2
    [event] = await eventually(lambda: sent(nats_url, "answers.ready.>"))
    assert event.answers_ready.usable is False


async def test_a_dimension_without_queries_fails_and_says_so(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint
) -> None:
    queries.add("algebra")
    await register(gateway, model("m", endpoint.base_url))
    assert (await entrant(gateway, "m@1")).reason == "the dimension has no queries"


async def test_a_conversation_is_held_turn_by_turn(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint
) -> None:
    queries.add("algebra", ["What is 6 x 7?", "And half of it?"])
    endpoint.behave("m", says("42"), says("21"))
    await register(gateway, model("m", endpoint.base_url))
    await entrant(gateway, "m@1")
    assert endpoint.requests[1].body["messages"] == [
        {"role": "user", "content": "What is 6 x 7?"},
        {"role": "assistant", "content": "42"},
        {"role": "user", "content": "And half of it?"},
    ]
    [answer] = await answers(gateway, "m@1")
    assert answer.text == "[Reply to turn 1]\n42\n\n[Reply to turn 2]\n21"
    assert list(answer.replies) == ["42", "21"]
    assert answer.answer_hash == identity.answer_hash(["42", "21"])
    assert answer.request_id == endpoint.requests[1].request_id


async def test_a_conversation_too_long_to_be_kept_is_a_failed_answer_and_holds_nothing_up(
    gateway: stubs.GatewayServiceAsyncStub,
    queries: QuerySelector,
    endpoint: ModelEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standings, "LONGEST_ANSWER_BYTES", 2000)
    queries.add("algebra", ["What is 6 x 7?", "And half of it?", "And a third?"])
    endpoint.behave("m", says("4" * 1500), says("2" * 1500))
    await register(gateway, model("m", endpoint.base_url))
    assert (await entrant(gateway, "m@1")).reason == "the answer is longer than 2000 bytes"
    [answer] = await answers(gateway, "m@1")
    assert (answer.state, answer.text, answer.answer_hash) == (pb.ANSWER_STATE_FAILED, "", "")
    assert len(endpoint.requests) == 2


async def test_only_providers_that_are_allowed_see_a_dimension(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint
) -> None:
    queries.add("algebra", "secret", allowed_providers=["in-house"])
    queries.add("logic", "open")
    await register(gateway, model("theirs", endpoint.base_url, provider="openai"))
    await register(gateway, model("ours", endpoint.base_url, provider="in-house"))
    await entrant(gateway, "ours@1")
    await entrant(gateway, "theirs@1", "projects/default/dimensions/logic")
    assert [one.model for one in await entrants(gateway)] == ["ours@1"]
    assert [received.prompt for received in endpoint.of("theirs")] == ["open"]


async def test_only_models_that_are_named_enter_a_dimension(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint
) -> None:
    queries.add("algebra", "of few", only_models=["few"])
    queries.add("logic", "of all")
    await register(gateway, model("many", endpoint.base_url))
    await register(gateway, model("few", endpoint.base_url))
    await entrant(gateway, "few@1")
    await entrant(gateway, "many@1", "projects/default/dimensions/logic")
    assert [one.model for one in await entrants(gateway)] == ["few@1"]
    assert [received.prompt for received in endpoint.of("many")] == ["of all"]
    for purpose in (pb.PURPOSE_JUDGE, pb.PURPOSE_ANSWER):
        with refused(faults.ModelNotActive) as told:
            await gateway.Complete(
                pb.CompleteRequest(
                    project="default",
                    model="many@1",
                    messages=[common_pb2.ChatMessage(role="user", content="of few")],
                    request_id=identity.text_hash(str(purpose)),
                    purpose=purpose,
                    dimension="algebra",
                )
            )
        assert "is none of the models that algebra is for" in str(told[0])
    assert len(endpoint.of("many")) == 1


async def test_no_call_shows_a_dimension_to_a_provider_that_may_not_see_it(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint
) -> None:
    """Whoever asks for it: rankers and collectors choose by the same policy, and may be wrong or out of date."""
    policy = JudgingPolicy(judge_providers=["in-house"])
    queries.add("algebra", "secret", allowed_providers=["in-house", "partner"], judging=policy)
    for slug, provider in (("ours", "in-house"), ("theirs", "openai"), ("beside", "partner")):
        await register(gateway, model(slug, endpoint.base_url, provider=provider))
    await entrant(gateway, "ours@1")
    await entrant(gateway, "beside@1")

    def asked(slug: str, purpose: pb.Purpose.ValueType, dimension: str = "algebra") -> pb.CompleteRequest:
        key = identity.text_hash(f"{slug} {purpose} {dimension}")
        messages = [common_pb2.ChatMessage(role="user", content="to be kept")]
        return pb.CompleteRequest(
            project="default",
            model=f"{slug}@1",
            messages=messages,
            request_id=key,
            purpose=purpose,
            dimension=dimension,
        )

    before = len(endpoint.requests)
    for slug, purpose in (
        ("theirs", pb.PURPOSE_JUDGE),
        ("theirs", pb.PURPOSE_ANSWER),
        ("beside", pb.PURPOSE_JUDGE),
    ):
        with refused(faults.ModelNotActive) as told:
            await gateway.Complete(asked(slug, purpose))
        assert "is of a provider that may not see algebra" in str(told[0])
    assert len(endpoint.requests) == before
    for slug, purpose in (("ours", pb.PURPOSE_JUDGE), ("ours", pb.PURPOSE_ANSWER), ("beside", pb.PURPOSE_ANSWER)):
        done = await gateway.Complete(asked(slug, purpose))
        assert done.completion.state == pb.COMPLETION_STATE_DONE
    # What is of no dimension's is nobody's secret.
    await gateway.Complete(asked("theirs", pb.PURPOSE_JUDGE, dimension="unheard-of"))


async def test_a_slow_model_holds_nobody_up(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint
) -> None:
    queries.add("algebra", *(f"{n}" for n in range(4)))
    go = asyncio.Event()
    endpoint.behave("slow", says("quick at first"), waits_for(go, says("x")))
    await register(gateway, model("slow", endpoint.base_url, concurrency=2))
    await eventually(lambda: len(endpoint.of("slow")) == 3)
    await register(gateway, model("quick", endpoint.base_url))
    assert (await entrant(gateway, "quick@1")).state == pb.ENTRANT_STATE_READY
    slow, _ = await entrants(gateway)
    assert (slow.model, slow.state, slow.answers_recorded, slow.queries) == (
        "slow@1",
        pb.ENTRANT_STATE_COLLECTING,
        1,
        4,
    )
    go.set()
    await entrant(gateway, "slow@1")


async def test_entrants_come_in_the_order_of_registration_and_keep_their_place(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint
) -> None:
    queries.add("algebra", "one")
    for slug in ("c", "b", "a"):
        await register(gateway, model(slug, endpoint.base_url, cohort="spring"))
    for slug in ("a", "b", "c"):
        await entrant(gateway, f"{slug}@1")
    await gateway.UpdateModel(
        pb.UpdateModelRequest(
            model=pb.Model(name="projects/default/models/c", system_prompt="New."),
            update_mask=FieldMask(paths=["system_prompt"]),
        )
    )
    await gateway.RetireModel(pb.RetireModelRequest(name="projects/default/models/b"))
    await entrant(gateway, "c@2")
    listed = await entrants(gateway)
    assert [(one.model, one.state) for one in listed] == [
        ("c@1", pb.ENTRANT_STATE_RETIRED),
        ("b@1", pb.ENTRANT_STATE_RETIRED),
        ("a@1", pb.ENTRANT_STATE_READY),
        ("c@2", pb.ENTRANT_STATE_READY),
    ]
    assert "c@2" in listed[0].reason
    assert {one.cohort for one in listed} == {"spring"}
    # Its answers stay on record.
    assert (listed[0].answers_usable, len(await answers(gateway, "c@1"))) == (1, 1)
    with refused(faults.UnknownDimension):
        await gateway.ListEntrants(pb.ListEntrantsRequest(dimension=ALGEBRA, dimension_version=2))


async def test_a_model_retired_in_mid_collection_is_asked_no_more(
    gateway: stubs.GatewayServiceAsyncStub, queries: QuerySelector, endpoint: ModelEndpoint, nats_url: str
) -> None:
    queries.add("algebra", *(f"{n}" for n in range(10)))
    go = asyncio.Event()
    endpoint.behave("m", waits_for(go, says("x")))
    await register(gateway, model("m", endpoint.base_url, concurrency=1))
    await eventually(lambda: endpoint.requests)
    await gateway.RetireModel(pb.RetireModelRequest(name="projects/default/models/m"))
    go.set()

    async def recorded() -> bool:
        return len(await answers(gateway, "m@1")) == 1

    await eventually(recorded)
    [retired] = await entrants(gateway)
    assert retired.state == pb.ENTRANT_STATE_RETIRED
    assert len(endpoint.requests) == 1
    assert await sent(nats_url, "answers.ready.>") == []


async def test_a_collection_goes_on_after_a_restart_and_asks_nothing_twice(
    settings: GatewaySettings, queries: QuerySelector, endpoint: ModelEndpoint
) -> None:
    queries.add("algebra", *(f"{n}" for n in range(6)))
    never = asyncio.Event()
    endpoint.behave("m", says("x"), says("x"), says("x"), waits_for(never, says("lost")), says("x"))
    async with serving(settings.model_copy(update={"drain_calls_seconds": 0.1})) as (gateway, _):
        await register(gateway, model("m", endpoint.base_url, concurrency=1))
        await eventually(lambda: len(endpoint.requests) == 4)
    async with serving(settings.model_copy(update={"instance": "next"})) as (gateway, _):
        assert (await entrant(gateway, "m@1")).answers_usable == 6
        [interrupted] = await ledger(gateway, interrupted_only=True)
    asked = Counter(received.request_id for received in endpoint.requests)
    assert [request_id for request_id, times in asked.items() if times > 1] == [interrupted.request_id]
    assert len(endpoint.requests) == 7
    never.set()


async def test_two_gateways_collect_each_answer_once(
    settings: GatewaySettings, queries: QuerySelector, endpoint: ModelEndpoint, nats_url: str
) -> None:
    queries.add("algebra", *(f"{n}" for n in range(8)))
    both = settings.model_copy(update={"sweep_seconds": 0.1})
    async with serving(both) as (one, _), serving(both.model_copy(update={"instance": "second"})) as (two, _):
        await register(one, model("m", endpoint.base_url))
        await entrant(one, "m@1")
        await entrant(two, "m@1")
        assert max(Counter(received.request_id for received in endpoint.requests).values()) == 1
        assert len(endpoint.requests) == 8
        assert len(await eventually(lambda: sent(nats_url, "answers.ready.>"))) == 1


async def test_a_query_selector_that_is_away_is_asked_again(
    arena_settings: ArenaSettings, endpoint: ModelEndpoint
) -> None:
    async with query_selector() as (_, address):
        pass
    settings = arena_settings(GatewaySettings, query_selector_address=address, **QUICK)
    async with serving(settings) as (gateway, _):
        assert (await register(gateway, model("m", endpoint.base_url))).state == pb.MODEL_STATE_ACTIVE
        with refused(faults.ServiceUnavailable):
            await entrants(gateway)
        async with query_selector(address) as (queries, _):
            queries.add("algebra", "one")

            async def ready() -> bool:
                try:
                    return [one.state for one in await entrants(gateway)] == [pb.ENTRANT_STATE_READY]
                except grpc.aio.AioRpcError:
                    return False

            await eventually(ready)


async def test_a_mended_key_lets_failed_answers_be_asked_as_further_attempts(
    gateway: stubs.GatewayServiceAsyncStub,
    queries: QuerySelector,
    endpoint: ModelEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queries.add("algebra", "one", "two")
    monkeypatch.setenv("WRONG_KEY", "sk-wrong-000000")
    monkeypatch.setenv("RIGHT_KEY", "sk-right-000000")
    endpoint.behave("m", fails(401))
    keyed = pb.Endpoint(key_reference="env:WRONG_KEY")
    registered = await register(gateway, model("m", endpoint.base_url, endpoint=keyed))
    entrants = pb.ListEntrantsRequest(dimension=ALGEBRA)

    async def state() -> int:
        (entrant,) = (await gateway.ListEntrants(entrants, timeout=10)).entrants
        return int(entrant.state)

    await eventually(state, equals=pb.ENTRANT_STATE_FAILED)
    assert len(endpoint.requests) == 2
    endpoint.behave("m", says("42"))
    mended = pb.Model(name=registered.name, endpoint=pb.Endpoint(key_reference="env:RIGHT_KEY"), display_name="M")
    change = pb.UpdateModelRequest(model=mended, update_mask=FieldMask(paths=["display_name"]))
    await gateway.UpdateModel(change, timeout=10)
    assert await state() == pb.ENTRANT_STATE_FAILED  # a name mends nothing

    change = pb.UpdateModelRequest(model=mended, update_mask=FieldMask(paths=["endpoint.key_reference"]))
    changed = (await gateway.UpdateModel(change, timeout=10)).model
    assert changed.revision == registered.revision
    await eventually(state, equals=pb.ENTRANT_STATE_READY)
    assert [received.headers["authorization"] for received in endpoint.requests[2:]] == ["Bearer sk-right-000000"] * 2
    assert Counter(entry.state for entry in await ledger(gateway)) == {
        pb.COMPLETION_STATE_FAILED: 2,
        pb.COMPLETION_STATE_DONE: 2,
    }
