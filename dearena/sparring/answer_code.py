"""A mark in a planted answer that says who wrote it, to the server alone.

A judge is shown texts, not names, yet its verdict is drawn from the skill of their authors. So each answer
carries a code: author and query, masked with the world's seed and sealed with a tag, in base32. It looks
like noise, needs no memory (a restarted server reads it), and is not valid in a world with another seed.
It hides the author from other models; it is no secret from somebody who knows the seed. Pure.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

_CODE = re.compile(r"\bnote-([a-z2-7]{8,})\b")
_TAG_BYTES = 5


@dataclass(frozen=True, slots=True)
class Authored:
    """Whose answer it is, to which query."""

    model: str
    query: str


def sealed(seed: int, authored: Authored) -> str:
    """The code `note-…`, always the same for the same author, query and seed."""
    content = f"{len(authored.model)}:{authored.model}{authored.query}".encode("utf-8", "surrogatepass")
    tag = _tag(seed, content)
    masked = _mask(seed, tag, content)
    return "note-" + base64.b32encode(tag + masked).decode("ascii").rstrip("=").lower()


def author_of(seed: int, text: str) -> Authored | None:
    """The author by the first valid code in a text; None when it holds none of this world."""
    for code in _CODE.findall(text):
        if authored := _opened(seed, code):
            return authored
    return None


def _opened(seed: int, code: str) -> Authored | None:
    try:
        raw = base64.b32decode(code.upper() + "=" * (-len(code) % 8))
    except binascii.Error:
        return None
    tag, masked = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    content = _mask(seed, tag, masked)
    if _tag(seed, content) != tag:
        return None
    length, _, rest = content.decode("utf-8", "surrogatepass").partition(":")
    return Authored(rest[: int(length)], rest[int(length) :])


def _tag(seed: int, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_TAG_BYTES, key=str(seed).encode(), person=b"answer-tag").digest()


def _mask(seed: int, tag: bytes, content: bytes) -> bytes:
    """XOR with a stream of seed and tag: applied twice it gives the content back."""
    stream = hashlib.shake_256(b"answer-mask:%d:%b" % (seed, tag)).digest(len(content))
    return bytes(one ^ other for one, other in zip(content, stream, strict=True))
