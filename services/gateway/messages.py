"""Domain values as they stand in the contract's messages, and back."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp

from dearena.judging.conversations import answer_text
from dearena.v1 import common_pb2
from dearena.v1 import gateway_pb2 as pb
from services.gateway.calls import Completion, Purpose
from services.gateway.chat import Message, Parameters
from services.gateway.drift import Probe
from services.gateway.failures import Usage
from services.gateway.models import (
    DEFAULT_ANSWER_PARAMETERS,
    DEFAULT_CONCURRENCY,
    DEFAULT_JUDGE_PARAMETERS,
    DEFAULT_TIMEOUT,
    Endpoint,
    ModelSpec,
    RegisteredModel,
)
from services.gateway.pricing import Money, Price

_PURPOSES: Mapping[int, Purpose] = {pb.Purpose.Value(f"PURPOSE_{purpose}"): purpose for purpose in Purpose}
_PLAIN_PARAMETERS = ("temperature", "top_p", "max_tokens", "reasoning_tokens", "seed")


def spec_of(model: pb.Model) -> ModelSpec:
    """What a caller says of a model, with defaults for what is absent."""
    price = model.price if model.HasField("price") else None
    return ModelSpec(
        endpoint=Endpoint(
            base_url=model.endpoint.base_url.rstrip("/"),
            upstream_model=model.endpoint.upstream_model,
            key_reference=model.endpoint.key_reference,
            sparring=model.endpoint.sparring,
            http2=model.endpoint.http2,
            structured_output=model.endpoint.structured_output,
            length_limits=model.endpoint.length_limits,
            reply_limit_member=model.endpoint.reply_limit_member,
            answers_as=tuple(model.endpoint.answers_as),
        ),
        display_name=model.display_name,
        provider=model.provider,
        family=model.family,
        labels=dict(model.labels),
        answer_parameters=(
            parameters_of(model.answer_parameters) if model.HasField("answer_parameters") else DEFAULT_ANSWER_PARAMETERS
        ),
        judge_parameters=(
            parameters_of(model.judge_parameters) if model.HasField("judge_parameters") else DEFAULT_JUDGE_PARAMETERS
        ),
        system_prompt=model.system_prompt,
        concurrency=model.concurrency or DEFAULT_CONCURRENCY,
        timeout=_timeout_of(model),
        requests_per_minute=model.requests_per_minute,
        tokens_per_minute=model.tokens_per_minute,
        deadline=_deadline_of(model),
        price=price
        and Price(
            _money_of(price, "per_million_input_tokens"),
            _money_of(price, "per_million_output_tokens"),
        ),
        may_judge=model.may_judge if model.HasField("may_judge") else True,
        cohort=model.cohort,
    )


def _timeout_of(model: pb.Model) -> timedelta:
    return _time_of(model.timeout) if model.HasField("timeout") else DEFAULT_TIMEOUT


def _deadline_of(model: pb.Model) -> timedelta | None:
    return _time_of(model.deadline) if model.HasField("deadline") else None


def _time_of(given: Duration) -> timedelta:
    try:
        return given.ToTimedelta()
    except (OverflowError, ValueError):
        return timedelta.max  # refused by model_checks.py, as any that is too long


def message_of_model(model: RegisteredModel) -> pb.Model:
    """A model as callers see it."""
    spec = model.spec
    return pb.Model(
        name=str(model.name),
        display_name=spec.display_name,
        provider=spec.provider,
        family=spec.family,
        labels=spec.labels,
        endpoint=pb.Endpoint(
            base_url=spec.endpoint.base_url,
            upstream_model=spec.endpoint.upstream_model,
            key_reference=spec.endpoint.key_reference,
            sparring=spec.endpoint.sparring,
            http2=spec.endpoint.http2,
            structured_output=spec.endpoint.structured_output,
            length_limits=spec.endpoint.length_limits,
            reply_limit_member=spec.endpoint.reply_limit_member,
            answers_as=spec.endpoint.answers_as,
        ),
        answer_parameters=_message_of_parameters(spec.answer_parameters),
        judge_parameters=_message_of_parameters(spec.judge_parameters),
        system_prompt=spec.system_prompt,
        concurrency=spec.concurrency,
        timeout=duration(spec.timeout),
        requests_per_minute=spec.requests_per_minute,
        tokens_per_minute=spec.tokens_per_minute,
        deadline=None if spec.deadline is None else duration(spec.deadline),
        price=message_of_price(spec.price),
        may_judge=spec.may_judge,
        cohort=spec.cohort,
        revision=model.revision.number,
        state=pb.ModelState.Value(f"MODEL_STATE_{model.state}"),
        etag=model.etag,
        create_time=timestamp(model.created_at),
        update_time=timestamp(model.updated_at),
        retire_time=timestamp(model.retired_at) if model.retired_at else None,
    )


def parameters_of(message: common_pb2.GenerationParameters) -> Parameters:
    """Generation parameters as far as they are given."""
    parameters: dict[str, Any] = {
        name: getattr(message, name)
        for name in _PLAIN_PARAMETERS
        if message.HasField(name)  # type: ignore[arg-type]
    }
    if message.extra_body.fields:
        parameters["extra_body"] = {name: _plain(value) for name, value in message.extra_body.fields.items()}
    return parameters


def _plain(value: Value) -> Any:
    """As JSON has it. Struct knows floats only; endpoints want `top_k: 40`, not `40.0`."""
    match value.WhichOneof("kind"):
        case "struct_value":
            return {name: _plain(inner) for name, inner in value.struct_value.fields.items()}
        case "list_value":
            return [_plain(inner) for inner in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _message_of_parameters(parameters: Parameters) -> common_pb2.GenerationParameters:
    message = common_pb2.GenerationParameters(
        **{name: parameters[name] for name in _PLAIN_PARAMETERS if name in parameters}
    )
    if "extra_body" in parameters:
        message.extra_body.update(parameters["extra_body"])
    return message


def message_of_price(price: Price | None) -> pb.Price | None:
    """A price, or nothing."""
    if price is None:
        return None
    return pb.Price(
        per_million_input_tokens=message_of_money(price.per_million_input_tokens),
        per_million_output_tokens=message_of_money(price.per_million_output_tokens),
    )


def _money_of(price: pb.Price, field: Any) -> Money | None:
    if not price.HasField(field):
        return None
    money: common_pb2.Money = getattr(price, field)
    return Money(money.currency, money.nano_units)


def message_of_money(money: Money | None) -> common_pb2.Money | None:
    """An amount, or nothing."""
    return common_pb2.Money(currency=money.currency, nano_units=money.nano_units) if money else None


def chat_of(messages: Iterable[common_pb2.ChatMessage]) -> list[Message]:
    """A conversation."""
    return [Message(message.role, message.content) for message in messages]


def purpose_of(purpose: int) -> Purpose | None:
    """What a call is for; None when it is not said, or unknown here."""
    return _PURPOSES.get(purpose)


def message_of_completion(completion: Completion) -> pb.Completion:
    """The record of a call."""
    message = pb.Completion(
        request_id=completion.request_id,
        state=pb.CompletionState.Value(f"COMPLETION_STATE_{completion.state}"),
        latency=duration(completion.latency),
        http_requests=completion.http_requests,
        cost=message_of_money(completion.cost),
    )
    usage = completion.reply.usage if completion.reply else completion.failure and completion.failure.usage
    if usage:
        message.usage.CopyFrom(_message_of_usage(usage))
    if (reply := completion.reply) is not None:
        message.text = reply.text
        message.finish_reason = reply.finish_reason
        message.upstream_model = reply.upstream_model
        message.reasoning = reply.reasoning
        message.system_fingerprint = reply.system_fingerprint
        message.served_by = reply.served_by
        message.structured = reply.structured
    if (failure := completion.failure) is not None:
        message.failure.CopyFrom(
            pb.Failure(
                kind=pb.FailureKind.Value(f"FAILURE_KIND_{failure.kind}"),
                detail=failure.detail,
                http_status=failure.http_status,
            )
        )
    return message


def _message_of_usage(usage: Usage) -> common_pb2.TokenUsage:
    return common_pb2.TokenUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        estimated=usage.estimated,
        reasoning_tokens=usage.reasoning_tokens,
    )


def message_of_answer(document: Mapping[str, Any]) -> pb.Answer:
    """An answer as it was stored; without its text when that was not read."""
    replies = tuple(document.get("replies", ()))
    return pb.Answer(
        query_id=document["query_id"],
        query_hash=document["query_hash"],
        state=pb.AnswerState.Value(f"ANSWER_STATE_{document['state']}"),
        answer_hash=document["answer_hash"],
        text=answer_text(replies) if replies else document.get("text", ""),
        replies=replies,
        finish_reason=document["finish_reason"],
        request_id=document["request_id"],
        reason=document["reason"],
    )


def message_of_ledger_entry(document: Mapping[str, Any]) -> pb.LedgerEntry:
    """A paid call as it was recorded."""
    cost = document.get("cost")
    return pb.LedgerEntry(
        request_id=document["request_id"],
        model=document["model"],
        purpose=pb.Purpose.Value(f"PURPOSE_{document['purpose']}"),
        dimension=document["dimension"],
        state=pb.CompletionState.Value(f"COMPLETION_STATE_{document['state']}"),
        usage=_usage_in(document),
        cost=cost and common_pb2.Money(**cost),
        interruptions=document["interruptions"],
        http_requests=document.get("http_requests", 0),
        start_time=timestamp(document["started_at"]),
        on_behalf_of=document.get("on_behalf_of", ()),
    )


def _usage_in(document: Mapping[str, Any]) -> common_pb2.TokenUsage | None:
    """Of a reply, or of one that was no use and is billed all the same."""
    if reply := document.get("reply"):
        return _message_of_usage(
            Usage(
                reply["input_tokens"],
                reply["output_tokens"],
                reply["usage_estimated"],
                reply.get("reasoning_tokens", 0),
            )
        )
    billed = (document.get("failure") or {}).get("usage")
    return _message_of_usage(Usage(**billed)) if billed else None


def message_of_budget(document: Mapping[str, Any]) -> pb.Budget:
    """A budget as it was stored."""

    def money(name: str) -> common_pb2.Money:
        return common_pb2.Money(currency=document["currency"], nano_units=document[name])

    return pb.Budget(
        parent=f"projects/{document['project']}",
        scope=pb.BudgetScope.Value(f"BUDGET_SCOPE_{document['scope']}"),
        dimension=document["dimension"],
        model=document["model"],
        limit=money("limit"),
        spent=money("spent"),
        reserved=money("reserved"),
        state=pb.BudgetState.Value(f"BUDGET_STATE_{document['state']}"),
        exhaust_time=timestamp(document["exhausted_at"]) if document["exhausted_at"] else None,
        refused_calls=document["refused"],
    )


def message_of_probe(probe: Probe) -> pb.Probe:
    """What fixed prompts brought."""
    return pb.Probe(
        model=str(probe.model),
        number=probe.number,
        time=timestamp(probe.time),
        upstream_model=probe.upstream_model,
        system_fingerprint=probe.system_fingerprint,
        served_by=probe.served_by,
        reply_hashes=probe.reply_hashes,
        drift=probe.drift,
    )


def duration(value: timedelta) -> Duration:
    """A length of time."""
    message = Duration()
    message.FromTimedelta(value)
    return message


def timestamp(moment: datetime) -> Timestamp:
    """A point in time."""
    message = Timestamp()
    message.FromDatetime(moment.astimezone(UTC))
    return message
