"""Channels to the other services: deadlines handed on, calls tried again where that is harmless."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

import grpc
import grpc.aio
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from opentelemetry.instrumentation.grpc import aio_client_interceptors

from dearena.rpc_methods import reads, service_config
from dearena.transport import open_channel
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


def _is_harmless_again(method: MethodDescriptor) -> bool:
    """Whether a call may be made twice: it reads, or is a completion, whose request id is charged once."""
    return reads(method.name) or method.name == "Complete"


SERVICE_CONFIG: Final = service_config(
    (service for file in _FILES for service in file.services_by_name.values()),
    _is_harmless_again,
    loadBalancingConfig=[{"round_robin": {}}],
)
"""Tries again in this layer only."""


class _Deadlines:
    """A channel whose calls have deadlines: what the stubs make of one. Interceptors would cost a task a call."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    def unary_unary(self, method: str, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `grpc.aio.Channel.unary_unary`."""
        return _with_deadline(self._channel.unary_unary(method, *args, **options), UNARY_SECONDS)

    def unary_stream(self, method: str, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `grpc.aio.Channel.unary_stream`."""
        default = None if method.rpartition("/")[2].startswith("Watch") else STREAM_SECONDS
        return _with_deadline(self._channel.unary_stream(method, *args, **options), default)

    def stream_unary(self, method: str, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `grpc.aio.Channel.stream_unary`."""
        return self._channel.stream_unary(method, *args, **options)

    def stream_stream(self, method: str, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `grpc.aio.Channel.stream_stream`."""
        return self._channel.stream_stream(method, *args, **options)


def _with_deadline(call: Callable[..., Any], default: float | None) -> Callable[..., Any]:
    def called(request: Any, *, timeout: float | None = None, **options: Any) -> Any:
        return call(request, timeout=deadline.cut(timeout, default), **options)

    return called


class Peers:
    """The other services of the arena. Connections are made when they are first needed."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._channels: list[grpc.aio.Channel] = []
        self._traced = bool(settings.otlp_endpoint)
        self._tls = settings.tls
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
        interceptors: list[Any] = aio_client_interceptors() if self._traced else []  # type: ignore[no-untyped-call]
        channel = open_channel(
            address,
            tls=self._tls,
            options=[
                ("grpc.service_config", SERVICE_CONFIG),
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
        return cast("grpc.aio.Channel", _Deadlines(channel))

    async def close(self) -> None:
        """Close all channels."""
        await asyncio.gather(*(channel.close() for channel in self._channels))
