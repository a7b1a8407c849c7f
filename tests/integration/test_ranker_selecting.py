"""Dimensions whose queries are still being chosen, and pilots, as a ranker meets them."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import grpc.aio
import pytest

from dearena import faults
from dearena.names import DimensionName
from dearena.rpc_faults import fault_of
from dearena.v1 import query_selector_pb2
from dearena.v1 import ranker_pb2 as pb
from services.ranker.inquiries import Inquiries
from services.runtime.peers import Peers
from tests.fixtures.ranked import NAME
from tests.fixtures.ranker_stage import Stage
from tests.fixtures.waiting import eventually
from tests.unit.ranking.planted import ALGEBRA


async def test_what_is_being_chosen_is_passed_over_and_then_ranked(stage: Stage) -> None:
    stage.around.dimension_state = query_selector_pb2.DIMENSION_STATE_SELECTING
    async with stage.ranker(sweep_seconds=0.1) as ranker:
        swept = stage.around.calls["ListDimensions"]
        await eventually(lambda: stage.around.calls["ListDimensions"] >= swept + 3)
        for call in (
            ranker.stub.GetRanking(pb.GetRankingRequest(dimension=NAME)),
            ranker.stub.ListInsertions(pb.ListInsertionsRequest(dimension=NAME)),
            ranker.stub.RefineRanking(pb.RefineRankingRequest(dimension=NAME)),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call
            fault = fault_of(refused.value)
            assert isinstance(fault, faults.NotReady)
            assert "being chosen" in str(fault)
        assert list(await stage.store.names()) == []
        assert not stage.around.calls["ListEntrants"] + stage.around.calls["ListQueries"]

        stage.around.dimension_state = query_selector_pb2.DIMENSION_STATE_READY
        await eventually(stage.store.names, equals=[ALGEBRA])  # by the sweep: nobody asks
        await ranker.at_rest()


async def test_a_pilot_is_found_by_the_sweep(stage: Stage) -> None:
    stage.around.pilot_of = "projects/default/dimensions/served"
    async with stage.ranker(sweep_seconds=0.1) as ranker:
        await eventually(stage.store.names, equals=[ALGEBRA])
        await ranker.at_rest()


async def test_a_closed_pilot_is_left_in_mid_round_and_goes_on_where_it_stood(stage: Stage) -> None:
    stage.around.pilot_of = "projects/default/dimensions/served"
    stage.around.gate.clear()
    async with stage.ranker(sweep_seconds=0.1) as ranker:
        await eventually(lambda: ranker.has_opened(1))
        await eventually(lambda: stage.around.asked)
        stage.around.dimension_state = query_selector_pb2.DIMENSION_STATE_CLOSED
        await ranker.waits("the pilot is closed")
        stage.around.gate.set()  # what is in flight comes to its end, and is heard by nobody
        found = await ranker.stub.GetRound(pb.GetRoundRequest(dimension=NAME, round=1))
        await eventually(lambda: len(stage.around.outcomes), equals=found.round.cells)
        looked = stage.around.calls["GetDimension"]
        await eventually(lambda: stage.around.calls["GetDimension"] >= looked + 10)
        assert await ranker.has_opened(1)
        assert len(stage.around.outcomes) == found.round.cells

        stage.around.dimension_state = query_selector_pb2.DIMENSION_STATE_READY
        await ranker.at_rest()


async def test_what_is_no_pilot_is_asked_for_once_whether_it_is_closed(stage: Stage) -> None:
    peers = Peers(stage.settings())
    inquiries = Inquiries(peers, board_seconds=10)
    for _ in range(3):
        assert not await inquiries.is_closed(DimensionName.parse(NAME))
    assert stage.around.calls["GetDimension"] == 1
    await peers.close()


async def test_a_closed_pilot_stays_closed_while_the_query_selector_is_away(stage: Stage) -> None:
    stage.around.pilot_of = "projects/default/dimensions/served"
    stage.around.dimension_state = query_selector_pb2.DIMENSION_STATE_CLOSED
    peers = Peers(stage.settings())
    inquiries = Inquiries(peers, board_seconds=10)
    assert await inquiries.is_closed(DimensionName.parse(NAME))
    stage.around.away.add("GetDimension")
    for _ in range(3):
        assert await inquiries.is_closed(DimensionName.parse(NAME))
    await peers.close()
