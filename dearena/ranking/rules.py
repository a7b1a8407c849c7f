"""How a dimension is ranked: fixed for the life of its version. Pure."""

from dataclasses import dataclass, field
from typing import Final

from dearena.ranking.insertion import Limits
from dearena.ranking.jury import Jury, jury_named

# What stands for zero and empty in `RankingSettings` of query_selector.proto.
DEFAULT_SEED_MODELS: Final = 5
DEFAULT_WINDOW: Final = 1
DEFAULT_MAX_SLIDES: Final = 8
DEFAULT_JURY: Final = "exhaustive"
DEFAULT_WEIGHTING: Final = "score"
DEFAULT_TEMPLATE: Final = "pairwise@1"


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one dimension version.

    Attributes:
        seed_models: ranked by full pairwise comparison before the first insertion.
        window: neighbours on each side of a newcomer that are compared with it.
        max_slides: how often the window may slide.
        jury: name of the policy that decides pairs.
        weighting: how the scorer weighs judges.
        template: judging template, name@version.
        allowed_providers: whose models may see the dimension; empty: all.
    """

    seed_models: int = DEFAULT_SEED_MODELS
    window: int = DEFAULT_WINDOW
    max_slides: int = DEFAULT_MAX_SLIDES
    jury: str = DEFAULT_JURY
    weighting: str = DEFAULT_WEIGHTING
    template: str = DEFAULT_TEMPLATE
    allowed_providers: frozenset[str] = field(default_factory=frozenset)

    @property
    def limits(self) -> Limits:
        """Of the fine search."""
        return Limits(self.window, self.max_slides)

    def policy(self) -> Jury:
        """The jury; raises InvalidField when this version does not know it."""
        return jury_named(self.jury)
