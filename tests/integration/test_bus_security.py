"""A real nats-server that asks for TLS and credentials; and secrets in settings, which nothing ever shows."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import nats
import pymongo
import pytest
from pydantic import ValidationError

from dearena.faults import InvalidField, ServiceUnavailable
from dearena.local import ports, servers
from dearena.transport import PLAINTEXT, open_channel
from dearena.v1 import scorer_pb2, scorer_pb2_grpc
from dearena.v1.events_pb2 import DimensionReady
from services.runtime import subjects, topology
from services.runtime.bus import Bus, envelope
from services.runtime.bus_security import BusSecurity
from services.runtime.settings import ServiceSettings
from services.runtime.store import Store
from services.runtime.topology import TopologySettings
from tests.conftest import ArenaSettings
from tests.fixtures.certificates import Authority, environment_of
from tests.fixtures.otlp import otlp_receiver
from tests.fixtures.waiting import eventually

SECRET = "planted-0123456789abcdef"


@dataclass
class Guarded:
    """A nats-server that lets in who has a certificate and knows the password."""

    directory: Path
    authority: Authority
    port: int
    monitor: int
    tls_first: bool = False
    plaintext_too: bool = False
    server: servers.Server | None = None

    @property
    def url(self) -> str:
        return f"tls://localhost:{self.port}"

    @property
    def credentials(self) -> Path:
        return self.directory / "credentials"

    @property
    def security(self) -> BusSecurity:
        return BusSecurity(
            str(self.authority.file), str(self.credentials), self.tls_first, self.authority.issue("client")
        )

    async def start(self, password: str) -> None:
        """Start with this password, also in the file of the client's credentials."""
        own = self.authority.issue("nats")
        self.credentials.write_text(f"dearena:{password}\n")
        tls = {"cert_file": own.cert_file, "key_file": own.key_file, "ca_file": own.ca_file, "verify": True}
        config = self.directory / "nats.conf"
        config.write_text(
            servers.nats_config(port=self.port, monitor_port=self.monitor, data=self.directory / "streams")
            + f"tls: {json.dumps({**tls, 'handshake_first': self.tls_first})}\n"
            + f"allow_non_tls: {json.dumps(self.plaintext_too)}\n"
            + f"authorization: {json.dumps({'user': 'dearena', 'password': password})}\n"
        )
        self.server = servers.Server(
            name="nats-server",
            command=[str(servers.find_nats_server()), "--config", str(config)],
            log=self.directory / "nats.log",
            is_ready=lambda: servers.nats_is_healthy(self.monitor),
        )
        await self.server.start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()


@pytest.fixture(params=[False, True], ids=["after a word of the server", "first of all"])
async def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Guarded]:
    server = Guarded(tmp_path, Authority(tmp_path), ports.free_port(), ports.free_port(), request.param)
    await server.start(SECRET)
    await topology.provision(server.url, security=server.security)
    yield server
    server.stop()


@asynccontextmanager
async def bus_to(url: str, security: BusSecurity) -> AsyncIterator[Bus]:
    bus = Bus(url, "test", security=security)
    bus.start()
    try:
        yield bus
    finally:
        await bus.close()


async def send(bus: Bus) -> None:
    event = envelope("dimension.ready/1", "default", "algebra", dimension_ready=DimensionReady())
    await bus.publish(subjects.dimension_ready("default", "algebra"), event)


async def test_with_certificate_and_password_it_is_let_in(guarded: Guarded) -> None:
    async with bus_to(guarded.url, guarded.security) as bus:
        await asyncio.wait_for(bus.ready(), 10)
        await send(bus)


async def test_another_password_and_certificate_after_a_restart_need_none_of_ours(guarded: Guarded) -> None:
    async with bus_to(guarded.url, guarded.security) as bus:
        await asyncio.wait_for(bus.ready(), 10)
        guarded.stop()
        guarded.authority.issue("client")
        await guarded.start("another password")

        async def sent() -> bool:
            try:
                await send(bus)
            except ServiceUnavailable:
                return False
            return True

        await eventually(sent)


