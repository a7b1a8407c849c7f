"""Pages of a list: how large, and from where. A token is opaque to callers and bound to its list."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Final

from dearena import identity
from dearena.faults import InvalidCursor, InvalidField

DEFAULT_SIZE: Final = 50
LARGEST_SIZE: Final = 1000


def size_of(page_size: int) -> int:
    """Entries of a page: as asked, within what is allowed; 0 stands for the default.

    Raises:
        InvalidField: it is negative.
    """
    if page_size < 0:
        raise InvalidField.of("page_size", f"is {page_size}; must not be negative")
    return min(page_size or DEFAULT_SIZE, LARGEST_SIZE)


def token_of(scope: Sequence[str | int], after: str) -> str:
    """The token of the page that follows an entry.

    Args:
        scope: what the list is of (method, parent, filters): a token of another list is refused.
        after: sort key of that entry.
    """
    return base64.urlsafe_b64encode(json.dumps([_mark(scope), after]).encode()).decode()


def after_of(scope: Sequence[str | int], token: str) -> str:
    """The sort key after which the page begins; empty for the first page.

    Raises:
        InvalidCursor: the token was not given out for this list.
    """
    if not token:
        return ""
    try:
        match json.loads(base64.b64decode(token, altchars=b"-_", validate=True)):
            case [mark, str(after)] if mark == _mark(scope):
                return after
    except (binascii.Error, ValueError, RecursionError):
        pass
    raise InvalidCursor("page_token: not a token that this list gave out")


def _mark(scope: Sequence[str | int]) -> str:
    return identity.digest_of(list(scope))[:16]
