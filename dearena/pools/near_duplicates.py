"""Which questions of a pool are nearly the same.

Two questions are near when the sets of five-letter pieces (shingles) of their texts have a Jaccard similarity of
at least SIMILARITY, both hold the same numbers in the same order, and they have the same reference or none: "add 3
and 4" and "add 3 and 5" are two questions, and so are riddles of one wording with two solutions. Case, spaces and
the marks of sentences do not count. Riddles of one long wording and equal solutions are told as near, though they
are not: look before you merge. Whoever is near belongs to one group, also by way of a third question, so that
groups do not depend on the order of the file; of each group the first in the file's order stays. After merging no
two questions of the pool are known to be near, so that merging again changes nothing.

Pairs are proposed by MinHash (Broder, "On the resemblance and containment of documents", 1997): 120 hashes in 20
bands of 6, and of pairs proposed those are left out whose hashes agree by far too rarely: a pair at similarity 0.8
is missed about once in 280 times, one at 0.9 once in millions. What is left is compared exactly; time grows with
the square of the number of questions that share most of a long wording. Hashes are fixed: the same pool gives the
same groups. Pure.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIMILARITY: Final = 0.8
"""As is usual for near-duplicates in training data (Lee et al., "Deduplicating training data", 2022)."""

SHINGLE: Final = 5
BANDS: Final = 20
BAND_ROWS: Final = 6
_HASHES: Final = BANDS * BAND_ROWS

_SLACK: Final = 0.11
"""A pair whose hashes agree by so much less than it takes is not compared: three standard deviations of 120 hashes."""

_LETTERS_AT_ONCE: Final = 1 << 18
_PAIRS_AT_ONCE: Final = 1 << 18
_MARKS: Final = re.compile(r"(?<!\d)[.,;:!?]+|[.,;:!?]+(?!\d)|[\"'`’‘“”«»¿¡…。、，！？]+")  # noqa: RUF001 - they are meant
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")

_Words = NDArray[np.uint64]
_Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that are near one another, by their index in the pool."""

    stays: int
    others: tuple[int, ...]


def near_duplicates(texts: Sequence[str], references: Sequence[str] = ()) -> tuple[Group, ...]:
    """The groups of near questions, by the first of each; empty when there are none.

    Args:
        texts: the questions in the order of their file.
        references: of each, empty where it has none; none at all: no question has one.
    """
    first_of: dict[tuple[str, str], int] = {}
    keys = [told_alike(reference) for reference in references] or [""] * len(texts)
    told = list(zip(map(told_alike, texts), keys, strict=True))
    same = [first_of.setdefault(text, index) for index, text in enumerate(told)]
    apart = list(first_of.values())
    joined = _Joined(len(texts))
    for index, first in enumerate(same):
        joined.join(index, first)
    if len(apart) > 1:
        _join_near([told[index] for index in apart], np.array(apart), joined)
    return joined.groups()


