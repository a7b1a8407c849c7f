"""Makes an arena what a file declares. Applied again it changes nothing, and after a failure it goes on."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

from dearena import identity, yaml_places
from dearena.client import declared, pools
from dearena.client.arena_file import ArenaFile
from dearena.client.client import ArenaClient
from dearena.client.declared_budgets import budgets_of, called, key_of, misfits
from dearena.client.dimension_entries import DimensionEntry
from dearena.client.model_entries import KeyEntry, ModelEntry
from dearena.client.pool_files import pool_of
from dearena.faults import AlreadyExists, ArenaFault, FieldViolation, UnknownDimension, UnknownModel
from dearena.generators import generate
from dearena.pools.rows import Format
from dearena.v1 import gateway_pb2, query_selector_pb2
from dearena.yaml_places import Place


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
    """`key`, `budget`, `model` or `dimension`; a budget's slug is what people call it."""
    slug: str
    action: Action
    fields: tuple[str, ...] = ()
    """Fields that were updated."""
    revision: int = 0
    """The new one that an update made; 0: none was made."""


async def check(client: ArenaClient, file: ArenaFile) -> None:
    """Have the services check all that the file declares; nothing is changed.

    Raises:
        InvalidField: with a violation, pointed at in the file, for everything that is wrong.
        ServiceUnavailable: a service is not there.
    """
    with _pools_once() as pools_once:
        await _check(client, file, pools_once)


async def _check(client: ArenaClient, file: ArenaFile, pools_once: "_PoolsOnce") -> None:
    violations: list[FieldViolation] = []
    for at, dimension in enumerate(file.dimensions):
        with _collected(violations, file, ("dimensions", at)):
            await _check_dimension(client, dimension, pools_once)
    has_budgets = any(budgets_of(file))
    models = {_slug_of(one): one async for one in client.models()} if has_budgets else {}
    budgets = {key_of(one) async for one in client.budgets()} if has_budgets else set()
    for at, entry in enumerate(file.models):
        name, cohort = client.model_name(entry.slug), file.cohort(client.project)
        present = models.get(entry.slug)
        models[entry.slug] = declared.with_price(declared.model_of(entry, name, cohort, present), present)
        with _collected(violations, file, ("models", at)), suppress(AlreadyExists):
            # What is there already was looked at in all else before.
            wanted = declared.model_of(entry, name, cohort)
            models[entry.slug] = await client.register_model(wanted, validate_only=True)
    violations.extend(misfits(file, models, budgets))
    if violations:
        raise yaml_places.fault(violations)


async def apply(client: ArenaClient, file: ArenaFile, *, dry_run: bool = False) -> AsyncIterator[Change]:
    """Create or update what the file declares: keys, budgets, dimensions, models, each in the order of the file.

    Where a budget is new, models that are there come before it: it is held against them as they are, and the file
    may be what makes them fit it.

    All of it is checked first, so that a file with something wrong in it changes nothing. What the arena has
    beyond the file is left alone. The models are one cohort: they are admitted in this order, whenever their
    answers come in.

    Args:
        client: of the project.
        file: what is declared.
        dry_run: tell the changes and make none; new revisions are not foretold.

    Raises:
        AlreadyExists: a dimension is there and other than declared; a dimension cannot be changed.
        ArenaFault: as the services say, with the declaration's name before it. What came before it
            in the file has been done; apply again to go on.
    """
    with _pools_once() as pools_once:
        await _check(client, file, pools_once)
        async for change in _applied(client, file, pools_once, dry_run=dry_run):
            yield change


async def _applied(
    client: ArenaClient, file: ArenaFile, pools_once: "_PoolsOnce", *, dry_run: bool
) -> AsyncIterator[Change]:
    limits = {one.key_reference: one async for one in client.key_limits()} if file.keys else {}
    for key in file.keys:
        with _named("key", key.key_reference):
            change = await _apply_key(client, key, limits.get(key.key_reference), dry_run=dry_run)
        yield change
    wanted = list(budgets_of(file))
    present = {key_of(one): one async for one in client.budgets()} if wanted else {}
    new = [budget for budget in wanted if key_of(budget) not in present]
    early = {_slug_of(one) async for one in client.models()} if new else set()
    # Budgets come before whatever may spend of them.
    for budget in wanted:
        if budget not in new:
            yield await _apply_budget(client, budget, present[key_of(budget)], dry_run=dry_run)
    for model in file.models:
        if model.slug in early:
            yield await _apply_model(client, model, file.cohort(client.project), dry_run=dry_run)
    for budget in new:
        yield await _apply_budget(client, budget, None, dry_run=dry_run)
    for dimension in file.dimensions:
        with _named("dimension", dimension.slug):
            change = await _apply_dimension(client, dimension, pools_once, dry_run=dry_run)
        yield change
    for model in file.models:
        if model.slug not in early:
            yield await _apply_model(client, model, file.cohort(client.project), dry_run=dry_run)


