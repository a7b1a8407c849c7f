"""The query selector, put together."""

from datetime import timedelta

from dearena.v1.query_selector_pb2 import DESCRIPTOR
from dearena.v1.query_selector_pb2_grpc import add_QuerySelectorServiceServicer_to_server
from services.query_selector import job_store
from services.query_selector.announcer import Announcer
from services.query_selector.gauges import Gauges
from services.query_selector.job_store import Jobs
from services.query_selector.pilot_documents import PilotDocuments
from services.query_selector.pilot_peers import PilotPeers
from services.query_selector.pilots import Pilots
from services.query_selector.reports import Reports
from services.query_selector.revisions import Revisions
from services.query_selector.selecting import Desk
from services.query_selector.selections import Selections
from services.query_selector.service import QuerySelector
from services.query_selector.settings import QuerySelectorSettings
from services.query_selector.store import INDEXES as DIMENSION_INDEXES
from services.query_selector.store import Dimensions
from services.runtime.lifecycle import Room, Servicer, Shell
from services.runtime.news import News
from services.runtime.store import now

INDEXES = {**DIMENSION_INDEXES, **job_store.INDEXES}
"""Of all its collections."""


async def build(shell: Shell[QuerySelectorSettings]) -> Room:
    """The room of this service."""
    dimensions = Dimensions(shell.store, shell.instance)
    announcer = Announcer(dimensions, shell.bus)
    jobs = Jobs(shell.store)
    pilots = Pilots(dimensions, jobs, PilotDocuments(shell.store, shell.instance))
    pilot_peers = PilotPeers(shell.peers)
    selections = Selections(
        Desk(
            jobs=jobs,
            dimensions=dimensions,
            pilots=pilots,
            peers=pilot_peers,
            announcer=announcer,
            news=News(),
            poll_seconds=shell.settings.selection_poll_seconds,
            patience_seconds=shell.settings.selection_patience_seconds,
        )
    )
    reports = Reports(dimensions, shell.peers)
    revisions = Revisions(shell.store, dimensions, jobs, pilots, pilot_peers, reports)

    async def remove_abandoned_uploads() -> None:
        for pool_id in await dimensions.uploads_before(now() - timedelta(seconds=shell.settings.abandoned_seconds)):
            await dimensions.discard_upload(pool_id)

    gauges = Gauges(dimensions, selections)
    servicer = Servicer(
        add=add_QuerySelectorServiceServicer_to_server,
        implementation=QuerySelector(
            shell.settings, shell.store, dimensions, announcer, selections, reports, revisions
        ),
        service_name=DESCRIPTOR.services_by_name["QuerySelectorService"].full_name,
    )
    return Room(
        servicers=[servicer],
        sweeps=[announcer.sweep, remove_abandoned_uploads, selections.wake],
        background=[announcer.run],
        stocks=[gauges.dimensions, gauges.selections],
        on_drain=selections.stop,
        close=selections.stop,
        indexes=INDEXES,
    )
