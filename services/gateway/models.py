"""A registered model through its life: registration, change in place, a new revision, retirement. Pure.

A revision (`slug@n`) names what answers and what judges. Whatever changes that makes a new revision,
which enters every dimension as a newcomer; the rest changes in place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dearena import identity
from dearena.faults import ModelNotActive
from dearena.names import ModelName, Revision
from services.gateway.chat import Parameters
from services.gateway.pricing import Price

DEFAULT_ANSWER_PARAMETERS: Parameters = {"temperature": 0.0, "max_tokens": 2048}
DEFAULT_JUDGE_PARAMETERS: Parameters = {"temperature": 0.0, "max_tokens": 1024}
DEFAULT_CONCURRENCY = 8
DEFAULT_TIMEOUT = timedelta(seconds=60)
DEFAULT_DEADLINE_TIMEOUTS = 5


class UnknownPath(ValueError):
    """A field mask names something that cannot be changed."""


class ModelState(StrEnum):
    """As `ModelState` in gateway.proto, without its prefix."""

    WAITING_FOR_BUS = "WAITING_FOR_BUS"
    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint; fields as in gateway.proto."""

    base_url: str
    upstream_model: str
    key_reference: str = ""
    sparring: bool = False
    http2: bool = False
    structured_output: bool = False
    """It can be held to a JSON schema."""
    reply_limit_member: str = ""
    """What it calls the limit of a reply; empty: max_tokens."""
    length_limits: bool = False
    """A schema for it may limit the length of texts."""
    answers_as: tuple[str, ...] = ()
    """Further ids under which the upstream model is known to answer."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What the owner of a model says about it; fields as in gateway.proto, defaults filled in."""

    endpoint: Endpoint
    display_name: str = ""
    provider: str = ""
    family: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    answer_parameters: Parameters = field(default_factory=lambda: DEFAULT_ANSWER_PARAMETERS)
    judge_parameters: Parameters = field(default_factory=lambda: DEFAULT_JUDGE_PARAMETERS)
    system_prompt: str = ""
    concurrency: int = DEFAULT_CONCURRENCY
    timeout: timedelta = DEFAULT_TIMEOUT
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    deadline: timedelta | None = None
    """Of one call, all HTTP requests and pauses; None: DEFAULT_DEADLINE_TIMEOUTS time-outs."""
    price: Price | None = None
    may_judge: bool = True
    cohort: str = ""

    def thinks(self) -> bool:
        """Whether it is declared to think before it speaks: tokens are given to that."""
        return any("reasoning_tokens" in given for given in (self.answer_parameters, self.judge_parameters))

    def call_deadline(self) -> timedelta:
        """How long all HTTP requests of one call may take, with the pauses between them."""
        return self.deadline or DEFAULT_DEADLINE_TIMEOUTS * self.timeout


_NESTED = {
    "endpoint": tuple(Endpoint.__dataclass_fields__),
    "price": ("per_million_input_tokens", "per_million_output_tokens"),
}
_SAID_ONLY = frozenset({"display_name", "provider", "family", "labels", "price", "may_judge", "cohort"})
"""What no call is made by."""
MASK_PATHS = frozenset(ModelSpec.__dataclass_fields__) | {
    f"{parent}.{child}" for parent, children in _NESTED.items() for child in children
}


def changed(current: ModelSpec, proposed: ModelSpec, paths: Iterable[str]) -> ModelSpec:
    """`current` with the fields that a mask names taken from `proposed`.

    Raises:
        UnknownPath: a path is not in MASK_PATHS.
    """
    spec = current
    for path in paths:
        if path not in MASK_PATHS:
            raise UnknownPath(f"{path!r} is not a field that can be changed")
        parent, _, child = path.partition(".")
        value: Any = getattr(proposed, parent)
        if child:
            former: Any = getattr(spec, parent)
            empty = Price()  # only a price can be absent
            value = replace(former or empty, **{child: getattr(value or empty, child)})
        spec = replace(spec, **{parent: value})
    return spec


def may_mend_failures(paths: Iterable[str]) -> bool:
    """Whether calls that failed may do better after a change of these paths in place, be it only that a key was named
    again which has come to hold another value.
    """
    return any(path.partition(".")[0] not in _SAID_ONLY for path in paths)


