"""How the judge dispatcher is put together."""

from dearena.judging.nonces import fingerprint
from dearena.v1 import judge_dispatcher_pb2, judge_dispatcher_pb2_grpc
from services.judge_dispatcher import attacks, left_alone, pauses, starved, store
from services.judge_dispatcher.attacks import Attacks
from services.judge_dispatcher.dispatcher import Dispatcher
from services.judge_dispatcher.gauges import Gauges
from services.judge_dispatcher.judges import Judges
from services.judge_dispatcher.lanes import Lanes
from services.judge_dispatcher.left_alone import LeftAlone
from services.judge_dispatcher.outcome_log import OutcomeLog
from services.judge_dispatcher.patience import until_it_passes
from services.judge_dispatcher.pauses import Pauses
from services.judge_dispatcher.previews import Previews
from services.judge_dispatcher.seats import Seats
from services.judge_dispatcher.service import JudgeDispatcherService
from services.judge_dispatcher.settings import JudgeDispatcherSettings
from services.judge_dispatcher.starved import StarvedRounds
from services.judge_dispatcher.store import ComparisonStore
from services.judge_dispatcher.texts import Texts
from services.runtime import subjects
from services.runtime.doorbell import Doorbell
from services.runtime.lifecycle import Room, Servicer, Shell

DURABLE = "dispatcher-judging"

INDEXES = {**store.INDEXES, **pauses.INDEXES, **starved.INDEXES, **left_alone.INDEXES, **attacks.INDEXES}
"""Of all its collections."""


async def build(shell: Shell[JudgeDispatcherSettings]) -> Room:
    """Put the room together.

    It has no sweep: its open work is the work queue's and, behind that, the ranker's open rounds.
    """
    settings = shell.settings
    secret = settings.secret()
    comparisons = ComparisonStore(shell.store, shell.instance)
    judge_pauses = Pauses(shell.store, shell.instance)
    starved_rounds = StarvedRounds(shell.store, shell.peers, shell.instance)
    waited_for = LeftAlone(shell.store, shell.instance, patience_seconds=settings.left_alone_seconds)
    outcomes = OutcomeLog(comparisons, shell.bus, linger_seconds=settings.commit_linger_seconds)
    seats = Seats(shell.peers, Judges(shell.peers), secret=secret, complete_seconds=settings.complete_seconds)
    texts = Texts(shell.peers, cache_bytes=settings.text_cache_bytes)
    dispatcher = Dispatcher(
        store=comparisons,
        outcomes=outcomes,
        pauses=judge_pauses,
        starved=starved_rounds,
        left_alone=waited_for,
        texts=texts,
        seats=seats,
        lanes=Lanes(
            cells_in_flight=settings.judge_cells_in_flight,
            backlog_cells=settings.judge_backlog_cells,
            messages=settings.messages_held,
        ),
    )
    trials_of_attacks = Attacks(
        shell.store, texts, seats, judge_pauses, shell.instance, calls_in_flight=settings.judge_cells_in_flight
    )
    service = JudgeDispatcherService(
        store=shell.store,
        comparisons=comparisons,
        pauses=judge_pauses,
        starved=starved_rounds,
        left_alone=waited_for,
        attacks=trials_of_attacks,
        previews=Previews(shell.peers, texts, seats),
        peers=shell.peers,
    )
    gauges = Gauges(dispatcher, comparisons)
    await until_it_passes(comparisons.claim_secret)(fingerprint(secret))
    return Room(
        servicers=[
            Servicer(
                add=judge_dispatcher_pb2_grpc.add_JudgeDispatcherServiceServicer_to_server,
                implementation=service,
                service_name=judge_dispatcher_pb2.DESCRIPTOR.services_by_name["JudgeDispatcherService"].full_name,
            )
        ],
        doorbells=[
            Doorbell(
                durable=DURABLE,
                stream=subjects.JUDGING,
                handler=dispatcher.on_judging_requested,
                workers=settings.messages_held,
            )
        ],
        background=[outcomes.run],
        stocks=[gauges.cells, gauges.last_votes],
        on_drain=trials_of_attacks.stop,
        indexes=INDEXES,
    )
