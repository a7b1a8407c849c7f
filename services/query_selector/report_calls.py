"""Calls about what a dimension's queries still tell."""

import math
from collections.abc import Mapping
from typing import Any, Final

from dearena.faults import InvalidField
from dearena.selection.power import Design
from dearena.selection.redundant_boards import BoardCorrelation
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb
from dearena.v1.query_selector_pb2_grpc import QuerySelectorServiceServicer
from services.query_selector.reports import Reports
from services.runtime.request_names import dimension_name, model_revision

MOST_OTHERS: Final = 100
"""Boards that are compared with one."""


class ReportCalls(QuerySelectorServiceServicer):
    """Calls about what a dimension's queries still tell."""

    _reports: Reports

    async def GetDimensionHealth(
        self, request: pb.GetDimensionHealthRequest, context: Any
    ) -> pb.GetDimensionHealthResponse:
        """Worked out of all votes of the newest version that is ranked."""
        name = dimension_name("dimension", request.dimension)
        if len(request.others) > MOST_OTHERS:
            raise InvalidField.of("others", f"names {len(request.others):,}; there can be {MOST_OTHERS}")
        others = [dimension_name(f"others[{at}]", one) for at, one in enumerate(request.others)]
        if name in others:
            raise InvalidField.of("others", f"names {name} itself")
        fares = await self._reports.health_of(name, list(dict.fromkeys(others)))
        found = fares.found
        return pb.GetDimensionHealthResponse(
            health=pb.DimensionHealth(
                dimension=str(name),
                dimension_version=fares.version,
                votes=fares.votes,
                models=fares.models,
                separability=_known(found.separability),
                saturation=_known(found.saturation),
                saturated=found.saturated,
                silent=found.silent,
                mislabelled=found.mislabelled,
                correlations=[_correlation(one) for one in found.correlations],
                retire=found.retire,
                add=found.add,
            )
        )

    async def GetPower(self, request: pb.GetPowerRequest, context: Any) -> pb.GetPowerResponse:
        """Worked out of all votes of the newest version that is ranked."""
        name = dimension_name("dimension", request.dimension)
        model_revision("model_a", request.model_a)
        model_revision("model_b", request.model_b)
        if request.model_a == request.model_b:
            raise InvalidField.of("model_b", f"is {request.model_a} once more")
        for field, chance in (("error", request.error), ("power", request.power)):
            if not 0 <= chance < 1:  # so that NaN is refused as well
                raise InvalidField.of(field, f"is {chance!r}; a chance lies between 0 and 1")
        found = await self._reports.separation_of(name, request.model_a, request.model_b, request.error, request.power)
        return pb.GetPowerResponse(
            power=pb.Power(
                dimension=str(name),
                dimension_version=found.version,
                model_a=request.model_a,
                model_b=request.model_b,
                difference=found.difference,
                power_now=found.now[1],
                now=_design(found.now, found.price),
                all_models=_design(found.all_models, found.price),
                these_two=_design(found.these_two, found.price),
            )
        )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _correlation(one: BoardCorrelation) -> pb.BoardCorrelation:
    return pb.BoardCorrelation(
        dimension=one.dimension, models=one.models, correlation=one.spearman, low=one.low, high=one.high
    )


def _design(found: tuple[Design, float] | None, price: Mapping[str, float]) -> pb.PowerDesign | None:
    if found is None:
        return None
    design, power = found
    votes = math.ceil(design.votes)
    cost = [
        common_pb2.Money(currency=currency, nano_units=round(votes * each)) for currency, each in sorted(price.items())
    ]
    return pb.PowerDesign(queries=design.queries, votes=votes, judges=design.judges, cost=cost, power=power)
