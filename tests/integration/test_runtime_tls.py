"""Mutual TLS over real gRPC: who is turned away and how they hear of it, renewal in mid-call, probes."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dearena.client import Addresses, ArenaClient
from dearena.faults import ServiceUnavailable
from dearena.local import ports
from dearena.transport import PLAINTEXT, Tls, certificates
from dearena.v1 import scorer_pb2, scorer_pb2_grpc
from services.runtime.peers import Peers
from services.runtime.rpc import Server, Servicer
from services.runtime.settings import ServiceSettings
from tests.fixtures.certificates import Authority, environment_of, settings_of

if TYPE_CHECKING:
    from dearena.v1.scorer_pb2_grpc import ScorerServiceAsyncStub

SCORER = scorer_pb2.DESCRIPTOR.services_by_name["ScorerService"].full_name
REFUSED_SECONDS = 3.0
"""A refusal is heard well before the deadline of a call, which is ten seconds."""

ASK = scorer_pb2.GetLeaderboardRequest()


class Scorer(scorer_pb2_grpc.ScorerServiceServicer):
    """Says an empty board, or what the next service says; and watches for as long as a test has it."""

    def __init__(self, onward: ScorerServiceAsyncStub | None = None) -> None:
        self._onward = onward
        self.steps: asyncio.Queue[int] = asyncio.Queue()
        self.calls = 0
        self.shown: list[bytes] = []
        """The certificate of each caller."""

    async def GetLeaderboard(self, request: scorer_pb2.GetLeaderboardRequest, context: Any) -> Any:
        self.calls += 1
        self.shown.extend(context.auth_context().get("x509_pem_cert", ()))
        if self._onward is not None:
            return await self._onward.GetLeaderboard(request)
        return scorer_pb2.GetLeaderboardResponse()

    async def WatchLeaderboard(
        self, request: scorer_pb2.WatchLeaderboardRequest, context: Any
    ) -> AsyncIterator[scorer_pb2.WatchLeaderboardResponse]:
        while True:
            yield scorer_pb2.WatchLeaderboardResponse(cursor=await self.steps.get())

    async def _not_asked(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    ScoreThrough = GetMatrices = ListBoards = GetPairs = _not_asked
    GetJudgeReport = GetCounterfactuals = DiffBoards = _not_asked


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at with every call and connection, so that nobody waits for the next look."""
    monkeypatch.setattr(certificates, "LOOK_SECONDS", 0.0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def served(tls: Tls, scorer: Scorer | None = None, health_listen: str = "") -> AsyncIterator[str]:
    """A server; its address by name, as in a cluster."""
    server = Server(
        [Servicer(scorer_pb2_grpc.add_ScorerServiceServicer_to_server, scorer or Scorer(), SCORER)],
        traced=False,
        reflected=True,
        tls=tls,
    )
    address = await server.start("127.0.0.1:0", health_listen=health_listen)
    await server.serving()
    try:
        yield address
    finally:
        await server.stop(0)


@asynccontextmanager
async def peers_to(address: str, tls: Tls) -> AsyncIterator[ScorerServiceAsyncStub]:
    peers = Peers(ServiceSettings(scorer_address=address, **settings_of(tls)))
    try:
        yield peers.scorer
    finally:
        await peers.close()


async def refusal(address: str, tls: Tls) -> str:
    """What a client hears that is not let in."""
    begun = time.monotonic()
    async with ArenaClient(Addresses(scorer=address), tls=tls) as client:
        with pytest.raises(ServiceUnavailable) as caught:
            await client.leaderboard("algebra")
    assert time.monotonic() - begun < REFUSED_SECONDS
    return str(caught.value)


async def peer_refusal(address: str, tls: Tls) -> grpc.aio.AioRpcError:
    """What a service hears that its peer does not let in."""
    begun = time.monotonic()
    async with peers_to(address, tls) as scorer:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await scorer.GetLeaderboard(ASK)
    assert time.monotonic() - begun < REFUSED_SECONDS + 1  # it tries again, as it does when a peer is being restarted
    return caught.value


async def test_whoever_has_a_certificate_of_the_authority_is_served(authority: Authority) -> None:
    async with served(authority.issue("service")) as address:
        port = address.rpartition(":")[2]
        for target in (address, f"localhost:{port}", f"dns:///localhost:{port}"):
            async with ArenaClient(
                Addresses(scorer=target), tls=authority.issue("client", "operator.example")
            ) as client:
                await client.leaderboard("algebra")
            async with peers_to(target, authority.issue("peer")) as scorer:
                await scorer.GetLeaderboard(ASK)


async def test_nobody_else_is(authority: Authority, tmp_path: Path) -> None:
    scorer = Scorer()
    stranger = replace(Authority(tmp_path, "stranger").issue("stranger"), ca_file=str(authority.file))
    expired = authority.issue("expired", expired=True)
    async with served(authority.issue("service"), scorer) as address:
        in_plaintext = await refusal(address, PLAINTEXT)
        assert "it may speak TLS only, for which DEARENA_TLS_CA_FILE is set here" in in_plaintext
        for tls in (authority.trusted, stranger, expired):
            told = await refusal(address, tls)
            assert "it may ask for a certificate, or not accept that of DEARENA_TLS_CERT_FILE" in told
        for tls in (PLAINTEXT, stranger, expired):
            assert (await peer_refusal(address, tls)).code() is grpc.StatusCode.UNAVAILABLE

    assert scorer.calls == 0


async def test_a_client_does_not_speak_to_a_service_that_it_cannot_be_sure_of(
    authority: Authority, tmp_path: Path
) -> None:
    scorer = Scorer()
    client, stranger = authority.issue("client"), Authority(tmp_path, "stranger")
    wrong = {
        "is not accepted: unable to get local issuer certificate": replace(
            stranger.issue("stranger"), ca_file=str(authority.file)
        ),
        "is not accepted: certificate has expired": authority.issue("expired", expired=True),
        "its certificate is for another name than this address": authority.issue("elsewhere", "elsewhere.example"),
        "it does not speak TLS, and we do": PLAINTEXT,
    }
    for message, tls in wrong.items():
        async with served(tls, scorer) as address:
            assert message in await refusal(address, client)
            assert (await peer_refusal(address, client)).code() is grpc.StatusCode.UNAVAILABLE

    assert scorer.calls == 0


async def test_without_authorities_a_service_asks_for_no_certificate(authority: Authority) -> None:
    async with (
        served(replace(authority.issue("service"), ca_file="")) as address,
        ArenaClient(Addresses(scorer=address), tls=authority.trusted) as client,
    ):
        await client.leaderboard("algebra")


async def test_services_speak_it_among_each_other(authority: Authority) -> None:
    back = Scorer()
    async with (
        served(authority.issue("back"), back) as behind,
        peers_to(behind, authority.issue("front")) as onward,
        served(authority.issue("front"), Scorer(onward)) as before,
        peers_to(before, authority.issue("third")) as scorer,
    ):
        await scorer.GetLeaderboard(ASK)

    assert back.calls == 1


async def shown_by(address: str, tls: Tls) -> bytes:
    """The certificate that a server shows to a new connection."""
    context = ssl.create_default_context(cafile=tls.ca_file)
    context.load_cert_chain(tls.cert_file, tls.key_file)
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return shown


async def test_a_renewal_needs_no_restart_and_ends_no_call(authority: Authority, tmp_path: Path) -> None:
    service, client, old = authority.issue("service"), authority.issue("client"), authority.issue("old")
    old = replace(old, ca_file=str(authority.file.with_suffix(".kept")))
    Path(old.ca_file).write_bytes(authority.file.read_bytes())
    scorer = Scorer()
    async with served(service, scorer) as address, peers_to(address, client) as stub:
        watch = stub.WatchLeaderboard(scorer_pb2.WatchLeaderboardRequest())
        steps = aiter(watch)
        scorer.steps.put_nowait(1)
        assert (await anext(steps)).cursor == 1
        before = await shown_by(address, client)

        authority.issue("service")
        first = Path(client.cert_file).read_bytes()
        authority.issue("client")
        await stub.GetLeaderboard(ASK)
        assert await shown_by(address, client) != before
        assert scorer.shown == [Path(client.cert_file).read_bytes()] != [first]

        # The authority itself is another one from now on; certificates of the earlier one are worth nothing.
        successor = Authority(tmp_path, "successor")
        successor.issue("service")
        successor.issue("client")
        authority.file.write_bytes(successor.file.read_bytes())
        await stub.GetLeaderboard(ASK)
        assert Path(client.cert_file).read_bytes().startswith(scorer.shown[-1])
        assert "is not accepted" in await refusal(address, old)
        assert "not accept that of" in await refusal(address, replace(old, ca_file=str(successor.file)))

        scorer.steps.put_nowait(2)
        assert (await anext(steps)).cursor == 2, "the watch has gone on over its own connection"
        watch.cancel()


async def test_closing_ends_what_is_open_over_earlier_certificates(authority: Authority) -> None:
    tls = authority.issue("client")
    scorer = Scorer()
    async with served(authority.issue("service"), scorer) as address:
        async with peers_to(address, tls) as stub:
            watch = stub.WatchLeaderboard(scorer_pb2.WatchLeaderboardRequest())
            scorer.steps.put_nowait(1)
            await anext(aiter(watch))
            authority.issue("client")
            await stub.GetLeaderboard(ASK)
            assert not watch.done()
        assert watch.done()


async def probe(listen: str, **environment: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.runtime.probe"),
        env={**os.environ, "DEARENA_LISTEN": listen, **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    return process.returncode, said.decode()


async def test_the_probe_speaks_as_its_service_does(authority: Authority) -> None:
    tls = authority.issue("service")
    async with served(tls) as address:
        listen = f"0.0.0.0:{address.rpartition(':')[2]}"
        assert (await probe(listen, **environment_of(tls)))[0] == 0
        code, said = await probe(listen)
        assert code == 1
        assert "UNAVAILABLE" in said
        code, said = await probe(listen, DEARENA_TLS_CERT_FILE=tls.cert_file)
        assert (code, said.strip()) == (1, "DEARENA_TLS_KEY_FILE: must be set where DEARENA_TLS_CERT_FILE is")


async def test_health_and_nothing_else_is_told_in_plaintext(authority: Authority) -> None:
    tls = authority.issue("service")
    health_listen = f"127.0.0.1:{ports.free_port()}"
    async with served(tls, health_listen=health_listen) as address:
        assert (await probe(address, DEARENA_HEALTH_LISTEN=health_listen))[0] == 0
        async with grpc.aio.insecure_channel(health_listen) as channel:
            health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=SCORER))
            assert health.status == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await scorer_pb2_grpc.ScorerServiceStub(channel).GetLeaderboard(ASK, timeout=5)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("service", ["scorer", "gateway"])
async def test_a_service_with_half_a_pair_does_not_start(authority: Authority, service: str) -> None:
    tls = authority.issue("service")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}"),
        env={
            **os.environ,
            "DEARENA_TLS_CERT_FILE": tls.cert_file,
            "DEARENA_INSTALLATION_SECRET": "0" * 64,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert (
        said.decode().strip().endswith("cannot start: DEARENA_TLS_KEY_FILE: must be set where DEARENA_TLS_CERT_FILE is")
    )
