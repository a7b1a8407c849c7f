"""HTTP/2 to model endpoints that are registered for it: many calls on one connection, made to a checked address.

Over TLS the protocol is agreed upon (ALPN), and HTTP/1.1 serves where the endpoint has no HTTP/2; without TLS the
endpoint is known to speak HTTP/2 (RFC 9113, 3.3).
"""

import ssl
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore

from services.gateway.exchange import (
    UNKNOWN_HOST,
    Broken,
    HttpReply,
    NotHttp,
    ReplyTooLong,
    TlsFailed,
    Unreachable,
    why_broken,
    why_tls_failed,
)
from services.gateway.host_lookups import HostLookups, NameNotFound
from services.gateway.reach import Reach, RefusedByPolicy

IDLE_SECONDS: Final = 60.0
"""A connection is worth keeping longer than one of HTTP/1.1: its end is announced before it is closed."""


class Http2:
    """A `Wire` over HTTP/2."""

    def __init__(
        self,
        reach: Reach,
        tls: ssl.SSLContext,
        lookups: HostLookups,
        *,
        connect_seconds: float,
        reply_limit_bytes: int,
    ) -> None:
        self._network = _CheckedNetwork(reach, lookups)
        self._tls = tls
        self._timeouts = {"connect": connect_seconds}
        self._reply_limit_bytes = reply_limit_bytes
        self._connections: dict[str, _Connections] = {}

    async def close(self) -> None:
        """Close all connections."""
        for connections in self._connections.values():
            await connections.pool.aclose()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """See `Wire.post`."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        connections = self._connections.get(origin)
        if connections is None:
            connections = self._connections[origin] = _Connections(self._pool(secure=parts.scheme == "https"))
        connections.calls += 1
        try:
            return await self._exchange(connections.pool, url, body, headers)
        except BaseException:
            # Data of a reply that nobody reads any more fill the connection's window (RFC 9113, 6.9), and so would
            # hold up the calls beside it: whatever comes next takes a new connection.
            if self._connections.get(origin) is connections:
                del self._connections[origin]
            connections.left = True
            raise
        finally:
            connections.calls -= 1
            if connections.left and not connections.calls:
                await connections.pool.aclose()

    def _pool(self, *, secure: bool) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=None,
            keepalive_expiry=IDLE_SECONDS,
            http1=secure,
            http2=True,
            network_backend=self._network,
        )

    async def _exchange(
        self, pool: httpcore.AsyncConnectionPool, url: str, body: bytes, headers: Mapping[str, str]
    ) -> HttpReply:
        try:
            async with pool.stream(
                "POST",
                url,
                headers=[*headers.items(), ("content-length", str(len(body)))],
                content=body,
                extensions={"timeout": self._timeouts},
            ) as response:
                read = bytearray()
                async for chunk in response.aiter_stream():
                    read += chunk
                    if len(read) > self._reply_limit_bytes:
                        raise ReplyTooLong(response.status, self._reply_limit_bytes)
                named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                return HttpReply(response.status, named, bytes(read))
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            if (tls := _tls_error(error)) is not None:
                raise TlsFailed(why_tls_failed(tls)) from error
            raise Unreachable(UNKNOWN_HOST if str(error) == UNKNOWN_HOST else why_broken(error)) from error
        except (httpcore.NetworkError, httpcore.RemoteProtocolError, httpcore.TimeoutException) as error:
            raise Broken(why_broken(error)) from error
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise NotHttp(type(error).__name__) from error


class _Connections:
    """Those to one scheme, host and port, and how many calls are on them."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self.pool = pool
        self.calls = 0
        self.left = False


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Looks a name up once, checks each address, and connects to the first that takes it. See httpcore."""

    def __init__(self, reach: Reach, lookups: HostLookups) -> None:
        self._reach = reach
        self._lookups = lookups
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to an address that the policy allows; raises RefusedByPolicy when there is none."""
        try:
            found = await self._lookups.addresses(host)
        except NameNotFound as error:
            raise Unreachable(str(error)) from error
        last: Exception = httpcore.ConnectError(UNKNOWN_HOST)
        for _, address in found:
            try:
                self._reach.check_address(address)
                stream = await self._backend.connect_tcp(
                    address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
                return _ClosedOnFailure(stream)
            except (RefusedByPolicy, httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await self._backend.sleep(seconds)


class _ClosedOnFailure(httpcore.AsyncNetworkStream):
    """A stream that does not stay open when its caller gives up in the middle of a TLS handshake."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
