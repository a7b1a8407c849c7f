"""Budgets, and which of them hold a call. Pure.

A budget's id is its project, scope, dimension and model: unique, and the order in which a call reserves in several.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dearena import budgets
from dearena.names import Revision


class BudgetScope(StrEnum):
    """As `BudgetScope` in gateway.proto, without its prefix."""

    DIMENSION = "DIMENSION"
    MODEL = "MODEL"
    INSERTION = "INSERTION"


class BudgetState(StrEnum):
    """As `BudgetState` in gateway.proto, without its prefix."""

    OPEN = "OPEN"
    EXHAUSTED = "EXHAUSTED"


@dataclass(frozen=True, slots=True)
class BudgetKey:
    """What a budget is for; slugs, empty where the scope has none."""

    project: str
    scope: BudgetScope
    dimension: str = ""
    model: str = ""

    def __str__(self) -> str:
        return f"{self.project}/{self.scope}/{self.dimension}/{self.model}"

    @property
    def template(self) -> "BudgetKey":
        """The budget that says how much each model has that has none of its own; of scope INSERTION only."""
        return BudgetKey(self.project, self.scope, self.dimension)

    @property
    def is_template(self) -> bool:
        """Whether it holds no call itself."""
        return self.scope is BudgetScope.INSERTION and not self.model

    @property
    def words(self) -> str:
        """What people call it."""
        return budgets.called(self.scope, self.dimension, self.model)


@dataclass(frozen=True, slots=True)
class KnownBudget:
    """A budget as it was at most a second ago."""

    key: BudgetKey
    uid: str
    """Of this budget, as against one that was removed and set anew."""
    currency: str
    exhausted: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """That a call counts in a budget for these of its shares; all of them where it counts as a whole."""

    key: BudgetKey
    shares: tuple[int, ...]
    of: int
    """Into how many the call is divided."""

    def of_reservation(self, nano_units: int) -> int:
        """What is reserved of the most that the call can cost: no share of what it will cost is more."""
        return len(self.shares) * -(-nano_units // self.of)

    def of_cost(self, nano_units: int) -> int:
        """What is spent of what the call did cost: the shares of all add up to it."""
        each, rest = divmod(nano_units, self.of)
        return sum(each + (share < rest) for share in self.shares)


def parts_of(
    known: Mapping[BudgetKey, KnownBudget], project: str, dimension: str, model: str, payers: Sequence[str]
) -> Sequence[Part]:
    """The budgets that hold a call, in the order of their ids.

    One of an insertion that nobody has set is among them where its dimension has a template.

    Args:
        known: budgets of the project, by key.
        project: its slug.
        dimension: slug; empty where the call is of none.
        model: slug of the model that is called.
        payers: revisions on whose behalf.
    """
    parts: dict[BudgetKey, Part] = {}
    for key in (
        BudgetKey(project, BudgetScope.DIMENSION, dimension=dimension),
        BudgetKey(project, BudgetScope.MODEL, model=model),
    ):
        if key in known:
            parts[key] = Part(key, (0,), 1)
    for share, payer in enumerate(payers):
        key = BudgetKey(project, BudgetScope.INSERTION, dimension, Revision.parse(payer).slug)
        if key in known or key.template in known:
            before = parts[key].shares if key in parts else ()
            parts[key] = Part(key, (*before, share), len(payers))
    return [parts[key] for key in sorted(parts, key=str)]


def exhausted_ones(known: Mapping[BudgetKey, KnownBudget], parts: Iterable[Part]) -> list[str]:
    """What people call those of a call's budgets that are exhausted."""
    return [part.key.words for part in parts if part.key in known and known[part.key].exhausted]
