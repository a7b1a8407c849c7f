"""How ranks fare from board to board. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dearena.scoring.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class RankStability:
    """How each model's rank on a base fares on other boards; shape (models,) each.

    Where a board lacks some models, ranks are compared among the models that both have, and told on the
    base's count: a model that keeps its place among those left keeps its rank.

    Attributes:
        boards: on which the model has a rank, as it has on the base.
        lowest, highest: smallest and largest rank, the base's included; 0: it has none there.
        same_rank: share of the boards with the rank of the base; 1 where there is no board.
        same_group: share of the boards with a rank that its group has on the base; likewise.
    """

    boards: IntArray
    lowest: IntArray
    highest: IntArray
    same_rank: FloatArray
    same_group: FloatArray


def rank_stability(rank: IntArray, group: IntArray, boards: Sequence[IntArray]) -> RankStability:
    """Compare boards with a base.

    Args:
        rank: on the base; 0: none. Shape (models,).
        group: of each model on the base; a group holds models of successive ranks. 0: none.
        boards: ranks likewise, each shape (models,).
    """
    count, same_rank, same_group = (np.zeros(len(rank), dtype=np.int64) for _ in range(3))
    lowest, highest = rank.copy(), rank.copy()
    for board in boards:
        common = np.flatnonzero((rank > 0) & (board > 0))
        at_base, here = _among(rank, common), _among(board, common)
        first, last = _reach(group[common], at_base)
        told = rank[common] - at_base + here
        lowest[common] = np.minimum(lowest[common], told)
        highest[common] = np.maximum(highest[common], told)
        count[common] += 1
        same_rank[common] += here == at_base
        same_group[common] += (first <= here) & (here <= last)
    return RankStability(count, lowest, highest, _share(same_rank, count), _share(same_group, count))


def agreement(one: IntArray, other: IntArray) -> float | None:
    """Kendall's tau of two rankings, from -1 to 1, over the models that both rank; None below two of these.

    Args:
        one, other: ranks without ties; 0: none. Shape (models,).
    """
    common = np.flatnonzero((one > 0) & (other > 0))
    pairs = len(common) * (len(common) - 1)
    if not pairs:
        return None
    ranks = one[common], other[common]
    signs = [np.sign(rank[:, None] - rank[None, :]) for rank in ranks]
    return float(np.sum(signs[0] * signs[1]) / pairs)


def _among(rank: IntArray, chosen: IntArray) -> IntArray:
    """Ranks of the chosen, counted among these."""
    ranks = np.empty(len(chosen), dtype=np.int64)
    ranks[np.argsort(rank[chosen], kind="stable")] = np.arange(1, len(chosen) + 1)
    return ranks


def _reach(group: IntArray, rank: IntArray) -> tuple[IntArray, IntArray]:
    """Smallest and largest rank in each model's group."""
    smallest = np.full(int(np.max(group, initial=0)) + 1, len(rank) + 1)
    largest = np.zeros(len(smallest), dtype=np.int64)
    np.minimum.at(smallest, group, rank)
    np.maximum.at(largest, group, rank)
    return smallest[group], largest[group]


def _share(held: IntArray, boards: IntArray) -> FloatArray:
    return np.where(boards > 0, held / np.maximum(boards, 1), 1.0)
