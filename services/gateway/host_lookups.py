"""Names of hosts looked up apart from all else: those whose lookup hangs hold up nobody but their own callers.

The system's resolver blocks a thread, for half a minute where no server replies, and cannot be cancelled. So lookups
have threads of their own; a host has at most one in flight, which its callers share; and one that has failed, or has
taken too long, is not waited for again for some seconds.
"""

import asyncio
import contextvars
import ipaddress
import socket
from collections.abc import MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult
from cachetools import TTLCache

from services.gateway.exchange import UNKNOWN_HOST

FRESH_SECONDS: Final = 10.0
"""How long addresses are taken for right."""
FAILED_SECONDS: Final = 5.0
"""How long a host whose lookup failed, or took too long, is not looked up again."""
MOST_AT_ONCE: Final = 256
"""Threads, made as they are needed: so many hosts may hang before others wait."""
MOST_HOSTS: Final = 10_000
SLOW_HOST: Final = "the host's name was not found in time"

Address = tuple[int, str]
"""Family and address in figures."""


class NameNotFound(OSError):
    """A host has no address, or none that was found in time; says which."""


class HostLookups:
    """Looks names up, and remembers for some seconds what came of it."""

    def __init__(self, *, seconds: float) -> None:
        """Wait at most so many seconds for a lookup."""
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="host-lookup")
        self._in_flight: dict[str, asyncio.Task[Sequence[Address]]] = {}
        self._found: MutableMapping[str, Sequence[Address]] = TTLCache(MOST_HOSTS, FRESH_SECONDS)
        self._failed: MutableMapping[str, str] = TTLCache(MOST_HOSTS, FAILED_SECONDS)

    def close(self) -> None:
        """Wait for no lookup that is still in flight."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def addresses(self, host: str) -> Sequence[Address]:
        """The addresses of a host, none of them checked; never empty.

        Raises:
            NameNotFound: there are none, or they were not found in time, now or some seconds ago.
        """
        if (figures := _in_figures(host)) is not None:
            return [figures]
        if (found := self._found.get(host)) is not None:
            return found
        if (why := self._failed.get(host)) is not None:
            raise NameNotFound(why)
        lookup = self._in_flight.get(host)
        if lookup is None:
            # Of nobody's context: many wait for it.
            lookup = asyncio.create_task(self._look_up(host), context=contextvars.Context())
            self._in_flight[host] = lookup
            lookup.add_done_callback(lambda ended: self._ended(host, ended))
        # A caller that gives up takes nothing away from the others, nor from the thread.
        done, _ = await asyncio.wait([lookup], timeout=self._seconds)
        if not done:
            self._failed[host] = SLOW_HOST
            raise NameNotFound(SLOW_HOST)
        return lookup.result()

    async def _look_up(self, host: str) -> Sequence[Address]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _system_lookup, host)
        if not found:
            raise NameNotFound(UNKNOWN_HOST)
        return found

    def _ended(self, host: str, lookup: "asyncio.Task[Sequence[Address]]") -> None:
        del self._in_flight[host]
        if lookup.cancelled():
            return
        if lookup.exception() is None:
            self._found[host] = lookup.result()
            self._failed.pop(host, None)
        else:
            self._failed[host] = UNKNOWN_HOST


class LookupResolver(AbstractResolver):
    """`HostLookups` as aiohttp asks for it."""

    def __init__(self, lookups: HostLookups) -> None:
        self._lookups = lookups

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """See `HostLookups.addresses`."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=found,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found, address in await self._lookups.addresses(host)
            if family in (socket.AF_UNSPEC, found)
        ]

    async def close(self) -> None:
        """Nothing: the lookups are closed by whoever made them."""


def _system_lookup(host: str) -> Sequence[Address]:
    try:
        found: Sequence[Any] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError) as error:
        raise NameNotFound(UNKNOWN_HOST) from error
    # An address is tried once, whatever else the resolver tells of it.
    return list(dict.fromkeys((int(family), str(address[0])) for family, _, _, _, address in found))


def _in_figures(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    family = socket.AF_INET if isinstance(address, ipaddress.IPv4Address) else socket.AF_INET6
    return (int(family), str(address))
