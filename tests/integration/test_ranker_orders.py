"""Comparisons are ordered of a ranker: once, refused where they cannot be meant, and carried out after a restart."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import grpc.aio
import pytest

from dearena import faults
from dearena.ranking.orders import Comparison
from dearena.ranking.pairs import Pair
from dearena.ranking.rules import Rules
from dearena.rpc_faults import fault_of
from dearena.v1 import query_selector_pb2
from dearena.v1 import ranker_pb2 as pb
from tests.fixtures.ranked import NAME, calmly, told
from tests.fixtures.ranker_stage import MODELS, WORLD, Ranked, Stage
from tests.fixtures.waiting import eventually

QUERY = WORLD.queries[0]


def one(**changes: object) -> pb.OrderedComparison:
    given = {"model_a": MODELS[0], "model_b": MODELS[1], "query_id": QUERY, "votes": 2}
    return pb.OrderedComparison(**{**given, **changes})  # type: ignore[arg-type]


async def done(ranker: Ranked) -> int:
    return (await ranker.ranking()).comparisons_done


async def test_what_is_ordered_is_asked_once_through_a_restart_and_bad_orders_are_refused(stage: Stage) -> None:
    stage.around.ranking = query_selector_pb2.RankingSettings(jury="sequential")
    calm = calmly(WORLD, Rules())
    request = pb.OrderComparisonsRequest(dimension=NAME, comparisons=[one(), one(query_id=WORLD.queries[1])])
    request.request_id = "ordered"
    async with stage.ranker(sweep_seconds=0.2, reask_seconds=60) as ranker:
        number = (await ranker.at_rest()).last_closed_round + 1
        refused = {
            faults.UnknownModel: [[one(model_a="nobody@1")]],
            faults.InvalidField: [
                [],
                [one(model_a="nobody")],
                [one(model_b=MODELS[0])],
                [one(query_id="no query")],
                [one(votes=0)],
                [one(votes=101)],
                [one(), one(model_a=MODELS[1], model_b=MODELS[0])],
                [one(votes=5_001)],
            ],
        }
        for fault, orders in refused.items():
            for order in orders:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await ranker.stub.OrderComparisons(pb.OrderComparisonsRequest(dimension=NAME, comparisons=order))
                assert type(fault_of(caught.value)) is fault
        # Its requests come to nothing, and the ranker ends before they are repeated.
        stage.around.drop = lambda event: event.judging_requested.round == number and "/again/" not in event.event_id
        for _ in range(2):
            assert (await ranker.stub.OrderComparisons(request)).order == 1
        await eventually(lambda: ranker.has_opened(number), equals=True)
        assert await done(ranker) == 0
    async with stage.ranker(sweep_seconds=0.2, reask_seconds=0.3) as ranker:
        await eventually(lambda: done(ranker), equals=1)
        await ranker.at_rest()
        closed = (await ranker.stub.GetRound(pb.GetRoundRequest(dimension=NAME, round=number))).round
        assert (closed.order, closed.settles) == (1, True)
        assert (await ranker.stub.OrderComparisons(request)).order == 1
        pair = Pair.of(MODELS[0], MODELS[1])
        calm.compare([Comparison(pair, query, 2) for query in WORLD.queries[:2]])
        calm.run()
        assert told(await ranker.log()) == told(calm.log)
