"""Pages of a list: how many entries, and a token that says where the next page begins. Pure.

A token holds the sort key of the last entry given, and what the list was asked for, so that a token of
another list is refused instead of skipping entries in silence.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence

from dearena.faults import InvalidCursor, InvalidField
from dearena.identity import digest_of

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000

Key = Sequence[str | int]
Filters = Mapping[str, str | int | bool]


def page_size(asked: int) -> int:
    """Entries of a page: 0 means 50, more than 1000 means 1000.

    Raises:
        InvalidField: negative.
    """
    if asked < 0:
        raise InvalidField.of("page_size", "must not be negative")
    return min(asked, MAX_PAGE_SIZE) or DEFAULT_PAGE_SIZE


def page_token(filters: Filters, last: Key) -> str:
    """The token of the page after the entry with sort key `last`."""
    content = json.dumps([_mark(filters), *last], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read_page_token(token: str, filters: Filters, shape: Sequence[type[str] | type[int]]) -> list[str | int] | None:
    """The sort key after which the page begins; None for the first page.

    Args:
        token: as the caller sent it.
        filters: what the list is asked for now.
        shape: types of the sort key's parts.

    Raises:
        InvalidCursor: not a token of this list.
    """
    if not token:
        return None
    try:
        content = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidCursor("page_token was not given out by this server") from error
    match content:
        case [mark, *key] if mark == _mark(filters) and [type(part) for part in key] == list(shape):
            return key
    raise InvalidCursor("page_token belongs to another list")


def _mark(filters: Filters) -> str:
    return digest_of(dict(filters))[:12]
