"""Where calls may go: which schemes, hosts and addresses an operator allows. Pure.

Whoever may register a model names a URL that this server then posts to, so that without a rule the gateway is a
way into every network it stands in (server-side request forgery). A name may be looked up again and say something
else, so what counts is the address a connection is made to; what a URL alone gives away is told at registration.
Special addresses: the IANA IPv4 and IPv6 Special-Purpose Address Registries, as Python's `ipaddress` has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that is reached."""
_NOT_FOR_MODELS: Final = tuple(
    map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20"))
)
"""Protocol assignments, tunnels that carry an address of anybody's choice (6to4, Teredo), and documentation: some
are global by the registries, or not known to every `ipaddress`, and nobody serves a model there."""
_LOCAL_BY_NAME: Final = "127.0.0.1"
"""What `localhost`, and every name below it, means (RFC 6761, 6.3)."""
_METADATA: Final = frozenset(map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200")))
"""Where clouds hand the credentials of a machine to whoever asks from it."""


class RefusedByPolicy(Exception):
    """A call may not go there; says which setting would let it."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What the operator allows, by the names of the settings."""

    allowed_schemes: frozenset[str] = frozenset({"http", "https"})
    allowed_hosts: tuple[str, ...] = ()
    """Names or addresses, lower case; `*.example.com` is every name below example.com. Empty: every host."""
    allow_private: tuple[Network, ...] = ()
    """Networks that may be reached though they are no part of the public internet."""

    def check_url(self, url: str) -> None:
        """Check what a URL tells without a look-up.

        Args:
            url: as `check_base_url` takes it.

        Raises:
            RefusedByPolicy: its scheme, host or literal address is not allowed.
        """
        parts = urlsplit(url)
        if parts.scheme not in self.allowed_schemes:
            allowed = ", ".join(sorted(self.allowed_schemes))
            raise RefusedByPolicy(f"{parts.scheme} is none of the schemes that allowed_schemes allows ({allowed})")
        host = host_of(url)
        if self.allowed_hosts and not any(matches_host(host, pattern) for pattern in self.allowed_hosts):
            raise RefusedByPolicy(f"{host} is none of the hosts that allowed_hosts allows")
        if host == "localhost" or host.endswith(".localhost"):
            self.check_address(_LOCAL_BY_NAME)
        elif (literal := _literal(host)) is not None:
            self.check_address(str(literal))

    def check_address(self, address: str) -> None:
        """Check an address that a connection is about to be made to.

        Raises:
            RefusedByPolicy: it is not public, and no network of `allow_private` holds it.
        """
        literal = _literal(address)
        if literal is None:
            raise RefusedByPolicy("what the host resolves to is no IP address")
        reached = _reached(literal)
        if not _is_public(reached) and not self._is_allowed(reached) and not self._is_allowed(literal):
            raise RefusedByPolicy(f"{literal} is not public, and allow_private names no network that holds it")

    def _is_allowed(self, address: Address) -> bool:
        """Within an allowed network. Metadata services must be named as such: a wide network does not mean them."""
        return any(
            address.version == network.version
            and address in network
            and (address not in _METADATA or network.num_addresses == 1)
            for network in self.allow_private
        )


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks in CIDR notation, or single addresses; raises ValueError."""
    return tuple(map(ip_network, texts))


def host_of(url: str) -> str:
    """The host of a URL, as patterns name it: in lower case, without the dot of the root."""
    return (urlsplit(url).hostname or "").removesuffix(".")


def matches_host(host: str, pattern: str) -> bool:
    """Whether a host is the one that a pattern names, or below it: `*.example.com` is every name below example.com."""
    return host.endswith(pattern[1:]) and host != pattern[1:] if pattern.startswith("*.") else host == pattern


def _literal(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return IPv6Address(int(address))  # the interface does not change what the address is
    return address


def _reached(address: Address) -> Address:
    """The address that packets arrive at: an IPv4 one in an IPv6 coat is itself."""
    if isinstance(address, IPv6Address):
        if (mapped := address.ipv4_mapped) is not None:
            return mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_public(address: Address) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if any(address in network for network in _NOT_FOR_MODELS if network.version == address.version):
        return False
    return isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST
