"""How endpoints fare, for people: read from what gateways share about their limits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from dearena.v1 import gateway_pb2 as pb
from services.gateway.limits.admission import limits_of_model, model_limit
from services.gateway.limits.breaker import BreakerState
from services.gateway.limits.limit_records import LimitRecords
from services.gateway.limits.shares import living
from services.gateway.limits.state import LimitState
from services.gateway.listings import number_of_token
from services.gateway.messages import timestamp
from services.gateway.models import RegisteredModel
from services.gateway.store import Models
from services.runtime import paging
from services.runtime.request_names import project_of_parent


class EndpointStates:
    """Reads only."""

    def __init__(self, models: Models, records: LimitRecords) -> None:
        self._models = models
        self._records = records

    async def list(self, request: pb.ListEndpointStatesRequest) -> pb.ListEndpointStatesResponse:
        """Models in force, in the order of their registration."""
        project = project_of_parent("parent", request.parent)
        scope = ("endpoint_states", project)
        size = paging.size_of(request.page_size)
        after = paging.after_of(scope, request.page_token)
        found = await self._models.list(project, after=number_of_token(after) if after else 0, limit=size + 1)
        shown = found[:size]
        states = await self._records.states([model_limit(project, model.name.slug) for model in shown])
        moment = self._records.now()
        return pb.ListEndpointStatesResponse(
            states=[
                message_of_state(model, states.get(model_limit(project, model.name.slug), LimitState()), moment)
                for model in shown
            ],
            next_page_token=paging.token_of(scope, str(shown[-1].revisions[0].order)) if len(found) > size else "",
        )

    async def left_alone(self, project: str, slugs: Sequence[str]) -> Mapping[str, str]:
        """Why no call goes to the endpoints that are left alone, by slug of their model; none for the others."""
        if not slugs:
            return {}
        states = await self._records.states([model_limit(project, slug) for slug in slugs])
        moment = self._records.now()
        breakers = {slug: states.get(model_limit(project, slug), LimitState()) for slug in slugs}
        return {
            slug: f"the endpoint is left alone: it failed several times in a row ({state.last_failure})"
            for slug, state in breakers.items()
            if state.breaker.state(moment) is not BreakerState.CLOSED
        }

    def now(self) -> float:
        """The store's clock, by which failures are noted."""
        return self._records.now()

    async def failing_since(self, project: str, slug: str, moment: float) -> str:
        """Why no call goes to an endpoint that is left alone, and failed since a moment of the store's clock."""
        name = model_limit(project, slug)
        state = (await self._records.states([name])).get(name, LimitState())
        return (await self.left_alone(project, [slug])).get(slug, "") if state.last_failure_at >= moment else ""

    async def cooling_down(self, project: str, slugs: Sequence[str]) -> set[str]:
        """Of these models those to whose endpoints not even a probe goes just now."""
        if not slugs:
            return set()
        states = await self._records.states([model_limit(project, slug) for slug in slugs])
        moment = self._records.now()
        breakers = {slug: states.get(model_limit(project, slug), LimitState()).breaker for slug in slugs}
        return {slug for slug, breaker in breakers.items() if breaker.state(moment) is BreakerState.OPEN}


def message_of_state(model: RegisteredModel, state: LimitState, moment: float) -> pb.EndpointState:
    """How one endpoint fares at a moment of the store's clock."""
    breaker = state.breaker.state(moment)
    seats = living(state.seats, moment).values()
    return pb.EndpointState(
        model=str(model.name),
        breaker=pb.BreakerState.Value(f"BREAKER_STATE_{breaker}"),
        open_until=_time(state.breaker.open_until) if breaker is BreakerState.OPEN else None,
        allowed_concurrency=state.slots(limits_of_model(model.spec)),
        in_flight=sum(seat.in_flight for seat in seats),
        waiting=sum(seat.waiting for seat in seats),
        held_until=_time(state.held_until) if state.held_until > moment else None,
        last_failure=state.last_failure,
        last_failure_time=_time(state.last_failure_at) if state.last_failure else None,
    )


def _time(seconds: float) -> Timestamp:
    return timestamp(datetime.fromtimestamp(seconds, UTC))
