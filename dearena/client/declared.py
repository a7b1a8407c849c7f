"""What a declaration means to the services, and how it differs from what they have. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Final

from dearena.client.amounts import NANO, amount_of, amount_text
from dearena.client.dimension_entries import DimensionEntry, JudgingEntry, PilotEntry, RankingEntry
from dearena.client.model_entries import (
    DEFAULT_TIMEOUT_SECONDS,
    KeyEntry,
    ModelEntry,
    ParametersEntry,
    PriceEntry,
)
from dearena.ranking import defaults
from dearena.v1 import common_pb2, gateway_pb2, query_selector_pb2

# Defaults of the contract (gateway.proto, query_selector.proto): a field left out is equal to its default said.
DEFAULT_ANSWER_PARAMETERS: Final = common_pb2.GenerationParameters(temperature=0, max_tokens=2048)
DEFAULT_JUDGE_PARAMETERS: Final = common_pb2.GenerationParameters(temperature=0, max_tokens=1024)
DEFAULT_CONCURRENCY: Final = 8
DEFAULT_TIMEOUT: Final = timedelta(seconds=DEFAULT_TIMEOUT_SECONDS)
DEFAULT_RANKING: Final = query_selector_pb2.RankingSettings(
    seed_models=defaults.DEFAULT_SEED_MODELS,
    window=defaults.DEFAULT_WINDOW,
    max_slides=defaults.DEFAULT_MAX_SLIDES,
    jury=defaults.DEFAULT_JURY,
    weighting=defaults.DEFAULT_WEIGHTING,
    error=defaults.DEFAULT_ERROR,
    cap=defaults.DEFAULT_CAP,
    most_rounds=defaults.DEFAULT_MOST_ROUNDS,
    seats=common_pb2.SEAT_POLICY_BOTH,
    canary_every=defaults.DEFAULT_CANARY_EVERY,
)
DEFAULT_METHOD: Final = "random"
DEFAULT_TEMPLATE: Final = defaults.DEFAULT_TEMPLATE

_MODEL_FIELDS: Final = (
    "display_name",
    "provider",
    "family",
    "labels",
    "endpoint",
    "answer_parameters",
    "judge_parameters",
    "system_prompt",
    "concurrency",
    "timeout",
    "requests_per_minute",
    "tokens_per_minute",
    "deadline",
    "price",
    "may_judge",
)


def model_of(entry: ModelEntry, name: str, cohort: str, present: gateway_pb2.Model | None = None) -> gateway_pb2.Model:
    """The message that registers a declared model, or changes the one that is there, with the defaults said.

    Where neither says a max_tokens, a model that is there stays without: the default alone makes no new revision.
    """
    model = gateway_pb2.Model(
        name=name,
        display_name=entry.display_name,
        provider=entry.provider,
        family=entry.family,
        labels=entry.labels,
        endpoint=gateway_pb2.Endpoint(**entry.endpoint.model_dump()),
        answer_parameters=_parameters(
            entry.answer_parameters, DEFAULT_ANSWER_PARAMETERS, present and _said_by(present, "answer_parameters")
        ),
        judge_parameters=_parameters(
            entry.judge_parameters, DEFAULT_JUDGE_PARAMETERS, present and _said_by(present, "judge_parameters")
        ),
        system_prompt=entry.system_prompt,
        concurrency=entry.concurrency or DEFAULT_CONCURRENCY,
        requests_per_minute=entry.requests_per_minute,
        tokens_per_minute=entry.tokens_per_minute,
        price=price_of(entry.price),
        may_judge=entry.may_judge,
        cohort=entry.cohort or cohort,
    )
    seconds = entry.timeout_seconds
    model.timeout.FromTimedelta(DEFAULT_TIMEOUT if seconds is None else timedelta(seconds=seconds))
    if entry.deadline_seconds is not None:
        model.deadline.FromTimedelta(timedelta(seconds=entry.deadline_seconds))
    return model


def _parameters(
    entry: ParametersEntry | None,
    default: common_pb2.GenerationParameters,
    present: common_pb2.GenerationParameters | None,
) -> common_pb2.GenerationParameters:
    parameters = common_pb2.GenerationParameters()
    if entry is None:
        parameters.CopyFrom(default)
    else:
        parameters.MergeFrom(
            common_pb2.GenerationParameters(**entry.model_dump(exclude_none=True, exclude={"extra_body"}))
        )
        if entry.extra_body:
            parameters.extra_body.update(entry.extra_body)
    if entry is None or entry.max_tokens is None:
        parameters.ClearField("max_tokens")
        if present is None or parameters != _without_empty_body(present):
            # What is left out is not sent; but for this, without which nobody knows what a call may cost.
            parameters.max_tokens = default.max_tokens
    return parameters


def _said_by(present: gateway_pb2.Model, field: str) -> common_pb2.GenerationParameters | None:
    """Parameters of a model; None where it says nothing of them, which stands for their defaults."""
    parameters: common_pb2.GenerationParameters = getattr(present, field)
    return parameters if present.HasField(field) else None  # type: ignore[arg-type]


def _without_empty_body(parameters: common_pb2.GenerationParameters) -> common_pb2.GenerationParameters:
    found = common_pb2.GenerationParameters()
    found.CopyFrom(parameters)
    if not found.extra_body.fields:
        found.ClearField("extra_body")
    return found


def with_price(wanted: gateway_pb2.Model, present: gateway_pb2.Model | None) -> gateway_pb2.Model:
    """A declared model with what its calls will be charged at, as far as that can be told here."""
    told = gateway_pb2.Model()
    told.CopyFrom(wanted)
    if wanted.HasField("price"):
        told.effective_price.CopyFrom(wanted.price)
    elif present is not None:
        told.effective_price.CopyFrom(present.effective_price)
    return told


def price_of(entry: PriceEntry | None) -> gateway_pb2.Price | None:
    """The price as money; None when nothing is said."""
    if entry is None:
        return None
    return gateway_pb2.Price(
        per_million_input_tokens=_money(entry.currency, entry.per_million_input_tokens),
        per_million_output_tokens=_money(entry.currency, entry.per_million_output_tokens),
    )


def _money(currency: str, amount: Decimal) -> common_pb2.Money:
    return common_pb2.Money(currency=currency, nano_units=int(amount * NANO))


def differing_fields(declared: gateway_pb2.Model, present: gateway_pb2.Model) -> list[str]:
    """Fields in which a model is to change; what the services add themselves does not count.

    The cohort matters at admission only, so it changes with other fields and never alone.
    """
    one, other = _filled(declared), _filled(present)
    return [field for field in _MODEL_FIELDS if getattr(one, field) != getattr(other, field)]


def _filled(model: gateway_pb2.Model) -> gateway_pb2.Model:
    filled = gateway_pb2.Model()
    filled.CopyFrom(model)
    if not filled.HasField("answer_parameters"):
        filled.answer_parameters.CopyFrom(DEFAULT_ANSWER_PARAMETERS)
    if not filled.HasField("judge_parameters"):
        filled.judge_parameters.CopyFrom(DEFAULT_JUDGE_PARAMETERS)
    filled.answer_parameters.CopyFrom(_without_empty_body(filled.answer_parameters))
    filled.judge_parameters.CopyFrom(_without_empty_body(filled.judge_parameters))
    if not filled.HasField("timeout"):
        filled.timeout.FromTimedelta(DEFAULT_TIMEOUT)
    if not filled.HasField("may_judge"):
        filled.may_judge = True
    filled.endpoint.base_url = filled.endpoint.base_url.rstrip("/")
    filled.concurrency = filled.concurrency or DEFAULT_CONCURRENCY
    filled.display_name = filled.display_name or filled.name.rpartition("/")[2]
    if not filled.price.per_million_input_tokens.nano_units and not filled.price.per_million_output_tokens.nano_units:
        filled.ClearField("price")
    return filled


def dimension_of(entry: DimensionEntry, name: str) -> query_selector_pb2.Dimension:
    """The message that creates a declared dimension."""
    return query_selector_pb2.Dimension(
        name=name,
        display_name=entry.display_name,
        selection=query_selector_pb2.Selection(
            **entry.selection.model_dump(exclude={"pilot"}), pilot=_pilot_of(entry.selection.pilot)
        ),
        ranking=_ranking_of(entry.ranking),
        template=entry.template,
        judging=_judging_of(entry.judging),
        allowed_providers=entry.allowed_providers,
        only_models=entry.only_models,
    )


def _pilot_of(entry: PilotEntry) -> query_selector_pb2.PilotSettings | None:
    """None where nothing is said."""
    budget = amount_of(entry.budget) if entry.budget else None
    pilot = query_selector_pb2.PilotSettings(**entry.model_dump(exclude={"budget"}), budget=budget)
    return pilot if pilot.ListFields() else None


def _judging_of(entry: JudgingEntry) -> query_selector_pb2.JudgingPolicy | None:
    """None where nothing is said, which is as good as all its defaults."""
    policy = query_selector_pb2.JudgingPolicy(**entry.model_dump(exclude={"template_file", "rubric_file"}))
    return policy if policy.ListFields() else None


def limits_of(entry: KeyEntry) -> gateway_pb2.KeyLimits:
    """The message that limits a key."""
    return gateway_pb2.KeyLimits(**entry.model_dump())


SEATS: Final = {
    "": common_pb2.SEAT_POLICY_UNSPECIFIED,
    "both": common_pb2.SEAT_POLICY_BOTH,
    "single": common_pb2.SEAT_POLICY_SINGLE,
}


def _ranking_of(entry: RankingEntry) -> query_selector_pb2.RankingSettings:
    settings = entry.model_dump(exclude={"target_cost", "seats"})
    return query_selector_pb2.RankingSettings(
        **settings, target_cost=target_of(entry.target_cost), seats=SEATS[entry.seats]
    )


def target_of(cost: str) -> common_pb2.Money | None:
    """What `0.50 USD` sets as a target; nothing is none, said or not. Raises ValueError as `amount_of` does."""
    amount = amount_of(cost) if cost else None
    return amount if amount and amount.nano_units else None


def dimension_differences(
    declared: query_selector_pb2.Dimension, declared_pool_hash: str, present: query_selector_pb2.Dimension
) -> Iterator[str]:
    """In what a dimension is other than declared: "selection.k is 24, declared 30"."""
    slug = present.name.rpartition("/")[2]
    ranking = query_selector_pb2.RankingSettings()
    ranking.CopyFrom(DEFAULT_RANKING)
    # Merging takes what is said: zeros and empty strings are unsaid, and leave the default.
    ranking.MergeFrom(declared.ranking)
    # A template of the dimension's own goes in place of the named one, and may leave its name unsaid.
    own_template = bool(declared.judging.template_text)
    wanted: dict[str, tuple[object, object]] = {
        "display_name": (present.display_name, declared.display_name or slug),
        "selection.method": (present.selection.method, declared.selection.method or DEFAULT_METHOD),
        "selection.k": (present.selection.k, declared.selection.k),
        "selection.seed": (present.selection.seed, declared.selection.seed),
        "selection.pilot": (_pilot_said(present.selection), _pilot_said(declared.selection)),
        **{
            f"ranking.{field.name}": (_said(present.ranking, field.name), _said(ranking, field.name))
            for field in ranking.DESCRIPTOR.fields
        },
        "template": ("", "") if own_template else (present.template, declared.template or DEFAULT_TEMPLATE),
        **{
            f"judging.{field.name}": (_value(present.judging, field.name), _value(declared.judging, field.name))
            for field in declared.judging.DESCRIPTOR.fields
        },
        "allowed_providers": (list(present.allowed_providers), list(declared.allowed_providers)),
        "only_models": (list(present.only_models), list(declared.only_models)),
    }
    for field, (is_now, is_declared) in wanted.items():
        if is_now != is_declared:
            yield f"{field} is {is_now!r}, declared {is_declared!r}"
    if present.pool_hash != declared_pool_hash:
        yield "its pool holds other questions"


def _pilot_said(selection: query_selector_pb2.Selection) -> dict[str, object]:
    """What is said of a pilot, as a file declares it."""
    pilot = selection.pilot
    said = {"models": list(pilot.models), "calls": pilot.calls, "queries": pilot.queries}
    said["budget"] = amount_text(pilot.budget) if pilot.HasField("budget") else ""
    return {name: value for name, value in said.items() if value}


def _value(policy: query_selector_pb2.JudgingPolicy, field: str) -> object:
    value = getattr(policy, field)
    return value if isinstance(value, (str, bool)) else list(value)


def _said(ranking: query_selector_pb2.RankingSettings, field: str) -> object:
    """A setting as a file declares it."""
    if field == "target_cost":
        return amount_text(ranking.target_cost) if ranking.HasField("target_cost") else ""
    if field == "seats":
        return next((name for name, number in SEATS.items() if number == ranking.seats), str(ranking.seats))
    return getattr(ranking, field)
