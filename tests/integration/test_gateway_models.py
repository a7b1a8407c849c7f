"""Registering, changing and retiring models, on a real mongod and a real nats-server."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from dearena import faults
from dearena.v1 import gateway_pb2 as pb
from dearena.v1 import gateway_pb2_grpc as stubs
from dearena.v1.common_pb2 import GenerationParameters, Money
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, model, refused, register, sent, serving

URL = "http://127.0.0.1:9/v1"


@pytest.fixture
async def gateway(arena_settings: ArenaSettings) -> AsyncIterator[stubs.GatewayServiceAsyncStub]:
    async with serving(arena_settings(GatewaySettings, **QUICK)) as (stub, _):
        yield stub


async def get(gateway: stubs.GatewayServiceAsyncStub, slug: str) -> pb.Model:
    response = await gateway.GetModel(pb.GetModelRequest(name=f"projects/default/models/{slug}"), timeout=10)
    return response.model


async def update(
    gateway: stubs.GatewayServiceAsyncStub, changed: pb.Model, *paths: str, request_id: str = ""
) -> pb.Model:
    request = pb.UpdateModelRequest(model=changed, update_mask=FieldMask(paths=paths), request_id=request_id)
    return (await gateway.UpdateModel(request, timeout=10)).model


async def slugs(gateway: stubs.GatewayServiceAsyncStub, **fields: Any) -> list[str]:
    response = await gateway.ListModels(pb.ListModelsRequest(parent="projects/default", **fields), timeout=10)
    return [one.name.rpartition("/")[2] for one in response.models]


async def test_a_model_is_registered_announced_and_read_back(
    gateway: stubs.GatewayServiceAsyncStub, nats_url: str
) -> None:
    extra = GenerationParameters()
    extra.extra_body.update({"top_k": 40, "guided": {"$regex": "a.b", "x.y": [1.5, None]}})
    declared = model(
        "gpt-5",
        URL + "/",
        display_name="GPT 5",
        provider="openai",
        family="gpt",
        labels={"team.a": "x"},
        endpoint=pb.Endpoint(key_reference="env:OPENAI_API_KEY"),
        answer_parameters=extra,
        system_prompt="Be brief.",
        concurrency=3,
        timeout=Duration(seconds=7, nanos=500_000_000),
        price=pb.Price(per_million_input_tokens=Money(currency="USD", nano_units=5)),
        may_judge=False,
        cohort="spring",
    )
    made = await register(gateway, declared)
    assert made.state == pb.MODEL_STATE_ACTIVE
    assert made.revision == 1
    assert made.etag
    assert made.create_time.seconds > 0
    assert made.endpoint.base_url == URL
    assert made.judge_parameters == GenerationParameters(temperature=0, max_tokens=1024)

    assert made.effective_price == made.price

    echoed = pb.Model()
    echoed.CopyFrom(made)
    for name in ("revision", "state", "etag", "create_time", "update_time", "judge_parameters", "effective_price"):
        echoed.ClearField(name)
    declared.endpoint.base_url = URL
    assert echoed == declared
    assert await get(gateway, "gpt-5") == made

    [event] = await sent(nats_url, "model.registered.>")
    assert event.event_id == "model.registered/default/gpt-5@1"
    assert event.model_registered.model == "gpt-5@1"


async def test_absent_fields_have_the_defaults_of_the_contract(gateway: stubs.GatewayServiceAsyncStub) -> None:
    made = await register(gateway, model("plain", URL))
    assert made.answer_parameters == GenerationParameters(temperature=0, max_tokens=2048)
    assert (made.concurrency, made.timeout.seconds, made.may_judge) == (8, 60, True)
    assert not made.HasField("price")


async def test_a_repeated_request_gives_the_first_result(gateway: stubs.GatewayServiceAsyncStub, nats_url: str) -> None:
    made = await asyncio.gather(*(register(gateway, model("a", URL), request_id="r1") for _ in range(5)))
    assert all(one == made[0] for one in made)
    with refused(faults.RequestIdReused):
        await register(gateway, model("b", URL), request_id="r1")
    assert len(await sent(nats_url, "model.registered.>")) == 1


async def test_a_name_is_given_once(gateway: stubs.GatewayServiceAsyncStub) -> None:
    results = await asyncio.gather(
        *(register(gateway, model("a", URL, display_name=str(n))) for n in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, pb.Model) for result in results) == 1
    with refused(faults.AlreadyExists):
        await register(gateway, model("a", URL))
    with refused(faults.AlreadyExists):
        await gateway.RegisterModel(pb.RegisterModelRequest(model=model("a", URL), validate_only=True))


async def test_checking_only_stores_nothing(gateway: stubs.GatewayServiceAsyncStub) -> None:
    request = pb.RegisterModelRequest(model=model("a", URL), validate_only=True)
    assert (await gateway.RegisterModel(request)).model.revision == 1
    assert await slugs(gateway) == []


async def test_every_fault_of_a_model_is_named_and_no_key_repeated(gateway: stubs.GatewayServiceAsyncStub) -> None:
    broken = pb.Model(
        name="projects/default/models/a",
        endpoint=pb.Endpoint(base_url="ftp://x", key_reference="sk-live-0123456789"),
        answer_parameters=GenerationParameters(temperature=-1),
    )
    with refused(faults.InvalidField) as found:
        await register(gateway, broken)
    assert {violation.field for violation in found[0].violations} == {
        "model.endpoint.base_url",
        "model.endpoint.upstream_model",
        "model.endpoint.key_reference",
        "model.answer_parameters.temperature",
    }
    assert "0123456789" not in str(found[0]) + repr(found[0].violations)
    with refused(faults.InvalidField):
        await register(gateway, pb.Model(name="models/a"))


async def test_what_answers_makes_a_new_revision_and_the_rest_does_not(
    gateway: stubs.GatewayServiceAsyncStub, nats_url: str
) -> None:
    first = await register(gateway, model("a", URL))
    priced = model(
        "a", URL, price=pb.Price(per_million_output_tokens=Money(currency="EUR", nano_units=1)), concurrency=2
    )
    second = await update(gateway, priced, "price", "concurrency")
    assert (second.revision, second.concurrency, second.price.per_million_output_tokens.nano_units) == (1, 2, 1)
    assert second.etag != first.etag

    third = await update(gateway, model("a", "http://127.0.0.1:10/v1"), "endpoint.base_url")
    assert (third.revision, third.state) == (2, pb.MODEL_STATE_ACTIVE)
    assert (third.endpoint.upstream_model, third.concurrency) == ("a", 2)
    events = await sent(nats_url, "model.registered.>")
    assert [event.model_registered.model for event in events] == ["a@1", "a@2"]


async def test_an_update_must_say_what_and_on_which_state(gateway: stubs.GatewayServiceAsyncStub) -> None:
    made = await register(gateway, model("a", URL))
    with refused(faults.InvalidField):
        await update(gateway, made)
    with refused(faults.InvalidField):
        await update(gateway, made, "revision")
    with refused(faults.InvalidField):
        await update(gateway, pb.Model(name=made.name), "endpoint")
    with refused(faults.UnknownModel):
        await update(gateway, model("none", URL), "family")

    changed = await update(gateway, pb.Model(name=made.name, family="x", etag=made.etag), "family", request_id="u1")
    with refused(faults.EtagMismatch):
        await update(gateway, pb.Model(name=made.name, family="y", etag=made.etag), "family")
    again = await update(gateway, pb.Model(name=made.name, family="x", etag=made.etag), "family", request_id="u1")
    assert again == changed
    same = await update(gateway, pb.Model(name=made.name, family="x"), "family")
    assert same.etag == changed.etag


async def test_concurrent_updates_of_one_state_do_not_overwrite_each_other(
    gateway: stubs.GatewayServiceAsyncStub,
) -> None:
    made = await register(gateway, model("a", URL))
    results = await asyncio.gather(
        *(update(gateway, pb.Model(name=made.name, family=str(n), etag=made.etag), "family") for n in range(4)),
        return_exceptions=True,
    )
    winners = [result for result in results if isinstance(result, pb.Model)]
    assert len(winners) == 1
    assert (await get(gateway, "a")).family == winners[0].family


async def test_a_retired_model_stays_on_record(gateway: stubs.GatewayServiceAsyncStub) -> None:
    made = await register(gateway, model("a", URL))
    with refused(faults.EtagMismatch):
        await gateway.RetireModel(pb.RetireModelRequest(name=made.name, etag="stale"))
    retired = (await gateway.RetireModel(pb.RetireModelRequest(name=made.name))).model
    assert retired.state == pb.MODEL_STATE_RETIRED
    assert (await gateway.RetireModel(pb.RetireModelRequest(name=made.name))).model == retired
    assert await get(gateway, "a") == retired
    assert await slugs(gateway) == []
    assert await slugs(gateway, show_retired=True) == ["a"]
    with refused(faults.ModelNotActive):
        await update(gateway, pb.Model(name=made.name, family="x"), "family")
    with refused(faults.AlreadyExists):
        await register(gateway, model("a", URL))


async def test_models_are_listed_in_the_order_of_registration(gateway: stubs.GatewayServiceAsyncStub) -> None:
    for slug in ("c", "a", "b"):
        await register(gateway, model(slug, URL))
    first = await gateway.ListModels(pb.ListModelsRequest(parent="projects/default", page_size=2))
    assert [one.name[-1] for one in first.models] == ["c", "a"]
    assert await slugs(gateway, page_size=2, page_token=first.next_page_token) == ["b"]
    with refused(faults.InvalidCursor):
        await slugs(gateway, page_token=first.next_page_token, show_retired=True)
    with refused(faults.InvalidField):
        await slugs(gateway, page_size=-1)
    with refused(faults.UnknownModel):
        await get(gateway, "none")
