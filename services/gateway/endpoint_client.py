"""Calls to models over HTTP: where they may go, retries, limits on time and size, no redirects.

The key of an endpoint exists here only, for the length of a call. An endpoint that sends the key back finds
it withheld from the reply.
"""

import asyncio
import itertools
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import certifi
import structlog
from opentelemetry import trace
from opentelemetry.context import Context

from services.gateway.calls import Call, Delivery
from services.gateway.chat import (
    MAX_TOKENS,
    Reply,
    UnreadableReply,
    estimated_usage,
    read_reply,
    request_body,
    usage_of,
)
from services.gateway.endpoints import CHAT_PATH, host_and_port, server_address
from services.gateway.exchange import Broken, HttpReply, NotHttp, ReplyTooLong, TlsFailed, Unreachable, Wire
from services.gateway.failures import (
    BAD_REQUEST,
    MULTIPLE_CHOICES,
    Failure,
    FailureKind,
    Usage,
    of_other_model,
    of_redirect,
    of_status,
)
from services.gateway.host_lookups import HostLookups
from services.gateway.http1 import Http1
from services.gateway.http2 import Http2
from services.gateway.key_references import KeyMissing, KeyReference, KeyRefused, KeyRing
from services.gateway.limits.gate import Gate
from services.gateway.metering import OTHER_PROVIDER, count_delivery
from services.gateway.model_identity import is_fallback, is_same_model, served_by
from services.gateway.reach import Reach, RefusedByPolicy, host_of
from services.gateway.retries import RetryPolicy, retry_after_seconds
from services.gateway.withheld import Withheld
from services.runtime import semantics, telemetry
from services.runtime.store import now

_REPLY_TEXTS: Final = ("text", "reasoning", "finish_reason", "upstream_model", "system_fingerprint", "served_by")

_HEADERS: Final = {
    "accept": "application/json",
    # Replies are small; unpacking them costs more than it saves, and bounds nothing.
    "accept-encoding": "identity",
    "content-type": "application/json",
    "user-agent": "dearena-gateway",
}

_PARAMETERS: Final = {
    "temperature": semantics.GEN_AI_REQUEST_TEMPERATURE,
    "top_p": semantics.GEN_AI_REQUEST_TOP_P,
    "max_tokens": semantics.GEN_AI_REQUEST_MAX_TOKENS,
    "seed": semantics.GEN_AI_REQUEST_SEED,
}
"""What spans say of a call's parameters. Further members are the caller's, and may hold anything."""

log = structlog.get_logger(__name__)

