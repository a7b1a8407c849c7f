"""A burst of calls on one connection: each is served, none is cancelled because many wait."""

import asyncio
from collections import Counter

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime.rpc import Server

CALLS = 6_000
"""Twice as many as gRPC lets wait by itself."""


async def test_no_call_of_a_burst_is_cancelled() -> None:
    server = Server([], traced=False, reflected=False)
    address = await server.start("127.0.0.1:0")
    await server.serving()
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            replies = await asyncio.gather(
                *(health.Check(health_pb2.HealthCheckRequest(), timeout=60) for _ in range(CALLS)),
                return_exceptions=True,
            )
    finally:
        await server.stop(0)
    ended = Counter(
        reply.code().name if isinstance(reply, grpc.aio.AioRpcError) else type(reply).__name__ for reply in replies
    )
    assert ended == {"HealthCheckResponse": CALLS}
