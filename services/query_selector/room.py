"""The query selector, put together."""

from datetime import timedelta

from dearena.v1.query_selector_pb2 import DESCRIPTOR
from dearena.v1.query_selector_pb2_grpc import add_QuerySelectorServiceServicer_to_server
from services.query_selector.announcer import Announcer
from services.query_selector.service import QuerySelector
from services.query_selector.settings import QuerySelectorSettings
from services.query_selector.store import INDEXES, Dimensions
from services.runtime.lifecycle import Room, Servicer, Shell
from services.runtime.store import now


async def build(shell: Shell[QuerySelectorSettings]) -> Room:
    """The room of this service."""
    dimensions = Dimensions(shell.store, shell.instance)
    announcer = Announcer(dimensions, shell.bus)

    async def remove_abandoned_uploads() -> None:
        for pool_id in await dimensions.uploads_before(now() - timedelta(seconds=shell.settings.abandoned_seconds)):
            await dimensions.discard_upload(pool_id)

    servicer = Servicer(
        add=add_QuerySelectorServiceServicer_to_server,
        implementation=QuerySelector(shell.settings, shell.store, dimensions, announcer),
        service_name=DESCRIPTOR.services_by_name["QuerySelectorService"].full_name,
    )
    return Room(
        servicers=[servicer],
        sweeps=[announcer.sweep, remove_abandoned_uploads],
        background=[announcer.run],
        indexes=INDEXES,
    )
