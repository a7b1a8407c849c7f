"""Channels that outlive their certificates: new calls go over a connection made with what the files hold now."""

import asyncio
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, Self, cast

import grpc
import grpc.aio

from dearena.transport.certificates import Certificates, Pems, Tls

Options = Sequence[tuple[str, Any]]

_AS_LONG_AS_IT_TAKES: Final = 10 * 365 * 86_400.0
"""For calls to end on a channel that takes no more of them: a watch may be open for weeks. Seconds."""


def open_channel(
    target: str, *, tls: Tls, options: Options, interceptors: Sequence[grpc.aio.ClientInterceptor] = ()
) -> grpc.aio.Channel:
    """A channel to a gRPC target; a connection is made with the first call.

    The service's certificate must name what stands in the target: the host of `dns:///host:port` or `host:port`, or
    the IP address of `ip:port`.

    Raises:
        InvalidField: a file of `tls` is wrong; names the setting.
    """
    if not tls.wanted:
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
    return cast("grpc.aio.Channel", _RenewedChannel(target, Certificates(tls), options, interceptors))


class _Generation:
    """A channel with the certificates that it was made with, and the calls that are open on it."""

    def __init__(self, channel: grpc.aio.Channel, pems: Pems) -> None:
        self.channel = channel
        self.pems = pems
        self.calls: weakref.WeakSet[Any] = weakref.WeakSet()

    async def end(self) -> None:
        """Let the calls end by themselves, then close."""
        await self.channel.close(_AS_LONG_AS_IT_TAKES)

    def cancel(self) -> None:
        """End the calls."""
        for call in list(self.calls):
            call.cancel()


class _RenewedChannel:
    """What stubs, and whoever wraps channels, use of one. gRPC's own credentials of a channel never change."""

    def __init__(
        self,
        target: str,
        certificates: Certificates,
        options: Options,
        interceptors: Sequence[grpc.aio.ClientInterceptor],
    ) -> None:
        self._target = target
        self._certificates = certificates
        self._options = options
        self._interceptors = interceptors
        self._current = self._made(certificates.current())
        self._ending: dict[asyncio.Task[None], _Generation] = {}
        self._closed = False

    def _made(self, pems: Pems) -> _Generation:
        credentials = grpc.ssl_channel_credentials(pems.authorities or None, pems.key or None, pems.chain or None)
        channel = grpc.aio.secure_channel(
            self._target, credentials, options=self._options, interceptors=self._interceptors
        )
        return _Generation(channel, pems)

    def _renewed(self) -> _Generation:
        """The channel for a new call."""
        pems = self._certificates.current()
        if pems is not self._current.pems and not self._closed:
            earlier, self._current = self._current, self._made(pems)
            # Calls in flight are kept: a connection that stands asks no more for certificates.
            task = asyncio.get_running_loop().create_task(earlier.end(), name="channel-end")
            self._ending[task] = earlier
            task.add_done_callback(self._ending.pop)
        return self._current

    def _following(self, kind: str, method: str, args: Sequence[Any], options: dict[str, Any]) -> Callable[..., Any]:
        made_on: _Generation | None = None
        call: Callable[..., Any] | None = None

        def called(*call_args: Any, **call_options: Any) -> Any:
            nonlocal made_on, call
            generation = self._renewed()
            if call is None or generation is not made_on:
                made_on, call = generation, getattr(generation.channel, kind)(method, *args, **options)
            made = call(*call_args, **call_options)
            generation.calls.add(made)
            return made

        return called

    def unary_unary(self, method: str, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `grpc.aio.Channel.unary_unary`."""
        return self._following("unary_unary", method, args, options)

    def unary_stream(self, method: str, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `grpc.aio.Channel.unary_stream`."""
        return self._following("unary_stream", method, args, options)

    def stream_unary(self, method: str, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `grpc.aio.Channel.stream_unary`."""
        return self._following("stream_unary", method, args, options)

    def stream_stream(self, method: str, *args: Any, **options: Any) -> Callable[..., Any]:
        """See `grpc.aio.Channel.stream_stream`."""
        return self._following("stream_stream", method, args, options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Close, and with it the channels that were waiting for their last calls, which are cancelled."""
        self._closed = True
        ending = dict(self._ending)
        for generation in ending.values():
            generation.cancel()
        await self._current.channel.close(grace)
        await asyncio.gather(*ending, return_exceptions=True)
