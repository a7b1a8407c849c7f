"""`arena.yaml`: the models and dimensions that an arena is to have, declared in one file.

    models:
      - slug: kappa
        family: kappa
        endpoint: {base_url: "http://127.0.0.1:8000/v1", upstream_model: kappa-7b, key_reference: "env:KAPPA_KEY"}
        price: {currency: USD, per_million_input_tokens: 0.15, per_million_output_tokens: 0.60}
    dimensions:
      - slug: algebra
        pool: pools/algebra.jsonl      # relative to this file
        selection: {k: 24, seed: 7}
        ranking: {jury: sequential, error: 0.05, cap: 40, target_cost: 0.50 USD}

Fields are called as in the contract, and absent ones have its defaults. Whatever is wrong is told with
its line.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dearena import identity
from dearena.client.amounts import NANO, amount_of
from dearena.faults import FieldViolation, InvalidField
from dearena.names import DEFAULT_PROJECT, check_slug

LARGEST_PRICE: Final = 1_000_000
"""Per million tokens; what is dearer is a slip of the finger."""

Slug = Annotated[str, AfterValidator(check_slug)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EndpointEntry(_Entry):
    """An OpenAI-compatible endpoint."""

    base_url: str
    upstream_model: str
    key_reference: str = ""
    sparring: bool = False


def _plain_json(members: dict[str, Any]) -> dict[str, Any]:
    """YAML knows more than JSON does, such as dates and lists that hold themselves."""
    try:
        identity.digest_of(members)
    except RecursionError:
        raise ValueError("no canonical JSON: it is nested too deeply") from None
    return members


class ParametersEntry(_Entry):
    """Parameters of calls; those left out are not sent."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: Annotated[int, Field(ge=1, lt=2**32)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    extra_body: Annotated[dict[str, Any], AfterValidator(_plain_json)] = {}


def _whole_nano_units(price: Decimal) -> Decimal:
    if not price.is_finite() or not 0 <= price <= LARGEST_PRICE or price * NANO % 1:
        raise ValueError(f"must be from 0 to {LARGEST_PRICE:,}, with at most nine decimals")
    return price


Price = Annotated[Decimal, AfterValidator(_whole_nano_units)]


class PriceEntry(_Entry):
    """Per million tokens."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    per_million_input_tokens: Price = Decimal(0)
    per_million_output_tokens: Price = Decimal(0)


class ModelEntry(_Entry):
    """A model, as in `dearena.v1.Model`."""

    slug: Slug
    display_name: str = ""
    provider: str = ""
    family: str = ""
    labels: dict[str, str] = {}
    endpoint: EndpointEntry
    answer_parameters: ParametersEntry | None = None
    judge_parameters: ParametersEntry | None = None
    system_prompt: str = ""
    concurrency: Annotated[int, Field(ge=0, lt=2**32)] = 0
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    requests_per_minute: Annotated[int, Field(ge=0, lt=2**32)] = 0
    tokens_per_minute: Annotated[int, Field(ge=0, lt=2**32)] = 0
    deadline_seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    price: PriceEntry | None = None
    may_judge: bool = True


class SelectionEntry(_Entry):
    """How queries are chosen from the pool."""

    method: str = ""
    k: Annotated[int, Field(ge=1, lt=2**32)]
    seed: Annotated[int, Field(ge=0, lt=2**64)] = 0


def _amount(text: str) -> str:
    if text:
        amount_of(text)
    return text


class RankingEntry(_Entry):
    """How the ranking is made; 0 and empty stand for the defaults, and for no target.

    Attributes:
        seed_models: ranked by full pairwise comparison before the first insertion.
        window: neighbours on each side of a newcomer that are compared with it.
        max_slides: how often the window may slide.
        jury: policy that decides pairs, `sequential` or `exhaustive`.
        weighting: of judges, `score`, `uniform`, `rank` or `reliability`.
        error: chance that a sequential jury ever decides a pair of equal models.
        cap: readable outcomes after which a sequential jury leaves a pair undecided.
        most_rounds: an insertion settles after so many at the latest.
        target_calls: an insertion goes on until it has taken so many judge calls, and then settles.
        target_rank_width: an insertion goes on until its rank is known to so many places, and then settles.
        target_cost: an insertion settles once it has cost this much, such as `0.50 USD`.
        seats: `both` orders of the two answers a cell, or a `single` one.
        canary_every: a judge gets a canary with every so many votes.
    """

    seed_models: Annotated[int, Field(ge=0, lt=2**32)] = 0
    window: Annotated[int, Field(ge=0, lt=2**32)] = 0
    max_slides: Annotated[int, Field(ge=0, lt=2**32)] = 0
    jury: str = ""
    weighting: str = ""
    error: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    cap: Annotated[int, Field(ge=0, lt=2**32)] = 0
    most_rounds: Annotated[int, Field(ge=0, lt=2**32)] = 0
    target_calls: Annotated[int, Field(ge=0, lt=2**32)] = 0
    target_rank_width: Annotated[int, Field(ge=0, lt=2**32)] = 0
    target_cost: Annotated[str, AfterValidator(_amount)] = ""
    seats: Literal["", "both", "single"] = ""
    canary_every: Annotated[int, Field(ge=0, lt=2**32)] = 0


class DimensionEntry(_Entry):
    """A dimension, as in `dearena.v1.Dimension`, with its pool."""

    slug: Slug
    display_name: str = ""
    pool: Path
    selection: SelectionEntry
    ranking: RankingEntry = RankingEntry()
    template: str = ""
    allowed_providers: tuple[str, ...] = ()


class ArenaFile(_Entry):
    """A whole file."""

    project: Slug | None = None
    models: tuple[ModelEntry, ...] = ()
    dimensions: tuple[DimensionEntry, ...] = ()

    def cohort(self, project: str = DEFAULT_PROJECT) -> str:
        """Names the models of this file as one cohort: the same for the same list, however often applied."""
        slugs = [model.slug for model in self.models]
        return f"apply-{identity.digest_of({'project': project, 'models': slugs})[:16]}"


def read_arena_file(path: Path) -> ArenaFile:
    """Read and check a file; pool paths become absolute.

    Raises:
        InvalidField: with a violation `FILE:LINE` for everything that is wrong.
        OSError: the file cannot be read.
    """
    document = _Document(path.name, path.read_bytes())
    try:
        found = ArenaFile.model_validate(document.data)
    except ValidationError as error:
        raise _fault([document.violation(one["loc"], _message(one["msg"])) for one in error.errors()]) from error
    dimensions = [entry.model_copy(update={"pool": path.parent.absolute() / entry.pool}) for entry in found.dimensions]
    violations = [
        *_doubles(document, "models", [entry.slug for entry in found.models]),
        *_doubles(document, "dimensions", [entry.slug for entry in found.dimensions]),
        *(
            document.violation(("dimensions", at, "pool"), f"there is no file {entry.pool}")
            for at, entry in enumerate(dimensions)
            if not entry.pool.is_file()
        ),
    ]
    if violations:
        raise _fault(violations)
    return found.model_copy(update={"dimensions": tuple(dimensions)})


def _fault(violations: Sequence[FieldViolation]) -> InvalidField:
    return InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)


def _message(message: str) -> str:
    """Pydantic's message, of a validator of ours without its preface."""
    message = message.removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"


