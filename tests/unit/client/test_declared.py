"""Declarations against what the services have: equal, or different in which fields."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dearena.client import declared
from dearena.client.dimension_entries import DimensionEntry
from dearena.client.model_entries import EndpointEntry, ModelEntry, ParametersEntry, PriceEntry
from dearena.judging import templates
from dearena.names import DimensionName
from dearena.v1 import common_pb2, gateway_pb2, query_selector_pb2
from services.gateway import models as gateway_models
from services.query_selector import dimension as query_selector_dimension
from services.query_selector import messages as query_selector_messages
from services.query_selector import ranking_settings

NAME = "projects/default/models/kappa"
ENDPOINT = EndpointEntry(base_url="http://127.0.0.1:8000/v1", upstream_model="kappa-7b")
BARE = ModelEntry(slug="kappa", endpoint=ENDPOINT)


def model(**fields: Any) -> gateway_pb2.Model:
    return declared.model_of(BARE.model_copy(update=fields), NAME, "apply-1")


def test_a_declaration_equals_itself_and_its_defaults_said() -> None:
    said = model(
        display_name="kappa",
        answer_parameters=ParametersEntry(temperature=0, max_tokens=2048),
        judge_parameters=ParametersEntry(temperature=0, max_tokens=1024),
        concurrency=8,
        timeout_seconds=60.0,
        price=PriceEntry(),
        endpoint=ENDPOINT.model_copy(update={"base_url": f"{ENDPOINT.base_url}/"}),
    )
    assert declared.differing_fields(model(), model()) == []
    assert declared.differing_fields(model(), said) == declared.differing_fields(said, model()) == []


def test_what_the_services_leave_out_or_add_is_no_difference() -> None:
    as_stored = gateway_pb2.Model(
        name=NAME,
        endpoint=gateway_pb2.Endpoint(base_url=ENDPOINT.base_url, upstream_model=ENDPOINT.upstream_model),
        revision=3,
        state=gateway_pb2.MODEL_STATE_ACTIVE,
        etag="x",
        cohort="another",
    )
    assert declared.differing_fields(model(), as_stored) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"display_name": "Kappa"}, "display_name"),
        ({"provider": "openai"}, "provider"),
        ({"family": "kappa"}, "family"),
        ({"labels": {"team": "core"}}, "labels"),
        ({"endpoint": ENDPOINT.model_copy(update={"base_url": "http://127.0.0.1:8001/v1"})}, "endpoint"),
        ({"endpoint": ENDPOINT.model_copy(update={"key_reference": "env:KEY"})}, "endpoint"),
        ({"answer_parameters": ParametersEntry(temperature=0.5)}, "answer_parameters"),
        (
            {"answer_parameters": ParametersEntry(temperature=0, max_tokens=2048, extra_body={"k": 1})},
            "answer_parameters",
        ),
        ({"judge_parameters": ParametersEntry()}, "judge_parameters"),
        ({"system_prompt": "Be brief."}, "system_prompt"),
        ({"concurrency": 9}, "concurrency"),
        ({"timeout_seconds": 0.5}, "timeout"),
        ({"price": PriceEntry(per_million_output_tokens=Decimal("0.6"))}, "price"),
        ({"may_judge": False}, "may_judge"),
    ],
)
def test_a_field_that_differs_is_named_both_ways(change: dict[str, Any], field: str) -> None:
    assert declared.differing_fields(model(**change), model()) == [field]
    assert declared.differing_fields(model(), model(**change)) == [field]


def test_prices_become_nano_units() -> None:
    price = declared.price_of(
        PriceEntry(currency="EUR", per_million_input_tokens=Decimal("0.15"), per_million_output_tokens=Decimal(3))
    )
    assert price is not None
    assert price.per_million_input_tokens.nano_units == 150_000_000
    assert price.per_million_output_tokens.nano_units == 3_000_000_000
    assert price.per_million_output_tokens.currency == "EUR"


def test_defaults_are_those_of_the_services() -> None:
    ranking = declared.DEFAULT_RANKING
    assert dict(gateway_models.DEFAULT_ANSWER_PARAMETERS) == {"temperature": 0, "max_tokens": 2048}
    assert declared.DEFAULT_ANSWER_PARAMETERS.max_tokens == 2048
    assert dict(gateway_models.DEFAULT_JUDGE_PARAMETERS) == {"temperature": 0, "max_tokens": 1024}
    assert declared.DEFAULT_JUDGE_PARAMETERS.max_tokens == 1024
    assert declared.DEFAULT_CONCURRENCY == gateway_models.DEFAULT_CONCURRENCY
    assert declared.DEFAULT_TIMEOUT == gateway_models.DEFAULT_TIMEOUT
    filled, _ = ranking_settings.filled(ranking_settings.RankingSettings(), "ranking")
    made = query_selector_dimension.Dimension(
        DimensionName("default", "d"), 1, "", query_selector_dimension.Selection("", 1, 0), filled, "", (), 1, "", 1
    )
    assert query_selector_messages.dimension_message(made).ranking == ranking
    assert templates.DEFAULT_TEMPLATE == declared.DEFAULT_TEMPLATE


def dimension(**fields: Any) -> query_selector_pb2.Dimension:
    entry = DimensionEntry.model_validate(
        {"slug": "algebra", "pool": Path("algebra.jsonl"), "selection": {"k": 24, "seed": 7}, **fields}
    )
    return declared.dimension_of(entry, "projects/default/dimensions/algebra")


STORED = query_selector_pb2.Dimension(
    name="projects/default/dimensions/algebra",
    display_name="algebra",
    selection=query_selector_pb2.Selection(method="random", k=24, seed=7),
    ranking=declared.DEFAULT_RANKING,
    template="pairwise@1",
    pool_hash="h",
    version=1,
)


@pytest.mark.parametrize(
    ("change", "pool_hash", "differences"),
    [
        ({}, "h", []),
        ({"ranking": {"seed_models": 5}, "template": "pairwise@1"}, "h", []),
        ({"selection": {"k": 30, "seed": 7}}, "h", ["selection.k is 24, declared 30"]),
        ({"ranking": {"window": 2}}, "h", ["ranking.window is 1, declared 2"]),
        ({"ranking": {"jury": "exhaustive"}}, "h", ["ranking.jury is 'sequential', declared 'exhaustive'"]),
        ({"ranking": {"error": 0.01}}, "h", ["ranking.error is 0.05, declared 0.01"]),
        ({"ranking": {"cap": 80}}, "h", ["ranking.cap is 40, declared 80"]),
        ({"ranking": {"most_rounds": 9}}, "h", ["ranking.most_rounds is 24, declared 9"]),
        ({"ranking": {"target_calls": 9}}, "h", ["ranking.target_calls is 0, declared 9"]),
        ({"ranking": {"target_rank_width": 2}}, "h", ["ranking.target_rank_width is 0, declared 2"]),
        ({"ranking": {"target_cost": "0.5 USD"}}, "h", ["ranking.target_cost is '', declared '0.50 USD'"]),
        ({"ranking": {"target_cost": "0 USD"}}, "h", []),
        ({"ranking": {"seats": "single"}}, "h", ["ranking.seats is 'both', declared 'single'"]),
        ({"ranking": {"seats": "both", "error": 0.05, "cap": 40}}, "h", []),
        ({"ranking": {"canary_every": 9}}, "h", ["ranking.canary_every is 20, declared 9"]),
        ({"allowed_providers": ["openai"]}, "h", ["allowed_providers is [], declared ['openai']"]),
        (
            {"selection": {"k": 24, "seed": 7, "pilot": {"calls": 9, "budget": "5 USD"}}},
            "h",
            ["selection.pilot is {}, declared {'calls': 9, 'budget': '5.00 USD'}"],
        ),
        ({"only_models": ["kappa"]}, "h", ["only_models is [], declared ['kappa']"]),
        ({}, "other", ["its pool holds other questions"]),
    ],
)
def test_a_dimension_that_is_other_than_declared_is_told(
    change: dict[str, Any], pool_hash: str, differences: list[str]
) -> None:
    assert list(declared.dimension_differences(dimension(**change), pool_hash, STORED)) == differences


def test_parameters_without_a_limit_have_the_default_one_and_nothing_else_that_is_not_said() -> None:
    said = model(judge_parameters=ParametersEntry(top_p=0.5), answer_parameters=ParametersEntry(reasoning_tokens=9))
    assert said.judge_parameters == common_pb2.GenerationParameters(top_p=0.5, max_tokens=1024)
    assert said.answer_parameters == common_pb2.GenerationParameters(reasoning_tokens=9, max_tokens=2048)


def test_the_default_limit_alone_does_not_change_a_model_that_is_there() -> None:
    """It was registered when what was not said was not sent."""
    entry = BARE.model_copy(update={"judge_parameters": ParametersEntry(temperature=0, extra_body={"seed": 1})})
    there = declared.model_of(entry, NAME, "apply-1")
    there.judge_parameters.ClearField("max_tokens")
    there.answer_parameters.ClearField("max_tokens")
    wanted = declared.model_of(entry, NAME, "apply-1", there)
    assert declared.differing_fields(wanted, there) == []
    # Whatever else makes a new revision brings the limit with it.
    there.judge_parameters.top_p = 0.5
    wanted = declared.model_of(entry, NAME, "apply-1", there)
    assert declared.differing_fields(wanted, there) == ["judge_parameters"]
    assert wanted.judge_parameters.max_tokens == 1024
    # What the file says counts.
    entry = BARE.model_copy(update={"judge_parameters": ParametersEntry(top_p=0.5, max_tokens=7)})
    assert declared.model_of(entry, NAME, "apply-1", there).judge_parameters.max_tokens == 7
