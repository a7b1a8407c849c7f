"""In which form each judge is asked for its verdict: by a schema where its endpoint takes one, else by a line."""

from collections.abc import Sequence
from typing import Final

import grpc.aio
from cachetools import TTLCache

from dearena import faults
from dearena.judging.forms import Form
from dearena.names import InvalidName, Revision
from dearena.v1.gateway_pb2 import Endpoint, GetModelRequest
from services.judge_dispatcher.loading import Loaded
from services.judge_dispatcher.patience import until_it_passes
from services.runtime.peers import Peers
from services.runtime.rpc import fault_in

MOST_KEPT: Final = 10_000
KEPT_SECONDS: Final = 60.0
"""Of a revision the form never changes; but which revision is the newest one does."""


class _NotYet(Exception):
    """There is no such revision. It may come at any moment, so this is not kept."""


class Judges:
    """What is known of judges' endpoints, kept for a while."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        cache: TTLCache[tuple[str, str], Sequence[Form]] = TTLCache(MOST_KEPT, KEPT_SECONDS)
        self._loaded = Loaded(self._load, cache)

    async def forms(self, project: str, judge: str) -> Sequence[Form]:
        """The form of a judge revision; of one that was superseded all, for any may be on record."""
        try:
            return await self._loaded.get((project, judge))
        except _NotYet:
            return (Form.LINE,)  # the gateway says what is wrong with it

    def forget(self, project: str, judge: str) -> None:
        """Look again when it is next asked for."""
        self._loaded.forget((project, judge))

    @until_it_passes
    async def _load(self, key: tuple[str, str]) -> Sequence[Form]:
        project, judge = key
        try:
            revision = Revision.parse(judge)
        except InvalidName:
            return (Form.LINE,)  # the gateway says what is wrong with it
        try:
            request = GetModelRequest(name=f"projects/{project}/models/{revision.slug}")
            model = (await self._peers.gateway.GetModel(request)).model
        except grpc.aio.AioRpcError as error:
            if isinstance(fault_in(error), faults.UnknownModel):
                raise _NotYet from None
            raise
        if model.revision < revision.number:
            raise _NotYet
        if model.revision != revision.number:
            return tuple(Form)
        return (form_of(model.endpoint),)


def form_of(endpoint: Endpoint) -> Form:
    """In which form whoever is at this endpoint is asked."""
    if not endpoint.structured_output:
        return Form.LINE
    return Form.BOUNDED_JSON if endpoint.length_limits else Form.JSON
