"""Takes what the next round depends on from the last board and the outcomes so far. Pure."""

from dearena.ranking.evidence import Evidence
from dearena.ranking.findings import Board
from dearena.ranking.frozen import Frozen
from dearena.ranking.pairs import in_order
from dearena.ranking.ranking import RankingState
from dearena.ranking.verdict import ONE


def freeze(state: RankingState, board: Board | None, evidence: Evidence) -> Frozen:
    """What the next round depends on.

    Args:
        state: between rounds.
        board: of the last closed round; None before the first.
        evidence: of all closed rounds.
    """
    judges = in_order(one.model for one in state.admitted.values() if one.judges)
    known = [model for model in in_order(state.admitted) if board and model in board.strengths]
    return Frozen(
        weights={judge: board.weights.get(judge, ONE) if board else ONE for judge in judges},
        strengths={model: board.strengths[model] for model in known} if board else {},
        errors={model: board.errors[model] for model in known} if board else {},
        costs=_costs(judges, evidence),
    )


def _costs(judges: tuple[str, ...], evidence: Evidence) -> dict[str, int]:
    """Mean cost of a cell by judge, where every cost so far is in one currency."""
    spent = {judge: evidence.spent_by(judge) for judge in judges}
    if len({currency for one in spent.values() for currency in one.costs}) != 1:
        return {}
    return {judge: one.costs.total() // one.cells for judge, one in spent.items() if one.cells and one.costs.total()}
