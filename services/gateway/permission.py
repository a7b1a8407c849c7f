"""Whether a model may still be called: asked again of calls that waited in line for longer than a policy is fresh."""

from collections.abc import Awaitable, Callable

from dearena.faults import ModelNotActive
from dearena.names import DimensionName, ModelName
from services.gateway.calls import Call, Purpose
from services.gateway.dimensions import Dimensions
from services.gateway.model_directory import ModelDirectory

Permission = Callable[[Call], Awaitable[None]]
"""Raises ModelNotActive when the call may not be made any more."""


def permission_by(directory: ModelDirectory, dimensions: Dimensions) -> Permission:
    """Permission by the model and the dimension as they stand at that moment.

    What it is made of has been checked when the call came in; limits and breakers may have held it since.
    """

    async def check(call: Call) -> None:
        if not call.dimension or call.purpose not in (Purpose.JUDGE, Purpose.ANSWER):
            return
        model = await directory.get(ModelName(call.project, call.model.slug))
        if not model.may_be_called(call.model) or (call.purpose is Purpose.JUDGE and not model.spec.may_judge):
            raise ModelNotActive(f"{call.model} is retired, superseded or no judge, and is called no more")
        egress = await dimensions.egress(DimensionName(call.project, call.dimension))
        if not egress.lets(model.spec.provider, call.purpose):
            raise ModelNotActive(f"{call.model} is of a provider that may not see {call.dimension}")

    return check