def _doubles(document: "_Document", collection: str, slugs: Sequence[str]) -> Iterator[FieldViolation]:
    for at, slug in enumerate(slugs):
        if slug in slugs[:at]:
            yield document.violation((collection, at, "slug"), f"{slug!r} is declared twice")


class _Document:
    """A YAML file that knows on which line everything stands."""

    def __init__(self, name: str, content: bytes) -> None:
        """Raises InvalidField when it is not YAML, or says a key twice."""
        self._name = name
        try:
            self._root: yaml.Node | None = yaml.compose(content, Loader=yaml.SafeLoader)
            self.data: Any = yaml.safe_load(content)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise _fault([FieldViolation(f"{name}:{line}", f"is not YAML: {error.problem}")]) from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise _fault([FieldViolation(name, f"is not YAML: {error}")]) from error
        if not isinstance(self.data, dict):
            raise _fault([FieldViolation(name, "must hold `models` and `dimensions`")])
        if twice := list(self._said_twice(self._root, set())):
            raise _fault(twice)

    def violation(self, place: tuple[int | str, ...], description: str) -> FieldViolation:
        """What is wrong at a place such as ("models", 1, "endpoint", "base_url")."""
        shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
        return FieldViolation(f"{self._name}:{self._line(place)}", f"{shown}: {description}")

    def _line(self, place: tuple[int | str, ...]) -> int:
        """Line of the innermost part of the place that is there."""
        node, line = self._root, 1
        for part in place:
            match node, part:
                case yaml.SequenceNode(value=entries), int() if part < len(entries):
                    node = entries[part]
                    line = node.start_mark.line + 1
                case yaml.MappingNode(value=pairs), str():
                    found = next((pair for pair in pairs if pair[0].value == part), None)
                    if found is None:
                        break
                    line, node = found[0].start_mark.line + 1, found[1]
                case _:
                    break
        return line

    def _said_twice(self, node: yaml.Node | None, seen: set[int]) -> Iterator[FieldViolation]:
        # An alias leads to a node that was seen, and may lead into itself.
        if id(node) in seen:
            return
        seen.add(id(node))
        match node:
            case yaml.MappingNode(value=pairs):
                said: set[Any] = set()
                for key, value in pairs:
                    if isinstance(key.value, str):
                        if key.value in said:
                            line = key.start_mark.line + 1
                            yield FieldViolation(f"{self._name}:{line}", f"{key.value!r} is said twice")
                        said.add(key.value)
                    yield from self._said_twice(value, seen)
            case yaml.SequenceNode(value=entries):
                for entry in entries:
                    yield from self._said_twice(entry, seen)