def _slug_of(model: gateway_pb2.Model) -> str:
    return model.name.rpartition("/")[2]


@contextmanager
def _named(kind: str, slug: str) -> Iterator[None]:
    """Puts the declaration's name before the message of a fault."""
    try:
        yield
    except ArenaFault as fault:
        raise type(fault)(f"{kind} {slug}: {fault}", fault.violations, fault.metadata) from fault


@contextmanager
def _collected(violations: list[FieldViolation], file: ArenaFile, place: Place) -> Iterator[None]:
    """Takes what a service finds wrong with a declaration, pointed at in the file."""
    try:
        yield
    except ArenaFault as fault:
        if fault.status not in ("INVALID_ARGUMENT", "ALREADY_EXISTS"):
            raise
        if not fault.violations:
            violations.append(file.violation(place, str(fault)))
        violations.extend(_pointed_at(file, place, one) for one in fault.violations)


_CALLED: Final = {
    "name": "slug",
    "timeout": "timeout_seconds",
    "deadline": "deadline_seconds",
}
"""Fields of the contract, as the file calls them."""
_POOL_LINE: Final = re.compile(r"pool(?: (?:line|row) (\d+))?")


def _pointed_at(file: ArenaFile, place: Place, violation: FieldViolation) -> FieldViolation:
    """The place of `model.endpoint.base_url`, or of `pool line 7` in the pool's own file."""
    match place:
        case "dimensions", int() as at if found := _POOL_LINE.fullmatch(violation.field):
            if found[1]:
                return _pool_line(file, at, int(found[1]), violation.description)
            questions = "pool" if file.dimensions[at].pool is not None else "generate"
            return file.violation((*place, questions), violation.description)
    if violation.field == "map":
        return file.violation((*place, "map"), violation.description)
    first, *rest = violation.field.split(".")
    if first not in ("model", "dimension") or not rest:
        return file.violation(place, f"{violation.field}: {violation.description}")
    return file.violation((*place, _CALLED.get(rest[0], rest[0]), *rest[1:]), violation.description)


def _pool_line(file: ArenaFile, at: int, line: int, description: str) -> FieldViolation:
    pool = file.dimensions[at].pool
    if pool is None:
        return file.violation(("dimensions", at, "generate"), f"question {line}: {description}")
    return FieldViolation(f"{pool.name}:{line}", description)


def _questions(entry: DimensionEntry) -> bytes:
    """The pool that is declared, read or made."""
    if entry.generate is None:
        # A file is refused that declares neither.
        if entry.pool is None:
            return b""
        file_format = Format(entry.format) if entry.format else None
        mapping = cast("dict[str, str]", entry.map)  # its keys are strings of few
        return pools.content_of(pool_of(entry.pool, file_format, mapping, merge=entry.merge_duplicates).source)
    made = entry.generate
    questions = generate(made.kind, made.size, made.seed, made.difficulty or None)
    return pools.content_of([question.line() for question in questions])


@dataclass(frozen=True, slots=True)
class _PoolsOnce:
    """Pools that are declared, each read or made once: what is applied is what was checked.

    They are kept on the disk, since a pool may be large and a file may declare many.
    """

    directory: Path

    def questions(self, entry: DimensionEntry) -> bytes:
        """Of a dimension."""
        kept = self.directory / entry.slug
        if kept.exists():
            return kept.read_bytes()
        content = _questions(entry)
        kept.write_bytes(content)
        return content


@contextmanager
def _pools_once() -> Iterator[_PoolsOnce]:
    with TemporaryDirectory(prefix="dearena-pools-") as directory:
        yield _PoolsOnce(Path(directory))


