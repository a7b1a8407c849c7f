"""All votes of a dimension so far: they only ever grow.

What is kept beside the columns are the whole-number tallies, so that a refit need not count again.
A fit of the grown evidence equals one of the same votes read anew, to the bit. Pure.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from dearena.outcomes import Outcome
from dearena.scoring.arrays import FloatArray
from dearena.scoring.outcomes import CODES
from dearena.scoring.seats import unsaid
from dearena.scoring.tallies import tally
from dearena.scoring.votes import Votes, canonical

_COLUMNS: Final = ("judge", "first", "second", "query", "outcome")
_LAST_PREFERENCE: Final = CODES[Outcome.TIE]


class Evidence:
    """Columns with room to grow, and the tallies of what stands in them."""

    def __init__(self, votes: Votes | None = None) -> None:
        nothing = np.zeros(0, dtype=np.int32)
        self._held = (
            votes
            if votes is not None
            else Votes((), (), (), nothing, nothing, nothing, nothing, nothing.astype(np.int8))
        )
        self._tallies = tally(preferences(self._held)) if votes is not None else np.zeros((3, 0, 0))
        self._room = _columns_of(self._held)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def votes(self) -> Votes:
        """All votes so far. A view: it does not change when more are added."""
        return self._held

    @property
    def tallies(self) -> FloatArray:
        """Of the preferences, as `tallies.tally` counts them."""
        return self._tallies

    def add(self, votes: Votes) -> None:
        """Add votes; names that are new here find their place in canonical order.

        Raises:
            ValueError: the votes have weights or questions of their queries, or these do: they are told once for
                all. Numbers of questions mean nothing beside those of other votes.
        """
        if votes.weight is not None or self._held.weight is not None:
            raise ValueError("votes with weights of their own do not grow")
        if votes.questions is not None or self._held.questions is not None:
            raise ValueError("votes whose queries share questions do not grow")
        names = {
            "models": _joined(self._held.models, votes.models),
            "judges": _joined(self._held.judges, votes.judges),
            "queries": _joined(self._held.queries, votes.queries, by_name=True),
        }
        self._rename(names)
        fresh = _renamed(votes, names)
        if self._held.seats is not None or fresh.seats is not None:
            self._held, fresh = _seated(self._held), _seated(fresh)
            self._room.setdefault("seats", self._held.seats)
        before, after = len(self._held), len(self._held) + len(fresh)
        for column in self._room:
            if len(self._room[column]) < after:
                held = self._room[column]
                grown = np.empty((max(2 * before, after), *held.shape[1:]), dtype=held.dtype)
                grown[:before] = held[:before]
                self._room[column] = grown
            self._room[column][before:after] = getattr(fresh, column)
        self._held = replace(self._held, **{column: self._room[column][:after] for column in self._room})
        self._tallies = self._tallies + tally(preferences(fresh))

    def _rename(self, names: dict[str, tuple[str, ...]]) -> None:
        held = self._held
        if all(names[what] == getattr(held, what) for what in names):
            return
        if names["models"] != held.models:
            place = _places(held.models, names["models"])
            tallies = np.zeros((3, len(names["models"]), len(names["models"])))
            tallies[:, place[:, None], place[None, :]] = self._tallies
            self._tallies = tallies
        self._held = _renamed(held, names)
        self._room = _columns_of(self._held)


def _columns_of(votes: Votes) -> dict[str, Any]:
    columns = {column: getattr(votes, column) for column in _COLUMNS}
    return columns if votes.seats is None else columns | {"seats": votes.seats}


def _seated(votes: Votes) -> Votes:
    """The votes with seats, unsaid where nothing is known of them."""
    return votes if votes.seats is not None else replace(votes, seats=unsaid(len(votes)))


def _nothing() -> Votes:
    none = np.zeros(0, dtype=np.int32)
    return Votes((), (), (), none, none, none, none, none.astype(np.int8))


def preferences(votes: Votes, *, flips_as_ties: bool = False) -> Votes:
    """The votes that enter a fit: preferences and ties, and flips as ties where they are read so.

    A vote that weighs nothing is left out: it is no cluster of its own and joins no two models.
    """
    if votes.weight is not None and not np.all(votes.weight):
        votes = votes.where(np.flatnonzero(votes.weight))
    if not len(votes) or int(votes.outcome.max()) <= _LAST_PREFERENCE:
        return votes
    if flips_as_ties:
        flip = np.int8(CODES[Outcome.FLIP])
        outcome = np.where(votes.outcome == flip, np.int8(_LAST_PREFERENCE), votes.outcome)
        votes = replace(votes, outcome=outcome)
    return votes.where(np.flatnonzero(votes.outcome <= _LAST_PREFERENCE))


def _joined(held: Sequence[str], new: Sequence[str], *, by_name: bool = False) -> tuple[str, ...]:
    known = set(held)
    if all(name in known for name in new):
        return tuple(held)
    return tuple(sorted(known.union(new), key=None if by_name else canonical))


def _places(held: Sequence[str], names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    place = {name: index for index, name in enumerate(names)}
    return np.array([place[name] for name in held], dtype=np.int32)


def _renamed(votes: Votes, names: dict[str, tuple[str, ...]]) -> Votes:
    models = _places(votes.models, names["models"])
    return replace(
        votes,
        models=names["models"],
        judges=names["judges"],
        queries=names["queries"],
        judge=_places(votes.judges, names["judges"])[votes.judge],
        first=models[votes.first],
        second=models[votes.second],
        query=_places(votes.queries, names["queries"])[votes.query],
    )
