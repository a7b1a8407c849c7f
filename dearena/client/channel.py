"""Calls to one service: time limits, retries where they are harmless, and faults in place of statuses."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

import grpc
import grpc.aio
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

from dearena.faults import ArenaFault, ServiceUnavailable
from dearena.rpc_faults import DETAILS_KEY, fault_of
from dearena.rpc_methods import reads, service_config
from dearena.transport import PLAINTEXT, Tls, open_channel
from dearena.transport.refusals import why_refused

T = TypeVar("T")

MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""As the services allow each other."""

CONNECT_MILLISECONDS: Final = 3_000
"""For a connection to be made: a busy or distant service takes its time, one that is not there refuses at once."""

SILENCE_SECONDS: Final = 60.0
"""A stream that has an end says something at least this often."""


class NotInTime(ServiceUnavailable):
    """A call ended before its answer; the service may be there, and at work on it."""


def _is_harmless_again(method: MethodDescriptor) -> bool:
    """Whether a call may be made twice: it reads, or carries a request id, by which a change is made once."""
    return reads(method.name) or "request_id" in method.input_type.fields_by_name


class Service:
    """One service at its address. The connection is made with the first call."""

    def __init__(self, contract: FileDescriptor, name: str, address: str, tls: Tls = PLAINTEXT) -> None:
        """`contract` is the file that describes the service, and it alone. Raises InvalidField as `Tls.read` does."""
        (descriptor,) = contract.services_by_name.values()
        self.name = name
        self.address = address
        self._secured = tls.wanted
        self.channel = open_channel(
            address,
            tls=tls,
            options=[
                ("grpc.service_config", service_config([descriptor], _is_harmless_again)),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.initial_reconnect_backoff_ms", 100),
                # By its name a pause; gRPC takes it for the time that a connection may take to be made.
                ("grpc.min_reconnect_backoff_ms", CONNECT_MILLISECONDS),
                ("grpc.max_reconnect_backoff_ms", 2_000),
                # A watch may be silent for long; a peer that vanished is noticed all the same.
                ("grpc.keepalive_time_ms", 60_000),
            ],
        )

    async def told(self, call: Awaitable[T]) -> T:
        """The answer to a call, or the fault that its status tells of."""
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise self._fault(error) from error

    async def found(self, ask: Callable[[float], Awaitable[T]], *, call_seconds: float, wait_seconds: float) -> T:
        """The answer to a question that takes a service longer than a call lasts.

        It goes on with the work when a call ends, and whoever asks again gets what it has found: so it is asked
        again until then. A service that cannot be reached is not waited for.

        Args:
            ask: makes the call, with a deadline in seconds.
            call_seconds: longest deadline of one call.
            wait_seconds: of all calls together.

        Raises:
            NotInTime: it had found nothing by then; or its answer took longer to be sent than a call lasts.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_seconds
        while True:
            try:
                return await self.told(ask(min(call_seconds, max(end - loop.time(), 0.0))))
            except NotInTime as late:
                if loop.time() >= end:
                    raise NotInTime(
                        f"the {self._shown} has not found the answer within {wait_seconds:g} s; "
                        "it goes on with the work, ask again later"
                    ) from late

    async def each(
        self, call: AsyncIterable[T], *, silence_seconds: float | None = SILENCE_SECONDS
    ) -> AsyncIterator[T]:
        """The messages of a stream.

        Args:
            call: a streaming call that has just been made.
            silence_seconds: longest time between two messages; None for a watch.

        Raises:
            ServiceUnavailable: nothing came for that long, or the connection broke.
        """
        messages = aiter(call)
        try:
            while True:
                async with asyncio.timeout(silence_seconds):
                    message = await anext(messages, None)
                if message is None:
                    return
                yield message
        except grpc.aio.AioRpcError as error:
            raise self._fault(error) from error
        except TimeoutError:
            raise ServiceUnavailable(f"the {self._shown} has been silent for {silence_seconds:.0f} s") from None
        finally:
            if isinstance(call, grpc.aio.Call):
                call.cancel()

    @property
    def _shown(self) -> str:
        return f"{self.name.replace('_', ' ')} at {self.address}"

    def _fault(self, error: grpc.aio.AioRpcError) -> ArenaFault:
        told_by_the_service = any(key == DETAILS_KEY for key, _ in error.trailing_metadata() or ())
        if told_by_the_service:
            return fault_of(error)
        match error.code():
            case grpc.StatusCode.UNAVAILABLE:
                why = why_refused(error.details() or "", secured=self._secured)
                hint = f": {why}" if why else "; is the arena running? (`dearena up` starts one here)"
                return ServiceUnavailable(f"the {self._shown} cannot be reached{hint}")
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                return NotInTime(f"the {self._shown} did not answer in time")
            case grpc.StatusCode.CANCELLED:
                return ServiceUnavailable(f"the {self._shown} ended the call")
            case grpc.StatusCode.UNIMPLEMENTED:
                return ArenaFault(f"the {self._shown} does not know this call; is it another version, or service?")
        return fault_of(error)
