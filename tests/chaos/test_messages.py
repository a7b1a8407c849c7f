"""Messages are doorbells: rung twice, in reverse, or by nobody, they lead to the same board."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import nats
import pytest
import pytest_asyncio
import yaml
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import StreamConfig, SubjectTransform

from dearena.local import servers
from tests.fixtures.arena import Arena, Played, arena
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MODELS = [f"planted-{n}" for n in range(7)]
AGAIN = "Test-Sent-Again"
LATE_SECONDS = 1.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with arena(tmp_path_factory.mktemp("messages")) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calm(whole: Arena) -> Played:
    async with whole.client("calm") as client:
        await whole.begin(client, MODELS)
        return await whole.settled(client, len(MODELS))


def bus_of(whole: Arena) -> str:
    return servers.nats_url(whole.stack.endpoints.ports["nats"])


@asynccontextmanager
async def everything_twice(url: str) -> AsyncIterator[list[str]]:
    """Send each message of the arena a second time; gives the subjects of those sent again."""
    client = await nats.connect(url)
    sent: list[str] = []

    async def again(message: Msg) -> None:
        headers = message.headers or {}
        if AGAIN in headers or "Nats-Msg-Id" not in headers:
            return
        copy = {name: value for name, value in headers.items() if name != "Nats-Msg-Id"}
        sent.append(message.subject)
        # By turns at once, while what it asks for is being done, and when that has long been done.
        if len(sent) % 2:
            await client.publish(message.subject, message.data, headers={**copy, AGAIN: "yes"})
        else:
            late.create_task(_later(client, message, {**copy, AGAIN: "yes"}))

    try:
        async with asyncio.TaskGroup() as late:
            for subject in ("model.>", "dimension.>", "answers.>", "judging.>", "vote.>", "round.>", "insertion.>"):
                await client.subscribe(subject, cb=again)
            yield sent
    finally:
        await client.close()


async def _later(client: Client, message: Msg, headers: dict[str, str]) -> None:
    await asyncio.sleep(LATE_SECONDS)
    await client.publish(message.subject, message.data, headers=headers)


async def test_every_message_twice(whole: Arena, calm: Played) -> None:
    async with everything_twice(bus_of(whole)) as sent, whole.client("twice") as client:
        await whole.begin(client, MODELS)
        played = await whole.settled(client, len(MODELS))

    assert {subject.split(".")[0] for subject in sent} >= {"dimension", "answers", "judging", "vote", "round"}
    assert played.board.board_digest == calm.board.board_digest
    assert played.outcomes == calm.outcomes
    counts = whole.requests()
    assert {counts[request] for request in played.request_ids} == {1}


@asynccontextmanager
async def votes_in_reverse(url: str) -> AsyncIterator[list[int]]:
    """Hold back `vote.cast`, and let each batch of them go in reverse; gives the batches' sizes.

    The stream that services read takes them under another subject, which only we publish to, and
    turns it back into the one that consumers wait for.
    """
    client = await nats.connect(url)
    context = client.jetstream()
    events = (await context.stream_info("EVENTS")).config
    others = [subject for subject in events.subjects or [] if subject != "vote.>"]
    # The consumers filter on the subject as it is stored, so the stream may not lose it; a transform keeps both.
    await context.update_stream(
        StreamConfig(
            **{
                **events.__dict__,
                "subjects": [*others, "released.vote.>"],
                "subject_transform": SubjectTransform(src="released.>", dest=">"),
            }
        )
    )
    await context.add_stream(StreamConfig(name="HELD", subjects=["vote.>"]))
    held: list[Msg] = []
    sizes: list[int] = []

    async def hold(message: Msg) -> None:
        held.append(message)

    async def let_go() -> None:
        while True:
            await asyncio.sleep(0.3)
            batch, held[:] = held[::-1], []
            sizes.append(len(batch))
            for message in batch:
                await client.publish(f"released.{message.subject}", message.data, headers=message.headers)

    await client.subscribe("vote.>", cb=hold)
    letting_go = asyncio.create_task(let_go())
    try:
        yield sizes
    finally:
        letting_go.cancel()
        with suppress(asyncio.CancelledError):
            await letting_go
        await context.delete_stream("HELD")
        await context.update_stream(events)
        await client.close()


async def heard(url: str) -> int:
    """Messages that the ranker has been handed so far."""
    client = await nats.connect(url)
    try:
        found = await client.jetstream().consumer_info("EVENTS", "ranker-doorbell")
    finally:
        await client.close()
    assert found.delivered is not None
    return int(found.delivered.consumer_seq)


async def _heard_since(before: int, url: str, messages: int) -> bool:
    return await heard(url) - before >= messages > 0


async def test_votes_in_reverse(whole: Arena, calm: Played) -> None:
    before = await heard(bus_of(whole))
    async with votes_in_reverse(bus_of(whole)) as sizes, whole.client("reversed") as client:
        await whole.begin(client, MODELS)
        played = await whole.settled(client, len(MODELS))
        # Had they not come through, sweeps would have led to the same board.
        await eventually(lambda: _heard_since(before, bus_of(whole), sum(sizes)))

    assert max(sizes) > 1
    assert played.board.board_digest == calm.board.board_digest
    assert played.outcomes == calm.outcomes


async def test_no_vote_is_rung_at_all(whole: Arena, calm: Played) -> None:
    client = await nats.connect(bus_of(whole))
    context = client.jetstream()
    events = (await context.stream_info("EVENTS")).config
    others = [subject for subject in events.subjects or [] if subject != "vote.>"]
    await context.update_stream(StreamConfig(**{**events.__dict__, "subjects": others}))
    await context.add_stream(StreamConfig(name="UNHEARD", subjects=["vote.>"]))
    try:
        async with whole.client("unrung") as arena_client:
            await whole.begin(arena_client, MODELS)
            played = await whole.settled(arena_client, len(MODELS))
    finally:
        await context.delete_stream("UNHEARD")
        await context.update_stream(events)
        await client.close()

    assert played.board.board_digest == calm.board.board_digest


async def test_the_topology_has_what_these_tests_take_away() -> None:
    topology = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "nats" / "topology.yaml").read_text())
    (events,) = [stream for stream in topology["streams"] if stream["name"] == "EVENTS"]
    assert "vote.>" in events["subjects"]
