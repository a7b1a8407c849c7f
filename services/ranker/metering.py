"""What the ranker counts of rounds and insertions. Those of a commit whose fate is unknown are not counted."""

from collections.abc import Iterable
from datetime import datetime

from dearena.names import DimensionName
from services.ranker.records import RoundRecord
from services.runtime import instruments, metrics
from services.runtime.store import now


def count_round(record: RoundRecord) -> None:
    """A round has been closed."""
    attributes = metrics.of_dimension(record.name)
    metrics.record(instruments.ROUNDS, 1, attributes)
    if record.opened_at is not None:
        metrics.record(instruments.ROUND_DURATION, _seconds_since(record.opened_at), attributes)


def count_settles(name: DimensionName, admitted_at: Iterable[datetime]) -> None:
    """Models that were admitted at these times have their places."""
    for moment in admitted_at:
        metrics.record(instruments.INSERTION_DURATION, _seconds_since(moment), metrics.of_dimension(name))


def _seconds_since(moment: datetime) -> float:
    return max(0.0, (now() - moment).total_seconds())
