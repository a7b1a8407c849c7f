"""The gateway's part of the client that is about limits: of keys, and how endpoints fare under them."""

from abc import ABC
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING
from uuid import uuid4

from dearena.client.channel import Service
from dearena.client.streams import LARGEST_PAGE, paged
from dearena.v1 import gateway_pb2

if TYPE_CHECKING:
    from dearena.v1.gateway_pb2_grpc import GatewayServiceAsyncStub


class LimitCalls(ABC):
    """What `ArenaClient` asks the gateway about limits."""

    _gateway: Service
    _models: "GatewayServiceAsyncStub"
    _seconds: float
    project: str

    def endpoint_states(self) -> AsyncIterator[gateway_pb2.EndpointState]:
        """How the endpoints of models fare at present, in the order of registration."""

        def page(token: str) -> Awaitable[gateway_pb2.ListEndpointStatesResponse]:
            request = gateway_pb2.ListEndpointStatesRequest(
                parent=f"projects/{self.project}", page_size=LARGEST_PAGE, page_token=token
            )
            return self._gateway.told(self._models.ListEndpointStates(request, timeout=self._seconds))

        return paged(page, lambda page: page.states)

    def key_limits(self) -> AsyncIterator[gateway_pb2.KeyLimits]:
        """Keys with limits, in the order of their references."""

        def page(token: str) -> Awaitable[gateway_pb2.ListKeyLimitsResponse]:
            request = gateway_pb2.ListKeyLimitsRequest(page_size=LARGEST_PAGE, page_token=token)
            return self._gateway.told(self._models.ListKeyLimits(request, timeout=self._seconds))

        return paged(page, lambda page: page.limits)

    async def set_key_limits(self, limits: gateway_pb2.KeyLimits, *, request_id: str = "") -> gateway_pb2.KeyLimits:
        """Limit all models together that use a key; without any limit, lift those that it has."""
        request = gateway_pb2.SetKeyLimitsRequest(limits=limits, request_id=request_id or uuid4().hex)
        return (await self._gateway.told(self._models.SetKeyLimits(request, timeout=self._seconds))).limits
