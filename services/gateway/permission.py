"""Whether a model may be called for something: by how it stands, and by who may see a dimension."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dearena.faults import ArenaFault, DimensionClosed, ModelNotActive
from dearena.names import DimensionName, ModelName, Revision
from services.gateway.calls import Call, Purpose
from services.gateway.chat import Reply
from services.gateway.dimensions import Dimensions
from services.gateway.failures import Failure
from services.gateway.limits.gate import Gate
from services.gateway.model_directory import ModelDirectory
from services.gateway.models import RegisteredModel

Permission = Callable[[Call], Awaitable[None]]
"""Raises ModelNotActive or DimensionClosed when the call may not be made any more."""


async def why_not(
    dimensions: Dimensions, model: RegisteredModel, revision: Revision, purpose: Purpose, dimension: str
) -> ModelNotActive | DimensionClosed | None:
    """Why a revision of a model may not be called for a dimension; None when it may.

    Args:
        dimensions: whom to ask for their policies.
        model: as it stands.
        revision: that is to be called.
        purpose: what for.
        dimension: slug; empty: for none.

    Raises:
        ServiceUnavailable: the query selector cannot be reached, and nothing is known of the dimension.
    """
    if not model.may_be_called(revision) or (purpose is Purpose.JUDGE and not model.spec.may_judge):
        return _not_active(revision, "is retired, superseded or no judge")
    if dimension and purpose in (Purpose.JUDGE, Purpose.ANSWER):
        egress = await dimensions.egress(DimensionName(model.name.project, dimension))
        if not egress.lets_provider(model.spec.provider, purpose):
            return _not_active(revision, f"is of a provider that may not see {dimension}")
        if not egress.names(model.name.slug):
            return _not_active(revision, f"is none of the models that {dimension} is for")
        if egress.closed:
            return DimensionClosed(f"{dimension} is a pilot that is closed; no calls are made for it")
    return None


def _not_active(revision: Revision, why: str) -> ModelNotActive:
    return ModelNotActive(f"{revision} {why}, and is not called for this any more")


def permission_by(directory: ModelDirectory, dimensions: Dimensions) -> Permission:
    """Permission by the model and the dimension as they stand at that moment, for calls that waited in line.

    They were checked when the call came in; limits and breakers may have held it for longer than a policy is fresh.
    """

    async def check(call: Call) -> None:
        if not call.dimension:
            return
        model = await directory.get(ModelName(call.project, call.model.slug))
        if (refused := await why_not(dimensions, model, call.model, call.purpose, call.dimension)) is not None:
            raise refused

    return check


@dataclass(frozen=True, slots=True)
class PermittedGate:
    """A gate that asks before each further request whether the call may still be made: pauses may be long."""

    gate: Gate
    permission: Permission
    call: Call

    def remaining(self) -> float:
        """Seconds to the call's deadline."""
        return self.gate.remaining()

    def ended(self, result: Reply | Failure, retry_after: float | None) -> None:
        """See `Gate`."""
        self.gate.ended(result, retry_after)

    async def again(self, pause: float) -> bool:
        """False also where the call may not be made any more: what the last request brought then stands."""
        if not await self.gate.again(pause):
            return False
        try:
            await self.permission(self.call)
        except ArenaFault:
            return False
        return True
