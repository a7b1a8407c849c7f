"""Between records and the documents of the store. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from dearena.names import DimensionName
from dearena.ranking.decisions import Decision, DecisionKind, phase_content, phase_of
from dearena.ranking.holds import hold_in
from dearena.ranking.insertion import Coarse, Fine, Settled
from dearena.ranking.orders import Order, comparisons_content, comparisons_in
from dearena.ranking.pairs import in_order
from dearena.ranking.ranking import Insertion, InsertionPhase, RankingState, Seeding, Withdrawn
from dearena.ranking.rules import Rules, SeatPolicy
from services.ranker.records import (
    InsertionRecord,
    RankingRecord,
    RoundEntrant,
    RoundRecord,
    SettledInsertion,
    Spending,
)

Document = dict[str, Any]


def key_of(name: DimensionName) -> Document:
    """What every document of a dimension begins with."""
    return {"project": name.project, "dimension": name.slug}


def name_in(document: Mapping[str, Any]) -> DimensionName:
    """The dimension that a document belongs to."""
    return DimensionName(document["project"], document["dimension"])


def rules_document(rules: Rules) -> Document:
    """The rules of a dimension version."""
    return {
        "seed_models": rules.seed_models,
        "window": rules.window,
        "max_slides": rules.max_slides,
        "jury": rules.jury,
        "weighting": rules.weighting,
        "template": rules.template,
        "allowed_providers": sorted(rules.allowed_providers),
        "error": rules.error,
        "cap": rules.cap,
        "most_rounds": rules.most_rounds,
        "target_calls": rules.target_calls,
        "target_rank_width": rules.target_rank_width,
        "target_cost_nano_units": rules.target_cost_nano_units,
        "target_cost_currency": rules.target_cost_currency,
        "seats": str(rules.seats),
        "canary_every": rules.canary_every,
        "judge_providers": sorted(rules.judge_providers),
        "exclude_family": rules.exclude_family,
    }


def rules_in(document: Mapping[str, Any]) -> Rules:
    """The rules in a document; what one of an earlier version does not say stands for its default."""
    providers = ("allowed_providers", "judge_providers")
    read: Document = {**document, **{name: frozenset(document.get(name, ())) for name in providers}}
    if seats := document.get("seats"):
        read["seats"] = SeatPolicy(seats)
    return Rules(**read)


def ranking_fields(state: RankingState) -> Document:
    """What of the state stands in the dimension's document, for whoever only looks."""
    return {
        "decisions": state.decisions,
        "models": list(state.ranking),
        "newcomers": list(state.newcomers),
        "held": list(state.held),
        "open_round": state.open_round.number if state.open_round else 0,
        "last_closed_round": state.last_closed_round,
        "refinement_calls_left": state.refinement.calls_left if state.refinement else 0,
        "suspended_judges": list(in_order(state.suspended)),
        "comparisons_done": state.comparisons_done,
        "first_round": state.first_round,
        # With which version the dimension was taken up is not in the log.
        **({"dimension_version": state.version} if state.version else {}),
    }


def ranking_record(document: Document) -> RankingRecord:
    """A document of `rankings`; one of an earlier version has one newcomer at most, and no orders."""
    fields = ("dimension_version", "version", "decisions", "models", "open_round", "last_closed_round")
    newcomer = document.get("newcomer")
    return RankingRecord(
        name=name_in(document),
        rules=rules_in(document["rules"]),
        **{field: document[field] for field in fields},
        waiting=document["waiting"],
        waiting_reason=document["waiting_reason"],
        newcomers=document.get("newcomers", [newcomer] if newcomer else []),
        held=document.get("held", []),
        refinement_calls_left=document.get("refinement_calls_left", 0),
        suspended_judges=document.get("suspended_judges", []),
        orders=document.get("orders", 0),
        comparisons_done=document.get("comparisons_done", 0),
        exhausted_budgets=document.get("exhausted_budgets", []),
        first_round=document.get("first_round", 1),
    )


def decision_document(decision: Decision) -> Document:
    """An entry of the log."""
    return {
        "number": decision.number,
        "kind": str(decision.kind),
        "model": decision.model,
        "round": decision.round,
        "content": dict(decision.content),
    }


def decision_in(document: Document) -> Decision:
    """A document of `decisions`."""
    return Decision(
        number=document["number"],
        kind=DecisionKind(document["kind"]),
        model=document["model"],
        round=document["round"],
        content=document["content"],
    )


