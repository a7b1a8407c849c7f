"""What a selection says: which queries were taken, in which order and why, and why the others were not. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from dearena.scoring.arrays import FloatArray
from dearena.selection.pilot import Pool


class Why(StrEnum):
    """Why a query was taken, or left."""

    DRAWN = "drawn"
    """Taken by lot, within its category."""
    CONSISTENT = "consistent"
    """Taken: its own ranking of the pilot's models is close to the mean ranking."""
    TELLING = "telling"
    """Taken: it adds most to what the board will tell of models."""
    UNPILOTED = "unpiloted"
    """Taken unseen, since nothing that was seen promised more; or left unseen."""
    FILLED = "filled"
    """Taken though it is dead or likely mislabelled: there was nothing else left to take."""
    NOT_DRAWN = "not_drawn"
    """Left: others came first by lot."""
    INCONSISTENT = "inconsistent"
    """Left: others rank closer to the mean ranking."""
    MISLABELLED = "mislabelled"
    """Left: it likely prefers the weaker models."""
    DEAD = "dead"
    """Left: it tells strong models from weak ones hardly, or not at all."""
    REDUNDANT = "redundant"
    """Left: what is particular to it stands in a query that was taken."""
    LESS_TELLING = "less_telling"
    """Left: others add more."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Of one query. Figures that a method does not look at are None.

    Attributes:
        query: its name.
        category: its name.
        why: in a word.
        rank: at which place it was taken, from 1; 0: it was left.
        slope: by how much it favours a model that is one deviation stronger, in mean score (0 to 1) against the
            others; below 0 the weaker one.
        slope_error: standard deviation of what the slope may be, given the pilot.
        wrong_way: probability that the slope is below 0.
        dead: probability that it is next to 0.
        gain: what it added to the objective when it was taken; of one that was left, what it would add last.
        agreement: Spearman's correlation of its own ranking with the mean ranking, under `consistent`.
        redundant_with: the taken query that it resembles most, where it resembles one.
        redundancy: estimated correlation with that one of what is particular to the two.
    """

    query: str
    category: str
    why: Why
    rank: int = 0
    slope: float | None = None
    slope_error: float | None = None
    wrong_way: float | None = None
    dead: float | None = None
    gain: float | None = None
    agreement: float | None = None
    redundant_with: str | None = None
    redundancy: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """k queries of a pool.

    Attributes:
        method: by which they were chosen.
        taken: one reason a query, in the order in which they were taken.
        left: likewise of all others, in the pool's order.
        objective: what the method pursued, after each of the k; shape (k,); nan where a method pursues nothing.
    """

    method: str
    pool: Pool
    taken: tuple[Reason, ...]
    left: tuple[Reason, ...]
    objective: FloatArray

    @property
    def queries(self) -> tuple[str, ...]:
        """Those that were taken, in the pool's order."""
        return tuple(sorted(reason.query for reason in self.taken))