async def _apply_key(
    client: ArenaClient, entry: KeyEntry, present: gateway_pb2.KeyLimits | None, *, dry_run: bool
) -> Change:
    wanted = declared.limits_of(entry)
    fields = tuple(
        field.name
        for field in wanted.DESCRIPTOR.fields
        if present is not None and getattr(wanted, field.name) != getattr(present, field.name)
    )
    unlimited = wanted == gateway_pb2.KeyLimits(key_reference=entry.key_reference)
    if (present is not None and not fields) or (present is None and unlimited):
        return Change("key", entry.key_reference, Action.UNCHANGED)
    if not dry_run:
        # No id: setting limits twice is setting them, and a change there and back again is three settings.
        await client.set_key_limits(wanted)
    return Change("key", entry.key_reference, Action.CREATED if present is None else Action.UPDATED, fields)


async def _apply_budget(
    client: ArenaClient, wanted: gateway_pb2.Budget, present: gateway_pb2.Budget | None, *, dry_run: bool
) -> Change:
    if present is not None and present.limit == wanted.limit:
        return Change("budget", called(wanted), Action.UNCHANGED)
    if not dry_run:
        with _named("budget", called(wanted)):
            await client.set_budget(wanted)  # without an id, as limits of keys
    if present is None:
        return Change("budget", called(wanted), Action.CREATED)
    return Change("budget", called(wanted), Action.UPDATED, ("limit",))


async def _check_dimension(client: ArenaClient, entry: DimensionEntry, pools_once: "_PoolsOnce") -> None:
    """Have a new dimension checked with its whole pool, and one that is there compared."""
    wanted = declared.dimension_of(entry, client.dimension_name(entry.slug))
    content = pools_once.questions(entry)
    try:
        present = await client.get_dimension(entry.slug)
    except UnknownDimension:
        await client.create_dimension(wanted, content, validate_only=True)
    else:
        _refuse_differences(wanted, content, present)


def _refuse_differences(
    wanted: query_selector_pb2.Dimension, content: bytes, present: query_selector_pb2.Dimension
) -> None:
    if differences := list(declared.dimension_differences(wanted, pools.pool_hash(content), present)):
        raise AlreadyExists(
            f"is there, and other than declared: {'; '.join(differences)}. "
            "A dimension cannot be changed; declare another slug"
        )


async def _apply_dimension(
    client: ArenaClient, entry: DimensionEntry, pools_once: "_PoolsOnce", *, dry_run: bool
) -> Change:
    wanted = declared.dimension_of(entry, client.dimension_name(entry.slug))
    content = pools_once.questions(entry)
    try:
        present = await client.get_dimension(entry.slug)
    except UnknownDimension:
        said = wanted.SerializeToString(deterministic=True).hex()
        if not dry_run:
            request_id = _request_id("dimension", said, pools.pool_hash(content))
            await client.create_dimension(wanted, content, request_id=request_id)
        return Change("dimension", entry.slug, Action.CREATED)
    _refuse_differences(wanted, content, present)
    return Change("dimension", entry.slug, Action.UNCHANGED)


async def _apply_model(client: ArenaClient, entry: ModelEntry, cohort: str, *, dry_run: bool) -> Change:
    with _named("model", entry.slug):
        return await _apply_model_of(client, entry, cohort, dry_run=dry_run)


async def _apply_model_of(client: ArenaClient, entry: ModelEntry, cohort: str, *, dry_run: bool) -> Change:
    wanted = declared.model_of(entry, client.model_name(entry.slug), cohort)
    said = wanted.SerializeToString(deterministic=True).hex()
    try:
        present = await client.get_model(entry.slug)
    except UnknownModel:
        if not dry_run:
            await client.register_model(wanted, request_id=_request_id("register", said))
        return Change("model", entry.slug, Action.CREATED)
    if present.state == gateway_pb2.MODEL_STATE_RETIRED:
        return Change("model", entry.slug, Action.RETIRED)
    wanted = declared.model_of(entry, client.model_name(entry.slug), cohort, present)
    said = wanted.SerializeToString(deterministic=True).hex()
    fields = declared.differing_fields(wanted, present)
    if not fields:
        return Change("model", entry.slug, Action.UNCHANGED)
    if dry_run:
        return Change("model", entry.slug, Action.UPDATED, tuple(fields))
    wanted.etag = present.etag
    # The etag is part of the id: a change there and back again is three requests, not two.
    updated = await client.update_model(
        wanted, [*fields, "cohort"], request_id=_request_id("update", said, present.etag)
    )
    revision = updated.revision if updated.revision != present.revision else 0
    return Change("model", entry.slug, Action.UPDATED, tuple(fields), revision)


def _request_id(*parts: str) -> str:
    return f"apply-{identity.digest_of(list(parts))}"
