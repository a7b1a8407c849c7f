"""Who comes first where nothing else decides: a lot by hash of a seed and of what is drawn. Pure.

So a choice depends on what is asked and not on the order of a file, and a pool with one more query gives the same
choice but for at most one.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from dearena.scoring.arrays import IntArray


def drawn(names: Sequence[str], seed: int) -> IntArray:
    """Indices of the names in the order of their lots."""
    lots = [hashlib.sha256(f"{seed}/{name}".encode()).digest() for name in names]
    return np.array(sorted(range(len(names)), key=lots.__getitem__), dtype=np.int64)


def places(names: Sequence[str], seed: int) -> IntArray:
    """Place of each name in that order, from 0."""
    order = drawn(names, seed)
    found = np.empty(len(names), dtype=np.int64)
    found[order] = np.arange(len(names))
    return found
