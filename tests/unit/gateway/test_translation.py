"""What is registered is what is stored and what is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidField
from dearena.names import ModelName, Revision
from dearena.v1 import gateway_pb2 as pb
from services.gateway.calls import Completion, CompletionState
from services.gateway.chat import Reply
from services.gateway.documents import (
    completion_of,
    document_of_end,
    document_of_model,
    model_of,
)
from services.gateway.failures import Failure, FailureKind
from services.gateway.messages import message_of_completion, message_of_model, spec_of
from services.gateway.model_checks import check_spec
from services.gateway.models import Endpoint, ModelSpec, RegisteredModel, register
from services.gateway.pricing import Money, Price

NOW = datetime(2026, 5, 1, 12, 30, 0, 123_000, tzinfo=UTC)

texts = st.text(max_size=8)
extras = st.dictionaries(
    texts,
    st.recursive(st.none() | st.booleans() | st.integers(-999, 999) | texts, st.lists, max_leaves=4),
    min_size=1,
    max_size=3,
)
parameters = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0.1, 1),
        "max_tokens": st.integers(1, 2**31),
        "seed": st.integers(-(2**53) + 1, 2**53 - 1),
        "extra_body": extras,
    },
)
money = st.builds(Money, st.sampled_from(["USD", "EUR"]), st.integers(0, 10**15))
specs = st.builds(
    ModelSpec,
    endpoint=st.builds(Endpoint, st.just("http://m:1/v1"), texts, st.sampled_from(["", "env:KEY"]), st.booleans()),
    display_name=texts,
    provider=texts,
    family=texts,
    labels=st.dictionaries(texts, texts, max_size=3),
    answer_parameters=parameters,
    judge_parameters=parameters,
    system_prompt=texts,
    concurrency=st.integers(1, 1024),
    timeout=st.integers(1, 3_600_000).map(lambda ms: timedelta(milliseconds=ms)),
    requests_per_minute=st.integers(0, 2**32 - 1),
    tokens_per_minute=st.integers(0, 2**32 - 1),
    deadline=st.none() | st.integers(3_600_000, 86_400_000).map(lambda ms: timedelta(milliseconds=ms)),
    price=st.none() | st.builds(Price, st.none() | money, st.none() | money),
    may_judge=st.booleans(),
    cohort=texts,
)


def registered(spec: ModelSpec) -> RegisteredModel:
    return register(ModelName("default", "m"), spec, order=3, moment=NOW, traceparent="00-x")


@given(spec=specs)
def test_a_model_is_stored_without_loss(spec: ModelSpec) -> None:
    model = registered(spec)
    assert model_of({**document_of_model(model), "created_at": NOW}) == model


@given(spec=specs)
def test_a_model_is_shown_without_loss(spec: ModelSpec) -> None:
    assert spec_of(message_of_model(registered(spec))) == spec


replies = st.builds(
    Reply,
    text=texts,
    finish_reason=texts,
    input_tokens=st.integers(0, 10**9),
    output_tokens=st.integers(0, 10**9),
    usage_estimated=st.booleans(),
    upstream_model=texts,
)
failures = st.builds(Failure, st.sampled_from(FailureKind), texts, st.integers(0, 599))
ends: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"state": st.just(CompletionState.DONE), "reply": replies, "cost": st.none() | money}),
    st.fixed_dictionaries({"state": st.just(CompletionState.FAILED), "failure": failures}),
)


@given(end=ends, milliseconds=st.integers(0, 10**6), requests=st.integers(0, 9))
def test_a_completion_is_stored_and_shown_without_loss(end: dict[str, Any], milliseconds: int, requests: int) -> None:
    completion = Completion(
        "f" * 64, Revision("m", 1), latency=timedelta(milliseconds=milliseconds), http_requests=requests, **end
    )
    stored = {"request_id": completion.request_id, "model": "m@1", **document_of_end(completion)}
    assert completion_of(stored) == completion
    shown = message_of_completion(completion)
    assert shown.text == (completion.reply.text if completion.reply else "")
    assert shown.HasField("failure") is (completion.failure is not None)
    assert shown.latency.ToTimedelta() == completion.latency


@pytest.mark.parametrize("seconds", [-(2**62), 2**62, 10**12])
def test_a_timeout_beyond_all_measure_is_a_bad_field(seconds: int) -> None:
    declared = pb.Model(timeout=Duration(seconds=seconds))
    declared.endpoint.base_url, declared.endpoint.upstream_model = "http://m/v1", "m"
    with pytest.raises(InvalidField) as caught:
        check_spec(spec_of(declared))
    assert [violation.field for violation in caught.value.violations] == ["model.timeout"]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_a_bad_field(number: float) -> None:
    declared = pb.Model()
    declared.endpoint.base_url, declared.endpoint.upstream_model = "http://m/v1", "m"
    declared.answer_parameters.extra_body.update({"limits": [{"depth": number}]})
    with pytest.raises(InvalidField) as caught:
        check_spec(spec_of(declared))
    assert [violation.field for violation in caught.value.violations] == ["model.answer_parameters.extra_body"]
