"""Domain values as they stand in MongoDB, and back. Field names are those of gateway.proto."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from dearena.names import ModelName, Revision
from services.gateway.calls import Completion, CompletionState
from services.gateway.chat import Reply
from services.gateway.failures import Failure, FailureKind, Usage
from services.gateway.models import Endpoint, EntrantRevision, ModelSpec, RegisteredModel
from services.gateway.pricing import Money, Price
from services.runtime.store import Document

SCHEMA_VERSION = 1

_MILLISECOND = timedelta(milliseconds=1)


def provenance(instance: str, moment: datetime) -> Document:
    """What every document says of its origin."""
    return {"schema_version": SCHEMA_VERSION, "created_by": instance, "created_at": moment}


def document_of_model(model: RegisteredModel) -> Document:
    """A model without its origin."""
    return {
        "project": model.name.project,
        "slug": model.name.slug,
        "spec": _document_of_spec(model.spec),
        "revisions": [
            {name: getattr(revision, name) for name in EntrantRevision.__dataclass_fields__}
            for revision in model.revisions
        ],
        "registration": model.revisions[0].order,
        "announced_revision": model.announced_revision,
        "version": model.version,
        "updated_at": model.updated_at,
        "retired_at": model.retired_at,
    }


def model_of(document: Mapping[str, Any]) -> RegisteredModel:
    """A model as it was stored."""
    return RegisteredModel(
        name=ModelName(document["project"], document["slug"]),
        spec=_spec_of(document["spec"]),
        revisions=tuple(EntrantRevision(**revision) for revision in document["revisions"]),
        announced_revision=document["announced_revision"],
        version=document["version"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        retired_at=document["retired_at"],
    )


def _document_of_spec(spec: ModelSpec) -> Document:
    said = ("display_name", "provider", "family", "system_prompt", "may_judge", "cohort")
    limits = ("concurrency", "requests_per_minute", "tokens_per_minute")
    return {name: getattr(spec, name) for name in (*said, *limits)} | {
        "endpoint": {name: getattr(spec.endpoint, name) for name in Endpoint.__dataclass_fields__}
        | {"answers_as": list(spec.endpoint.answers_as)},
        "labels": dict(spec.labels),
        "answer_parameters": dict(spec.answer_parameters),
        "judge_parameters": dict(spec.judge_parameters),
        "timeout_ms": spec.timeout // _MILLISECOND,
        "deadline_ms": None if spec.deadline is None else spec.deadline // _MILLISECOND,
        "price": spec.price
        and {
            "per_million_input_tokens": document_of_money(spec.price.per_million_input_tokens),
            "per_million_output_tokens": document_of_money(spec.price.per_million_output_tokens),
        },
    }


def _spec_of(document: Mapping[str, Any]) -> ModelSpec:
    fields = dict(document)
    milliseconds = fields.pop("timeout_ms")
    deadline = fields.pop("deadline_ms", None)
    price = fields["price"]
    return ModelSpec(
        **fields
        | {
            "endpoint": Endpoint(
                **document["endpoint"] | {"answers_as": tuple(document["endpoint"].get("answers_as", ()))}
            ),
            "timeout": milliseconds * _MILLISECOND,
            "deadline": None if deadline is None else deadline * _MILLISECOND,
            "price": price
            and Price(
                money_of(price["per_million_input_tokens"]),
                money_of(price["per_million_output_tokens"]),
            ),
        }
    )


def document_of_money(money: Money | None) -> Document | None:
    """An amount, or None."""
    return {"currency": money.currency, "nano_units": money.nano_units} if money else None


def money_of(document: Mapping[str, Any] | None) -> Money | None:
    """An amount as it was stored."""
    return Money(document["currency"], document["nano_units"]) if document else None


def document_of_failure(failure: Failure) -> Document:
    """A failure."""
    document: Document = {"kind": str(failure.kind), "detail": failure.detail, "http_status": failure.http_status}
    if failure.usage is not None:
        document["usage"] = asdict(failure.usage)
    return document


def _failure_of(document: Mapping[str, Any]) -> Failure:
    usage = document.get("usage")
    return Failure(
        FailureKind(document["kind"]), document["detail"], document["http_status"], Usage(**usage) if usage else None
    )


def document_of_end(completion: Completion) -> Document:
    """What is added to the record of a call when it has ended."""
    document: Document = {
        "state": str(completion.state),
        "cost": document_of_money(completion.cost),
        "latency_ms": completion.latency / _MILLISECOND,
        "http_requests": completion.http_requests,
    }
    if completion.failure is not None:
        document["failure"] = document_of_failure(completion.failure)
    if completion.reply is not None:
        document["reply"] = {name: getattr(completion.reply, name) for name in Reply.__dataclass_fields__}
    return document


def completion_of(document: Mapping[str, Any]) -> Completion:
    """The record of a call as it was stored."""
    reply, failure = document.get("reply"), document.get("failure")
    return Completion(
        request_id=document["request_id"],
        model=Revision.parse(document["model"]),
        state=CompletionState(document["state"]),
        reply=Reply(**reply) if reply else None,
        cost=money_of(document.get("cost")),
        failure=_failure_of(failure) if failure else None,
        latency=document.get("latency_ms", 0) * _MILLISECOND,
        http_requests=document.get("http_requests", 0),
        digest=document.get("digest", ""),
    )
