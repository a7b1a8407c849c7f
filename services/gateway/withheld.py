"""A key that an endpoint sends back is taken out of what is kept of its reply. Pure.

Endpoints repeat what they were sent: an error that quotes the request's headers, a model that was shown them.
What happens to a header by accident is known here: it is quoted as it is, escaped for JSON or for a URL, put in base64
with or without words before it, in lower case as the name of a host, or cut off by a limit. Whoever means harm and has
the key can write it in more ways than can be listed.
"""

import base64
import json
import re
from typing import Final
from urllib.parse import quote

SHORTEST_KEY: Final = 8
"""Shorter ones may occur in a text by chance."""
WITHHELD: Final = "[key withheld]"

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_.~-]*")
"""Nothing that JSON or a URL would escape."""
_BASE64_BYTES: Final = 3
_BASE64_SIGNS: Final = 4
"""Base64 makes four signs of three bytes."""
_URL_SAFE: Final = str.maketrans("+/", "-_")


class Withheld:
    """The forms of one key, made for the length of a call: nobody else keeps them."""

    __slots__ = ("_forms",)

    def __init__(self, key: str) -> None:
        # The longest first: an escaped key may hold the plain one in part.
        self._forms = sorted(_forms(key), key=len, reverse=True) if len(key) >= SHORTEST_KEY else []

    def without(self, text: str) -> str:
        """The text with every form replaced, and also the beginning of one, if the text ends in it."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, WITHHELD)
            at = text.find(form[:SHORTEST_KEY], max(0, len(text) - len(form)))
            if at >= 0 and form.startswith(text[at:]):
                text = text[:at] + WITHHELD
        return text


def _forms(key: str) -> set[str]:
    digits = key.encode().hex("|")
    forms = {key, key.lower()}
    forms.update("\\u00" + of_letters.replace("|", "\\u00") for of_letters in (digits, digits.upper()))
    if not _UNRESERVED.fullmatch(key):
        escaped = quote(key, safe="")
        in_json = json.dumps(key)[1:-1]
        forms |= {escaped, _lower_percent(escaped), in_json, in_json.replace("/", "\\/")}
    for before in range(_BASE64_BYTES):
        forms.update(_in_base64(key, before))
    return {form for form in forms if len(form) >= SHORTEST_KEY}


def _lower_percent(escaped: str) -> str:
    """The same with lower-case digits, as some libraries write it."""
    first, *others = escaped.split("%")
    return "%".join((first, *(other[:2].lower() + other[2:] for other in others)))


def _in_base64(key: str, before: int) -> tuple[str, str]:
    """What base64 makes of the key after so many bytes, less the signs at its ends that depend on its neighbours."""
    encoded = base64.b64encode(bytes(before) + key.encode()).decode()
    whole = encoded[-(-before * _BASE64_SIGNS // _BASE64_BYTES) : (before + len(key)) * _BASE64_SIGNS // _BASE64_BYTES]
    return whole, whole.translate(_URL_SAFE)
