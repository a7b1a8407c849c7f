"""Makes an arena what a file declares. Applied again it changes nothing, and after a failure it goes on."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from dearena import identity
from dearena.client import declared, pools
from dearena.client.arena_file import ArenaFile, DimensionEntry, ModelEntry
from dearena.client.client import ArenaClient
from dearena.faults import AlreadyExists, ArenaFault, UnknownDimension, UnknownModel
from dearena.v1 import gateway_pb2


class Action(StrEnum):
    """What was done with one declaration."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    RETIRED = "retired"
    """The model was retired; it is left so."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one declaration."""

    kind: str
    """`model` or `dimension`."""
    slug: str
    action: Action
    fields: tuple[str, ...] = ()
    """Fields that were updated."""


async def apply(client: ArenaClient, file: ArenaFile) -> AsyncIterator[Change]:
    """Create or update what the file declares, dimensions first, each in the order of the file.

    What the arena has beyond the file is left alone. The models are one cohort: they are admitted in
    this order, whenever their answers come in.

    Raises:
        AlreadyExists: a dimension is there and other than declared; a dimension cannot be changed.
        ArenaFault: as the services say, with the declaration's name before it. What came before it
            in the file has been done; apply again to go on.
    """
    for dimension in file.dimensions:
        with _named("dimension", dimension.slug):
            change = await _apply_dimension(client, dimension)
        yield change
    for model in file.models:
        with _named("model", model.slug):
            change = await _apply_model(client, model, file.cohort(client.project))
        yield change


@contextmanager
def _named(kind: str, slug: str) -> Iterator[None]:
    """Puts the declaration's name before the message of a fault."""
    try:
        yield
    except ArenaFault as fault:
        raise type(fault)(f"{kind} {slug}: {fault}", fault.violations) from fault


async def _apply_dimension(client: ArenaClient, entry: DimensionEntry) -> Change:
    wanted = declared.dimension_of(entry, client.dimension_name(entry.slug))
    content = pools.content_of(entry.pool)
    pool_hash = pools.pool_hash(content)
    try:
        present = await client.get_dimension(entry.slug)
    except UnknownDimension:
        request_id = _request_id("dimension", wanted.SerializeToString(deterministic=True).hex(), pool_hash)
        await client.create_dimension(wanted, content, request_id=request_id)
        return Change("dimension", entry.slug, Action.CREATED)
    if differences := list(declared.dimension_differences(wanted, pool_hash, present)):
        raise AlreadyExists(
            f"is there, and other than declared: {'; '.join(differences)}. "
            "A dimension cannot be changed; declare another slug"
        )
    return Change("dimension", entry.slug, Action.UNCHANGED)


async def _apply_model(client: ArenaClient, entry: ModelEntry, cohort: str) -> Change:
    wanted = declared.model_of(entry, client.model_name(entry.slug), cohort)
    said = wanted.SerializeToString(deterministic=True).hex()
    try:
        present = await client.get_model(entry.slug)
    except UnknownModel:
        await client.register_model(wanted, request_id=_request_id("register", said))
        return Change("model", entry.slug, Action.CREATED)
    if present.state == gateway_pb2.MODEL_STATE_RETIRED:
        return Change("model", entry.slug, Action.RETIRED)
    fields = declared.differing_fields(wanted, present)
    if not fields:
        return Change("model", entry.slug, Action.UNCHANGED)
    wanted.etag = present.etag
    # The etag is part of the id: a change there and back again is three requests, not two.
    await client.update_model(wanted, [*fields, "cohort"], request_id=_request_id("update", said, present.etag))
    return Change("model", entry.slug, Action.UPDATED, tuple(fields))


def _request_id(*parts: str) -> str:
    return f"apply-{identity.digest_of(list(parts))}"
