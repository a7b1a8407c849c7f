"""The gateway's part of the client that is about probes: whether endpoints are still what they were."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING
from uuid import uuid4

from dearena.client.channel import Service
from dearena.client.streams import LARGEST_PAGE, paged
from dearena.v1 import gateway_pb2

if TYPE_CHECKING:
    from dearena.v1.gateway_pb2_grpc import GatewayServiceAsyncStub


class ProbeCalls(ABC):
    """What `ArenaClient` asks the gateway about probes."""

    _gateway: Service
    _models: "GatewayServiceAsyncStub"
    _seconds: float

    @abstractmethod
    def model_name(self, slug: str) -> str:
        """The resource name of a model."""

    def probes(self, slug: str) -> AsyncIterator[gateway_pb2.Probe]:
        """What fixed prompts brought from a model's endpoint, oldest first."""

        def page(token: str) -> Awaitable[gateway_pb2.ListProbesResponse]:
            request = gateway_pb2.ListProbesRequest(
                model=self.model_name(slug), page_size=LARGEST_PAGE, page_token=token
            )
            return self._gateway.told(self._models.ListProbes(request, timeout=self._seconds))

        return paged(page, lambda page: page.probes)

    async def acknowledge_drift(self, slug: str, *, request_id: str = "") -> gateway_pb2.Model:
        """Take a model's endpoint, changed as it is, for what it is; the next two probes tell how steady it is."""
        request = gateway_pb2.AcknowledgeDriftRequest(model=self.model_name(slug), request_id=request_id or uuid4().hex)
        return (await self._gateway.told(self._models.AcknowledgeDrift(request, timeout=self._seconds))).model

    async def probe_model(self, slug: str, *, timeout: float = 120.0) -> gateway_pb2.Probe:
        """Probe a model's endpoint now, within so many seconds; raises ModelNotActive when it is retired."""
        request = gateway_pb2.ProbeModelRequest(model=self.model_name(slug))
        return (await self._gateway.told(self._models.ProbeModel(request, timeout=timeout))).probe
