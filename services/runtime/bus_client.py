"""A client of NATS that writes nothing before TLS stands.

The driver's own begins TLS when the server's first word asks for it, whatever the URL says. That word comes in
plaintext: whoever stands in between can leave the request out, and is told the password.
"""

import ssl
from typing import Any
from urllib.parse import ParseResult

import nats.errors
from nats.aio.client import Client
from nats.aio.transport import TcpTransport


class PlaintextRefused(nats.errors.Error):
    """The server offers no TLS where the URL says tls://."""

    def __init__(self) -> None:
        super().__init__("the server offers no TLS where the URL says tls://; it was told nothing")


class TlsTransport(TcpTransport):
    """TCP that reads before TLS stands, for the server speaks first, and does not write."""

    @property
    def secure(self) -> bool:
        """Whether TLS stands on the connection of now."""
        return self._io_writer is not None and self._io_writer.get_extra_info("ssl_object") is not None

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Connect, and let go of what was refused before: the driver keeps it."""
        self._drop()
        await super().connect(uri, buffer_size, connect_timeout)

    async def connect_tls(
        self, uri: str | ParseResult, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        """Begin TLS. What failed is let go of: the driver would wait without end for the news that it has closed."""
        try:
            await super().connect_tls(uri, ssl_context, buffer_size, connect_timeout)
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._io_writer is not None:
            self._io_writer.transport.abort()
        self._io_reader = self._bare_io_reader = self._io_writer = self._bare_io_writer = None

    async def drain(self) -> None:
        """Wait until what is written has gone."""
        if self._io_writer is not None:
            await self._io_writer.drain()

    def write(self, payload: bytes) -> None:
        """Send.

        Raises:
            PlaintextRefused: TLS does not stand.
        """
        if not self.secure:
            raise PlaintextRefused
        super().write(payload)  # type: ignore[no-untyped-call] # the driver's

    def writelines(self, payload: list[bytes]) -> None:
        """Send; before TLS stands, throw away: the driver closes with what is left, and nobody takes that for sent."""
        if self.secure:
            super().writelines(payload)  # type: ignore[no-untyped-call] # the driver's

    def __bool__(self) -> bool:
        # The driver makes one of its own in the place of one that is not there.
        return True


class TlsClient(Client):
    """Speaks by TLS or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self._secured = self._transport = TlsTransport()  # type: ignore[no-untyped-call] # the driver's

    async def _process_info(
        self,
        info: dict[str, Any],
        initial_connection: bool = False,  # noqa: FBT001, FBT002 - the driver's
    ) -> None:
        if not self._secured.secure:
            # The driver takes TLS where it must; it may be had where it is only allowed.
            info["tls_required"] = bool(info.get("tls_required") or info.get("tls_available"))
            # Anyone may have written this: other servers are no matter for it.
            info.pop("connect_urls", None)
        await super()._process_info(info, initial_connection)
