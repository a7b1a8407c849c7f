"""Registration, change, new revision, retirement."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidField, ModelNotActive
from dearena.names import ModelName, Revision
from services.gateway.model_checks import check_spec
from services.gateway.models import (
    MASK_PATHS,
    Endpoint,
    ModelSpec,
    ModelState,
    UnknownPath,
    amend,
    answer_parameters_hash,
    changed,
    judge_parameters_hash,
    makes_new_revision,
    may_mend_failures,
    register,
    retire,
    revise,
)
from services.gateway.pricing import Money, Price

NAME = ModelName("default", "gpt-5")
NOW = datetime(2026, 5, 1, tzinfo=UTC)
SPEC = ModelSpec(Endpoint("http://model:8000/v1", "gpt-5", "env:KEY"))
OTHER = ModelSpec(
    Endpoint(
        "http://other:8000/v1",
        "gpt-6",
        "env:OTHER",
        sparring=True,
        http2=True,
        structured_output=True,
        length_limits=True,
        reply_limit_member="max_completion_tokens",
        answers_as=("gpt-6-eu",),
    ),
    display_name="Other",
    provider="there",
    family="gpt",
    labels={"team": "a"},
    answer_parameters={"temperature": 1.0},
    judge_parameters={"temperature": 0.5},
    system_prompt="Be brief.",
    concurrency=3,
    timeout=timedelta(seconds=9),
    requests_per_minute=60,
    tokens_per_minute=6000,
    deadline=timedelta(seconds=90),
    price=Price(Money("USD", 1), Money("USD", 2)),
    may_judge=False,
    cohort="spring",
)
NEW_REVISION_PATHS = {
    "endpoint",
    "endpoint.base_url",
    "endpoint.upstream_model",
    "endpoint.sparring",
    "endpoint.structured_output",
    "endpoint.length_limits",
    "answer_parameters",
    "judge_parameters",
    "system_prompt",
}


@pytest.mark.parametrize("path", sorted(MASK_PATHS))
def test_a_mask_changes_the_fields_it_names_and_no_others(path: str) -> None:
    spec = changed(SPEC, OTHER, [path])
    assert spec != SPEC
    assert makes_new_revision(SPEC, spec) is (path in NEW_REVISION_PATHS)
    parent, _, child = path.partition(".")
    untouched = replace(spec, **{parent: getattr(SPEC, parent)})
    assert untouched == SPEC
    if child:
        assert getattr(getattr(spec, parent), child) == getattr(getattr(OTHER, parent), child)


@given(paths=st.lists(st.sampled_from(sorted(MASK_PATHS))))
def test_changing_twice_is_changing_once(paths: list[str]) -> None:
    once = changed(SPEC, OTHER, paths)
    assert changed(once, OTHER, paths) == once


@pytest.mark.parametrize("path", ["name", "revision", "endpoint.port", "etag", "*", ""])
def test_a_mask_of_anything_else_is_refused(path: str) -> None:
    with pytest.raises(UnknownPath):
        changed(SPEC, OTHER, [path])


def test_a_model_lives_from_registration_to_retirement() -> None:
    model = register(NAME, SPEC, order=1, moment=NOW, traceparent="")
    assert model.state is ModelState.WAITING_FOR_BUS
    announced = replace(model, announced_revision=1)
    assert announced.state is ModelState.ACTIVE
    assert announced.etag == model.etag

    second = revise(amend(announced, replace(SPEC, system_prompt="Be brief."), moment=NOW), order=7, traceparent="")
    assert second.revision == Revision("gpt-5", 2)
    assert second.state is ModelState.WAITING_FOR_BUS
    assert second.etag != model.etag
    assert second.may_be_called(Revision("gpt-5", 2))
    assert not second.may_be_called(Revision("gpt-5", 1))

    retired = retire(second, moment=NOW)
    assert retired.state is ModelState.RETIRED
    assert not retired.may_be_called(Revision("gpt-5", 2))
    assert retire(retired, moment=NOW + timedelta(days=1)) is retired
    with pytest.raises(ModelNotActive):
        amend(retired, SPEC, moment=NOW)


def test_a_change_of_nothing_is_no_change() -> None:
    model = register(NAME, SPEC, order=1, moment=NOW, traceparent="")
    assert amend(model, SPEC, moment=NOW + timedelta(days=1)) is model


def test_the_system_prompt_is_not_part_of_how_a_model_judges() -> None:
    assert judge_parameters_hash(SPEC) == judge_parameters_hash(replace(SPEC, system_prompt="x"))


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (replace(SPEC, endpoint=Endpoint("", "m")), "model.endpoint.base_url"),
        (replace(SPEC, endpoint=Endpoint("http://user:pass@m", "m")), "model.endpoint.base_url"),
        (replace(SPEC, endpoint=Endpoint("http://m", "")), "model.endpoint.upstream_model"),
        (replace(SPEC, endpoint=Endpoint("http://m", "m", "sk-live-secret")), "model.endpoint.key_reference"),
        (replace(SPEC, display_name="x" * 257), "model.display_name"),
        (replace(SPEC, labels={str(n): "" for n in range(65)}), "model.labels"),
        (replace(SPEC, answer_parameters={"temperature": -1.0}), "model.answer_parameters.temperature"),
        (replace(SPEC, answer_parameters={"temperature": float("nan")}), "model.answer_parameters.temperature"),
        (replace(SPEC, answer_parameters={"top_p": 0.0}), "model.answer_parameters.top_p"),
        (replace(SPEC, answer_parameters={"max_tokens": 0}), "model.answer_parameters.max_tokens"),
        (replace(SPEC, judge_parameters={"seed": 2**60}), "model.judge_parameters.seed"),
        (replace(SPEC, judge_parameters={"extra_body": {"stream": True}}), "model.judge_parameters.extra_body"),
        (replace(SPEC, judge_parameters={"extra_body": {"best_of": 8}}), "model.judge_parameters.extra_body"),
        (replace(SPEC, judge_parameters={"reasoning_tokens": 9}), "model.judge_parameters.reasoning_tokens"),
        (replace(SPEC, judge_parameters={"extra_body": {"x": float("inf")}}), "model.judge_parameters.extra_body"),
        (replace(SPEC, system_prompt="x" * 65_537), "model.system_prompt"),
        (replace(SPEC, concurrency=5000), "model.concurrency"),
        (replace(SPEC, timeout=timedelta()), "model.timeout"),
        (replace(SPEC, deadline=timedelta(seconds=1)), "model.deadline"),
        (replace(SPEC, price=Price(Money("dollars", 1))), "model.price"),
    ],
)
def test_a_field_that_is_not_as_it_must_be_is_named(spec: ModelSpec, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check_spec(spec)
    assert [violation.field for violation in caught.value.violations] == [field]
    assert "secret" not in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InvalidField) as caught:
        check_spec(replace(SPEC, endpoint=Endpoint("", ""), concurrency=0))
    assert len(caught.value.violations) == 3


def test_good_models_pass() -> None:
    check_spec(SPEC)
    check_spec(OTHER)


@pytest.mark.parametrize(
    "parameters",
    [
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"max_tokens": 5},
        {"reasoning_tokens": 5},
        {"seed": 5},
        {"extra_body": {"top_k": 5}},
    ],
)
def test_every_parameter_is_part_of_how_a_model_answers(parameters: dict[str, object]) -> None:
    plain = replace(SPEC, answer_parameters={})
    assert answer_parameters_hash(replace(SPEC, answer_parameters=parameters)) != answer_parameters_hash(plain)
    assert answer_parameters_hash(replace(plain, system_prompt="Be brief.")) != answer_parameters_hash(plain)


@pytest.mark.parametrize("path", ["endpoint", "endpoint.key_reference", "concurrency", "timeout"])
def test_a_mended_way_to_the_endpoint_may_mend_failures(path: str) -> None:
    assert may_mend_failures(["display_name", path])


def test_another_name_or_price_mends_no_failure() -> None:
    assert not may_mend_failures(["display_name", "price.per_million_input_tokens", "labels"])
