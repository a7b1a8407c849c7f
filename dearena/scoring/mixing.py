"""A fixed point sooner than by walking: Anderson's mixing of the last few steps. Pure."""

from collections import deque
from typing import Final

import numpy as np

from dearena.scoring.arrays import FloatArray

MEMORY: Final = 6
"""Steps looked back on. More solve for more slow directions at once, and remember what no longer holds."""

PLAIN_STEPS: Final = 3
"""Taken as they are before mixing begins: the first steps of all lead elsewhere than the later ones."""

MIXED_STEPS: Final = 40
"""Far more than it takes where the map is smooth. Around a kink old steps mislead for ever: then all is forgotten,
and plain steps are taken that end on one side of it."""

PATIENCE: Final = 8
"""So many times more plain steps than the last time."""

_RIDGE: Final = 1e-10
"""Of the mean square of the changes: steps that are alike leave the system solvable."""


class Mixing:
    """Where to look next for the x at which a map stands still.

    Near it the map is almost linear. Then the changes of the last steps tell how the step depends on x, and the
    x is taken at which that line would have it vanish (Anderson, J. ACM 12, 1965; type II, as in Walker and Ni,
    SIAM J. Numer. Anal. 49, 2011).
    """

    def __init__(self) -> None:
        self._plain = PLAIN_STEPS
        self._taken = 0
        self._places: deque[FloatArray] = deque(maxlen=MEMORY + 1)
        self._steps: deque[FloatArray] = deque(maxlen=MEMORY + 1)

    def next(self, place: FloatArray, mapped: FloatArray) -> FloatArray:
        """The next x to try.

        Args:
            place: the x tried.
            mapped: what the map makes of it.
        """
        self._taken += 1
        if self._taken <= self._plain:
            return mapped
        if self._taken == self._plain + MIXED_STEPS:
            self._taken, self._plain = 0, self._plain * PATIENCE
            self._places.clear()
            self._steps.clear()
            return mapped
        self._places.append(place)
        self._steps.append(mapped - place)
        if len(self._steps) == 1:
            return mapped
        moved = np.diff(np.array(self._places), axis=0)
        changed = np.diff(np.array(self._steps), axis=0)
        gram = changed @ changed.T
        gram += _RIDGE * np.trace(gram) * np.eye(len(gram))
        if not np.any(gram):
            return mapped
        shares = np.linalg.solve(gram, changed @ self._steps[-1])
        return np.asarray(mapped - shares @ (moved + changed))
