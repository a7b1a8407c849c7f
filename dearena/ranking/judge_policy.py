"""Who may judge what, as a dimension's makers want it: never oneself, and by policy not one's family. Pure.

A judge reads a query and two answers. Which providers may see these is part of the policy; so what a model is, its
provider and its family, is taken from the decision log, and not from what may be said of it later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from dearena.ranking.entrants import Admitted


class Objection(StrEnum):
    """Why a judge may not judge."""

    ITSELF = "ITSELF"
    """It is a contestant, or another revision of one."""
    FAMILY = "FAMILY"
    """It is of a contestant's family."""
    PROVIDER = "PROVIDER"
    """Its provider may not see the dimension's queries and answers."""


@dataclass(frozen=True, slots=True)
class JudgePolicy:
    """Fixed for the life of a dimension version.

    Attributes:
        allowed_providers: whose models may enter; empty: all.
        judge_providers: whose models may judge, of those that may enter; empty: all.
        exclude_family: no model judges a contestant of its own family. Models without a family have none in common.
    """

    allowed_providers: frozenset[str] = field(default_factory=frozenset)
    judge_providers: frozenset[str] = field(default_factory=frozenset)
    exclude_family: bool = False

    def shows(self, provider: str) -> bool:
        """Whether judges of a provider may see queries and answers."""
        return all(not those or provider in those for those in (self.allowed_providers, self.judge_providers))

    def is_looser_than(self, other: "JudgePolicy") -> bool:
        """Whether it lets somebody judge whom the other keeps from it."""
        own, theirs = self._providers, other._providers  # noqa: SLF001 - of the same class
        lets_in = theirs is not None and (own is None or not own <= theirs)
        return lets_in or (other.exclude_family and not self.exclude_family)

    @property
    def _providers(self) -> frozenset[str] | None:
        """Whose models may judge; None: all."""
        named = [those for those in (self.allowed_providers, self.judge_providers) if those]
        return frozenset.intersection(*named) if named else None

    def objection(self, judge: Admitted, contestants: Iterable[Admitted]) -> Objection | None:
        """What speaks against a judge of these contestants; None: nothing."""
        met = tuple(contestants)
        if any(slug_of(judge.model) == slug_of(one.model) for one in met):
            return Objection.ITSELF
        if not self.shows(judge.provider):
            return Objection.PROVIDER
        if self.exclude_family and judge.family and any(judge.family == one.family for one in met):
            return Objection.FAMILY
        return None

    def content(self) -> dict[str, Any]:
        """As plain data, for the log."""
        return {
            "allowed_providers": sorted(self.allowed_providers),
            "judge_providers": sorted(self.judge_providers),
            "exclude_family": self.exclude_family,
        }

    def __str__(self) -> str:
        """As it stands in a reason to wait; empty where every other model may judge."""
        told = []
        if self.judge_providers or self.allowed_providers:
            names = ", ".join(sorted(self.judge_providers or self.allowed_providers))
            told.append(f"only models of {names} judge")
        if self.exclude_family:
            told.append("none judges its own family")
        return ", and ".join(told)


OPEN: Final = JudgePolicy()
"""Every model judges all others."""


def policy_in(content: Mapping[str, Any]) -> JudgePolicy:
    """From the log."""
    return JudgePolicy(
        frozenset(content["allowed_providers"]), frozenset(content["judge_providers"]), bool(content["exclude_family"])
    )


def slug_of(model: str) -> str:
    """Of a revision."""
    return model.partition("@")[0]