async def test_without_one_of_them_it_is_not(
    guarded: Guarded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(f"dearena:{SECRET}-not")
    stranger = Authority(tmp_path, "stranger")
    for security in (
        replace(guarded.security, credentials_file=str(wrong)),
        replace(guarded.security, tls=PLAINTEXT),
        replace(guarded.security, tls=stranger.issue("stranger")),
        replace(guarded.security, ca_file=str(stranger.file)),
    ):
        async with bus_to(guarded.url, security) as bus:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(bus.ready(), 1.5)
            with pytest.raises(ServiceUnavailable):
                await send(bus)
            begun = time.monotonic()
        assert time.monotonic() - begun < 5, "a service that never reached the bus can stop"
    told = capsys.readouterr().out
    assert "Authorization Violation" in told
    assert "CERTIFICATE_VERIFY_FAILED" in told
    assert SECRET not in told


@dataclass
class Eavesdropper:
    """Says it is a nats-server that knows no TLS, and keeps what it is told."""

    word: dict[str, object]
    told: bytes = b""
    connections: int = 0

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"INFO " + json.dumps(self.word).encode() + b"\r\n")
        while part := await reader.read(65536):
            self.told += part
            writer.write(b"PONG\r\n")
        writer.close()


@asynccontextmanager
async def eavesdropping(port: int = 0, **word: object) -> AsyncIterator[tuple[Eavesdropper, int]]:
    """Who listens, and the port."""
    ear = Eavesdropper({"server_id": "X", "version": "2.14.3", "max_payload": 1048576, "headers": True, **word})
    server = await asyncio.start_server(ear.listen, "localhost", port)
    async with server:
        yield ear, server.sockets[0].getsockname()[1]


def of_a_token(tmp_path: Path, *, tls_first: bool) -> BusSecurity:
    credentials = tmp_path / "token"
    credentials.write_text(SECRET)
    return BusSecurity(str(Authority(tmp_path).file), str(credentials), tls_first)


@pytest.mark.parametrize("begin", ["server first", "tls first"])
async def test_nothing_is_said_to_a_server_in_plaintext(
    nats_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], begin: str
) -> None:
    tls_first = begin == "tls first"
    async with bus_to(nats_url.replace("nats://", "tls://"), of_a_token(tmp_path, tls_first=tls_first)) as bus:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bus.ready(), 1.5)
        with pytest.raises(ServiceUnavailable):
            await send(bus)
    told = capsys.readouterr().out
    assert tls_first or "offers no TLS where the URL says tls://" in told
    assert SECRET not in told


