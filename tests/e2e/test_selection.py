"""A dimension from a pile of questions: a pilot tells which of them are worth asking."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dearena.names import DimensionName
from dearena.v1 import gateway_pb2, query_selector_pb2
from tests.fixtures.arena import Arena, arena
from tests.fixtures.selections import Selecting, selecting

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

MODELS = [f"planted-{n}" for n in range(5)]


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
