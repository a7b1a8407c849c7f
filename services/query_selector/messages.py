"""Between the contract's messages, the domain and the documents of the store."""

from dataclasses import asdict
from typing import Final

from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb
from services.query_selector import dimension as domain
from services.query_selector.judging_policy import OPEN, JudgingPolicy
from services.query_selector.pilot_settings import UNSAID, PilotSettings, pilot_of
from services.query_selector.ranking_settings import SEATS, Money, RankingSettings, filled
from services.runtime.store import Document

_SEATS: Final = {
    common_pb2.SEAT_POLICY_UNSPECIFIED: "",
    **{common_pb2.SeatPolicy.Value(f"SEAT_POLICY_{seats}"): seats for seats in SEATS},
}


def declaration_of(message: pb.Dimension) -> domain.Declaration:
    """What a caller asks for; output-only fields are ignored."""
    return domain.Declaration(
        name=message.name,
        display_name=message.display_name,
        selection=domain.Selection(
            method=message.selection.method,
            k=message.selection.k,
            seed=message.selection.seed,
            pilot=_pilot_in(message.selection),
        ),
        ranking=_ranking_in(message.ranking),
        template=message.template,
        allowed_providers=tuple(message.allowed_providers),
        only_models=tuple(message.only_models),
        judging=JudgingPolicy(
            exclude_family=message.judging.exclude_family,
            judge_providers=tuple(message.judging.judge_providers),
            template_text=message.judging.template_text,
            rubric=message.judging.rubric,
            template_without_reference=message.judging.template_without_reference,
        ),
    )


def _pilot_in(message: pb.Selection) -> PilotSettings:
    pilot = message.pilot
    return PilotSettings(
        models=tuple(pilot.models),
        calls=pilot.calls,
        budget=Money(pilot.budget.currency, pilot.budget.nano_units) if pilot.HasField("budget") else None,
        queries=pilot.queries,
    )


def selection_message(asked: domain.Selection) -> pb.Selection:
    """How queries are chosen."""
    pilot = None if asked.pilot == UNSAID else pb.PilotSettings(**asdict(asked.pilot))
    return pb.Selection(method=asked.method, k=asked.k, seed=asked.seed, pilot=pilot)


def selection_of(document: Document) -> domain.Selection:
    """The same as it is stored."""
    return domain.Selection(document["method"], document["k"], int(document["seed"]), pilot_of(document.get("pilot")))


def _ranking_in(message: pb.RankingSettings) -> RankingSettings:
    cost = message.target_cost
    return RankingSettings(
        seed_models=message.seed_models,
        window=message.window,
        max_slides=message.max_slides,
        jury=message.jury,
        weighting=message.weighting,
        error=message.error,
        cap=message.cap,
        most_rounds=message.most_rounds,
        target_calls=message.target_calls,
        target_rank_width=message.target_rank_width,
        target_cost=Money(cost.currency, cost.nano_units) if message.HasField("target_cost") else None,
        # A policy of a newer contract keeps its number, and is refused as such.
        seats=_SEATS.get(message.seats, str(message.seats)),
        canary_every=message.canary_every,
    )


def _ranking_message(ranking: RankingSettings) -> pb.RankingSettings:
    settings = asdict(ranking)
    return pb.RankingSettings(**settings | {"seats": common_pb2.SeatPolicy.Value(f"SEAT_POLICY_{ranking.seats}")})


def ranking_of(document: Document) -> RankingSettings:
    """How a ranking is made; what a document of an earlier version does not say stands for its default."""
    cost = document.get("target_cost")
    ranking, _ = filled(RankingSettings(**document | {"target_cost": Money(**cost) if cost else None}), "ranking")
    return ranking


def _judging_of(document: Document) -> JudgingPolicy:
    """As a dimension was made; one from before there were policies has none."""
    return JudgingPolicy(**document | {"judge_providers": tuple(document.get("judge_providers", ()))})


def _judging_message(policy: JudgingPolicy) -> pb.JudgingPolicy | None:
    """None where nothing is said."""
    return None if policy == OPEN else pb.JudgingPolicy(**asdict(policy))


def dimension_message(made: domain.Dimension) -> pb.Dimension:
    """A dimension that has not been stored."""
    return pb.Dimension(
        name=str(made.name),
        display_name=made.display_name,
        selection=selection_message(made.selection),
        ranking=_ranking_message(made.ranking),
        template=made.template,
        allowed_providers=made.allowed_providers,
        only_models=made.only_models,
        judging=_judging_message(made.judging),
        version=made.version,
        pool_size=made.pool_size,
        pool_hash=made.pool_hash,
        query_count=made.query_count,
    )


def dimension_of(document: Document) -> pb.Dimension:
    """A dimension as it is stored."""
    served = document.get("pilot_of")
    message = pb.Dimension(
        name=f"projects/{document['project']}/dimensions/{document['slug']}",
        display_name=document["display_name"],
        selection=selection_message(selection_of(document["selection"])),
        ranking=_ranking_message(ranking_of(document["ranking"])),
        template=document["template"],
        allowed_providers=document["allowed_providers"],
        only_models=document.get("only_models", ()),
        judging=_judging_message(_judging_of(document.get("judging") or {})),
        version=document["version"],
        state=_state_of(document),
        pilot_of=f"projects/{document['project']}/dimensions/{served}" if served else "",
        pool_size=document["pool_size"],
        pool_hash=document["pool_hash"],
        query_count=document["query_count"],
        etag=document["etag"],
    )
    message.create_time.FromDatetime(document["created_at"])
    return message


def _state_of(document: Document) -> pb.DimensionState.ValueType:
    if document.get("selecting"):
        return pb.DIMENSION_STATE_SELECTING
    if document.get("closed"):
        return pb.DIMENSION_STATE_CLOSED
    return pb.DIMENSION_STATE_READY if document["announced"] else pb.DIMENSION_STATE_WAITING_FOR_BUS


def query_of(document: Document) -> pb.Query:
    """A query as it is stored."""
    return pb.Query(
        query_id=document["query_id"],
        query_hash=document["query_hash"],
        turns=document["turns"],
        reference=document["reference"],
        category=document["category"],
    )