@pytest.mark.parametrize("word", [{"auth_required": True}, {}], ids=["asking for a password", "asking for none"])
@pytest.mark.parametrize("where", ["in a file", "in the URL"])
async def test_who_stands_in_between_and_knows_no_tls_hears_nothing(
    tmp_path: Path, word: dict[str, bool], where: str
) -> None:
    async with eavesdropping(**word) as (ear, port):
        in_file = where == "in a file"
        url = f"tls://localhost:{port}" if in_file else f"tls://dearena:{SECRET}@localhost:{port}"
        async with bus_to(url, of_a_token(tmp_path, tls_first=False) if in_file else BusSecurity()):
            await eventually(lambda: ear.connections >= 2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(topology.provision(url, security=BusSecurity()), 1.5)
    assert ear.told == b""


async def test_nothing_is_said_in_plaintext_when_a_connection_is_made_again(guarded: Guarded) -> None:
    async with bus_to(guarded.url, guarded.security) as bus:
        await asyncio.wait_for(bus.ready(), 10)
        guarded.stop()
        async with eavesdropping(guarded.port) as (ear, _):
            await eventually(lambda: ear.connections >= 2)
            assert not bus.connected
            assert SECRET.encode() not in ear.told
            assert guarded.tls_first or ear.told == b"", "first of all, it is told what begins TLS"
        await guarded.start(SECRET)
        await eventually(lambda: bus.connected)


async def test_servers_that_a_word_in_plaintext_names_are_not_told_of(tmp_path: Path) -> None:
    """They might have a certificate of a public authority, in their own name."""
    async with (
        eavesdropping() as (other, other_port),
        eavesdropping(connect_urls=[f"localhost:{other_port}"]) as (ear, port),
        bus_to(f"tls://localhost:{port}", of_a_token(tmp_path, tls_first=False)),
    ):
        await eventually(lambda: ear.connections >= 4)
        assert other.connections == 0


async def test_a_server_that_takes_both_is_spoken_to_by_tls(tmp_path: Path) -> None:
    server = Guarded(tmp_path, Authority(tmp_path), ports.free_port(), ports.free_port(), plaintext_too=True)
    await server.start(SECRET)
    try:
        await topology.provision(server.url, security=server.security)
        async with bus_to(server.url, server.security) as bus:
            await asyncio.wait_for(bus.ready(), 10)
            await send(bus)
    finally:
        server.stop()


def test_wrong_settings_of_the_bus_are_named(tmp_path: Path) -> None:
    authority = str(Authority(tmp_path).file)
    empty = tmp_path / "empty"
    empty.touch()
    wrong = {
        "DEARENA_NATS_URL: must begin with tls:// where DEARENA_NATS_CA_FILE is": {"nats_ca_file": authority},
        "DEARENA_NATS_URL: must begin with tls:// where DEARENA_NATS_TLS_FIRST is": {"nats_tls_first": True},
        # The driver takes it for one of TLS, which we would not hold it to.
        "DEARENA_NATS_URL: begins or ends with a blank": {"nats_url": f" tls://dearena:{SECRET}@127.0.0.1:4222"},
        f"DEARENA_NATS_CA_FILE: {empty} holds no certificate": {
            "nats_url": f"tls://dearena:{SECRET}@localhost",
            "nats_ca_file": str(empty),
        },
        f"DEARENA_NATS_CREDENTIALS_FILE: {empty} must hold one line": {"nats_credentials_file": str(empty)},
        "DEARENA_NATS_CREDENTIALS_FILE: /gone cannot be read": {"nats_credentials_file": "/gone"},
    }
    for message, given in wrong.items():
        for settings in (ServiceSettings, TopologySettings):
            with pytest.raises(ValidationError, match=message) as caught:
                settings.model_validate(given)
            assert SECRET not in str(caught.value)


def test_urls_are_not_shown_with_the_settings() -> None:
    settings = ServiceSettings(mongo_url=f"mongodb://dearena:{SECRET}@db", nats_url=f"nats://dearena:{SECRET}@bus")
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


@pytest.mark.parametrize("url", [f"mongodb://dearena:12/{SECRET}@db/", f"mongodb://{SECRET}:x@y@db"])
def test_a_broken_url_of_the_store_is_not_quoted(url: str) -> None:
    with pytest.raises(InvalidField, match="DEARENA_MONGO_URL: is no URL of MongoDB") as caught:
        Store(url, "arena")
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_service_logs_and_traces_no_secret_of_its_settings(
    arena_settings: ArenaSettings, mongo_url: str, tmp_path: Path
) -> None:
    """With passwords in the URLs of the store and of the bus, from the start to the end of the process."""
    user = f"u{os.getpid()}"
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(mongo_url)
    await asyncio.to_thread(client.admin.command, "createUser", user, pwd=SECRET, roles=["root"])
    authority = Authority(tmp_path)
    own = authority.issue("service")
    port = ports.free_port()
    try:
        async with otlp_receiver(authority.issue("collector")) as (endpoint, spans):
            settings = arena_settings(ServiceSettings, otlp_endpoint=endpoint, listen=f"127.0.0.1:{port}")
            given = {
                **settings.model_dump(exclude={"instance", "tls_cert_file", "tls_key_file", "tls_ca_file"}),
                "mongo_url": mongo_url.replace("mongodb://", f"mongodb://{user}:{SECRET}@") + "&authSource=admin",
                "nats_url": settings.nats_url.replace("nats://", f"nats://dearena:{SECRET}@"),
                "log_level": "debug",
            }
            process = servers.Server(
                name="scorer",
                command=[
                    "env",
                    *(f"DEARENA_{name.upper()}={value}" for name, value in given.items()),
                    *(f"{name}={value}" for name, value in environment_of(own).items()),
                    *(sys.executable, "-m", "services.scorer"),
                ],
                log=tmp_path / "scorer.log",
                is_ready=lambda: "serving" in (tmp_path / "scorer.log").read_text(),
            )
            await process.start()
            async with open_channel(settings.listen, tls=own, options=()) as channel:
                stub = scorer_pb2_grpc.ScorerServiceStub(channel)
                request = scorer_pb2.ListBoardsRequest(dimension="projects/default/dimensions/algebra")
                await stub.ListBoards(request, timeout=10)
            bus = await nats.connect(settings.nats_url)
            await bus.jetstream().publish(subjects.round_closed("default", "algebra"), b"no event")
            await bus.close()
            await eventually(lambda: "dead" in (tmp_path / "scorer.log").read_text())
            await eventually(lambda: spans.received)
            process.stop()
            shown = [str(span.attributes) for span in spans.received.values()]
    finally:
        await asyncio.to_thread(client.admin.command, "dropUser", user)
        client.close()

    log = (tmp_path / "scorer.log").read_text()
    assert shown
    key = Path(own.key_file).read_text().splitlines()[1]
    assert not [text for text in (log, *shown) if SECRET in text or key in text]
