"""`arena.yaml`: the models and dimensions that an arena is to have, declared in one file.

    x-hosted: &hosted {provider: hosted, price: {per_million_input_tokens: 0.15, per_million_output_tokens: 0.60}}
    keys:
      - {key_reference: "env:HOSTED_KEY", requests_per_minute: 60}
    models:
      - slug: kappa
        <<: *hosted
        endpoint: {base_url: "https://models.example.org/v1", upstream_model: kappa, key_reference: "env:HOSTED_KEY"}
    dimensions:
      - slug: algebra
        pool: pools/algebra.jsonl      # relative to this file; of a table also `map: {text: question}`
        selection: {k: 24, seed: 7}
        ranking: {jury: sequential, error: 0.05, cap: 40, target_cost: 0.50 USD}
        budget: 5.00 USD               # and insertion_budget for each newcomer
        judging: {rubric_file: rubrics/algebra.txt, exclude_family: true}
      - slug: geometry
        generate: {kind: geometry, size: 500, seed: 7}    # in place of a pool
        selection: {method: telling, k: 40, pilot: {models: [kappa, lambda, mu], budget: 5 USD}}

Fields are called as in the contract, and absent ones have its defaults. At the top, names that begin with `x-` are
the file's own, for what is said once and merged in. Whatever is wrong is told with its line and column.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import PrivateAttr, ValidationError

from dearena import identity, yaml_places
from dearena.client import arena_words
from dearena.client.dimension_entries import DimensionEntry, JudgingEntry
from dearena.client.model_entries import DEFAULT_TIMEOUT_SECONDS, Entry, KeyEntry, ModelEntry, Slug
from dearena.faults import FieldViolation
from dearena.generators import kinds
from dearena.names import DEFAULT_PROJECT
from dearena.yaml_places import Place, YamlPlaces

LARGEST_TEXT: Final = 256 * 1024
"""Bytes of a template or a rubric."""

OWN: Final = "x-"


class ArenaFile(Entry):
    """A whole file."""

    project: Slug | None = None
    keys: tuple[KeyEntry, ...] = ()
    models: tuple[ModelEntry, ...] = ()
    dimensions: tuple[DimensionEntry, ...] = ()

    _document: YamlPlaces | None = PrivateAttr(default=None)

    def cohort(self, project: str = DEFAULT_PROJECT) -> str:
        """Names the models of this file as one cohort: the same for the same list, however often applied."""
        slugs = [model.slug for model in self.models]
        return f"apply-{identity.digest_of({'project': project, 'models': slugs})[:16]}"

    def model_post_init(self, context: Any) -> None:
        """Takes along where everything stands, if it was read from a document."""
        if isinstance(context, YamlPlaces):
            self._document = context

    def violation(self, place: Place, description: str) -> FieldViolation:
        """What is wrong at a place, pointed at in the file where it was read from one."""
        if self._document is None:
            return FieldViolation(yaml_places.shown(place), description)
        return self._document.violation(place, description)


def read_arena_file(path: Path) -> ArenaFile:
    """Read and check a file; paths become absolute, and files that texts are in are read.

    Raises:
        InvalidField: with a violation `FILE:LINE:COLUMN` for everything that is wrong.
        OSError: the file cannot be read.
    """
    document = yaml_places.read(path)
    if not isinstance(document.data, dict):
        told = "is empty; it must hold `models`, `dimensions` or `keys`"
        if document.data is not None:
            told = "must hold `models`, `dimensions` or `keys`"
        raise yaml_places.fault([FieldViolation(document.name, told)])
    said = {name: value for name, value in document.data.items() if not (isinstance(name, str) and name[:2] == OWN)}
    try:
        found = ArenaFile.model_validate(said, context=document)
    except ValidationError as error:
        raise yaml_places.fault(list(arena_words.violations(document, ArenaFile, error.errors()))) from error
    violations = list(_contradictions(document, found))
    dimensions = [
        _with_files(document, ("dimensions", at), entry, path.parent.absolute(), violations)
        for at, entry in enumerate(found.dimensions)
    ]
    if violations:
        raise yaml_places.fault(violations)
    return found.model_copy(update={"dimensions": tuple(dimensions)})


def _contradictions(document: YamlPlaces, found: ArenaFile) -> Iterator[FieldViolation]:
    """What is wrong though each field by itself is right."""
    yield from _doubles(document, "keys", "key_reference", [entry.key_reference for entry in found.keys])
    yield from _doubles(document, "models", "slug", [entry.slug for entry in found.models])
    yield from _doubles(document, "dimensions", "slug", [entry.slug for entry in found.dimensions])
    for at, model in enumerate(found.models):
        timeout = DEFAULT_TIMEOUT_SECONDS if model.timeout_seconds is None else model.timeout_seconds
        if model.deadline_seconds is not None and model.deadline_seconds < timeout:
            yield document.violation(
                ("models", at, "deadline_seconds"), f"must be at least timeout_seconds, which is {timeout:g}"
            )
    for at, dimension in enumerate(found.dimensions):
        yield from _questions(document, ("dimensions", at), dimension)
        judging = dimension.judging
        for text, file in (("template_text", "template_file"), ("rubric", "rubric_file")):
            if getattr(judging, text) and getattr(judging, file) is not None:
                yield document.key(("dimensions", at, "judging", file), f"stands beside {text}; give one of them")
        if dimension.template and (judging.template_text or judging.template_file is not None):
            yield document.violation(
                ("dimensions", at, "template"), "stands beside a template of the dimension's own; give one of them"
            )


def _questions(document: YamlPlaces, place: Place, entry: DimensionEntry) -> Iterator[FieldViolation]:
    if (entry.pool is None) == (entry.generate is None):
        both = "stand beside each other" if entry.pool is not None else "are both missing"
        yield document.violation(place, f"pool and generate {both}; give one of them")
    if entry.generate is None:
        return
    if (kind := entry.generate.kind) not in kinds():
        told = f"{kind!r} is not known; there is: {', '.join(kinds())}"
        yield document.violation((*place, "generate", "kind"), told)
    for name in ("map", "format", "merge_duplicates"):
        if getattr(entry, name):
            yield document.key((*place, name), "is for a pool, and generate reads none")


def _doubles(document: YamlPlaces, collection: str, field: str, names: Sequence[str]) -> Iterator[FieldViolation]:
    for at, name in enumerate(names):
        if name in names[:at]:
            yield document.violation((collection, at, field), f"{name!r} is declared twice")


def _with_files(
    document: YamlPlaces, place: Place, entry: DimensionEntry, beside: Path, violations: list[FieldViolation]
) -> DimensionEntry:
    """The dimension with its pool's whole path, and texts in place of the files that hold them."""
    pool = None if entry.pool is None else beside / entry.pool
    if pool is not None and not pool.is_file():
        violations.append(document.violation((*place, "pool"), f"there is no file {pool}"))
    judging = entry.judging
    texts: dict[str, str] = {}
    for field, file in (("template_text", judging.template_file), ("rubric", judging.rubric_file)):
        if file is not None:
            try:
                texts[field] = _text(beside / file)
            except (OSError, ValueError) as error:
                told = (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)
                called = field.removesuffix("_text") + "_file"
                violations.append(document.violation((*place, "judging", called), f"{beside / file}: {told}"))
    whole = JudgingEntry.model_validate(
        judging.model_dump(exclude={"template_file", "rubric_file"}) | texts,
    )
    return entry.model_copy(update={"pool": pool, "judging": whole})


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise ValueError(f"has more than {LARGEST_TEXT:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
