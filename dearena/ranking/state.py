"""What a dimension's ranking is at one moment: models on their way, the ranked ones, the round, orders. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dearena.identity import Digest
from dearena.ranking.entrants import Admitted
from dearena.ranking.frozen import Frozen
from dearena.ranking.health import JudgeRecord
from dearena.ranking.holds import Hold
from dearena.ranking.insertion import Coarse, Fine, Settled
from dearena.ranking.orders import Comparison


@dataclass(frozen=True, slots=True)
class Seeding:
    """One of the seed models, before they are ranked."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The model left before it had its place."""


InsertionPhase = Seeding | Coarse | Fine | Settled | Withdrawn


@dataclass(frozen=True, slots=True)
class Insertion:
    """How far a model has come.

    Attributes:
        admitted_by: number of the decision.
        rounds: numbers of the rounds that served it, an open one too.
        rank: after its settle, 1 is best; 0 before.
        settled_by: number of the round on whose board it settled; 0 before.
        interval: best and worst rank at 95 %, by its own votes at its last step, and at its settle among those that
            settled beside it too; None before that.
        strength, error: at its last step, in billionths of log-odds.
        provisional: judges failed or left and nobody could take their place, so that its evidence fell short.
        hold: why it waits alone, with its position kept; None while it does not.
    """

    model: str
    admitted_by: int
    phase: InsertionPhase
    rounds: tuple[int, ...] = ()
    rank: int = 0
    settled_by: int = 0
    interval: tuple[int, int] | None = None
    strength: int = 0
    error: int = 0
    provisional: bool = False
    hold: Hold | None = None

    @property
    def is_over(self) -> bool:
        """It has its place, or will never have one."""
        return self.rank > 0 or isinstance(self.phase, Withdrawn)


@dataclass(frozen=True, slots=True)
class OpenRound:
    """The round that is being judged.

    Attributes:
        models: the insertions it serves; none for a round that only brings a new board.
        frozen: what its close decides by.
        refines: it is one of a refinement.
        order: number of the one whose comparisons it asks; 0 when it asks those of none.
    """

    number: int
    models: tuple[str, ...]
    frozen: Frozen
    cells: int
    cells_digest: Digest
    refines: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class Refinement:
    """What an operator has ordered for the whole board.

    Attributes:
        calls: judge calls in all.
        calls_left: that are still to be made.
    """

    calls: int
    calls_left: int


@dataclass(frozen=True, slots=True)
class OrderedComparisons:
    """Comparisons that were ordered, until the round that asks them is closed.

    Attributes:
        order: its number.
    """

    order: int
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class RankingState:
    """All that the next decision depends on, besides outcomes, boards and entrants.

    Attributes:
        decisions: number of the last one.
        admitted: every model ever admitted.
        insertions: likewise, in order of admission.
        ranking: model revisions, best first; without whoever is being inserted.
        last_closed_round: 0 before the first.
        settling: the last round settles, and its board is awaited.
        resting: the ranking with those who settle, until the board sorts it; empty when nobody does.
        outdated: a model has retired, or a judge been suspended or reinstated, since the board that people see.
        refinement: under way; None when there is none.
        health: record of each judge since its admission or last reinstatement.
        orders: number of the last operator's order that was taken up.
        ordered: comparisons that were ordered and are not all asked and answered, the next first.
        after_order: the last closed round asked what was ordered: newcomers have the next one.
        version: of the dimension; 0: the one that it was taken up with, of which the log says nothing.
        first_round: number of the version's first round, opened yet or not: what was heard before does not count.
        barred: judges that were suspended when the version began, and have not been admitted to it yet.
    """

    decisions: int = 0
    admitted: Mapping[str, Admitted] = field(default_factory=dict)
    insertions: Mapping[str, Insertion] = field(default_factory=dict)
    ranking: tuple[str, ...] = ()
    open_round: OpenRound | None = None
    last_closed_round: int = 0
    settling: bool = False
    resting: tuple[str, ...] = ()
    outdated: bool = False
    refinement: Refinement | None = None
    health: Mapping[str, JudgeRecord] = field(default_factory=dict)
    orders: int = 0
    ordered: tuple[OrderedComparisons, ...] = ()
    after_order: bool = False
    version: int = 0
    first_round: int = 1
    barred: frozenset[str] = frozenset()

    @property
    def has_board(self) -> bool:
        """Whether a round of the version is closed, so that there is a board of it."""
        return self.last_closed_round >= self.first_round

    @property
    def comparisons_done(self) -> int:
        """Number up to which orders are taken up, and what they ordered to be compared is heard."""
        return self.ordered[0].order - 1 if self.ordered else self.orders

    @property
    def searching(self) -> tuple[str, ...]:
        """Models that have a position and no place yet, in the order of admission."""
        return tuple(one.model for one in self.insertions.values() if isinstance(one.phase, Coarse | Fine))

    @property
    def newcomers(self) -> tuple[str, ...]:
        """Of these, the ones that are being inserted."""
        return tuple(model for model in self.searching if self.insertions[model].hold is None)

    @property
    def held(self) -> tuple[str, ...]:
        """Of these, the ones that wait alone: no round serves them."""
        return tuple(model for model in self.searching if self.insertions[model].hold is not None)

    @property
    def suspended(self) -> frozenset[str]:
        """Judges whose votes count nothing."""
        return self.barred.union(model for model, one in self.admitted.items() if one.suspended)

    @property
    def seeds(self) -> tuple[str, ...]:
        """Seed models that are not ranked yet, in the order of admission."""
        return tuple(one.model for one in self.insertions.values() if isinstance(one.phase, Seeding))

    @property
    def active(self) -> tuple[str, ...]:
        """Models whose insertion the next round serves."""
        return self.newcomers or self.seeds


EMPTY: Final = RankingState()
