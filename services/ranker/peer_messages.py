"""From the messages of other services to the ranker's own words, and the requests to judges."""

from collections.abc import Iterator
from typing import Final

from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.ranking.entrants import Entrant, EntrantState, family_of
from dearena.ranking.evidence import EVEN_DRAW, Vote
from dearena.ranking.findings import Board, DimensionVersion, Misfit, Progress, Ranked
from dearena.ranking.pairs import Pair
from dearena.ranking.rounds import Cell
from dearena.ranking_rules import rules_of
from dearena.v1 import common_pb2, gateway_pb2, judge_dispatcher_pb2, query_selector_pb2, scorer_pb2

_OUTCOMES: Final = {common_pb2.Outcome.Value(f"OUTCOME_{outcome}"): outcome for outcome in Outcome}
_KINDS: Final = {number: name.removeprefix("CELL_KIND_") for name, number in common_pb2.CellKind.items() if number}
_VERDICTS: Final = {
    number: name.removeprefix("SEAT_VERDICT_") for name, number in common_pb2.SeatVerdict.items() if number
}
_STATES: Final = {gateway_pb2.EntrantState.Value(f"ENTRANT_STATE_{state}"): state for state in EntrantState}


def dimension_version(dimension: query_selector_pb2.Dimension) -> DimensionVersion:
    """A dimension; whatever is left open stands for its default."""
    return DimensionVersion(
        name=DimensionName.parse(dimension.name),
        version=dimension.version,
        is_ready=dimension.state == query_selector_pb2.DIMENSION_STATE_READY,
        rules=rules_of(dimension),
    )


def entrant(message: gateway_pb2.Entrant) -> Entrant:
    """An entrant. A state that is not known here is one in which nobody can be admitted yet."""
    return Entrant(
        model=message.model,
        state=_STATES.get(message.state, EntrantState.COLLECTING),
        reason=message.reason,
        cohort=message.cohort or message.model,
        provider=message.provider,
        family=family_of(message.family),
        may_judge=message.may_judge,
        judge_parameters_hash=message.judge_parameters_hash,
        traceparent=message.traceparent,
    )


def votes(batch: judge_dispatcher_pb2.ListVotesResponse) -> Iterator[Vote]:
    """The rows of a columnar batch.

    Raises:
        ValueError: its columns are not of one length, or it holds an outcome, a kind or a verdict that is not
            known here.
    """
    models, queries = list(batch.models), list(batch.query_ids)
    for cell_id, attempt, a, b, judge, query, number, judge_calls, cost, a_first, b_first, draw, kind in zip(
        batch.cell_id,
        batch.attempt,
        batch.model_a,
        batch.model_b,
        batch.judge,
        batch.query,
        batch.outcome,
        batch.judge_calls,
        batch.cost_nano_units,
        batch.a_first,
        batch.b_first,
        batch.draw,
        batch.kind,
        strict=True,
    ):
        if (outcome := _OUTCOMES.get(number)) is None:
            raise ValueError(f"cell {cell_id} has outcome {number}, which is not known here")
        if kind not in _KINDS or a_first not in _VERDICTS or b_first not in _VERDICTS:
            raise ValueError(
                f"cell {cell_id} has kind {kind} and verdicts {a_first} and {b_first}, not all of them known here"
            )
        yield Vote(
            cell_id=cell_id,
            attempt=attempt,
            pair=Pair(models[a], models[b]),
            judge=models[judge],
            query_id=queries[query],
            outcome=outcome,
            judge_calls=judge_calls,
            cost_nano_units=cost,
            currency=batch.currency if cost else "",
            draw=draw or EVEN_DRAW,
            kind=_KINDS[kind],
            a_first=_VERDICTS[a_first],
            b_first=_VERDICTS[b_first],
        )


def progress(round_number: int, message: judge_dispatcher_pb2.GetRoundProgressResponse) -> Progress:
    """How far the judging of a round is."""
    return Progress(
        round=round_number,
        outcomes=message.outcomes,
        judge_calls=message.judge_calls,
        cost_nano_units=message.cost.nano_units,
        currency=message.cost.currency,
        paused_judges=tuple(message.paused_judges),
        exhausted_budgets=tuple(message.exhausted_budgets),
        misfits=tuple(Misfit(one.budget, one.judge, one.problem) for one in message.misfit_budgets),
        left_alone=tuple((one.judge, one.reason) for one in message.left_alone_judges),
    )


def board(message: scorer_pb2.Board) -> Board:
    """A board."""
    rows = (
        Ranked(row.model, row.retired, row.judge_weight, row.strength, row.strength_low, row.strength_high)
        for row in message.rows
    )
    return Board.of(message.board_version, message.board_digest, rows)


def cell_message(cell: Cell) -> common_pb2.Cell:
    """A cell as a judge is asked about it."""
    return common_pb2.Cell(
        cell_id=cell.cell_id,
        attempt=cell.attempt,
        query_id=cell.query_id,
        query_hash=cell.query_hash,
        model_a=cell.pair.model_a,
        model_b=cell.pair.model_b,
        answer_hash_a=cell.answer_hash_a,
        answer_hash_b=cell.answer_hash_b,
        judge=cell.judge,
        template_hash=cell.template_hash,
        judge_parameters_hash=cell.judge_parameters_hash,
        seat_policy=common_pb2.SeatPolicy.Value(f"SEAT_POLICY_{cell.seat_policy}"),
        kind=common_pb2.CellKind.Value(f"CELL_KIND_{cell.kind}"),
        draw=cell.draw,
    )
