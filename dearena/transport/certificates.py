"""Certificates in files: named by settings, checked before they are used, read anew when they change."""

import logging
import os
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dearena.faults import InvalidField

CERT: Final = "DEARENA_TLS_CERT_FILE"
KEY: Final = "DEARENA_TLS_KEY_FILE"
CA: Final = "DEARENA_TLS_CA_FILE"

LOOK_SECONDS: Final = 1.0
"""Between two looks at files that may have changed: three calls of stat, when a connection or call is made."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pems:
    """What the files hold; empty where none is named."""

    chain: bytes
    key: bytes
    authorities: bytes

    def __repr__(self) -> str:
        """Nothing of a private key, wherever this is shown."""
        return "Pems(...)"


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files by which one side of a connection shows who it is, and knows the other one. None at all: plaintext.

    A client with authorities alone is sure of the service; with a certificate of its own both are sure of each
    other. Without authorities a client trusts those of the machine.
    """

    cert_file: str = ""
    """The certificate, followed by those between it and its authority."""
    key_file: str = ""
    """Its private key, without a pass phrase."""
    ca_file: str = ""
    """Authorities whose certificates are accepted from the other side."""

    @classmethod
    def find(cls, environment: Mapping[str, str] | None = None) -> "Tls":
        """The files that the environment names: DEARENA_TLS_CERT_FILE, _KEY_FILE and _CA_FILE."""
        environment = os.environ if environment is None else environment
        return cls(*(environment.get(name, "") for name in (CERT, KEY, CA)))

    @property
    def wanted(self) -> bool:
        """Whether connections are by TLS."""
        return bool(self.cert_file or self.key_file or self.ca_file)

    def check_client(self) -> None:
        """Raise InvalidField, which names the setting, where half of a pair is set."""
        for here, there, name, other in ((self.cert_file, self.key_file, KEY, CERT),
                                         (self.key_file, self.cert_file, CERT, KEY)):  # fmt: skip
            if here and not there:
                raise InvalidField.of(name, f"must be set where {other} is")

    def check_server(self) -> None:
        """As `check_client`; a service that asks for certificates must have one."""
        self.check_client()
        if self.ca_file and not self.cert_file:
            raise InvalidField.of(CERT, f"must be set where {CA} is: a service shows a certificate before it asks")

    def read(self) -> Pems:
        """What the files hold now.

        Raises:
            InvalidField: one cannot be read, is not PEM, or key and certificate do not belong together; names the
                setting and the file.
        """
        self.check_client()
        pems = Pems(*(_content(name, path) for name, path in ((CERT, self.cert_file), (KEY, self.key_file),
                                                              (CA, self.ca_file))))  # fmt: skip
        if self.cert_file:
            _check_certificates(CERT, self.cert_file, pems.chain)
            self._check_key()
        if self.ca_file:
            _check_certificates(CA, self.ca_file, pems.authorities)
        return pems

    def _check_key(self) -> None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.cert_file, self.key_file, _no_pass_phrase)
        except _PassPhrase:
            raise InvalidField.of(
                KEY, f"{self.key_file} is locked by a pass phrase; nobody is here to type it"
            ) from None
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                problem = f"{self.key_file} is not the key of the certificate in {self.cert_file}"
            else:
                problem = f"{self.key_file} holds no private key in PEM"
            raise InvalidField.of(KEY, problem) from None
        except OSError as error:
            raise InvalidField.of(KEY, f"{self.key_file} cannot be read: {error.strerror}") from error


PLAINTEXT: Final = Tls()


class Certificates:
    """What the files of a `Tls` hold, as they are renewed. May be asked from several threads."""

    def __init__(self, tls: Tls) -> None:
        """Reads the files; raises InvalidField as `Tls.read` does."""
        self._tls = tls
        self._seen = self._signature()
        self._pems = tls.read()
        self._look_again = time.monotonic() + LOOK_SECONDS
        self._looking = threading.Lock()
        self._complained_of: object = None

    def current(self) -> Pems:
        """What is to be used now: another object only when the content has changed. Never raises.

        Files that are wrong, or only half written, leave in force what was there before, and are looked at again.
        """
        if time.monotonic() >= self._look_again and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._look_again = time.monotonic() + LOOK_SECONDS
                self._looking.release()
        return self._pems

    def _look(self) -> None:
        signature = self._signature()
        if signature == self._seen:
            return
        try:
            pems = self._tls.read()
        except InvalidField as fault:
            if self._complained_of != signature:  # once for each state of the files
                log.warning("new certificates are not taken, those before stay in force: %s", fault)
                self._complained_of = signature
            return
        if self._signature() != signature:
            return  # they change at this moment
        self._seen = signature
        if pems != self._pems:
            self._pems = pems

    def _signature(self) -> tuple[object, ...]:
        return tuple(_state(path) for path in (self._tls.cert_file, self._tls.key_file, self._tls.ca_file) if path)


def _state(path: str) -> object:
    try:
        state = Path(path).stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev


def _content(name: str, path: str) -> bytes:
    if not path:
        return b""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidField.of(name, f"{path} cannot be read: {error.strerror}") from error


def _check_certificates(name: str, path: str, content: bytes) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        raise InvalidField.of(name, f"{path} holds no certificate in PEM, or a broken one") from None


class _PassPhrase(Exception):
    """A key asks for one."""


def _no_pass_phrase() -> str:
    raise _PassPhrase
