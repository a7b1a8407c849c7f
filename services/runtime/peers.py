"""Channels to the other services: deadlines handed on, UNAVAILABLE retried where that is harmless."""

import asyncio
import json
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor import FileDescriptor
from opentelemetry.instrumentation.grpc import aio_client_interceptors

from dearena.v1 import (
    gateway_pb2,
    gateway_pb2_grpc,
    judge_dispatcher_pb2,
    judge_dispatcher_pb2_grpc,
    query_selector_pb2,
    query_selector_pb2_grpc,
    ranker_pb2,
    ranker_pb2_grpc,
    scorer_pb2,
    scorer_pb2_grpc,
)
from services.runtime import deadline
from services.runtime.rpc import MAX_MESSAGE_BYTES
from services.runtime.settings import ServiceSettings

UNARY_SECONDS = 10.0
"""Deadline of a unary call whose caller set none."""
STREAM_SECONDS = 120.0
"""Deadline of a streamed list whose caller set none; watches have none."""

_FILES: tuple[FileDescriptor, ...] = (
    gateway_pb2.DESCRIPTOR,
    query_selector_pb2.DESCRIPTOR,
    ranker_pb2.DESCRIPTOR,
    judge_dispatcher_pb2.DESCRIPTOR,
    scorer_pb2.DESCRIPTOR,
)


def _is_idempotent(method: str) -> bool:
    return method.startswith(("Get", "List", "ScoreThrough")) or method == "Complete"


def _service_config() -> str:
    """Retry UNAVAILABLE, on methods that bear it, in this layer only. No timeout here: it fires early."""
    names = [
        {"service": service.full_name, "method": method.name}
        for file in _FILES
        for service in file.services_by_name.values()
        for method in service.methods
        if _is_idempotent(method.name)
    ]
    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps(
        {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": [{"name": names, "retryPolicy": policy}]}
    )


class _UnaryDeadline(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(
            client_call_details._replace(timeout=deadline.cut(client_call_details.timeout, UNARY_SECONDS)), request
        )


class _StreamDeadline(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        method = client_call_details.method
        name = (method.decode() if isinstance(method, bytes) else method).rpartition("/")[2]
        default = None if name.startswith("Watch") else STREAM_SECONDS
        return await continuation(
            client_call_details._replace(timeout=deadline.cut(client_call_details.timeout, default)), request
        )


class Peers:
    """The other services of the arena. Connections are made when they are first needed."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._channels: list[grpc.aio.Channel] = []
        self._traced = bool(settings.otlp_endpoint)
        self.gateway = gateway_pb2_grpc.GatewayServiceStub(self._channel(settings.gateway_address))
        self.query_selector = query_selector_pb2_grpc.QuerySelectorServiceStub(
            self._channel(settings.query_selector_address)
        )
        self.ranker = ranker_pb2_grpc.RankerServiceStub(self._channel(settings.ranker_address))
        self.judge_dispatcher = judge_dispatcher_pb2_grpc.JudgeDispatcherServiceStub(
            self._channel(settings.judge_dispatcher_address)
        )
        self.scorer = scorer_pb2_grpc.ScorerServiceStub(self._channel(settings.scorer_address))

    def _channel(self, address: str) -> grpc.aio.Channel:
        interceptors: list[Any] = [_UnaryDeadline(), _StreamDeadline()]
        if self._traced:
            interceptors = [*aio_client_interceptors(), *interceptors]  # type: ignore[no-untyped-call]
        channel = grpc.aio.insecure_channel(
            address,
            options=[
                ("grpc.service_config", _service_config()),
                ("grpc.enable_retries", 1),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                # A peer that was killed is back within a second or two; do not wait for longer than that.
                ("grpc.initial_reconnect_backoff_ms", 100),
                # By its name a pause; gRPC takes it for the time that a connection may take to be made.
                ("grpc.min_reconnect_backoff_ms", 3_000),
                ("grpc.max_reconnect_backoff_ms", 2_000),
                ("grpc.keepalive_time_ms", 60_000),
            ],
            interceptors=interceptors,
        )
        self._channels.append(channel)
        return channel

    async def close(self) -> None:
        """Close all channels."""
        await asyncio.gather(*(channel.close() for channel in self._channels))
