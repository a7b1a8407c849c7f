"""Two models side by side, and the one order in which models are counted and listed. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, Self

from dearena.names import Revision, canonical_pair

_revision = lru_cache(maxsize=65_536)(Revision.parse)


class Pair(NamedTuple):
    """Two model revisions to be compared; `model_a` comes first in canonical order."""

    model_a: str
    model_b: str

    @classmethod
    def of(cls, one: str, other: str) -> Self:
        """The pair of two models, whichever is named first; raises ValueError when they are one."""
        return cls(*canonical_pair(one, other))

    def opponent_of(self, model: str) -> str:
        """The other one of the two."""
        return self.model_b if model == self.model_a else self.model_a


def in_order(models: Iterable[str]) -> tuple[str, ...]:
    """Model revisions in canonical order: by slug, then number."""
    return tuple(sorted(models, key=_revision))


def pairs_in_order(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Pairs in the canonical order of their models."""
    return tuple(sorted(pairs, key=lambda pair: (_revision(pair.model_a), _revision(pair.model_b))))