def insertion_fields(insertion: Insertion) -> Document:
    """What the log says of an insertion."""
    return {
        "model": insertion.model,
        "admitted_by": insertion.admitted_by,
        "phase": _phase_document(insertion.phase),
        "rounds": list(insertion.rounds),
        "rank": insertion.rank,
        "settled_by": insertion.settled_by,
        "interval": list(insertion.interval) if insertion.interval else None,
        "provisional": insertion.provisional,
        "hold": insertion.hold.content() if insertion.hold else None,
    }


def insertion_record(document: Document) -> InsertionRecord:
    """A document of `insertions`; one of an earlier version knows no interval."""
    interval = document.get("interval")
    insertion = Insertion(
        model=document["model"],
        admitted_by=document["admitted_by"],
        phase=_phase_in(document["phase"]),
        rounds=tuple(document["rounds"]),
        rank=document["rank"],
        settled_by=document["settled_by"],
        interval=(interval[0], interval[1]) if interval else None,
        provisional=document.get("provisional", False),
        hold=hold_in(hold) if (hold := document.get("hold")) else None,
    )
    return InsertionRecord(
        insertion=insertion,
        admitted_at=document["created_at"],
        settled_at=document["settled_at"],
        judge_calls=document["judge_calls"],
        costs=document["costs"],
        traceparent=document["traceparent"],
        dimension_version=document["dimension_version"],
    )


def _phase_document(phase: InsertionPhase) -> Document:
    match phase:
        case Seeding():
            return {"phase": "seeding"}
        case Withdrawn():
            return {"phase": "withdrawn"}
        case Coarse() | Fine() | Settled():
            return phase_content(phase)


def _phase_in(document: Document) -> InsertionPhase:
    match document["phase"]:
        case "seeding":
            return Seeding()
        case "withdrawn":
            return Withdrawn()
        case _:
            return phase_of(document)


def round_document(record: RoundRecord) -> Document:
    """A round that is opened."""
    return {
        **key_of(record.name),
        "round": record.number,
        "dimension_version": record.dimension_version,
        "first_round": record.first_round,
        "models": list(record.models),
        "cells": record.cells,
        "canaries": record.canaries,
        "order": record.order,
        "cells_digest": record.cells_digest,
        "weighting": record.weighting,
        "traceparent": record.traceparent,
        "asked": record.asked,
        "closed": False,
    }


def round_record(document: Document) -> RoundRecord:
    """A document of `rounds`."""
    opened = ("dimension_version", "models", "cells", "cells_digest", "weighting", "traceparent", "asked")
    closed = ("settles", "closed_by_decision", "judge_calls", "costs") if document["closed"] else ()
    return RoundRecord(
        name=name_in(document),
        number=document["round"],
        closed=document["closed"],
        canaries=document.get("canaries", 0),
        order=document.get("order", 0),
        first_round=document.get("first_round", 1),
        opened_at=document.get("created_at"),
        entrants=[RoundEntrant(**entrant) for entrant in document.get("entrants", ())],
        spent={one["model"]: Spending(one["judge_calls"], one["costs"]) for one in document.get("spent", ())},
        **{field: document[field] for field in (*opened, *closed)},
    )


def settled_insertion(document: Document) -> SettledInsertion:
    """A document of `insertions` of which the bus is to be told."""
    return SettledInsertion(
        name=name_in(document),
        dimension_version=document["dimension_version"],
        model=document["model"],
        round=document["settled_by"],
        rank=document["rank"],
    )


def spent_document(spent: Mapping[str, Spending]) -> list[Document]:
    """What each insertion of a round has taken. Names of models hold dots at times, so that they are no keys."""
    return [{"model": model, "judge_calls": one.judge_calls, "costs": dict(one.costs)} for model, one in spent.items()]


def order_document(order: Order) -> Document:
    """An operator's order."""
    comparisons = comparisons_content(order.comparisons)
    return {**asdict(replace(order, comparisons=())), "comparisons": comparisons}


def order_in(document: Document) -> Order:
    """A document of `orders`; one of an earlier version has no comparisons."""
    read = {field.name: document[field.name] for field in fields(Order) if field.name != "comparisons"}
    return Order(**read, comparisons=comparisons_in({"comparisons": document.get("comparisons", ())}))
