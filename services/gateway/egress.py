"""Who may see a dimension's queries and answers. Pure.

Rankers choose judges by it, and the collector whom it asks for answers; here every call is held against it once more,
so that no fault elsewhere sends a text to where it may not go.
"""

from dataclasses import dataclass, field
from typing import Final

from services.gateway.calls import Purpose


@dataclass(frozen=True, slots=True)
class Egress:
    """Of one dimension; empty sets let everybody.

    Attributes:
        allowed_providers: whose models may enter.
        judge_providers: whose models may judge, of these.
        only_models: slugs of the models that may enter and judge, of these.
        closed: nobody is called for it, whoever may see it.
    """

    allowed_providers: frozenset[str] = field(default_factory=frozenset)
    judge_providers: frozenset[str] = field(default_factory=frozenset)
    only_models: frozenset[str] = field(default_factory=frozenset)
    closed: bool = False

    def lets(self, slug: str, provider: str, purpose: Purpose) -> bool:
        """Whether this model of this provider may be called for this."""
        return self.lets_provider(provider, purpose) and self.names(slug)

    def names(self, slug: str) -> bool:
        """Whether a model is among those that the dimension names, if it names any."""
        return not self.only_models or slug in self.only_models

    def lets_provider(self, provider: str, purpose: Purpose) -> bool:
        """Whether a provider's models may be called for this."""
        may_enter = not self.allowed_providers or provider in self.allowed_providers
        may_judge = purpose is not Purpose.JUDGE or not self.judge_providers or provider in self.judge_providers
        return may_enter and may_judge


OPEN: Final = Egress()
"""Of a dimension that nobody knows: there is nothing of it to be seen."""
