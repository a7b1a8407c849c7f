"""The scorer, put together."""

from dearena.v1.scorer_pb2 import DESCRIPTOR
from dearena.v1.scorer_pb2_grpc import add_ScorerServiceServicer_to_server
from services.runtime import subjects
from services.runtime.doorbell import Doorbell
from services.runtime.lifecycle import Room, Servicer, Shell
from services.scorer.news import News
from services.scorer.records import Records
from services.scorer.reports import Reports
from services.scorer.scoring import Scoring
from services.scorer.service import Scorer
from services.scorer.settings import ScorerSettings
from services.scorer.shared_work import SharedWork
from services.scorer.store import INDEXES, Scoreboards

DURABLE = "scorer-rounds"
ROUNDS_AT_ONCE = 4
"""Doorbells answered at a time; rounds of one dimension wait for one another anyway."""


async def build(shell: Shell[ScorerSettings]) -> Room:
    """The room of this service."""
    news = News()
    scoreboards = Scoreboards(shell.store, shell.instance)
    records = Records(shell.peers)
    shared = SharedWork()
    scoring = Scoring(shell.settings, scoreboards, records, shell.bus, news, shared)
    reports = Reports(scoreboards, records, scoring, shared)
    scorer = Scorer(shell.settings, scoreboards, records, scoring, reports, news)

    async def drain() -> None:
        news.end()
        await shared.drain(shell.settings.drain_seconds)

    return Room(
        servicers=[
            Servicer(
                add=add_ScorerServiceServicer_to_server,
                implementation=scorer,
                service_name=DESCRIPTOR.services_by_name["ScorerService"].full_name,
            )
        ],
        doorbells=[Doorbell(DURABLE, subjects.EVENTS, scorer.on_round_closed, workers=ROUNDS_AT_ONCE)],
        sweeps=[scoring.sweep],
        background=[scoring.warm_up],
        stocks=[scoring.standings.boards],
        on_drain=drain,
        close=shared.close,  # the log has it all
        indexes=INDEXES,
    )
