"""Loopback ports for servers of ours, each claimed by one of us from its choice until its server has gone.

That nobody listens on a port says only that it is free now: until its server listens, and again while a server that
died is started anew, another process could choose it too, and its server be taken for ours. So whoever chooses a
port claims it first: by a socket with the port's number in its name, of which the kernel gives out one at a time,
in the same network namespace as the ports, and which goes with its process, however that ends.
"""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LOOPBACK: Final = "127.0.0.1"

PORTS: Final = range(20_000, 32_000)
"""Below the range from which the kernel takes ports for outgoing connections: a port of ours that is free
for a moment, while its server is started anew, is taken by nobody's client, nor by a client of ours that
would then be connected to itself."""

MOST_CLAIMS: Final = 500
"""Kept by one process for ports that it never lets go; each is an open file. Then the oldest goes: by then its
server listens, or has ended."""


class NoPortFree(OSError):
    """All ports for servers are taken or claimed."""


class Claims:
    """Ports that nobody else who asks here is given."""

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Claim a port on which nobody listens, or keep the claim; False where it is somebody else's."""
        if port not in self._sockets:
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                # The zero stands for a name that is in no directory.
                claim.bind(f"\0dearena-port-{port}")
            except OSError:
                claim.close()
                return False
            self._sockets[port] = claim
        if not is_free(port):
            self._let_go(port)
            return False
        return True

    def fresh(self, count: int) -> list[int]:
        """Claim so many ports on which nobody listens.

        Raises:
            NoPortFree: there are not so many.
        """
        found: list[int] = []
        # Not seeded: two processes that look at the same time should look in different places.
        for port in random.SystemRandom().sample(PORTS, len(PORTS)):
            if len(found) == count:
                break
            if port not in self._sockets and self.take(port):
                found.append(port)
        if len(found) < count:
            raise NoPortFree(f"fewer than {count} free ports between {PORTS.start} and {PORTS.stop}")
        return found

    def keep_newest(self, count: int) -> None:
        """Let go of all but so many."""
        for port in list(self._sockets)[: max(0, len(self._sockets) - count)]:
            self._let_go(port)

    def _let_go(self, port: int) -> None:
        self._sockets.pop(port).close()


@contextmanager
def claims() -> Iterator[Claims]:
    """Claims that are let go at the end of the block."""
    made = Claims()
    try:
        yield made
    finally:
        made.keep_newest(0)


_of_this_process: Final = Claims()


def free_ports(count: int) -> list[int]:
    """Different loopback ports on which nobody listens, claimed by this process until it ends.

    Raises:
        NoPortFree: there are not so many.
    """
    found = _of_this_process.fresh(count)
    _of_this_process.keep_newest(max(MOST_CLAIMS, count))
    return found


def free_port() -> int:
    """A loopback port on which nobody listens, claimed by this process until it ends.

    Raises:
        NoPortFree: there is none.
    """
    return free_ports(1)[0]


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
