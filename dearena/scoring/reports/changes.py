"""Why a rank is another than before: what of it new votes, new models, weights and settings did.

Between two versions of a board, what they are made of is replaced piece by piece, in this order, and the board
is made anew after each:

1. settings (style control among them): the votes of before under the settings of after, weights found anew;
2. new models: all votes on them and by them come in; judges weigh as before, and one that had no weight yet
   weighs as the average;
3. new votes among the models of before, and those that are no longer there; weights still as before;
4. weights: judges weigh as the strengths of after imply.

Each step's difference is that part, so the parts add up to the whole. Another order would share what two
pieces do together in another way. Ranks are compared among the models ranked on both boards; what else a rank
number owes to is who came in above (counted to the new models) and who left from above (a part of its own). Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from dearena.scoring.arrays import ONE, BoolArray, FloatArray, IntArray
from dearena.scoring.fit import Judging
from dearena.scoring.reports.placing import Placing, place
from dearena.scoring.settings import FitSettings
from dearena.scoring.style import Style
from dearena.scoring.votes import Votes, canonical
from dearena.scoring.weightings import STRENGTH_DECIMALS


@dataclass(frozen=True, slots=True, eq=False)
class VersionInputs:
    """What a version of a board was made of.

    Attributes:
        style: what the answers look like, where it was controlled for.
        retired: models without a rank number; their votes count.
    """

    votes: Votes
    settings: FitSettings
    style: Style | None = None
    retired: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Parts:
    """A difference, split: whole numbers, so that they add up exactly.

    Attributes:
        left: by models that left the ranking: fewer stand above.
    """

    settings: int
    new_models: int
    new_votes: int
    weights: int
    left: int

    @property
    def whole(self) -> int:
        """The difference itself."""
        return self.settings + self.new_models + self.new_votes + self.weights + self.left


@dataclass(frozen=True, slots=True)
class ModelChange:
    """How a model that both boards rank has fared.

    Attributes:
        rank: of `rank_after - rank_before`; below 0 it has risen.
        came_above: models that came into the ranking and stand above it, which `rank.new_models` includes.
        strength_before, strength_after: in log-odds, each about the mean of its board.
        strength: of their difference, in billionths of a log-odds, which is how fine a strength stands on a board.
    """

    model: str
    rank_before: int
    rank_after: int
    rank: Parts
    came_above: int
    strength_before: float
    strength_after: float
    strength: Parts


@dataclass(frozen=True, slots=True)
class Changes:
    """What lies between two boards.

    Attributes:
        models: those ranked on both, in canonical order.
        came: ranked after, not before.
        left: ranked before, not after.
    """

    models: tuple[ModelChange, ...]
    came: tuple[str, ...]
    left: tuple[str, ...]


def changes(before: VersionInputs, after: VersionInputs) -> Changes:
    """Split every model's change of rank and of strength between two versions.

    Raises:
        FitDidNotConverge: one of the boards on the way could not be fitted.
    """
    boards = _boards(before, after)
    first, last = boards[0], boards[-1]
    active_first, active_last = _active(first, before), _active(last, after)
    stood, stands = set(_names(first, active_first)), set(_names(last, active_last))
    common = tuple(sorted(stood & stands, key=canonical))
    on_board = [_of(board, common) for board in boards]
    among = [np.argsort(np.argsort(board.rank[chosen])) + 1 for board, chosen in zip(boards, on_board, strict=True)]
    strengths = [_billionths(board.strengths[chosen]) for board, chosen in zip(boards, on_board, strict=True)]
    rank_before = _counted(first.rank, active_first)[on_board[0]]
    rank_after = _counted(last.rank, active_last)[on_board[-1]]
    came_above, left_above = rank_after - among[-1], rank_before - among[0]
    rank_steps = np.array([new - old for old, new in pairwise(among)])
    strength_steps = np.array([new - old for old, new in pairwise(strengths)])
    return Changes(
        models=tuple(
            ModelChange(
                model=model,
                rank_before=int(rank_before[row]),
                rank_after=int(rank_after[row]),
                rank=_parts(rank_steps[:, row], came=int(came_above[row]), left=-int(left_above[row])),
                came_above=int(came_above[row]),
                strength_before=float(first.strengths[on_board[0][row]]),
                strength_after=float(last.strengths[on_board[-1][row]]),
                strength=_parts(strength_steps[:, row]),
            )
            for row, model in enumerate(common)
        ),
        came=tuple(sorted(stands - stood, key=canonical)),
        left=tuple(sorted(stood - stands, key=canonical)),
    )


def _boards(before: VersionInputs, after: VersionInputs) -> tuple[Placing, Placing, Placing, Placing, Placing]:
    """The board of before, and after each step; a step that replaces nothing leaves it as it is."""
    start = place(before.votes, before.settings, before.style)
    resettled = start
    if before.settings != after.settings or before.style is not after.style:
        resettled = place(before.votes, after.settings, after.style)
    with_models = resettled
    rows = _of_newcomers(before.votes, after.votes)
    if len(rows):
        grown = _together(before.votes, after.votes.where(rows))
        with_models = place(grown, after.settings, after.style, _held(resettled, grown))
    with_votes = place(after.votes, after.settings, after.style, _held(resettled, after.votes))
    return start, resettled, with_models, with_votes, place(after.votes, after.settings, after.style)


def _of_newcomers(before: Votes, after: Votes) -> IntArray:
    """Rows of `after` on or by models that `before` does not have."""
    known = set(before.models)
    new = [model for model in after.models if model not in known]
    is_model = np.isin(np.array(after.models, dtype=object), new)
    is_judge = np.isin(np.array(after.judges, dtype=object), new)
    return np.flatnonzero(is_model[after.first] | is_model[after.second] | is_judge[after.judge])


def _held(board: Placing, votes: Votes) -> Judging:
    """The weights of a board, for the judges and models of other votes."""
    held = board.judging
    judges, judge = _matched(board.judges, votes.judges)
    parts = np.full(len(votes.judges), ONE, dtype=np.int64)
    parts[judges] = held.parts[judge]
    if held.influence is None:
        return replace(held, parts=parts)
    models, model = _matched(board.models, votes.models)
    influence = np.full((len(votes.judges), len(votes.models)), ONE, dtype=np.int64)
    influence[np.ix_(judges, models)] = held.influence[np.ix_(judge, model)]
    return replace(held, parts=parts, influence=influence)


def _matched(held: Sequence[str], names: Sequence[str]) -> tuple[IntArray, IntArray]:
    """Indices into `names` of those that are held, and into `held` of the same."""
    place_of = {name: index for index, name in enumerate(held)}
    found = [(index, place_of[name]) for index, name in enumerate(names) if name in place_of]
    columns = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return columns[0], columns[1]


def _together(one: Votes, other: Votes) -> Votes:
    """Two logs as one; weights of their own are kept, and a vote of a log without any weighs 1.

    Which queries ask one question is left out: it moves no strength and no rank.
    """
    names = {what: _joined(getattr(one, what), getattr(other, what)) for what in ("models", "judges", "queries")}
    place_of = {what: {name: index for index, name in enumerate(joined)} for what, joined in names.items()}

    def column(of: str, what: str) -> IntArray:
        parts = []
        for log in (one, other):
            places = np.array([place_of[what][name] for name in getattr(log, what)], dtype=np.int64)
            parts.append(places[getattr(log, of)])
        return np.concatenate(parts)

    return Votes.of_codes(
        **names,
        judge=column("judge", "judges"),
        first=column("first", "models"),
        second=column("second", "models"),
        query=column("query", "queries"),
        outcome=np.concatenate([one.outcome, other.outcome]),
        weight=None if one.weight is other.weight is None else np.concatenate([_weights(one), _weights(other)]),
    )


def _joined(one: Sequence[str], other: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def _weights(votes: Votes) -> FloatArray:
    return np.full(len(votes), 1.0) if votes.weight is None else np.asarray(votes.weight * votes.unit, dtype=np.float64)


def _active(board: Placing, version: VersionInputs) -> BoolArray:
    return np.array([model not in version.retired for model in board.models], dtype=bool)


def _names(board: Placing, chosen: BoolArray) -> list[str]:
    return [board.models[index] for index in np.flatnonzero(chosen)]


def _of(board: Placing, models: Sequence[str]) -> IntArray:
    """Where these models stand in a board's columns."""
    place_of = {model: index for index, model in enumerate(board.models)}
    return np.array([place_of[model] for model in models], dtype=np.int64)


def _counted(rank: IntArray, active: BoolArray) -> IntArray:
    """Rank numbers among the active; 0 for the others."""
    numbers = np.zeros(len(rank), dtype=np.int64)
    order = np.argsort(rank)
    numbers[order] = np.cumsum(active[order])
    return np.where(active, numbers, 0)


def _billionths(strengths: FloatArray) -> IntArray:
    return np.rint(strengths * 10**STRENGTH_DECIMALS).astype(np.int64)


def _parts(steps: IntArray, came: int = 0, left: int = 0) -> Parts:
    settings, new_models, new_votes, weights = (int(step) for step in steps)
    return Parts(settings, new_models + came, new_votes, weights, left)
