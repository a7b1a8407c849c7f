"""Streams and consumers, provisioned once from data before any service starts.

Run as `python -m services.runtime.topology`, with DEARENA_SHARDS as the rankers have it; harmless when repeated.
Settings that JetStream does not let change (a stream's retention, a consumer's stream) are refused by the server,
loudly.
"""

import asyncio
import sys
from pathlib import Path
from typing import Literal

import nats.js.errors
import structlog
import yaml
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.runtime.bus_security import NOTHING, Admission, BusSecurity
from services.runtime.settings import BusSettings

log = structlog.get_logger(__name__)

SHARD = "{shard}"
"""In a consumer's name: there is one for each shard of dimensions."""

DEFAULT_PATH = Path(__file__).parents[2] / "deploy" / "nats" / "topology.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Stream(_Strict):
    """A stream, as in topology.yaml."""

    name: str
    subjects: list[str] = Field(min_length=1)
    retention: Literal["limits", "workqueue"]
    discard: Literal["old", "new"] = "old"
    max_age_seconds: float = 0
    max_bytes: int = -1
    max_msgs: int = -1
    duplicate_window_seconds: float = 120
    storage: Literal["file", "memory"] = "file"
    replicas: int = 1

    def config(self) -> StreamConfig:
        """As the server takes it."""
        return StreamConfig(
            name=self.name,
            subjects=self.subjects,
            retention=RetentionPolicy.WORK_QUEUE if self.retention == "workqueue" else RetentionPolicy.LIMITS,
            discard=DiscardPolicy.NEW if self.discard == "new" else DiscardPolicy.OLD,
            max_age=self.max_age_seconds,
            max_bytes=self.max_bytes,
            max_msgs=self.max_msgs,
            duplicate_window=self.duplicate_window_seconds,
            storage=StorageType.FILE if self.storage == "file" else StorageType.MEMORY,
            num_replicas=self.replicas,
        )


class PullConsumer(_Strict):
    """A durable pull consumer, as in topology.yaml."""

    stream: str
    durable: str
    filter_subjects: list[str] = Field(min_length=1)
    ack_wait_seconds: float = 60
    max_ack_pending: int = 1000
    max_deliver: int = -1

    def config(self) -> ConsumerConfig:
        """As the server takes it. No backoff: it would override the lease."""
        return ConsumerConfig(
            durable_name=self.durable,
            filter_subjects=self.filter_subjects,
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=self.ack_wait_seconds,
            max_ack_pending=self.max_ack_pending,
            max_deliver=self.max_deliver,
        )


class Topology(_Strict):
    """All streams and consumers of the arena."""

    streams: list[Stream]
    consumers: list[PullConsumer]

    def consumers_of(self, shards: int) -> list[PullConsumer]:
        """All consumers where there are so many shards."""
        return [
            consumer.model_copy(update={"durable": consumer.durable.replace(SHARD, str(shard))})
            for consumer in self.consumers
            for shard in range(shards if SHARD in consumer.durable else 1)
        ]

    def replicated(self, replicas: int | None) -> "Topology":
        """With every stream on so many servers of a cluster; None: as the file says."""
        if replicas is None:
            return self
        return self.model_copy(
            update={"streams": [stream.model_copy(update={"replicas": replicas}) for stream in self.streams]}
        )

    @classmethod
    def read(cls, path: Path) -> "Topology":
        """Read topology.yaml; pydantic's error says which entry is wrong."""
        return cls.model_validate(yaml.safe_load(path.read_text("utf-8")))


class TopologySettings(BusSettings):
    """What the provisioning job must know."""

    topology_path: Path = DEFAULT_PATH
    # Of dimensions, as the rankers have it.
    shards: int = Field(default=1, ge=1, le=1_000)
    # Servers of a cluster that keep each stream, an odd number; unset: as the file says. More outlive the loss of more,
    # and are slower to take a message.
    stream_replicas: int | None = Field(default=None, ge=1, le=5)


async def provision(
    nats_url: str,
    topology_path: Path | None = None,
    *,
    shards: int = 1,
    stream_replicas: int | None = None,
    security: BusSecurity = NOTHING,
) -> None:
    """Create or update every stream and consumer.

    Args:
        nats_url: of the server.
        topology_path: of the file.
        shards: of dimensions.
        stream_replicas: servers that keep each stream; None: as the file says.
        security: how we and the server are sure of each other, beyond what the URL says.

    Raises:
        nats.errors.Error: the server cannot be reached, or refuses a setting.
    """
    topology = Topology.read(topology_path or DEFAULT_PATH).replicated(stream_replicas)
    admission = Admission(nats_url, security)
    client = admission.client()
    await client.connect(
        nats_url,
        connect_timeout=5,
        max_reconnect_attempts=20,
        reconnect_time_wait=0.25,  # type: ignore[arg-type] # seconds, used as a float
        **admission.options(),
    )
    try:
        context = client.jetstream(timeout=10)
        for stream in topology.streams:
            try:
                await context.stream_info(stream.name)
            except nats.js.errors.NotFoundError:
                await context.add_stream(stream.config())
            else:
                await context.update_stream(stream.config())
        consumers = topology.consumers_of(shards)
        for consumer in consumers:
            await context.add_consumer(consumer.stream, consumer.config())
    finally:
        await client.close()
    log.info("topology stands", streams=len(topology.streams), consumers=len(consumers))


def main() -> None:
    """Provision by the settings in the environment; exit 2 with one line when one of them is wrong."""
    try:
        settings = TopologySettings()
    except ValidationError as error:
        wrong = (
            ": ".join([*(f"DEARENA_{field}".upper() for field in one["loc"][:1]), one["msg"]])
            for one in error.errors(include_input=False, include_url=False)
        )
        sys.stderr.write(f"the topology cannot be provisioned: {'; '.join(wrong)}\n")
        sys.exit(2)
    asyncio.run(
        provision(
            settings.nats_url,
            settings.topology_path,
            shards=settings.shards,
            stream_replicas=settings.stream_replicas,
            security=settings.nats_security,
        )
    )


if __name__ == "__main__":
    main()