_TRACER = telemetry.tracer(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    """What one call sends, however often."""

    wire: Wire
    url: str
    body: bytes
    headers: dict[str, str]
    key: str
    address: str
    timeout: float


@dataclass(frozen=True, slots=True)
class _Attempt:
    """How one HTTP request ended."""

    result: Reply | Failure
    retry_after: float | None
    latency: float
    broke: bool
    """Its connection broke after the request was sent."""


class EndpointClient:
    """Sends calls; holds connections, and no state of any call."""

    def __init__(
        self,
        keys: KeyRing,
        policy: RetryPolicy,
        reach: Reach,
        *,
        connect_seconds: float,
        reply_limit_bytes: int,
        ca_file: str = "",
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._keys = keys
        self._policy = policy
        self._chance = chance
        self._may_go = lru_cache(maxsize=1024)(lambda base_url: _refusal(reach, base_url))
        self._lookups = HostLookups(seconds=connect_seconds)
        # A context each: which protocols a client offers is written into it.
        self._http1: Wire = Http1(
            reach,
            tls_context(ca_file),
            self._lookups,
            connect_seconds=connect_seconds,
            reply_limit_bytes=reply_limit_bytes,
        )
        self._http2: Wire = Http2(
            reach,
            tls_context(ca_file),
            self._lookups,
            connect_seconds=connect_seconds,
            reply_limit_bytes=reply_limit_bytes,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http1.close()
        await self._http2.close()
        self._lookups.close()

    async def send(self, call: Call, parent: Context, gate: Gate) -> Delivery:
        """Make a call, again where that may help, and say how it ended; a failure is not an exception.

        Args:
            call: what is sent, and to whom.
            parent: context of the span that the call is for.
            gate: told of each HTTP request, and asked for leave before each but the first.
        """
        with _TRACER.start_as_current_span(
            f"chat {call.spec.endpoint.upstream_model}", context=parent, kind=trace.SpanKind.CLIENT
        ) as span:
            delivery = await self._send(call, gate)
            count_delivery(call, delivery)
            if span.is_recording():
                _describe(span, call, delivery)
        return delivery

    async def _send(self, call: Call, gate: Gate) -> Delivery:
        if refusal := self._may_go(call.spec.endpoint.base_url):
            return Delivery(Failure(FailureKind.REFUSED_BY_POLICY, refusal), timedelta(), 0)
        try:
            request = self._request_of(call)
        except KeyRefused as error:
            return Delivery(Failure(FailureKind.REFUSED_BY_POLICY, str(error)), timedelta(), 0)
        except KeyMissing as error:
            return Delivery(Failure(FailureKind.KEY_NOT_FOUND, str(error)), timedelta(), 0)
        billed = 0
        for number in itertools.count(1):
            attempt = await self._attempt(request, call, min(request.timeout, gate.remaining()))
            gate.ended(attempt.result, attempt.retry_after)
            billed += isinstance(attempt.result, Failure) and self._policy.may_be_billed(
                attempt.result, broke=attempt.broke
            )
            if (
                number >= self._policy.attempts
                or billed >= self._policy.attempts_that_may_be_billed
                or not self._is_worth_retrying(attempt)
                or not await gate.again(self._policy.pause(number, attempt.retry_after, self._chance))
            ):
                break
        return Delivery(attempt.result, timedelta(seconds=attempt.latency), number)

    def _request_of(self, call: Call) -> _Request:
        endpoint = call.spec.endpoint
        headers = {**_HEADERS, "x-request-id": call.request_id}
        key = ""
        if endpoint.key_reference:
            key = self._keys.key(KeyReference.parse(endpoint.key_reference), host_of(endpoint.base_url))
            headers["authorization"] = f"Bearer {key}"
        return _Request(
            wire=self._http2 if endpoint.http2 else self._http1,
            url=endpoint.base_url + CHAT_PATH,
            body=request_body(
                endpoint.upstream_model,
                call.messages,
                call.parameters,
                call.note(),
                reply_limit_member=endpoint.reply_limit_member or MAX_TOKENS,
                response_schema=call.response_schema if endpoint.structured_output else None,
            ),
            headers=headers,
            key=key,
            address=server_address(endpoint.base_url),
            timeout=call.spec.timeout.total_seconds(),
        )

    async def _attempt(self, request: _Request, call: Call, seconds: float) -> _Attempt:
        began = time.perf_counter()
        retry_after, broke = None, False
        try:
            # As a whole: an endpoint that sends a byte now and then is not done sooner for it.
            async with asyncio.timeout(seconds):
                reply = await request.wire.post(request.url, request.body, request.headers)
        except (TimeoutError, RefusedByPolicy, Unreachable, TlsFailed, ReplyTooLong, NotHttp) as error:
            result: Reply | Failure = _failure_of(error, request, call, seconds)
            broke = isinstance(error, Broken)
        else:
            result = _understood(reply, request, call)
            if asked := reply.headers.get("retry-after"):
                retry_after = retry_after_seconds(asked, now())
        return _Attempt(result, retry_after, time.perf_counter() - began, broke)

    def _is_worth_retrying(self, attempt: _Attempt) -> bool:
        return isinstance(attempt.result, Failure) and self._policy.is_worth_retrying(
            attempt.result, attempt.retry_after
        )


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Certificates are verified always, against the public authorities and those of a file if one is named.

    Raises:
        OSError, ssl.SSLError: the file cannot be read, or holds no certificates.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def _refusal(reach: Reach, base_url: str) -> str:
    """Why an endpoint may not be called; empty when it may. Models may be older than today's settings."""
    try:
        reach.check_url(base_url)
    except RefusedByPolicy as refusal:
        return f"{server_address(base_url)} is not called: {refusal}"
    return ""


def _without_key(result: Reply | Failure, key: str) -> Reply | Failure:
    """The result without the key. JSON may escape a key, so it is looked for in what was read, not in the body."""
    if not key:
        return result
    withheld = Withheld(key)
    match result:
        case Failure(detail=detail):
            return replace(result, detail=withheld.without(detail))
        case Reply() as reply:
            texts: dict[str, Any] = {name: withheld.without(getattr(reply, name)) for name in _REPLY_TEXTS}
            return replace(reply, **texts)


def _understood(reply: HttpReply, request: _Request, call: Call) -> Reply | Failure:
    """What a reply says; a defect of ours in reading one is no reason to pay for it again."""
    try:
        return _without_key(_read(reply, request, call), request.key)
    except Exception:
        log.exception("a reply could not be read", model=str(call.model), request_id=call.request_id)
        detail = f"{request.address}: the reply cannot be read; the gateway's log says why"
        usage = usage_of(reply.body) or _usage_of_unread(reply.status, len(reply.body), call)
        return Failure(FailureKind.UNREADABLE_REPLY, detail, reply.status, usage)


def _usage_of_unread(status: int, reply_bytes: int, call: Call) -> Usage | None:
    """Of a reply that cannot be read and tells of no usage: an estimate, where it was no refusal."""
    return estimated_usage(call.messages, call.parameters, reply_bytes) if status < MULTIPLE_CHOICES else None


def _read(reply: HttpReply, request: _Request, call: Call) -> Reply | Failure:
    if MULTIPLE_CHOICES <= reply.status < BAD_REQUEST:
        return of_redirect(reply.status, reply.headers.get("location", ""), address=request.address)
    if reply.status >= BAD_REQUEST:
        return of_status(reply.status, reply.body, address=request.address, sparring=call.spec.endpoint.sparring)
    try:
        read = read_reply(
            reply.body,
            call.messages,
            structured=call.response_schema is not None and call.spec.endpoint.structured_output,
            thinks=call.spec.thinks() or "reasoning_tokens" in call.parameters,
        )
    except UnreadableReply as error:
        usage = error.usage or _usage_of_unread(reply.status, len(reply.body), call)
        return Failure(FailureKind.UNREADABLE_REPLY, f"{request.address}: {error}", reply.status, usage)
    endpoint = call.spec.endpoint
    if is_fallback(reply.headers) or not is_same_model(
        endpoint.upstream_model, read.upstream_model, endpoint.answers_as
    ):
        return of_other_model(
            endpoint.upstream_model,
            read.upstream_model,
            address=request.address,
            status=reply.status,
            usage=read.usage,
        )
    if not read.served_by and (server := served_by(reply.headers)):
        return replace(read, served_by=server)
    return read


def _failure_of(error: Exception, request: _Request, call: Call, seconds: float) -> Failure:
    """What an exception of an attempt means."""
    address = request.address
    match error:
        case RefusedByPolicy():
            return Failure(FailureKind.REFUSED_BY_POLICY, f"{address} is not called: {error}")
        case TlsFailed():
            return Failure(FailureKind.TLS_FAILED, f"{address} did not prove to be who it is: {error}")
        case Unreachable():
            return Failure(FailureKind.UNREACHABLE, f"no connection to {address}: {error}")
        case TimeoutError():
            return Failure(FailureKind.TIMEOUT, f"{address} did not reply within {seconds:g} s")
        case ReplyTooLong(status=status, limit_bytes=read):
            usage = _usage_of_unread(status, read, call)
            return Failure(FailureKind.UNREADABLE_REPLY, f"{address}: {error}", status, usage)
        case _:
            return Failure(FailureKind.UNREADABLE_REPLY, f"{address} does not speak HTTP as it should")


def _describe(span: trace.Span, call: Call, delivery: Delivery) -> None:
    endpoint, parameters = call.spec.endpoint, call.parameters
    host, port = host_and_port(endpoint.base_url)
    span.set_attributes(
        {
            semantics.GEN_AI_OPERATION_NAME: "chat",
            semantics.GEN_AI_PROVIDER_NAME: call.spec.provider or OTHER_PROVIDER,
            semantics.GEN_AI_REQUEST_MODEL: endpoint.upstream_model,
            semantics.GEN_AI_OUTPUT_TYPE: "json" if call.response_schema and endpoint.structured_output else "text",
            **{name: parameters[given] for given, name in _PARAMETERS.items() if given in parameters},
            semantics.SERVER_ADDRESS: host,
            semantics.SERVER_PORT: port,
            semantics.PROJECT: call.project,
            semantics.DIMENSION: call.dimension,
            semantics.MODEL: str(call.model),
            semantics.REQUEST_ID: call.request_id,
            semantics.PURPOSE: str(call.purpose).lower(),
        }
    )
    match delivery.result:
        case Failure(kind, _, status):
            span.set_status(trace.StatusCode.ERROR, str(kind))
            span.set_attribute(semantics.ERROR_TYPE, str(kind))
            span.set_attribute(semantics.HTTP_STATUS, status)
        case Reply() as reply:
            span.set_attributes(
                {
                    semantics.HTTP_STATUS: 200,
                    semantics.GEN_AI_RESPONSE_MODEL: reply.upstream_model,
                    semantics.GEN_AI_RESPONSE_FINISH_REASONS: [reply.finish_reason],
                    semantics.GEN_AI_INPUT_TOKENS: reply.input_tokens,
                    semantics.GEN_AI_OUTPUT_TOKENS: reply.output_tokens,
                }
            )
            if reply.reasoning_tokens:
                span.set_attribute(semantics.GEN_AI_REASONING_TOKENS, reply.reasoning_tokens)
    if delivery.http_requests > 1:
        span.set_attribute(semantics.HTTP_RESEND_COUNT, delivery.http_requests - 1)
