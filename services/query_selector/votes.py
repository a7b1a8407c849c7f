"""What a dimension's board stands on, read of the judge dispatcher's log into columns: no object a vote."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.scoring import Votes
from dearena.scoring.outcomes import CODES
from dearena.v1 import common_pb2, judge_dispatcher_pb2
from services.runtime.peers import Peers

_OUTCOMES: Final = {common_pb2.Outcome.Value(f"OUTCOME_{outcome}"): CODES[outcome] for outcome in Outcome}
_UNKNOWN: Final = CODES[Outcome.FAILED]
"""What an outcome of a newer contract counts as: nothing."""

Column = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Outcomes of a dimension, canaries aside.

    Attributes:
        votes: all that count.
        cost: nano-units by currency, of all of them.
    """

    votes: Votes
    cost: Mapping[str, int]


class _Names:
    """Names of all batches, each once; a batch's own indices are turned into theirs."""

    def __init__(self) -> None:
        self.place: dict[str, int] = {}

    def turned(self, names: Collection[str], column: Any) -> Column:
        table = np.array([self.place.setdefault(name, len(self.place)) for name in names], dtype=np.int64)
        return table[np.array(column, dtype=np.int64)]


async def record_of(
    peers: Peers, name: DimensionName, *, first_round: int = 0, suspended: Collection[str] = ()
) -> Record:
    """Outcomes of a dimension.

    Args:
        peers: of this service.
        name: of the dimension.
        first_round: those of earlier rounds are left out, as they are of an earlier version.
        suspended: judges whose votes count nothing.
    """
    models, queries = _Names(), _Names()
    parts: list[tuple[Column, ...]] = []
    cost: dict[str, int] = {}
    request = judge_dispatcher_pb2.ListVotesRequest(dimension=str(name), kinds=[common_pb2.CELL_KIND_VOTE])
    async for batch in peers.judge_dispatcher.ListVotes(request):
        a, b, judge = (models.turned(batch.models, column) for column in (batch.model_a, batch.model_b, batch.judge))
        query = queries.turned(batch.query_ids, batch.query)
        outcome = np.array([_OUTCOMES.get(one, _UNKNOWN) for one in batch.outcome], dtype=np.int64)
        counts = np.array(batch.round, dtype=np.int64) >= first_round
        for at in {models.place[one] for one in suspended if one in models.place}:
            counts &= judge != at
        if paid := int(np.array(batch.cost_nano_units, dtype=np.int64)[counts].sum()):
            cost[batch.currency] = cost.get(batch.currency, 0) + paid
        parts.append(tuple(column[counts] for column in (a, b, judge, query, outcome)))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] or [np.zeros(0, dtype=np.int64)] * 5
    first, second, judge, query, outcome = columns
    met, judging, asked = np.unique(np.concatenate([first, second])), np.unique(judge), np.unique(query)
    model_names, query_names = list(models.place), list(queries.place)
    return Record(
        Votes.of_codes(
            models=[model_names[at] for at in met],
            judges=[model_names[at] for at in judging],
            queries=[query_names[at] for at in asked],
            judge=np.searchsorted(judging, judge),
            first=np.searchsorted(met, first),
            second=np.searchsorted(met, second),
            query=np.searchsorted(asked, query),
            outcome=outcome,
        ),
        cost,
    )
