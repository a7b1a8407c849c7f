"""gRPC servers: health, reflection, and the one table from fault to status."""

from __future__ import annotations  # grpc's types are generic in its stubs only

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import grpc
import grpc.aio
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status
from opentelemetry.instrumentation.grpc import aio_server_interceptor, filters

from dearena import faults, rpc_faults
from dearena.rpc_methods import reads
from dearena.transport import PLAINTEXT, Tls
from services.runtime import deadline, rpc_metrics
from services.runtime import store as store_module
from services.runtime.server_tls import ServerTls

log = structlog.get_logger(__name__)

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
LAST_WORDS_SECONDS = 0.5
"""For calls that a stop cuts off, to be told so."""
MAX_PENDING_CALLS = 100_000
"""Calls that have come and were not looked at yet. gRPC cancels a share of those beyond 1,000, and all beyond 3,000,
unless told otherwise: fewer than a dispatcher has in flight to its gateway."""

NOT_AGAIN: Final = ("grpc-retry-pushback-ms", "-1")
"""Tells a gRPC client not to try again by itself."""


@dataclass(frozen=True, slots=True)
class Servicer:
    """One gRPC service of a room."""

    add: Callable[[Any, grpc.aio.Server], None]
    """The generated add_XServiceServicer_to_server."""
    implementation: Any
    service_name: str
    """Full name, as in DESCRIPTOR.services_by_name["XService"].full_name."""


def fault_in(error: BaseException) -> faults.ArenaFault | None:
    """The fault that an exception is or tells of; None when it is a defect of ours."""
    match error:
        case faults.ArenaFault():
            return error
        case grpc.aio.AioRpcError():
            return rpc_faults.fault_of(error)
        case TimeoutError():
            return faults.ServiceUnavailable("it took too long; try again")
        case Exception():
            return store_module.fault_of(error)
    return None


