"""What both protocols do with endpoints that are not as they should be, on real connections."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.gateway import http1, http2
from services.gateway.endpoint_client import tls_context
from services.gateway.exchange import Broken, NotHttp, ReplyTooLong, TlsFailed, Unreachable, Wire
from services.gateway.host_lookups import HostLookups
from services.gateway.reach import Reach, RefusedByPolicy, networks
from tests.fixtures.raw_endpoint import (
    REPLY,
    RawEndpoint,
    Serve,
    TestAuthority,
    babbles,
    breaks_off,
    dribbles,
    floods,
    hangs,
    leaves,
    listening,
    redirects,
    replies,
    speaks_http2,
)
from tests.fixtures.waiting import eventually

LIMIT = 1024 * 1024
LOOPBACK = Reach(allow_private=networks(["127.0.0.0/8"]))
PROTOCOLS: dict[str, type[http1.Http1] | type[http2.Http2]] = {"HTTP/1.1": http1.Http1, "HTTP/2": http2.Http2}

Making = Callable[[RawEndpoint], Serve]


@asynccontextmanager
async def wire(protocol: str, reach: Reach = LOOPBACK, ca_file: str = "", limit: int = LIMIT) -> AsyncIterator[Wire]:
    lookups = HostLookups(seconds=5)
    made = PROTOCOLS[protocol](reach, tls_context(ca_file), lookups, connect_seconds=5, reply_limit_bytes=limit)
    try:
        yield made
    finally:
        await made.close()
        lookups.close()


def url(endpoint: RawEndpoint, host: str = "127.0.0.1", scheme: str = "http", path: str = "/v1/chat") -> str:
    return f"{scheme}://{host}:{endpoint.port}{path}"


async def post(via: Wire, to: str, seconds: float = 20) -> bytes:
    async with asyncio.timeout(seconds):
        reply = await via.post(to, b"{}", {"content-type": "application/json"})
    assert reply.status == 200
    return reply.body


@pytest.mark.parametrize("says_so", [True, False])
async def test_two_gigabytes_are_not_read(says_so: bool) -> None:  # noqa: FBT001
    async with listening(floods(says_so=says_so)) as endpoint, wire("HTTP/1.1") as via:
        with pytest.raises(ReplyTooLong, match=str(LIMIT)):
            await post(via, url(endpoint))
        async with asyncio.timeout(10):
            await endpoint.left.wait()  # the connection is closed, not left to fill
        assert endpoint.sent < 32 * LIMIT


async def test_a_flood_on_one_stream_does_not_hold_up_its_neighbours() -> None:
    async with listening(speaks_http2) as endpoint, wire("HTTP/2", limit=1024) as via:
        for _ in range(300):  # each would take some of the window of a connection that was kept
            with pytest.raises(ReplyTooLong):
                await post(via, url(endpoint, path="/flood"))
        assert await post(via, url(endpoint)) == REPLY


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_endpoint_that_never_shakes_hands_is_left(protocol: str) -> None:
    async with listening(hangs) as endpoint, wire(protocol) as via:
        with pytest.raises(TimeoutError):
            await post(via, url(endpoint, scheme="https"), seconds=0.3)
        async with asyncio.timeout(10):
            await endpoint.left.wait()


@pytest.mark.parametrize("behaviour", [dribbles, hangs])
async def test_an_endpoint_that_is_never_done_meets_the_time_limit(behaviour: Making) -> None:
    async with listening(behaviour) as endpoint, wire("HTTP/1.1") as via:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await post(via, url(endpoint), seconds=0.3)
        assert time.monotonic() - began < 5
        async with asyncio.timeout(10):
            await endpoint.left.wait()


async def test_a_reply_that_breaks_off_is_no_reply() -> None:
    async with listening(breaks_off) as endpoint, wire("HTTP/1.1") as via:
        with pytest.raises(Broken):
            await post(via, url(endpoint))


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_was_never_sent_is_not_said_to_have_broken(protocol: str) -> None:
    """A broken one may be billed, and is not sent again as often."""
    async with listening(replies) as endpoint:
        pass
    async with wire(protocol) as via:
        with pytest.raises(Unreachable, match="refused") as found:
            await post(via, url(endpoint))
    assert not isinstance(found.value, Broken)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_connection_that_ends_after_the_request_is_broken(protocol: str) -> None:
    async with listening(leaves) as endpoint, wire(protocol) as via:
        with pytest.raises(Broken):
            await post(via, url(endpoint))


async def test_what_is_not_http_is_said_to_be_so() -> None:
    async with listening(babbles) as endpoint, wire("HTTP/1.1") as via:
        with pytest.raises(NotHttp):
            await post(via, url(endpoint))


async def test_a_redirect_is_a_reply_and_nobody_goes_there() -> None:
    async with (
        listening(replies) as elsewhere,
        listening(redirects(url(elsewhere))) as endpoint,
        wire("HTTP/1.1") as via,
    ):
        reply = await via.post(url(endpoint), b"{}", {})
        assert (reply.status, reply.headers["location"]) == (307, url(elsewhere))
        assert elsewhere.connections == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_private_address_is_refused_before_a_byte_is_sent(protocol: str, host: str) -> None:
    async with listening(replies) as endpoint, wire(protocol, Reach()) as via:
        with pytest.raises(RefusedByPolicy, match="allow_private"):
            await post(via, url(endpoint, host))
        assert endpoint.connections == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_name_that_is_looked_up_anew_is_checked_anew(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a public address at registration, a private one at the call."""
    looked_up = []

    def rebound(host: str, port: int | None, **_: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    reach = Reach()
    async with listening(replies) as endpoint, wire(protocol, reach) as via:
        named = url(endpoint, "api.example.com")
        reach.check_url(named)
        with pytest.raises(RefusedByPolicy, match=r"127\.0\.0\.1"):
            await post(via, named)
        assert looked_up == ["api.example.com"]
        assert endpoint.connections == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_name_that_nobody_knows_is_said_to_be_unknown(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with wire(protocol) as via:
        with pytest.raises(Unreachable, match="name is not known"):
            await post(via, "http://api.example.com/v1")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_names_whose_lookup_hangs_hold_up_no_neighbour(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than the event loop's own threads; with several calls each, of which one looks up."""
    go, looked_up = threading.Event(), []

    def hanging(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        if host.startswith("dead"):
            go.wait(60)
            raise socket.gaierror(-3, "Temporary failure in name resolution")
        return [(2, 1, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    serve = replies if protocol == "HTTP/1.1" else speaks_http2
    async with listening(serve) as endpoint, wire(protocol) as via:
        dead = [f"dead{number}.example.com" for number in range(64)]
        calls = [asyncio.ensure_future(post(via, f"http://{host}/v1")) for host in dead for _ in range(3)]
        try:
            await eventually(lambda: set(dead) <= set(looked_up))
            assert await post(via, url(endpoint, "sound.example.com"), seconds=4) == REPLY
            assert not any(one.done() for one in calls)
        finally:
            go.set()
        assert {type(one) for one in await asyncio.gather(*calls, return_exceptions=True)} == {Unreachable}
        assert sorted(looked_up) == sorted([*dead, "sound.example.com"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("shown", "expired", "believed", "reason"),
    [
        ("127.0.0.1", True, True, "expired"),
        ("other.example.com", False, True, "mismatch"),
        ("127.0.0.1", False, False, "issuer|self-signed"),
    ],
)
async def test_wrong_certificates_are_refused_with_the_reason(
    protocol: str,
    shown: str,
    expired: bool,  # noqa: FBT001
    believed: bool,  # noqa: FBT001
    reason: str,
    tmp_path: Path,
) -> None:
    authority = TestAuthority()
    ca_file = authority.write(tmp_path) if believed else ""
    tls = authority.for_host(shown, expired=expired)
    async with listening(replies, tls) as endpoint, wire(protocol, ca_file=ca_file) as via:
        with pytest.raises(TlsFailed, match=reason):
            await post(via, url(endpoint, scheme="https"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_plain_http_where_tls_is_expected_is_refused(protocol: str) -> None:
    async with listening(babbles) as endpoint, wire(protocol) as via:
        with pytest.raises((TlsFailed, Unreachable)):
            await post(via, url(endpoint, scheme="https"), seconds=5)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_authority_of_a_file_is_believed(protocol: str, tmp_path: Path) -> None:
    authority = TestAuthority()
    tls = authority.for_host("127.0.0.1")
    async with listening(replies, tls) as endpoint, wire(protocol, ca_file=authority.write(tmp_path)) as via:
        assert await post(via, url(endpoint, scheme="https")) == REPLY


@pytest.mark.parametrize("secure", [True, False])
async def test_many_calls_share_one_connection_of_http2(secure: bool, tmp_path: Path) -> None:  # noqa: FBT001
    authority = TestAuthority()
    tls = authority.for_host("127.0.0.1", http2=True) if secure else None
    scheme = "https" if secure else "http"
    async with listening(speaks_http2, tls) as endpoint, wire("HTTP/2", ca_file=authority.write(tmp_path)) as via:
        to = url(endpoint, scheme=scheme)
        await post(via, to)
        assert await asyncio.gather(*(post(via, to) for _ in range(50))) == [REPLY] * 50
        assert endpoint.connections == 1


def test_a_file_without_certificates_is_no_authority(tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("nothing")
    with pytest.raises(ssl.SSLError):
        tls_context(str(path))
