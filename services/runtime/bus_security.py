"""How the bus is sure of us, and we of it: TLS, and credentials that stand in a file."""

import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nats.aio.client import Client

from dearena.faults import InvalidField
from dearena.transport import PLAINTEXT, Tls
from services.runtime.bus_client import TlsClient

URL: Final = "DEARENA_NATS_URL"
CA: Final = "DEARENA_NATS_CA_FILE"
CREDENTIALS: Final = "DEARENA_NATS_CREDENTIALS_FILE"
TLS_FIRST: Final = "DEARENA_NATS_TLS_FIRST"


@dataclass(frozen=True, slots=True)
class BusSecurity:
    """Nothing set: what the URL says, and the authorities of the machine where it begins with tls://."""

    ca_file: str = ""
    """Authorities of the server's certificate."""
    credentials_file: str = ""
    """One line: user:password, or a token. Read anew with each connection."""
    tls_first: bool = False
    """TLS before the server has said anything, for a server that waits for it. Without it the server speaks first, in
    plaintext, and we only when TLS stands."""
    tls: Tls = PLAINTEXT
    """Our own certificate, for a server that asks for one."""

    def check(self, url: str) -> None:
        """Raises InvalidField, which names the setting, where one is wrong or contradicts the URL; never its value."""
        if url != url.strip():
            # The driver would strip it, and take for tls:// what we did not.
            raise InvalidField.of(URL, "begins or ends with a blank")
        for name, value in ((CA, self.ca_file), (TLS_FIRST, self.tls_first)):
            if value and not url.startswith("tls://"):
                raise InvalidField.of(URL, f"must begin with tls:// where {name} is set")
        if self.ca_file:
            _context(self.ca_file)
        if self.credentials_file:
            _credentials(self.credentials_file)


NOTHING: Final = BusSecurity()


class Admission:
    """What a connection is made with; kept for as long as it may have to be made again."""

    def __init__(self, url: str, security: BusSecurity) -> None:
        """Raises InvalidField as `BusSecurity.check` does."""
        security.check(url)
        self._url = url
        self._security = security
        self._context: ssl.SSLContext | None = None
        if url.startswith("tls://") or security.tls.cert_file:
            self._context = _context(security.ca_file)
        self._credentials = _credentials(security.credentials_file) if security.credentials_file else None
        self.renew()

    def client(self) -> Client:
        """Not connected yet; one that says nothing in plaintext where the URL begins with tls://."""
        return TlsClient() if self._url.startswith("tls://") else Client()

    def options(self) -> dict[str, Any]:
        """Arguments of the client's connect."""
        options: dict[str, Any] = {}
        if self._context is not None:
            options |= {"tls": self._context, "tls_handshake_first": self._security.tls_first}
        match self._credentials:
            case (_, ""):
                options |= {"token": lambda: self._now()[0]}
            case (_, _):
                options |= {"user": lambda: self._now()[0], "password": lambda: self._now()[1]}
        return options

    def renew(self) -> None:
        """Take certificates as they are in their files now; to be called before a connection is made again.

        Authorities are added: those before hold until a restart.
        """
        if self._context is None:
            return
        tls, ca_file = self._security.tls, self._security.ca_file
        with suppress(InvalidField, OSError):  # half written; what was before stays in force
            if ca_file:
                self._context.load_verify_locations(ca_file)
        with suppress(InvalidField, OSError):
            if tls.cert_file:
                tls.read()
                self._context.load_cert_chain(tls.cert_file, tls.key_file)

    def _now(self) -> tuple[str, str]:
        with suppress(InvalidField):  # being replaced; those before stay in force
            self._credentials = _credentials(self._security.credentials_file)
        assert self._credentials is not None  # noqa: S101 - asked only where there are some
        return self._credentials


def _context(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError:
        raise InvalidField.of(CA, f"{ca_file} holds no certificate in PEM, or a broken one") from None
    except OSError as error:
        raise InvalidField.of(CA, f"{ca_file} cannot be read: {error.strerror}") from error


def _credentials(path: str) -> tuple[str, str]:
    """User and password; a token and an empty string."""
    try:
        line = Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise InvalidField.of(CREDENTIALS, f"{path} cannot be read: {error.strerror}") from error
    except UnicodeError:
        raise InvalidField.of(CREDENTIALS, f"{path} is not text") from None
    if not line or "\n" in line:
        raise InvalidField.of(CREDENTIALS, f"{path} must hold one line: user:password, or a token")
    user, _, password = line.partition(":")
    return user, password
