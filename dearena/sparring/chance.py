"""Chance without state: a key is hashed to a number, so that the same question always draws the same lot.

The hash is part of every planted world. Changing it changes all of them. Pure.
"""

import hashlib

from scipy.special import ndtri

_PERSON = b"dearena-sparring"
_DIGEST_BYTES = 8
_BITS = 52
"""Half a step is added to keep off 0 and 1; with 52 bits the sum still fits a double."""
_SPARE_BITS = 8 * _DIGEST_BYTES - _BITS
_STEPS = float(1 << _BITS)


def uniform(*key: str | int) -> float:
    """A number in the open interval (0, 1), uniform over keys.

    Parts are set off by their length: ("a", "bc") and ("ab", "c") are different keys.
    """
    whole = b"".join(map(part, key))
    return _lot(hashlib.blake2b(whole, digest_size=_DIGEST_BYTES, person=_PERSON).digest())


def part(value: str | int) -> bytes:
    """A part of a key as it is hashed: its length in characters before it."""
    text = str(value)
    return f"{len(text)}:{text}".encode("utf-8", "surrogatepass")


class Lots:
    """Lots whose keys begin alike: what they have in common is hashed once.

    `Lots(*first).uniform(part(one) + part(other))` is `uniform(*first, one, other)`, to the bit.
    """

    def __init__(self, *beginning: str | int) -> None:
        self._begun = hashlib.blake2b(b"".join(map(part, beginning)), digest_size=_DIGEST_BYTES, person=_PERSON)

    def uniform(self, rest: bytes) -> float:
        """The lot of the key that goes on like this.

        Args:
            rest: the parts that follow, each as `part` writes it.
        """
        hashed = self._begun.copy()
        hashed.update(rest)
        return _lot(hashed.digest())


def normal(*key: str | int) -> float:
    """A number that is standard normal over keys."""
    return float(ndtri(uniform(*key)))


def _lot(digest: bytes) -> float:
    return ((int.from_bytes(digest, "big") >> _SPARE_BITS) + 0.5) / _STEPS


def happens(rate: float, *key: str | int) -> bool:
    """Whether an event of probability `rate` happens for this key: never at 0, always at 1."""
    return uniform(*key) < rate
