"""Any service may die in mid-insertion: the board is that of a run in which nobody died."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dearena.v1 import gateway_pb2
from tests.fixtures.arena import Arena, Played, arena

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(7)]
# Few calls at a time, so that a round lasts long enough to be met half done on a busy machine too.
CONCURRENCY = 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with arena(tmp_path_factory.mktemp("kills")) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calm(whole: Arena) -> Played:
    """The same world, undisturbed."""
    async with whole.client("calm") as client:
        await whole.begin(client, MODELS, world="slow", concurrency=CONCURRENCY)
        return await whole.settled(client, len(MODELS))


@pytest.mark.parametrize("victim", ["ranker", "judge_dispatcher", "scorer", "gateway"])
async def test_a_killed_service_changes_nothing(whole: Arena, calm: Played, victim: str) -> None:
    async with whole.client(f"without-{victim.replace('_', '-')}") as client:
        await whole.begin(client, MODELS, world="slow", concurrency=CONCURRENCY)
        caught = await whole.mid_insertion(client)
        killed_at = await whole.kill(victim)
        played = await whole.settled(client, len(MODELS))
        closed_at = await whole.closed_at(client, caught.model, caught.rounds[-1])
        interrupted = {entry.request_id: entry async for entry in client.ledger(interrupted_only=True)}

    assert killed_at < closed_at, "the kill came too late to show anything"
    assert played.board.board_digest == calm.board.board_digest
    assert played.outcomes == calm.outcomes
    assert len(played.request_ids) == len(calm.request_ids)
    counts = whole.requests()
    repeated = {request: counts[request] for request in played.request_ids if counts.get(request, 0) != 1}
    if victim == "gateway":
        # What was in flight at the kill may have been sent twice, never more, and is owned up to.
        assert set(repeated) <= set(interrupted)
        assert all(entry.interruptions == 1 for entry in interrupted.values())
        assert all(count in (1, 2) for count in repeated.values())
    else:
        assert repeated == {}
        assert interrupted == {}


async def test_each_call_of_the_undisturbed_run_was_made_once(whole: Arena, calm: Played) -> None:
    counts = whole.requests()

    votes = 2 * len(calm.votes)
    canaries = len(calm.request_ids) - 8 * len(MODELS) - votes
    assert 0 < canaries < 0.1 * votes  # one cell in twenty, of one call or two
    assert {counts[request] for request in calm.request_ids} == {1}
    assert gateway_pb2.COMPLETION_STATE_UNKNOWN not in {entry.state async for entry in whole.client("calm").ledger()}