def makes_new_revision(current: ModelSpec, proposed: ModelSpec) -> bool:
    """Whether other answers or verdicts are to be expected: endpoint, upstream model, parameters, system prompt."""
    return _what_answers(current) != _what_answers(proposed)


def _what_answers(spec: ModelSpec) -> tuple[object, ...]:
    return (
        # How it is spoken to and what it is called, which do not change what is said.
        replace(spec.endpoint, key_reference="", http2=False, reply_limit_member="", answers_as=()),
        dict(spec.answer_parameters),
        dict(spec.judge_parameters),
        spec.system_prompt,
    )


def answer_parameters_hash(spec: ModelSpec) -> identity.Digest:
    """Identity of how a model answers."""
    return identity.parameters_hash(spec.answer_parameters, spec.system_prompt)


def judge_parameters_hash(spec: ModelSpec) -> identity.Digest:
    """Identity of how a model judges; the system prompt is not sent to judges."""
    return identity.parameters_hash(spec.judge_parameters)


@dataclass(frozen=True, slots=True)
class EntrantRevision:
    """One revision as it was registered."""

    number: int
    order: int
    """Counts up in the project; revisions are admitted in this order."""
    cohort: str
    judge_parameters_hash: identity.Digest
    traceparent: str
    """Of the registration; empty without tracing."""


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model as it is stored."""

    name: ModelName
    spec: ModelSpec
    revisions: tuple[EntrantRevision, ...]
    """Oldest first; the last one is in force."""
    announced_revision: int
    """The newest revision that the bus has taken; 0 before the first."""
    version: int
    """Counts the changes; see `etag`."""
    created_at: datetime
    updated_at: datetime
    retired_at: datetime | None = None

    @property
    def revision(self) -> Revision:
        """The revision in force."""
        return Revision(self.name.slug, self.revisions[-1].number)

    @property
    def etag(self) -> str:
        """Changes with every change of the model, but not when the bus hears of it."""
        return identity.digest_of({"model": str(self.name), "version": self.version})[:16]

    @property
    def state(self) -> ModelState:
        """Retired, announced, or not announced yet."""
        if self.retired_at is not None:
            return ModelState.RETIRED
        if self.announced_revision < self.revision.number:
            return ModelState.WAITING_FOR_BUS
        return ModelState.ACTIVE

    def may_be_called(self, revision: Revision) -> bool:
        """Whether calls are made for this revision: the one in force, of a model that is not retired."""
        return self.retired_at is None and revision == self.revision


def register(name: ModelName, spec: ModelSpec, *, order: int, moment: datetime, traceparent: str) -> RegisteredModel:
    """The first revision of a model."""
    return RegisteredModel(
        name=name,
        spec=spec,
        revisions=(_entrant(1, spec, order, traceparent),),
        announced_revision=0,
        version=1,
        created_at=moment,
        updated_at=moment,
    )


def amend(model: RegisteredModel, spec: ModelSpec, *, moment: datetime) -> RegisteredModel:
    """The model with another spec, its revision as it was; the same model when nothing differs.

    Raises:
        ModelNotActive: it is retired.
    """
    if model.retired_at is not None:
        raise ModelNotActive(f"{model.name} is retired and cannot be changed")
    if spec == model.spec:
        return model
    return replace(model, spec=spec, version=model.version + 1, updated_at=moment)


def revise(model: RegisteredModel, *, order: int, traceparent: str) -> RegisteredModel:
    """The model with its spec as a further revision."""
    number = model.revision.number + 1
    return replace(model, revisions=(*model.revisions, _entrant(number, model.spec, order, traceparent)))


def retire(model: RegisteredModel, *, moment: datetime) -> RegisteredModel:
    """The model retired; the same model when it was retired before."""
    if model.retired_at is not None:
        return model
    return replace(model, retired_at=moment, updated_at=moment, version=model.version + 1)


def _entrant(number: int, spec: ModelSpec, order: int, traceparent: str) -> EntrantRevision:
    return EntrantRevision(number, order, spec.cohort, judge_parameters_hash(spec), traceparent)
