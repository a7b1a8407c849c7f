"""Columns of names as columns of indices. Pure.

A dictionary finds the index of a name; a name that repeats, as all do here, is hashed once by Python
and found by identity, which no sort of two million strings comes near.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from dearena.scoring.arrays import Codes
from dearena.scoring.broken import BrokenVote


class _Places(dict[str, int]):
    """Gives each new name the next number."""

    def __missing__(self, name: str) -> int:
        place = self[name] = len(self)
        return place


def encoded(*columns: Any) -> tuple[list[Codes], tuple[str, ...]]:
    """Indices into the names that stand in any of the columns.

    Args:
        columns: lists or NumPy arrays of strings, or Arrow arrays (anything with `dictionary_encode`).

    Returns:
        Indices, a column each, and the names, sorted.

    Raises:
        BrokenVote: something stands there that is no string; names the row.
    """
    places = _Places()
    raw = [_codes(column, places) for column in columns]
    names = tuple(places)
    for name in names:
        if not isinstance(name, str):
            row = min(int(np.flatnonzero(codes == places[name])[0]) for codes in raw if places[name] in codes)
            raise BrokenVote(f"row {row}: {name!r} is no name")
    ranks = ranks_of(names)
    if ranks is None:
        return raw, names
    ordered = sorted(names)
    return [ranks[codes] for codes in raw], tuple(ordered)


def dictionaries(*columns: Any) -> list[Any]:
    """The columns, those of Arrow as dictionaries: Arrow encodes without Python, so several at a time."""
    with ThreadPoolExecutor() as pool:
        return list(
            pool.map(
                lambda column: column.dictionary_encode() if hasattr(column, "dictionary_encode") else column, columns
            )
        )


def ranks_of(names: Sequence[str], key: Callable[[str], Any] | None = None) -> Codes | None:
    """Where each name stands when sorted; None: they stand so already."""
    order = sorted(range(len(names)), key=lambda i: key(names[i]) if key else names[i])
    if order == list(range(len(names))):
        return None
    ranks = np.empty(len(names), dtype=np.int32)
    ranks[order] = np.arange(len(names), dtype=np.int32)
    return ranks


def _codes(column: Any, places: _Places) -> Codes:
    if hasattr(column, "dictionary_encode"):
        return _arrow_codes(column, places)
    if isinstance(column, np.ndarray):
        column = column.tolist()
    return np.fromiter(map(places.__getitem__, column), dtype=np.int32, count=len(column))


def _arrow_codes(column: Any, places: _Places) -> Codes:
    """Arrow has the dictionary already, a chunk at a time."""
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise BrokenVote(f"row {row}: nothing stands where a name should")
    chunked = column.dictionary_encode()
    chunks: Iterable[Any] = chunked.chunks if hasattr(chunked, "chunks") else [chunked]
    parts = []
    for chunk in chunks:
        of_chunk = np.array([places[name] for name in chunk.dictionary.to_pylist()], dtype=np.int32)
        parts.append(of_chunk[chunk.indices.to_numpy(zero_copy_only=False)])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
