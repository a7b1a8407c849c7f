"""What the dispatcher counts of outcomes, as its log has them."""

from collections.abc import Iterable
from functools import lru_cache

from dearena.names import Revision
from dearena.v1.common_pb2 import CELL_KIND_VOTE
from services.judge_dispatcher.comparison import Comparison
from services.runtime import instruments, metrics, semantics


def count_votes(comparisons: Iterable[Comparison]) -> None:
    """These outcomes are in the log now, and were not before; canaries are no votes."""
    for one in comparisons:
        if one.cell.kind != CELL_KIND_VOTE:
            continue
        project = one.dimension.project
        judge, outcome = _slug_of(one.cell.judge), one.ruling.outcome.value
        of_judge = {semantics.PROJECT: project, semantics.JUDGE: judge, semantics.OUTCOME: outcome}
        metrics.record(instruments.VOTES, 1, of_judge)
        metrics.record(instruments.DIMENSION_VOTES, 1, metrics.of_dimension(one.dimension))


@lru_cache(maxsize=4096)
def _slug_of(judge: str) -> str:
    return Revision.parse(judge).slug
