"""Where a model is reached: the URL before "/chat/completions". Pure."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

MAX_URL_LENGTH = 2048
MAX_HOST_LENGTH = 253
CHAT_PATH = "/chat/completions"

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
"""As the last label of a host: then resolvers read all of it as an IPv4 address, in decimal, octal or hexadecimal."""


class InvalidBaseUrl(ValueError):
    """A base URL that cannot be used. The message never repeats the URL: it may hold a password."""


def check_base_url(url: str) -> str:
    """Return the base URL without slashes at its end.

    Raises:
        InvalidBaseUrl: it is not http or https, has no host, or holds what does not belong there
            (user and password, a query, a fragment, the path of the method).
    """
    if not url or len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidBaseUrl(f"must be a URL of 1 to {MAX_URL_LENGTH} printable ASCII characters without blanks")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidBaseUrl("is not a URL: host or port cannot be read") from error
    if parts.scheme not in ("http", "https"):
        raise InvalidBaseUrl("must begin with http:// or https://")
    if "@" in parts.netloc:
        raise InvalidBaseUrl("must not hold a user or a password; name the key by key_reference")
    if not _is_host(parts.hostname or "", bracketed="[" in parts.netloc) or port == 0:
        raise InvalidBaseUrl("must name a host or its IP address, and a port other than 0 if any")
    if "?" in url or "#" in url:
        raise InvalidBaseUrl("must have neither a query nor a fragment")
    base = url.rstrip("/")
    if base.endswith(CHAT_PATH):
        raise InvalidBaseUrl(f"must be the part before {CHAT_PATH}")
    return base


def _is_host(host: str, *, bracketed: bool) -> bool:
    """Whether a resolver can be asked for it: on what is no name, resolvers and HTTP clients fail in odd ways."""
    labels = host.removesuffix(".").split(".")
    if bracketed or _NUMBER.fullmatch(labels[-1]):
        try:
            ip_address(host)
        except ValueError:
            return False
        return True
    return len(host) <= MAX_HOST_LENGTH and all(map(_LABEL.fullmatch, labels))


def server_address(base_url: str) -> str:
    """host:port of a checked base URL, for people and traces."""
    return urlsplit(base_url).netloc


def host_and_port(base_url: str) -> tuple[str, int]:
    """Host and port of a checked base URL, the port that its scheme stands for where it names none."""
    parts = urlsplit(base_url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
