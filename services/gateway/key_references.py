"""Where a key is, never the key: `env:NAME` or `file:/path`, looked up at each call. Pure.

A key is neither stored nor logged nor traced, so nothing here repeats what it was given: somebody may
have put the key itself where a reference belongs.
"""

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal, Self

from services.gateway.reach import matches_host

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OWN_SETTINGS = "DEARENA_"
MAX_KEY_LENGTH = 4096
KEY_VARIABLES: Final = ("*_KEY", "*_TOKEN")
"""Variables that may be named unless an operator says otherwise. What else stands in the environment of a server,
a password of its store for one, is not to be had by registering a model."""


class MalformedKeyReference(ValueError):
    """Not a reference to a key. The message does not repeat it."""


class KeyMissing(LookupError):
    """A well-formed reference that names no usable key here."""


class KeyRefused(PermissionError):
    """A well-formed reference to a place that keys may not be taken from; says which setting would let it."""


@dataclass(frozen=True, slots=True)
class KeyReference:
    """The name of an environment variable, or the path of a file."""

    source: Literal["env", "file"]
    place: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `env:NAME` or `file:/path`.

        Raises:
            MalformedKeyReference: anything else, a variable with the arena's own settings, or a path
                that is not absolute and plain.
        """
        source, colon, place = text.partition(":")
        if colon and source == "env" and _VARIABLE.fullmatch(place):
            if place.startswith(_OWN_SETTINGS):
                raise MalformedKeyReference(f"variables that begin with {_OWN_SETTINGS} are settings, not keys")
            return cls("env", place)
        if colon and source == "file" and _is_plain_path(place):
            return cls("file", place)
        raise MalformedKeyReference(
            "must be env:NAME or file:/path, the place of a key; a key itself is never accepted"
        )

    def __str__(self) -> str:
        return f"{self.source}:{self.place}"


def _is_plain_path(path: str) -> bool:
    return (
        path.startswith("/")
        and not path.startswith("//")
        and path.isprintable()
        and len(path) <= MAX_KEY_LENGTH
        and posixpath.normpath(path) == path
    )


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Where references are looked up.

    A key may change between two calls (a rotated secret), so nothing is kept here.
    """

    environment: Mapping[str, str]
    read_file: Callable[[str], str]
    """Raises OSError or UnicodeError when the file cannot be read."""
    directory: str = ""
    """Only files below it may be named; empty: none."""
    variables: Sequence[str] = KEY_VARIABLES
    """Patterns of the variables that may be named: `*` stands for any characters."""
    hosts: Sequence[tuple[str, str]] = ()
    """Pairs of a pattern of references and one of hosts that their keys may be sent to; none at all: to every host."""

    def check(self, reference: KeyReference, host: str) -> None:
        """Check that a key may be taken from there and sent to a host; whether there is one is another matter.

        Raises:
            KeyRefused: it may not.
        """
        self._check_place(reference)
        if not self.hosts:
            return
        allowed = [its for pattern, its in self.hosts if fnmatchcase(str(reference), pattern)]
        if not any(matches_host(host, pattern) for pattern in allowed):
            named = f"is for {', '.join(allowed)}" if allowed else "has no host"
            raise KeyRefused(f"{reference} {named} by key_hosts, and may not be sent to {host}")

    def _check_place(self, reference: KeyReference) -> None:
        if reference.source == "env":
            if not any(fnmatchcase(reference.place, pattern) for pattern in self.variables):
                raise KeyRefused(
                    f"{reference} is none of the variables that key_variables allows ({', '.join(self.variables)})"
                )
        elif not self.directory:
            raise KeyRefused(f"{reference} is not read: key_directory names no directory that keys may lie in")
        elif posixpath.commonpath((self.directory, reference.place)) != posixpath.normpath(self.directory):
            raise KeyRefused(f"{reference} is not below the directory that key_directory names")

    def key(self, reference: KeyReference, host: str) -> str:
        """The key, ready for a header of a request to this host.

        Raises:
            KeyRefused: it may not be taken from there, or not be sent to this host.
            KeyMissing: the reference names nothing, or nothing that can be a key.
        """
        self.check(reference, host)
        look_up = self.environment.get if reference.source == "env" else self._from_file
        found = look_up(reference.place)
        if found is None:
            raise KeyMissing(f"{reference} names nothing on this server")
        key = found.strip()
        if not key or len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
            raise KeyMissing(f"{reference} names something that cannot be a key")
        return key

    def _from_file(self, path: str) -> str | None:
        try:
            return self.read_file(path)
        except (OSError, UnicodeError):
            return None
