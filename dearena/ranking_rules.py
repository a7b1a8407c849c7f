"""From a dimension, as the contract has it, to the rules by which it is ranked. Pure."""

from typing import Final

from dearena.ranking.defaults import (
    DEFAULT_CANARY_EVERY,
    DEFAULT_CAP,
    DEFAULT_ERROR,
    DEFAULT_JURY,
    DEFAULT_MAX_SLIDES,
    DEFAULT_MOST_ROUNDS,
    DEFAULT_SEED_MODELS,
    DEFAULT_TEMPLATE,
    DEFAULT_WEIGHTING,
    DEFAULT_WINDOW,
)
from dearena.ranking.rules import Rules, SeatPolicy
from dearena.v1 import common_pb2, query_selector_pb2

_SEATS: Final = {common_pb2.SeatPolicy.Value(f"SEAT_POLICY_{policy}"): policy for policy in SeatPolicy}


def rules_of(dimension: query_selector_pb2.Dimension) -> Rules:
    """How a dimension is ranked; whatever is left open stands for its default."""
    ranking = dimension.ranking
    return Rules(
        seed_models=ranking.seed_models or DEFAULT_SEED_MODELS,
        window=ranking.window or DEFAULT_WINDOW,
        max_slides=ranking.max_slides or DEFAULT_MAX_SLIDES,
        jury=ranking.jury or DEFAULT_JURY,
        weighting=ranking.weighting or DEFAULT_WEIGHTING,
        template=dimension.template or DEFAULT_TEMPLATE,
        allowed_providers=frozenset(dimension.allowed_providers),
        error=ranking.error or DEFAULT_ERROR,
        cap=ranking.cap or DEFAULT_CAP,
        most_rounds=ranking.most_rounds or DEFAULT_MOST_ROUNDS,
        target_calls=ranking.target_calls,
        target_rank_width=ranking.target_rank_width,
        target_cost_nano_units=ranking.target_cost.nano_units,
        target_cost_currency=ranking.target_cost.currency,
        seats=_SEATS.get(ranking.seats, SeatPolicy.BOTH),
        canary_every=ranking.canary_every or DEFAULT_CANARY_EVERY,
        judge_providers=frozenset(dimension.judging.judge_providers),
        exclude_family=dimension.judging.exclude_family,
    )
