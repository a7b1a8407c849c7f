"""Cells by 64 bits each, so that one of millions that comes twice is found out.

That any two of 2,000,000 cells share their mark has a chance of 1 in 9,000,000. Pure.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from dearena.identity import text_hash

Marks = npt.NDArray[np.uint64]

DIGEST_LENGTH: Final = 64
_MARK_LENGTH: Final = 16


def marks_of(cell_ids: Sequence[str]) -> Marks:
    """The first 64 bits of each id, where it is a digest; of its hash otherwise."""
    text = "".join(cell_ids)
    lengths = np.fromiter(map(len, cell_ids), dtype=np.int64, count=len(cell_ids))
    if np.all(lengths == DIGEST_LENGTH):
        try:
            digests = bytes.fromhex(text)
        except ValueError:
            digests = b""
        if 2 * len(digests) == len(text):
            return np.frombuffer(digests, dtype=">u8")[::4].astype(np.uint64)
    return np.array([_mark(cell_id) for cell_id in cell_ids], dtype=np.uint64)


def _mark(cell_id: str) -> int:
    digest = cell_id if len(cell_id) == DIGEST_LENGTH and _is_hexadecimal(cell_id) else text_hash(cell_id)
    return int(digest[:_MARK_LENGTH], 16)


def _is_hexadecimal(text: str) -> bool:
    try:
        return 2 * len(bytes.fromhex(text)) == len(text)
    except ValueError:
        return False


class MarkSet:
    """Marks in ascending runs, of which each is more than twice as long as the next.

    Adding a mark costs a few moves, and finding one as many searches as there are runs: about the
    logarithm of their number.
    """

    def __init__(self) -> None:
        self._runs: list[Marks] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def has(self, marks: Marks) -> npt.NDArray[np.bool_]:
        """Which of the marks are in the set."""
        found = np.zeros(len(marks), dtype=bool)
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, marks), len(run) - 1)
            found |= run[at] == marks
        return found

    def add(self, marks: Marks) -> None:
        """Add marks that are not in the set yet."""
        if not len(marks):
            return
        run = np.sort(marks)
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            # Of two ascending runs a stable sort makes one in a single pass.
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)
