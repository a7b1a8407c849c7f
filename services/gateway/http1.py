"""HTTP/1.1 to model endpoints: one pool of connections, each made to an address that was checked.

aiohttp alone, without httpx on top of it, which costs more than all the rest of a call. Environment variables that
name proxies are not obeyed: a proxy would look names up by itself, past the check.
"""

import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import aiohttp
from yarl import URL

from services.gateway.exchange import (
    Broken,
    HttpReply,
    NotHttp,
    ReplyTooLong,
    TlsFailed,
    Unreachable,
    why_broken,
    why_tls_failed,
)
from services.gateway.host_lookups import HostLookups, LookupResolver, NameNotFound
from services.gateway.reach import Reach, RefusedByPolicy

KEEP_ALIVE_SECONDS: Final = 4.0
"""Below the 5 s after which uvicorn, and so vLLM, closes an idle connection: a call sent into that is lost."""


class _AddressRefused(OSError):
    """An error of connecting, so that a host's other addresses are tried. All read alike, so that one is raised."""

    def __init__(self, refusal: RefusedByPolicy) -> None:
        super().__init__("refused by policy")
        self.refusal = refusal


class Http1:
    """A `Wire` over HTTP/1.1."""

    def __init__(
        self,
        reach: Reach,
        tls: ssl.SSLContext,
        lookups: HostLookups,
        *,
        connect_seconds: float,
        reply_limit_bytes: int,
    ) -> None:
        def checked_socket(address_info: aiohttp.AddrInfoType) -> socket.socket:
            # The last step before the connection, whatever was looked up and when: no second look-up comes after.
            family, kind, protocol, _, address = address_info
            try:
                reach.check_address(str(address[0]))
            except RefusedByPolicy as refusal:
                raise _AddressRefused(refusal) from refusal
            return socket.socket(family=family, type=kind, proto=protocol)

        self._reply_limit_bytes = reply_limit_bytes
        self._session = aiohttp.ClientSession(
            # No limit on connections: each model has one of its own.
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=tls,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                socket_factory=checked_socket,
                resolver=LookupResolver(lookups),
                # The lookups remember by themselves.
                use_dns_cache=False,
            ),
            # Calls do not depend on each other.
            cookie_jar=aiohttp.DummyCookieJar(),
            # One model's own time-out bounds each request as a whole.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
            # A short reply may unpack to a long one.
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """See `Wire.post`."""
        try:
            async with self._session.post(_url(url), data=body, headers=headers, allow_redirects=False) as response:
                read = await self._read(response)
                return HttpReply(
                    response.status, {name.lower(): value for name, value in response.headers.items()}, read
                )
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _AddressRefused):
                raise error.os_error.refusal from error
            if isinstance(error.os_error, ssl.SSLError):
                raise TlsFailed(why_tls_failed(error.os_error)) from error
            if isinstance(error.os_error, NameNotFound):
                raise Unreachable(str(error.os_error)) from error
            raise Unreachable(why_broken(error)) from error
        except aiohttp.ClientConnectorCertificateError as error:
            cause = error.certificate_error
            raise TlsFailed(why_tls_failed(cause) if isinstance(cause, ssl.SSLError) else "certificate") from error
        except aiohttp.ConnectionTimeoutError as error:
            raise Unreachable(why_broken(error)) from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            raise Broken(why_broken(error)) from error
        except aiohttp.ClientError as error:
            raise NotHttp(type(error).__name__) from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or 0) > self._reply_limit_bytes:
            raise self._close(response)
        read = bytearray()
        async for chunk in response.content.iter_any():
            read += chunk
            if len(read) > self._reply_limit_bytes:
                raise self._close(response)
        return bytes(read)

    def _close(self, response: aiohttp.ClientResponse) -> ReplyTooLong:
        # The connection, not the reply alone: what is still on its way is not read to its end.
        response.close()
        return ReplyTooLong(response.status, self._reply_limit_bytes)


@lru_cache(maxsize=1024)
def _url(url: str) -> URL:
    return URL(url, encoded=True)