def told_alike(text: str) -> str:
    """What of a text counts: without case, marks of sentences, and spaces beyond one."""
    plain = _MARKS.sub(" ", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(plain.split()) or " ".join(text.split())


def _join_near(questions: list[tuple[str, str]], index: _Places, joined: "_Joined") -> None:
    shingles = _Shingles([text for text, _ in questions])
    signatures = shingles.signatures()
    numbers = _numbered([(reference, *_NUMBER.findall(text)) for text, reference in questions])
    for left, right in _proposed(signatures, numbers):
        agreeing = (signatures[left] == signatures[right]).mean(axis=1)
        close = agreeing >= SIMILARITY - _SLACK
        for one, other in zip(left[close].tolist(), right[close].tolist(), strict=True):
            if not joined.together(index[one], index[other]) and shingles.similarity(one, other) >= SIMILARITY:
                joined.join(index[one], index[other])


def _numbered(keys: list[tuple[str, ...]]) -> _Words:
    number_of: dict[tuple[str, ...], int] = {}
    return np.array([number_of.setdefault(key, len(number_of)) for key in keys], dtype=np.uint64)


def _proposed(signatures: NDArray[np.uint32], numbers: _Words) -> Iterator[tuple[_Places, _Places]]:
    """Pairs that agree in a band, in their numbers and references, in blocks."""
    keys = np.empty((BANDS, len(numbers)), dtype=np.uint64)
    for band in range(BANDS):
        key = numbers.copy()
        for row in range(band * BAND_ROWS, (band + 1) * BAND_ROWS):
            key = _mixed(key * np.uint64(0x9E3779B97F4A7C15) + signatures[:, row].astype(np.uint64))
        keys[band] = key
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        # Places whose key is that of the place `step` before: all pairs of a bucket, without a list of buckets.
        places = np.arange(len(order))
        for step in range(1, len(order)):
            places = places[places + step < len(order)]
            places = places[ordered[places] == ordered[places + step]]
            if not len(places):
                break
            for start in range(0, len(places), _PAIRS_AT_ONCE):
                some = places[start : start + _PAIRS_AT_ONCE]
                left, right = order[some], order[some + step]
                # What an earlier band proposed was compared then.
                is_new = ~(keys[:band, left] == keys[:band, right]).any(axis=0)
                yield left[is_new], right[is_new]


class _Shingles:
    """The shingles of all texts, as hashes of 64 bits, one text after the other."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self._cache: dict[int, _Words] = {}

    def signatures(self) -> NDArray[np.uint32]:
        """The upper halves of the least of each hash, a row a text."""
        found = np.empty((len(self._texts), _HASHES), dtype=np.uint32)
        seeds = _mixed(np.arange(1, 2 * _HASHES + 1, dtype=np.uint64))
        flips, factors = seeds[:_HASHES], seeds[_HASHES:] | np.uint64(1)
        start = 0
        for texts in self._blocks():
            hashes, begins = _hashed(texts)
            for number in range(_HASHES):
                spread = (hashes ^ flips[number]) * factors[number]
                found[start : start + len(texts), number] = np.minimum.reduceat(spread, begins) >> np.uint64(32)
            start += len(texts)
        return found

    def similarity(self, one: int, other: int) -> float:
        """Jaccard similarity of two texts."""
        first, second = self._set(one), self._set(other)
        least = min(len(first), len(second))
        if least < SIMILARITY * max(len(first), len(second)):
            return 0.0
        shared = len(np.intersect1d(first, second, assume_unique=True))
        return shared / (len(first) + len(second) - shared)

    def _set(self, index: int) -> _Words:
        if index not in self._cache:
            if len(self._cache) > 1 << 16:
                self._cache.clear()
            self._cache[index] = np.unique(_hashed([self._texts[index]])[0])
        return self._cache[index]

    def _blocks(self) -> Iterator[list[str]]:
        block: list[str] = []
        letters = 0
        for text in self._texts:
            block.append(text)
            letters += len(text)
            if letters > _LETTERS_AT_ONCE:
                yield block
                block, letters = [], 0
        if block:
            yield block


def _hashed(texts: list[str]) -> tuple[_Words, _Places]:
    """The hashes of the shingles of texts, and where each text's begin. A short text is one shingle."""
    padded = [text.ljust(SHINGLE, "\0") for text in texts]
    letters = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    count = len(letters) - SHINGLE + 1
    value = np.zeros(count, dtype=np.uint64)
    for place in range(SHINGLE):
        value = value * np.uint64(0x100000001B3) + letters[place : place + count]
    lengths = np.array([len(text) for text in padded])
    ends = np.cumsum(lengths)
    is_whole = np.ones(len(letters), dtype=bool)
    for back in range(1, SHINGLE):
        is_whole[ends - back] = False
    begins = np.concatenate(([0], np.cumsum(lengths - SHINGLE + 1)[:-1]))
    return _mixed(value[is_whole[:count]]), begins


def _mixed(value: _Words) -> _Words:
    """Bits well spread (the last steps of splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


class _Joined:
    """Groups that grow together; the first of each stands for it."""

    def __init__(self, size: int) -> None:
        self._above = list(range(size))

    def first(self, index: Any) -> int:
        above = self._above
        while above[index] != index:
            above[index] = above[above[index]]
            index = above[index]
        return int(index)

    def together(self, one: Any, other: Any) -> bool:
        return self.first(one) == self.first(other)

    def join(self, one: Any, other: Any) -> None:
        first, second = sorted((self.first(one), self.first(other)))
        self._above[second] = first

    def groups(self) -> tuple[Group, ...]:
        others: dict[int, list[int]] = {}
        for index in range(len(self._above)):
            if (first := self.first(index)) != index:
                others.setdefault(first, []).append(index)
        return tuple(Group(first, tuple(found)) for first, found in sorted(others.items()))
