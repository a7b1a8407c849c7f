"""Reports as they are sent."""

from collections.abc import Mapping, Sequence
from typing import Final

from dearena.scoring.boards.board import by_outcome
from dearena.scoring.boards.vote_log import Counted
from dearena.scoring.reports.agreement import Agreement
from dearena.scoring.reports.changes import Changes, ModelChange, Parts
from dearena.scoring.reports.counterfactuals import Counterfactuals, Kind, OtherBoard
from dearena.scoring.reports.favour import Favour
from dearena.scoring.reports.judges import JudgeRow, Worth
from dearena.scoring.reports.outcome_counts import Bounds
from dearena.scoring.reports.ratios import Share
from dearena.v1 import common_pb2
from dearena.v1 import scorer_pb2 as pb
from services.scorer.messages import counts_message, settings_message

KINDS: Final = {pb.CounterfactualKind.Value(f"COUNTERFACTUAL_KIND_{kind.name}"): kind for kind in Kind}
_NUMBERS: Final = {kind: number for number, kind in KINDS.items()}


def judges_message(
    version: int, rows: Sequence[JudgeRow], counted: Counted, currency: str, costs: Mapping[str, int]
) -> pb.GetJudgeReportResponse:
    """The judge report: a row for each judge of the votes, in any order."""
    of_judge = {row.judge: row for row in rows}
    report = pb.GetJudgeReportResponse(board_version=version)
    for judge, outcomes in zip(counted.votes.judges, counted.outcomes.by_judge, strict=True):
        row = of_judge[judge]
        cost = costs.get(row.judge, 0)
        report.judges.add(
            judge=row.judge,
            outcomes=counts_message(by_outcome(outcomes)),
            tie_rate=row.tie_rate,
            tie_rate_others=row.tie_rate_others,
            first_seat=_share(row.first_seat),
            agreement=_agreement(row.agreement),
            family=_favour(row.family),
            own_revisions=_favour(row.slug),
            reliability=row.reliability,
            weight=row.weight,
            cost=common_pb2.Money(currency=currency, nano_units=cost) if cost else None,
            worth=_worth(row.worth),
            notes=row.notes,
        )
    return report


def counterfactuals_message(version: int, found: Counterfactuals, bounds: Bounds) -> pb.GetCounterfactualsResponse:
    """Boards that might have been; bounds are of the same models in the same order."""
    stability = found.stability
    return pb.GetCounterfactualsResponse(
        board_version=version,
        models=[
            pb.CounterfactualModel(
                model=model,
                strength=float(found.strengths[i]),
                rank=int(found.rank[i]),
                group=int(found.group[i]),
                boards=int(stability.boards[i]),
                rank_lowest=int(stability.lowest[i]),
                rank_highest=int(stability.highest[i]),
                same_rank=float(stability.same_rank[i]),
                same_group=float(stability.same_group[i]),
                undecided=int(bounds.undecided[i]),
                strength_all_lost=float(bounds.all_lost[i]),
                strength_all_won=float(bounds.all_won[i]),
                rank_all_lost=int(bounds.rank_all_lost[i]),
                rank_all_won=int(bounds.rank_all_won[i]),
            )
            for i, model in enumerate(found.models)
        ],
        boards=[_board(board) for board in found.boards],
    )


def changes_message(
    found: Changes,
    *,
    from_version: int,
    to_version: int,
    from_settings: pb.ScoringSettings | None,
    to_settings: pb.ScoringSettings | None,
) -> pb.DiffBoardsResponse:
    """What lies between two versions."""
    return pb.DiffBoardsResponse(
        from_version=from_version,
        to_version=to_version,
        from_settings=from_settings,
        to_settings=to_settings,
        models=[_change(change) for change in found.models],
        came=found.came,
        left=found.left,
    )


def _board(board: OtherBoard) -> pb.CounterfactualBoard:
    return pb.CounterfactualBoard(
        kind=_NUMBERS[board.kind],
        what=board.what,
        settings=settings_message(board.settings.echo()),
        votes=board.votes,
        strengths=board.strengths.tolist(),
        ranks=board.rank.tolist(),
        agreement=board.agreement,
        settled=board.settled,
        fault=board.fault or "",
    )


def _change(change: ModelChange) -> pb.ModelChange:
    return pb.ModelChange(
        model=change.model,
        rank_before=change.rank_before,
        rank_after=change.rank_after,
        rank=_parts(change.rank),
        came_above=change.came_above,
        strength_before=change.strength_before,
        strength_after=change.strength_after,
        strength=_parts(change.strength),
    )


def _parts(parts: Parts) -> pb.ChangeParts:
    return pb.ChangeParts(
        settings=parts.settings,
        new_models=parts.new_models,
        new_votes=parts.new_votes,
        weights=parts.weights,
        left=parts.left,
    )


def _share(share: Share | None) -> pb.Share | None:
    if share is None:
        return None
    return pb.Share(value=share.value, low=share.low, high=share.high, votes=share.votes)


def _agreement(agreement: Agreement | None) -> pb.JudgeAgreement | None:
    if agreement is None:
        return None
    return pb.JudgeAgreement(share=_share(agreement.share), expected=agreement.expected, kappa=agreement.kappa)


def _favour(favour: Favour | None) -> pb.JudgeFavour | None:
    if favour is None:
        return None
    return pb.JudgeFavour(
        premium=favour.premium,
        error=favour.error,
        low=favour.low,
        high=favour.high,
        votes=favour.votes,
        questions=favour.questions,
    )


def _worth(worth: Worth | None) -> pb.JudgeWorth | None:
    if worth is None:
        return None
    return pb.JudgeWorth(variance_removed=worth.variance_removed, nano_units_per_variance=worth.per_variance)
