"""Queries go to no provider that may not see them, though its model may once have been asked."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio

from google.protobuf.field_mask_pb2 import FieldMask

from dearena.v1 import gateway_pb2 as pb
from services.gateway.settings import GatewaySettings
from tests.conftest import ArenaSettings
from tests.fixtures.gateway import QUICK, model, query_selector, register, serving
from tests.fixtures.model_endpoint import ModelEndpoint, says, waits_for
from tests.fixtures.waiting import eventually

ALGEBRA = "projects/default/dimensions/algebra"


async def test_a_model_whose_provider_changes_while_it_answers_is_asked_no_more(
    arena_settings: ArenaSettings, endpoint: ModelEndpoint
) -> None:
    async with query_selector() as (queries, address):
        settings = arena_settings(GatewaySettings, query_selector_address=address, sweep_seconds=60, **QUICK)
        queries.add("algebra", *(f"q{number}" for number in range(5)), allowed_providers=["in-house"])
        go = asyncio.Event()
        endpoint.behave("leaver", waits_for(go, says("x")))
        endpoint.behave("stayer", says("x"))
        async with serving(settings) as (gateway, _):
            leaver = model("leaver", endpoint.base_url, provider="in-house", concurrency=1)
            await register(gateway, leaver)
            await eventually(lambda: len(endpoint.of("leaver")), equals=1)
            abroad = pb.Model(name="projects/default/models/leaver", provider="abroad")
            changed = await gateway.UpdateModel(
                pb.UpdateModelRequest(model=abroad, update_mask=FieldMask(paths=["provider"])), timeout=10
            )
            assert changed.model.revision == 1
            go.set()
            # One that begins after it, and is asked as often, is through.
            await register(gateway, model("stayer", endpoint.base_url, provider="in-house", concurrency=1))
            await eventually(lambda: len(endpoint.of("stayer")), equals=5)
            answers = pb.ListAnswersRequest(dimension=ALGEBRA, dimension_version=1, model="leaver@1")
            assert len((await gateway.ListAnswers(answers, timeout=10)).answers) == 1
        assert len(endpoint.of("leaver")) == 1
