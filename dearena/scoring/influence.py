"""How far a judge is listened to about a model: less, the more its votes on that model part from everybody's.

One weight per judge cannot stop favouritism: a judge may be sharp on all models and a friend of one. So each judge
has an influence between 0 and 1 for each model, and a vote counts by the product of its two models'. It falls for
two reasons:

- for one model, where the judge's surplus there stands out (Huber, Ann. Math. Statist. 35, 1964: what stands out
  by z deviations counts c / |z|), so that no judge moves a model by more than a bounded amount;
- for all models alike, where the judge stands out about many: as in any mean of unequally scattered measurements,
  its votes count by the inverse of their variance.

What is usual is learnt from the judges themselves. Real judges do differ over a model, the more surely so the more
they vote, and a rule that took every vote for an independent draw would in the end mistrust all of them. Pure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dearena.scoring.arrays import BoolArray, FloatArray

STANDS_OUT: Final = 1.5
"""Deviations beyond which a judge's surplus about a model counts no further. Huber's bound; lower stops more
favouritism and takes more from honest judges, about 1.3 to 2 being usual."""

OPEN_MIND: Final = 1.0
"""Added to the variance of a surplus, in squared votes: with few votes on a model nothing stands out."""

LARGEST_DEVIATION: Final = 3.0
"""One model counts as at most so many deviations in what is held against the judge as a whole: a friend of one
model is listened to about the others."""

ASSUMED_MODELS: Final = 4.0
"""Models about which every judge is assumed to stand out as expected, besides those it has judged."""

_MEDIAN_OF_SQUARE: Final = 0.454936423119572
"""Of a squared standard normal: half of all squared deviations lie below."""

_SMALLEST: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Surplus:
    """What a judge's votes gave each model beyond what the strengths foretold; each of shape (judges, models).

    Attributes:
        total: sum over the judge's votes on the model of (half-win - mean), in votes.
        variance: its variance, were the votes independent draws, in squared votes.
        seen: whether there was such a vote.
    """

    total: FloatArray
    variance: FloatArray
    seen: BoolArray


def influence(surplus: Surplus) -> FloatArray:
    """Share of each judge's votes on each model that is listened to, 0 .. 1; 1 where it has none."""
    deviation = deviations(surplus)
    bounded = STANDS_OUT / np.maximum(deviation, STANDS_OUT)
    # A vote counts by the product over two models, hence by the judge's precision once.
    shares = bounded * np.sqrt(precision(deviation, surplus.seen))[:, None]
    return np.where(surplus.seen, shares, 1.0)


def deviations(surplus: Surplus) -> FloatArray:
    """By how many deviations each surplus differs from 0, at least 0; 0 where there is no vote.

    Besides the chance of single votes, judges differ about models by a deviation of `discord(surplus)` log-odds,
    which a surplus feels in proportion to its variance.
    """
    spread = surplus.variance + discord(surplus) * np.square(surplus.variance) + OPEN_MIND
    return np.where(surplus.seen, np.abs(surplus.total) / np.sqrt(spread), 0.0)


def discord(surplus: Surplus) -> float:
    """Variance, in squared log-odds, of what judges think of a model, beyond the chance of single votes.

    The value at which the median surplus is one of median size: half of all judges and models could be
    corrupt before it knew no bound. At least 0.
    """
    total, variance = surplus.total[surplus.seen], surplus.variance[surplus.seen]
    if not len(total):
        return 0.0
    # total^2 / (variance + x variance^2) falls in x; each of these is where it passes the median.
    excess = np.square(total) / _MEDIAN_OF_SQUARE - variance
    return max(0.0, float(np.median(excess / np.square(np.maximum(variance, _SMALLEST)))))


def precision(deviation: FloatArray, seen: BoolArray) -> FloatArray:
    """Inverse variance of each judge's surpluses against the median judge's, at most 1; shape (judges,)."""
    squares = np.square(np.minimum(deviation, LARGEST_DEVIATION))
    misfit = (ASSUMED_MODELS + np.sum(squares, axis=1, where=seen)) / (ASSUMED_MODELS + np.sum(seen, axis=1))
    voted = seen.any(axis=1)
    usual = float(np.median(misfit[voted])) if voted.any() else 1.0
    return np.asarray(np.minimum(1.0, usual / misfit))
