"""Chance without state: a key is hashed to a number, so that the same question always draws the same lot.

The hash is part of every planted world. Changing it changes all of them. Pure.
"""

import hashlib

from scipy.special import ndtri

_PERSON = b"dearena-sparring"
_BITS = 52
"""Half a step is added to keep off 0 and 1; with 52 bits the sum still fits a double."""


def uniform(*key: str | int) -> float:
    """A number in the open interval (0, 1), uniform over keys.

    Parts are set off by their length: ("a", "bc") and ("ab", "c") are different keys.
    """
    text = "".join(f"{len(part)}:{part}" for part in map(str, key))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=_PERSON).digest()
    lot: int = int.from_bytes(digest, "big") >> (64 - _BITS)
    return (lot + 0.5) / float(1 << _BITS)


def normal(*key: str | int) -> float:
    """A number that is standard normal over keys."""
    return float(ndtri(uniform(*key)))


def happens(rate: float, *key: str | int) -> bool:
    """Whether an event of probability `rate` happens for this key: never at 0, always at 1."""
    return uniform(*key) < rate
