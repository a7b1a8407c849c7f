"""Calls to models over HTTP: one pooled client, retries, limits on time and size, no redirects.

The key of an endpoint exists here only, for the length of a call. An endpoint that sends the key back finds
it withheld from the reply.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from opentelemetry import trace
from opentelemetry.context import Context
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt

from services.gateway.calls import Call, Delivery
from services.gateway.chat import Reply, UnreadableReply, read_reply, request_body
from services.gateway.endpoints import CHAT_PATH, server_address
from services.gateway.failures import MULTIPLE_CHOICES, Failure, FailureKind, of_status
from services.gateway.key_references import KeyMissing, KeyReference, KeyRing
from services.gateway.retries import RetryPolicy, retry_after_seconds
from services.runtime import semantics, telemetry
from services.runtime.store import now

SHORTEST_KEY_WITHHELD: Final = 8
"""Shorter ones may occur in a text by chance."""
KEY_WITHHELD: Final = "[key withheld]"
KEEP_ALIVE_SECONDS: Final = 4.0
"""Below the 5 s after which uvicorn, and so vLLM, closes an idle connection: a call sent into that is lost."""

_TRACER = telemetry.tracer(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    """What one call sends, however often."""

    url: httpx.URL
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


class _ReplyTooLong(Exception):
    pass


class EndpointClient:
    """Sends calls; holds connections, and no state of any call."""

    def __init__(
        self,
        keys: KeyRing,
        policy: RetryPolicy,
        *,
        connect_seconds: float,
        reply_limit_bytes: int,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._keys = keys
        self._policy = policy
        self._reply_limit_bytes = reply_limit_bytes
        self._chance = chance
        self._stop = stop_after_attempt(policy.attempts)
        self._retry = retry_if_result(self._is_worth_retrying)
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(client=_session),
            # One model's own time-out bounds each attempt as a whole.
            timeout=httpx.Timeout(None, connect=connect_seconds),
            follow_redirects=False,
            headers={
                "accept": "application/json",
                # Replies are small; unpacking them costs more than it saves, and bounds nothing.
                "accept-encoding": "identity",
                "content-type": "application/json",
                "user-agent": "dearena-gateway",
            },
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(self, call: Call, parent: Context) -> Delivery:
        """Make a call, again where that may help, and say how it ended; a failure is not an exception.

        Args:
            call: what is sent, and to whom.
            parent: context of the span that the call is for.
        """
        with _TRACER.start_as_current_span(
            f"chat {call.spec.endpoint.upstream_model}", context=parent, kind=trace.SpanKind.CLIENT
        ) as span:
            delivery = await self._send(call)
            if span.is_recording():
                _describe(span, call, delivery)
        return delivery

    async def _send(self, call: Call) -> Delivery:
        try:
            request = self._request_of(call)
        except KeyMissing as error:
            return Delivery(Failure(FailureKind.KEY_NOT_FOUND, str(error)), timedelta(), 0)
        retrying = AsyncRetrying(
            stop=self._stop, retry=self._retry, wait=self._pause, retry_error_callback=_last_attempt
        )
        attempt: _Attempt = await retrying(self._attempt, request, call)
        requests: int = retrying.statistics["attempt_number"]
        return Delivery(attempt.result, timedelta(seconds=attempt.latency), requests)

    def _request_of(self, call: Call) -> _Request:
        endpoint = call.spec.endpoint
        headers = {"x-request-id": call.request_id}
        key = ""
        if endpoint.key_reference:
            key = self._keys.key(KeyReference.parse(endpoint.key_reference))
            headers["authorization"] = f"Bearer {key}"
        return _Request(
            url=_chat_url(endpoint.base_url),
            body=request_body(endpoint.upstream_model, call.messages, call.parameters, call.note()),
            headers=headers,
            key=key,
            address=server_address(endpoint.base_url),
            timeout=call.spec.timeout.total_seconds(),
        )

    async def _attempt(self, request: _Request, call: Call) -> _Attempt:
        began = time.perf_counter()
        retry_after = None
        try:
            response, body = await self._exchange(request)
        except Exception as error:  # noqa: BLE001 - what is no failure of the endpoint goes on from there
            result: Reply | Failure = _failure_of(error, request)
        else:
            result = _without_key(_read(response, body, request, call), request.key)
            retry_after = retry_after_seconds(response.headers.get("retry-after"), now())
        return _Attempt(result, retry_after, time.perf_counter() - began)

    async def _exchange(self, request: _Request) -> tuple[httpx.Response, bytes]:
        async with asyncio.timeout(request.timeout):
            sent = self._client.build_request("POST", request.url, content=request.body, headers=request.headers)
            response = await self._client.send(sent, stream=True)
            try:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > self._reply_limit_bytes:
                        raise _ReplyTooLong(f"the reply is longer than {self._reply_limit_bytes} bytes")
            finally:
                await response.aclose()
        return response, bytes(body)

    def _is_worth_retrying(self, attempt: _Attempt) -> bool:
        return isinstance(attempt.result, Failure) and self._policy.is_worth_retrying(
            attempt.result, attempt.retry_after
        )

    def _pause(self, state: RetryCallState) -> float:
        return self._policy.pause(state.attempt_number, _last_attempt(state).retry_after, self._chance)


def _session() -> aiohttp.ClientSession:
    # No limit on connections: each model has one of its own. No cookies: calls do not depend on each other.
    connector = aiohttp.TCPConnector(limit=0, ssl=httpx.create_ssl_context(), keepalive_timeout=KEEP_ALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


@lru_cache(maxsize=1024)
def _chat_url(base_url: str) -> httpx.URL:
    return httpx.URL(base_url + CHAT_PATH)


def _last_attempt(state: RetryCallState) -> _Attempt:
    assert state.outcome is not None  # noqa: S101 - asked after an attempt only
    attempt: _Attempt = state.outcome.result()
    return attempt


def _without_key(result: Reply | Failure, key: str) -> Reply | Failure:
    """The result without the key. JSON may escape a key, so it is looked for in what was read, not in the body."""
    if len(key) < SHORTEST_KEY_WITHHELD:
        return result
    match result:
        case Failure(detail=detail):
            return replace(result, detail=detail.replace(key, KEY_WITHHELD))
        case Reply(text=text, finish_reason=finish_reason, upstream_model=upstream_model):
            return replace(
                result,
                text=text.replace(key, KEY_WITHHELD),
                finish_reason=finish_reason.replace(key, KEY_WITHHELD),
                upstream_model=upstream_model.replace(key, KEY_WITHHELD),
            )


def _read(response: httpx.Response, body: bytes, request: _Request, call: Call) -> Reply | Failure:
    status = response.status_code
    if status >= MULTIPLE_CHOICES:
        return of_status(status, body, address=request.address, sparring=call.spec.endpoint.sparring)
    try:
        return read_reply(body, call.messages)
    except UnreadableReply as error:
        return Failure(FailureKind.UNREADABLE_REPLY, f"{request.address}: {error}", status)


def _failure_of(error: Exception, request: _Request) -> Failure:
    """What an exception of an attempt means; one that means nothing here goes on.

    The transport reports every trouble with a connection as a kind of ConnectTimeout, a reset included, so that
    this class says nothing about time.
    """
    match error:
        case httpx.ConnectTimeout() | httpx.NetworkError() | httpx.RemoteProtocolError():
            return Failure(FailureKind.UNREACHABLE, f"no connection to {request.address}: {_why(error)}")
        case TimeoutError() | httpx.TimeoutException():
            return Failure(FailureKind.TIMEOUT, f"{request.address} did not reply within {request.timeout:g} s")
        case _ReplyTooLong():
            return Failure(FailureKind.UNREADABLE_REPLY, f"{request.address}: {error}")
        case httpx.HTTPError() | aiohttp.ClientError():
            return Failure(FailureKind.UNREADABLE_REPLY, f"{request.address} does not speak HTTP as it should")
    raise error


def _why(error: BaseException | None) -> str:
    """The operating system's word for it, or else the name of the error; never its text."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
            return os.strerror(error.errno)
        last, error = error, error.__cause__
    return type(last).__name__


def _describe(span: trace.Span, call: Call, delivery: Delivery) -> None:
    endpoint = call.spec.endpoint
    span.set_attributes(
        {
            semantics.GEN_AI_OPERATION_NAME: "chat",
            semantics.GEN_AI_PROVIDER_NAME: call.spec.provider or "openai-compatible",
            semantics.GEN_AI_REQUEST_MODEL: endpoint.upstream_model,
            semantics.SERVER_ADDRESS: server_address(endpoint.base_url),
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