class _Calls:
    """Calls that are being answered: those that a stop cuts off are told so, in a way that says to try again.

    gRPC itself would tell their callers that they were cancelled, as if by themselves, which nobody retries.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._cut = False

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Around the answer of a call; raises ServiceUnavailable where that is cut off."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call is answered by a task")
        self._tasks.add(task)
        try:
            yield
        except asyncio.CancelledError:
            # Not cancelled itself: something was that it waited for, as a stop cancels work that calls share.
            if task.cancelling() and not self._cut:
                raise
            task.uncancel()
            raise faults.ServiceUnavailable("the service leaves; try again") from None
        finally:
            self._tasks.discard(task)

    def cut_off(self) -> None:
        """End all of them."""
        self._cut = True
        for task in self._tasks:
            task.cancel()


class _Faults(grpc.aio.ServerInterceptor):
    """Turns faults into statuses; everything else is INTERNAL, logged here and told to nobody."""

    def __init__(self, calls: _Calls) -> None:
        self._calls = calls
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        method = handler_call_details.method
        if (known := self._handlers.get(method)) is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        kind, behaviour = next(
            (kind, getattr(handler, kind))
            for kind in ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
            if getattr(handler, kind) is not None
        )
        wrap = _streaming if kind.endswith("_stream") else _unary
        wrapped = wrap(behaviour, method, self._calls)
        served = self._handlers[method] = cast(
            "grpc.RpcMethodHandler[Any, Any]",
            getattr(grpc, f"{kind}_rpc_method_handler")(
                wrapped,
                request_deserializer=handler.request_deserializer,
                response_serializer=handler.response_serializer,
            ),
        )
        return served


def _unary(
    behaviour: Callable[[Any, Any], Awaitable[Any]], method: str, calls: _Calls
) -> Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Awaitable[Any]]:
    async def served(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        deadline.begin(context.time_remaining())
        with timed(context):
            try:
                with calls.answering():
                    return await behaviour(request, context)
            except Exception as error:  # noqa: BLE001 - the one table from error to status
                await _abort(context, method, error)

    timed = rpc_metrics.of_method(method)
    return served


def _streaming(
    behaviour: Callable[[Any, Any], AsyncIterator[Any]], method: str, calls: _Calls
) -> Callable[[Any, grpc.aio.ServicerContext[Any, Any]], AsyncIterator[Any]]:
    async def served(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        deadline.begin(context.time_remaining())
        with timed(context):
            try:
                with calls.answering():
                    async for response in behaviour(request, context):
                        yield response
            except Exception as error:  # noqa: BLE001 - the one table from error to status
                await _abort(context, method, error)

    timed = rpc_metrics.of_method(method)
    return served


async def _abort(context: grpc.aio.ServicerContext[Any, Any], method: str, error: Exception) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    fault = fault_in(error)
    if fault is None:
        log.error("call failed", method=method, exc_info=error)
        fault = faults.ArenaFault("internal error; the service's log says more")
    status = rpc_status.to_status(rpc_faults.status_of(fault))
    if isinstance(fault, faults.StoreUnavailable) and not reads(method.rpartition("/")[2]):
        # It waited for the store as long as callers are to wait. Another service would find the same one away.
        status = status._replace(trailing_metadata=(*status.trailing_metadata, NOT_AGAIN))
    await context.abort_with_status(status)


class Server:
    """A gRPC server of one service process."""

    def __init__(self, servicers: Sequence[Servicer], *, traced: bool, reflected: bool, tls: Tls = PLAINTEXT) -> None:
        self._calls = _Calls()
        interceptors: list[grpc.aio.ServerInterceptor] = [_Faults(self._calls)]
        if traced:
            # Probes ask every few seconds whether we are well; nobody looks for that among traces.
            asked = filters.negate(filters.health_check())
            interceptors.insert(0, aio_server_interceptor(filter_=asked))  # type: ignore[no-untyped-call]
        self._server = grpc.aio.server(
            interceptors=interceptors,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.server.max_pending_requests", MAX_PENDING_CALLS),
                ("grpc.server.max_pending_requests_hard_limit", MAX_PENDING_CALLS),
                # Two processes on one port would share its calls between them in silence.
                ("grpc.so_reuseport", 0),
                ("grpc.keepalive_time_ms", 60_000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),
                ("grpc.max_connection_age_ms", 30 * 60_000),
            ],
        )
        self._tls = ServerTls(tls) if tls.wanted else None
        self._health = health.aio.HealthServicer()
        self._health_server: grpc.aio.Server | None = None
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._names = [servicer.service_name for servicer in servicers]
        for servicer in servicers:
            servicer.add(servicer.implementation, self._server)
        if reflected:
            names = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)

    async def start(self, listen: str, *, health_listen: str = "") -> str:
        """Listen; returns host:port with the port taken. Not yet SERVING.

        Args:
            listen: host:port of everything; by TLS where the server was given any.
            health_listen: host:port of health alone, in plaintext always; empty: nowhere.
        """
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        if self._tls is None:
            port = self._server.add_insecure_port(listen)
        else:
            port = self._server.add_secure_port(listen, self._tls.credentials)
        if port == 0:
            raise OSError(f"cannot listen on {listen}")
        if health_listen:
            self._health_server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._health_server)
            if self._health_server.add_insecure_port(health_listen) == 0:
                raise OSError(f"cannot listen on {health_listen}")
            await self._health_server.start()
        await self._server.start()
        return f"{listen.rpartition(':')[0]}:{port}"

    async def _say(self, status: Any) -> None:
        for name in ("", *self._names):
            await self._health.set(name, status)

    async def serving(self) -> None:
        """Tell the health check that calls are welcome."""
        await self._say(health_pb2.HealthCheckResponse.SERVING)

    async def leaving(self) -> None:
        """Tell the health check that this server goes, before anything is taken down."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, let the others end for so long, then end them UNAVAILABLE."""
        stopping = asyncio.ensure_future(self._server.stop(grace_seconds + LAST_WORDS_SECONDS))
        await asyncio.wait([stopping], timeout=grace_seconds)
        self._calls.cut_off()
        await stopping
        if self._health_server is not None:
            await self._health_server.stop(0)
