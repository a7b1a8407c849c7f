"""A paid call and what became of it. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from dearena.names import Revision
from services.gateway.chat import Message, Parameters, Reply, SparringNote
from services.gateway.failures import Failure, FailureKind, Usage
from services.gateway.models import ModelSpec
from services.gateway.pricing import Money, cost_of

MAX_SENDINGS = 2
"""A call whose gateway died may have been billed; it is sent once more, not a third time."""


class Purpose(StrEnum):
    """As `Purpose` in gateway.proto, without its prefix."""

    ANSWER = "ANSWER"
    JUDGE = "JUDGE"
    PROBE = "PROBE"


class CompletionState(StrEnum):
    """As `CompletionState` in gateway.proto, without its prefix."""

    STARTED = "STARTED"
    DONE = "DONE"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be sent, to whom, and what it is for."""

    project: str
    model: Revision
    spec: ModelSpec
    messages: Sequence[Message]
    parameters: Parameters
    request_id: str
    purpose: Purpose
    dimension: str = ""
    query_id: str = ""
    response_schema: Mapping[str, Any] | None = None
    """JSON Schema that the reply is to follow; for endpoints with structured output."""
    on_behalf_of: tuple[str, ...] = ()
    """Revisions that the call is made for, each once: it counts in their insertions' budgets, in even shares."""

    def asks_as(self, other: "Call") -> bool:
        """Whether another call with its request id is the same call."""
        return self.model == other.model and self.body == other.body

    def digest(self) -> str:
        """Of what is asked: by it a record tells whether another call with its request id is the same."""
        messages, parameters, schema = self.body
        said = [[message.role, message.content] for message in messages]
        text = json.dumps([said, dict(parameters), schema], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def body(self) -> tuple[list[Message], Parameters, Mapping[str, Any] | None]:
        """What is asked, and how."""
        return list(self.messages), self.parameters, self.response_schema

    def note(self) -> SparringNote | None:
        """What a sparring endpoint is told; others are told nothing."""
        if not self.spec.endpoint.sparring:
            return None
        return SparringNote(self.query_id, self.purpose.lower(), self.request_id)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the endpoint took a call: a reply, or a failure after the last attempt."""

    result: Reply | Failure
    latency: timedelta
    """Of the last HTTP request; zero when none was made."""
    http_requests: int


@dataclass(frozen=True, slots=True)
class Completion:
    """The record of a call."""

    request_id: str
    model: Revision
    state: CompletionState
    reply: Reply | None = None
    cost: Money | None = None
    """Also of a reply that was no use."""
    failure: Failure | None = None
    latency: timedelta = timedelta()
    http_requests: int = 0
    digest: str = field(default="", compare=False)
    """Of the call, where this was read from its record; empty in records of earlier versions."""

    def is_of(self, call: Call) -> bool:
        """Whether it is the record of this call, and not of another one with its request id."""
        return self.model == call.model and self.digest in ("", call.digest())


def completed(call: Call, delivery: Delivery) -> Completion:
    """The record of a call that has ended, with its cost at the price of now."""
    match delivery.result:
        case Failure() as failure:
            return Completion(
                call.request_id,
                call.model,
                CompletionState.FAILED,
                cost=_cost(call, failure.usage),
                failure=failure,
                latency=delivery.latency,
                http_requests=delivery.http_requests,
            )
        case Reply() as reply:
            return Completion(
                call.request_id,
                call.model,
                CompletionState.DONE,
                reply=reply,
                cost=_cost(call, reply.usage),
                latency=delivery.latency,
                http_requests=delivery.http_requests,
            )


def _cost(call: Call, usage: Usage | None) -> Money | None:
    return None if usage is None else cost_of(call.spec.price, usage.input_tokens, usage.output_tokens)


INTERRUPTED = Failure(
    FailureKind.INTERRUPTED, f"the gateway died {MAX_SENDINGS} times with the call in flight; it is not sent again"
)


def state_after_interruption(interruptions: int) -> CompletionState:
    """What a call is whose gateway died for the n-th time with it in flight, n >= 1."""
    return CompletionState.UNKNOWN if interruptions < MAX_SENDINGS else CompletionState.FAILED
