"""The ranker, put together."""

from dearena.v1.ranker_pb2 import DESCRIPTOR
from dearena.v1.ranker_pb2_grpc import add_RankerServiceServicer_to_server
from services.ranker.announcer import Announcer
from services.ranker.dimensions import Dimensions
from services.ranker.gauges import Gauges
from services.ranker.inquiries import Inquiries
from services.ranker.judging_requests import JudgingRequests
from services.ranker.service import Ranker
from services.ranker.settings import RankerSettings
from services.ranker.store import INDEXES, RankerStore
from services.ranker.worker import Desk
from services.runtime import subjects
from services.runtime.doorbell import Doorbell
from services.runtime.lifecycle import Room, Servicer, Shell

RINGS_AT_ONCE = 32
"""Doorbells answered at a time. To answer one is to set a flag, unless its dimension is new."""


async def build(shell: Shell[RankerSettings]) -> Room:
    """The room of this service."""
    settings = shell.settings
    store = RankerStore(shell.store, shell.instance)
    shards = settings.own_shards()
    announcer = Announcer(store, shell.bus)
    desk = Desk(
        settings=settings,
        store=store,
        inquiries=Inquiries(shell.peers, board_seconds=settings.board_seconds),
        requests=JudgingRequests(shell.bus, shards, in_flight=settings.requests_in_flight),
        announcer=announcer,
    )
    dimensions = Dimensions(desk, shards)
    gauges = Gauges(dimensions, shards)
    return Room(
        servicers=[
            Servicer(
                add=add_RankerServiceServicer_to_server,
                implementation=Ranker(settings, store, dimensions, desk.inquiries.queries),
                service_name=DESCRIPTOR.services_by_name["RankerService"].full_name,
            )
        ],
        doorbells=[Doorbell(shards.durable, subjects.EVENTS, dimensions.on_event, workers=RINGS_AT_ONCE)],
        sweeps=[dimensions.wake, dimensions.discover, announcer.sweep],
        stocks=[gauges.rankings, gauges.shards],
        on_drain=dimensions.stop,
        close=dimensions.stop,
        indexes=INDEXES,
    )
