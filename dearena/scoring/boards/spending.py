"""What judges' calls took, by round and judge: attempts that others have replaced were paid for too. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dearena.scoring.arrays import Codes, IntArray
from dearena.scoring.boards.growing import Growing
from dearena.scoring.boards.round_votes import RoundVotes


@dataclass(frozen=True, slots=True, eq=False)
class Spent:
    """Calls made and money paid.

    Attributes:
        judge_calls: in all.
        cost_nano_units: in all, by currency.
        of_judge: cost by currency and judge, shape (judges,) each.
    """

    judge_calls: int
    cost_nano_units: Mapping[str, int]
    of_judge: Mapping[str, IntArray]


class Spending:
    """Sums by round, judge and currency."""

    def __init__(self) -> None:
        self._judges: dict[str, int] = {}
        self._currencies: dict[str, int] = {}
        self._round, self._judge, self._currency = Growing(np.int32), Growing(np.int32), Growing(np.int32)
        self._calls, self._cost = Growing(np.int64), Growing(np.int64)

    def add(self, number: int, votes: RoundVotes, judge: Codes) -> None:
        """Add up the attempts of a round.

        Args:
            judge: of each row, as an index that means the same judge in every round.
        """
        for index in np.unique(judge, return_index=True)[1].tolist():
            self._judges[votes.models[int(votes.judge[index])]] = int(judge[index])
        of_currency = [self._currencies.setdefault(name, len(self._currencies)) for name in votes.currencies]
        currency = np.array(of_currency, dtype=np.int32)[votes.currency] if of_currency else votes.currency
        width = max(len(self._currencies), 1)
        group = judge.astype(np.int64) * width + currency
        there = np.flatnonzero(np.bincount(group))
        calls, cost = np.zeros((2, int(there[-1]) + 1 if len(there) else 0), dtype=np.int64)
        np.add.at(calls, group, votes.judge_calls)
        np.add.at(cost, group, votes.cost_nano_units)
        self._round.extend(np.full(len(there), number))
        self._judge.extend(there // width)
        self._currency.extend(there % width)
        self._calls.extend(calls[there])
        self._cost.extend(cost[there])

    def through(self, number: int, judges: Sequence[str]) -> Spent:
        """What the rounds 1 to `number` took; `judges` are all who judged in them."""
        end = int(np.searchsorted(self._round.values, number, side="right"))
        cost, currency = self._cost.values[:end], self._currency.values[:end]
        place = np.full(max(self._judges.values(), default=-1) + 1, -1, dtype=np.int64)
        for index, name in enumerate(judges):
            place[self._judges[name]] = index
        of_judge: dict[str, IntArray] = {}
        for name, code in self._currencies.items():
            rows = np.flatnonzero((currency == code) & (cost > 0))
            if len(rows):
                of_judge[name] = np.zeros(len(judges), dtype=np.int64)
                np.add.at(of_judge[name], place[self._judge.values[:end][rows]], cost[rows])
        total = {name: int(np.sum(paid)) for name, paid in of_judge.items()}
        return Spent(int(np.sum(self._calls.values[:end])), total, of_judge)
