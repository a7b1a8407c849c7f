"""What can go wrong, in the arena's words. One vocabulary for domain, services, client and command line.

A fault knows its reason (`ErrorReason` in common.proto) and the gRPC status it maps to, by name only,
so that pure code may raise it. `services/runtime/rpc.py` turns faults into statuses, the client turns
statuses back into faults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request, or one line of a pool, that is not as it must be."""

    field: str
    description: str


class ArenaFault(Exception):
    """Something that a caller is told. `str()` of it is one sentence that says what and where."""

    reason: ClassVar[str] = "INTERNAL"
    status: ClassVar[str] = "INTERNAL"

    def __init__(
        self, message: str, violations: Sequence[FieldViolation] = (), metadata: Mapping[str, str] | None = None
    ) -> None:
        """What a person is told, the fields that are wrong, and what a program is told besides, by name."""
        super().__init__(message)
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})


class InvalidField(ArenaFault):
    """A field is missing or malformed."""

    reason = "INVALID_FIELD"
    status = "INVALID_ARGUMENT"

    @classmethod
    def of(cls, field: str, description: str) -> "InvalidField":
        """The fault of one field."""
        return cls(f"{field}: {description}", [FieldViolation(field, description)])


class RequestIdReused(ArenaFault):
    """The request id was used before, with another body."""

    reason = "REQUEST_ID_REUSED"
    status = "INVALID_ARGUMENT"


class BrokenPool(ArenaFault):
    """A question pool that cannot be used; violations name the lines."""

    reason = "BROKEN_POOL"
    status = "INVALID_ARGUMENT"


class InvalidCursor(ArenaFault):
    """A page token or resume cursor that was not given out here."""

    reason = "INVALID_CURSOR"
    status = "INVALID_ARGUMENT"


class EtagMismatch(ArenaFault):
    """The resource has changed since it was read."""

    reason = "ETAG_MISMATCH"
    status = "ABORTED"


class Conflict(ArenaFault):
    """Somebody else wrote at the same time."""

    reason = "CONFLICT"
    status = "ABORTED"


class AlreadyExists(ArenaFault):
    """The name is taken."""

    reason = "ALREADY_EXISTS"
    status = "ALREADY_EXISTS"


class UnknownModel(ArenaFault):
    """No such model or revision."""

    reason = "UNKNOWN_MODEL"
    status = "NOT_FOUND"


class UnknownDimension(ArenaFault):
    """No such dimension or version."""

    reason = "UNKNOWN_DIMENSION"
    status = "NOT_FOUND"


class UnknownInsertion(ArenaFault):
    """The model was never admitted to the dimension."""

    reason = "UNKNOWN_INSERTION"
    status = "NOT_FOUND"


class UnknownRound(ArenaFault):
    """The dimension has no such round."""

    reason = "UNKNOWN_ROUND"
    status = "NOT_FOUND"


class UnknownComparison(ArenaFault):
    """No outcome of that cell and attempt."""

    reason = "UNKNOWN_COMPARISON"
    status = "NOT_FOUND"


class UnknownTemplate(ArenaFault):
    """No such judging template."""

    reason = "UNKNOWN_TEMPLATE"
    status = "NOT_FOUND"


class ModelNotActive(ArenaFault):
    """The model is retired, or may not do this."""

    reason = "MODEL_NOT_ACTIVE"
    status = "FAILED_PRECONDITION"


class KeyNotFound(ArenaFault):
    """A key reference that names nothing on this server."""

    reason = "KEY_NOT_FOUND"
    status = "FAILED_PRECONDITION"


class BudgetExhausted(ArenaFault):
    """What is left of a budget may not pay the call. Raising its limit changes that, waiting does not."""

    reason = "BUDGET_EXHAUSTED"
    status = "FAILED_PRECONDITION"

    @classmethod
    def of(cls, budget: str) -> "BudgetExhausted":
        """The fault of a budget, as `dearena.budgets` calls it."""
        return cls(f"the budget of {budget} is exhausted", metadata={"budget": budget})

    @property
    def budget(self) -> str:
        """Which one."""
        return self.metadata.get("budget", "")


class BudgetMisfit(ArenaFault):
    """A call does not fit a budget that holds it: changing the budget or the model mends that, waiting does not."""

    reason = "BUDGET_MISFIT"
    status = "FAILED_PRECONDITION"

    @classmethod
    def of(cls, budget: str, problem: str) -> "BudgetMisfit":
        """The fault of a budget and of what does not fit it, as `dearena.budgets` calls both."""
        told = {"budget": budget, "problem": problem}
        return cls(f"the budget of {budget} does not fit: {problem}", metadata=told)

    @property
    def budget(self) -> str:
        """Which one."""
        return self.metadata.get("budget", "")

    @property
    def problem(self) -> str:
        """What does not fit."""
        return self.metadata.get("problem", "")


class EndpointLeftAlone(ArenaFault):
    """A call was not sent, since its endpoint failed several times in a row. It is no attempt, and on no record."""

    reason = "ENDPOINT_LEFT_ALONE"
    status = "UNAVAILABLE"


class DimensionClosed(ArenaFault):
    """A call is for a pilot that nobody hears any more. It is no attempt, and on no record; a resume changes that."""

    reason = "DIMENSION_CLOSED"
    status = "FAILED_PRECONDITION"


class NotReady(ArenaFault):
    """What was asked for is not there yet."""

    reason = "NOT_READY"
    status = "FAILED_PRECONDITION"


class StoreUnavailable(ArenaFault):
    """The store cannot be reached."""

    reason = "STORE_UNAVAILABLE"
    status = "UNAVAILABLE"


class ServiceUnavailable(ArenaFault):
    """Another service of the arena, or the bus, cannot be reached."""

    reason = "SERVICE_UNAVAILABLE"
    status = "UNAVAILABLE"
