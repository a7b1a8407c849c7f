"""A backup of MongoDB alone, taken in the middle of an insertion, is the whole arena: restored, it goes on.

The backup is a copy of the database's files while it is locked, as its maker describes it; what is backed up by other
tools is the same documents. Nothing is kept of the bus.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from dearena.local import servers
from dearena.local import stack as local
from tests.fixtures.arena import QUICK, WORLDS, Arena

pytestmark = pytest.mark.timeout(600)

MODELS = [f"planted-{n}" for n in range(8)]
NOT_BACKED_UP = {"nats", "logs", "lock", "run"}


async def back_up(arena: Arena, to: Path) -> None:
    """Copy what is kept of an arena that runs, its database locked meanwhile; of the bus nothing."""
    url = f"{servers.mongo_url(arena.stack.endpoints.ports['mongod'])}&directConnection=true"
    mongo: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(url)
    try:
        await mongo.admin.command("fsync", lock=True)
        try:
            shutil.copytree(
                arena.stack.state,
                to,
                ignore=lambda folder, names: {
                    name
                    for name in names
                    if (Path(folder) == arena.stack.state and name in NOT_BACKED_UP)
                    or name == "mongod.lock"
                    or not ((Path(folder) / name).is_file() or (Path(folder) / name).is_dir())
                },
            )
        finally:
            await mongo.admin.command("fsyncUnlock")
    finally:
        mongo.close()


async def test_a_restored_backup_comes_to_the_same_board(tmp_path: Path) -> None:
    lived, backup = tmp_path / "lived", tmp_path / "backup"
    async with local.running(lived, fresh=True, worlds=WORLDS, environment=QUICK) as stack:
        arena = Arena(stack)
        async with arena.client("kept") as client:
            await arena.begin(client, MODELS, queries=12, world="slow")
            await arena.mid_insertion(client)
            await back_up(arena, backup)
            before = await arena.settled(client, len(MODELS))

    assert not (backup / "nats").exists()
    async with local.running(backup, worlds=WORLDS, environment=QUICK) as stack:
        arena = Arena(stack)
        async with arena.client("kept") as client:
            opened = [vote async for vote in client.votes("d")]
            after = await arena.settled(client, len(MODELS))
        audited = await arena.said("kept", "audit", "d")

    assert 0 < len(opened) < len(before.votes)
    assert after.board.board_digest == before.board.board_digest
    assert after.outcomes == before.outcomes
    assert "d" in audited
