"""Models on their way into a dimension, and models admitted to it. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dearena.ranking.pairs import in_order


def family_of(said: str) -> str:
    """A family's name as it is compared, and as the log has it: without regard to case, or to spaces around it.

    Whoever writes it once otherwise would have a model judge its own family. It is made so where a model is first heard
    of, not where the log is read: an earlier log means what it meant, and the next look corrects it by an entry.
    """
    return " ".join(unicodedata.normalize("NFKC", said).split()).casefold()


class EntrantState(StrEnum):
    """As `EntrantState` in gateway.proto, without its prefix."""

    COLLECTING = "COLLECTING"
    READY = "READY"
    FAILED = "FAILED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True)
class Entrant:
    """A model revision as the gateway tells of it now.

    Attributes:
        traceparent: of the trace that its insertion is in; empty without tracing.
    """

    model: str
    state: EntrantState
    reason: str
    cohort: str
    provider: str
    family: str
    may_judge: bool
    judge_parameters_hash: str
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A model revision as the decision log has it: its judging counts by this, whatever has changed meanwhile."""

    model: str
    provider: str
    family: str
    judge_parameters_hash: str
    may_judge: bool
    cohort: str = ""
    retired: bool = False
    suspended: bool = False
    """As a judge, by a rule or an operator: it is asked nothing and its votes count nothing, until it is reinstated."""

    @property
    def judges(self) -> bool:
        """Whether it may be asked at all."""
        return self.may_judge and not self.retired and not self.suspended


@dataclass(frozen=True, slots=True)
class Change:
    """Something about an admitted model that the log does not have yet."""

    model: str
    retired: bool
    may_judge: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Whose an admitted model is said to be now, otherwise than the log has it."""

    model: str
    provider: str
    family: str


def changes(
    admitted: Mapping[str, Admitted], entrants: Iterable[Entrant], allowed_providers: frozenset[str]
) -> tuple[Change | Provenance, ...]:
    """What has changed about admitted models since the log took note, in canonical order of models.

    Provider and family can be corrected in place; by those in the log it is decided who may judge what.
    A model that the gateway names no more has a provider that the dimension does not allow: it stays
    where it is and judges no more.
    """
    now = {entrant.model: entrant for entrant in entrants}
    found: list[Change | Provenance] = []
    for model in in_order(admitted):
        known, entrant = admitted[model], now.get(model)
        if known.retired:
            continue
        if entrant is not None and entrant.state is EntrantState.RETIRED:
            found.append(Change(model, retired=True, may_judge=False, reason=entrant.reason or "the model is retired"))
            continue
        if entrant is not None and (entrant.provider, entrant.family) != (known.provider, known.family):
            found.append(Provenance(model, entrant.provider, entrant.family))
        admits = entrant is not None and (not allowed_providers or entrant.provider in allowed_providers)
        may_judge = admits and entrant is not None and entrant.may_judge
        if may_judge != known.may_judge:
            reason = "" if may_judge else "it may not judge" if admits else "its provider may not see the dimension"
            found.append(Change(model, retired=False, may_judge=may_judge, reason=reason))
    return tuple(found)
