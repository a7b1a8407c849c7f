"""Real servers for every test: one mongod a run, one nats-server a test, everything on free loopback ports."""

import os
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from services.runtime import topology
from services.runtime.settings import ServiceSettings
from services.runtime.store import Store, fault_of
from tests.fixtures import run
from tests.fixtures.bus import NatsServer, forget_streams

ArenaSettings = Callable[..., Any]

# How long an example takes says how busy the machine is; tests as a whole have a time limit.
hypothesis.settings.register_profile("arena", deadline=None)
hypothesis.settings.load_profile("arena")

NOWHERE = "127.0.0.1:9"
"""A loopback address at which nobody listens: a call to a peer that a test did not give fails at once."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's directory, once, before workers inherit the environment."""
    if not hasattr(config, "workerinput"):
        # A busy machine is no outage; tests of an outage set the time that they measure.
        os.environ.setdefault("DEARENA_STORE_TIMEOUT_SECONDS", "8")
        run.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the run started."""
    if hasattr(config, "workerinput"):
        run.leave()
    else:
        run.end()


@pytest.fixture(scope="session")
def mongo_url() -> str:
    """A real mongod, shared by the run; DEARENA_MONGO_URL takes precedence."""
    return os.environ.get("DEARENA_MONGO_URL") or run.shared_mongo_url()


@pytest.fixture
async def mongo_database(mongo_url: str) -> AsyncIterator[str]:
    """The name of a database of the test's own, dropped afterwards."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    store = Store(mongo_url, name)
    try:
        await store.drop()
    except Exception as error:
        # Out of reach on a very busy machine: then it goes with the run's mongod.
        if fault_of(error) is None:
            raise
    finally:
        store.close()


@pytest.fixture
async def nats_server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A fresh nats-server with the arena's topology, which the test may take away and bring back."""
    if given := os.environ.get("DEARENA_NATS_URL"):
        await forget_streams(given)
        await topology.provision(given)
        yield NatsServer(tmp_path, url=given)
        return
    server = NatsServer(tmp_path / "nats")
    try:
        await server.start()
        await topology.provision(server.url)
        yield server
    finally:
        server.stop()


@pytest.fixture
def nats_url(nats_server: NatsServer) -> str:
    """Where the test's nats-server is; DEARENA_NATS_URL takes precedence, and loses its streams."""
    return nats_server.url


@pytest.fixture
def arena_settings(mongo_url: str, mongo_database: str, nats_url: str) -> ArenaSettings:
    """A factory of any service's settings, on the test's own database and bus; peers are away unless given."""

    def make(settings_type: type[ServiceSettings] = ServiceSettings, **overrides: Any) -> Any:
        given = {
            "mongo_url": mongo_url,
            "mongo_database": mongo_database,
            "nats_url": nats_url,
            "listen": "127.0.0.1:0",
            "sweep_seconds": 0.5,
            "drain_seconds": 1.0,
            "fetch_seconds": 0.1,
            "gateway_address": NOWHERE,
            "query_selector_address": NOWHERE,
            "ranker_address": NOWHERE,
            "judge_dispatcher_address": NOWHERE,
            "scorer_address": NOWHERE,
            **overrides,
        }
        return settings_type(**given)

    return make
