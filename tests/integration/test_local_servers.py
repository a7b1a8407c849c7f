"""Real servers: started, stopped, started again; and what one is told when they do not start."""

import sys
from pathlib import Path

import nats
import pytest

from dearena.local import ports, servers
from services.runtime.store import Store


async def test_a_mongod_keeps_what_was_written_and_is_primary_again_after_a_restart(tmp_path: Path) -> None:
    port = ports.free_port()
    first = await servers.start_mongod(tmp_path, port)
    store = Store(servers.mongo_url(port), "kept")
    await store.collection("things").insert_one({"_id": 1})
    store.close()
    first.stop()
    assert ports.is_free(port)

    second = await servers.start_mongod(tmp_path, port)
    store = Store(servers.mongo_url(port), "kept")
    try:
        assert await store.collection("things").find_one({"_id": 1})
    finally:
        store.close()
        second.stop()


async def test_a_mongod_whose_port_has_changed_is_primary_under_its_new_address(tmp_path: Path) -> None:
    (await servers.start_mongod(tmp_path, ports.free_port())).stop()
    port = ports.free_port()
    server = await servers.start_mongod(tmp_path, port)
    store = Store(servers.mongo_url(port), "moved")
    try:
        await store.collection("things").insert_one({"_id": 1})
    finally:
        store.close()
        server.stop()


async def test_a_nats_server_comes_back_on_its_port_with_its_streams(tmp_path: Path) -> None:
    server = await servers.start_nats(tmp_path, port := ports.free_port())
    client = await nats.connect(servers.nats_url(port))
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await client.close()
    server.stop()
    assert ports.is_free(port)

    await server.start()
    client = await nats.connect(servers.nats_url(port))
    assert (await client.jetstream().stream_info("KEPT")).config.subjects == ["kept"]
    await client.close()
    server.stop()


async def test_a_port_that_is_taken_is_an_error_that_shows_the_log(tmp_path: Path) -> None:
    server = await servers.start_nats(tmp_path / "first", port := ports.free_port())
    try:
        with pytest.raises(servers.ServerFailed, match=r"(?s)nats-server ended with 1.*address already in use"):
            await servers.start_nats(tmp_path / "second", port)
    finally:
        server.stop()


async def test_a_job_that_fails_is_an_error_that_says_what_it_said() -> None:
    with pytest.raises(servers.ServerFailed, match=r"(?s)ended with 1.*usage: "):
        await servers.run_job([sys.executable, "-m", "services.runtime.replica_set"])
