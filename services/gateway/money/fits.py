"""Which calls a budget holds, and whether they fit it: are of its currency, and cost at the most so much. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from dearena import budgets
from services.gateway.calls import Purpose
from services.gateway.chat import MAX_TOKENS, Parameters
from services.gateway.egress import OPEN, Egress
from services.gateway.models import ModelSpec, RegisteredModel
from services.gateway.money.budgets import BudgetKey, BudgetScope, KnownBudget, Part
from services.gateway.money.price_list import PriceList

BOTH: Final = (Purpose.ANSWER, Purpose.JUDGE)
PARAMETERS: Final = {Purpose.ANSWER: "answer_parameters", Purpose.JUDGE: "judge_parameters"}
"""By which a model's own calls are made; probes have parameters of theirs, with a limit."""


class Misfit(NamedTuple):
    """What does not fit a budget, and which field of a model would mend it."""

    field: str
    problem: str


def purposes_of(key: BudgetKey, slug: str, spec: ModelSpec, egress: Egress) -> tuple[Purpose, ...]:
    """For what a model may make calls that a budget holds; empty where it makes none.

    Args:
        key: of the budget.
        slug: of the model.
        spec: of it.
        egress: of the budget's dimension.
    """
    wanted: tuple[Purpose, ...]
    match key.scope:
        case BudgetScope.MODEL:
            wanted = BOTH if key.model == slug else ()
        case BudgetScope.INSERTION if key.model not in ("", slug):
            wanted = (Purpose.JUDGE,)
        case _:
            wanted = BOTH
    return tuple(
        purpose
        for purpose in wanted
        if (purpose is not Purpose.JUDGE or spec.may_judge) and egress.lets(slug, spec.provider, purpose)
    )


def misfits_of(
    slug: str, spec: ModelSpec, prices: PriceList, currency: str, purposes: Sequence[Purpose]
) -> Iterator[Misfit]:
    """What does not fit a budget of the calls that a model makes; what costs nothing fits any.

    Args:
        slug: of the model.
        spec: of it.
        prices: of those that say none themselves.
        currency: of the budget.
        purposes: of calls that are made by the model's own parameters.
    """
    price = prices.of_spec(spec)
    if price is None and prices.has_lost(spec):
        yield Misfit("price", budgets.price_gone(slug))
    if price is None or price.is_zero():
        return
    if price.currency() != currency:
        yield Misfit("price", budgets.other_currency(slug, price.currency(), currency))
        return
    of_output = price.per_million_output_tokens
    for purpose in purposes if of_output is not None and of_output.nano_units else ():
        if (name := PARAMETERS.get(purpose, "")) and MAX_TOKENS not in parameters_of(spec, purpose):
            yield Misfit(f"{name}.{MAX_TOKENS}", budgets.without_limit(slug, name))


def misfits_in(
    known: Mapping[BudgetKey, KnownBudget],
    parts: Iterable[Part],
    slug: str,
    spec: ModelSpec,
    prices: PriceList,
    purposes: Sequence[Purpose],
) -> Iterator[tuple[str, str]]:
    """What people call the budgets that a call does not fit, each with what does not fit it; all of them are there.

    Args:
        known: budgets of the project, by key.
        parts: of the call.
        slug, spec, prices, purposes: as of `misfits_of`.
    """
    for part in parts:
        # One of an insertion may be made from its template only when it is needed.
        if (budget := known.get(part.key) or known.get(part.key.template)) is not None:
            for misfit in misfits_of(slug, spec, prices, budget.currency, purposes):
                yield budget.key.words, misfit.problem


def parameters_of(spec: ModelSpec, purpose: Purpose) -> Parameters:
    """By which a model answers or judges."""
    return spec.answer_parameters if purpose is Purpose.ANSWER else spec.judge_parameters


@dataclass(frozen=True, slots=True)
class Fit:
    """How the models of a project fit one of its budgets."""

    misfits: tuple[str, ...] = ()
    """What does not fit."""
    models: int = 0
    """Whose calls it holds."""
    without_price: int = 0
    """Of these, those whose calls cost nothing for want of a price."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Models that make calls for some purposes, and whether each has a price."""

    priced: Mapping[str, bool]
    misfits: tuple[str, ...]


class Fits:
    """How the models of a project fit its budgets; reckons once for all budgets of one dimension and currency."""

    def __init__(self, models: Sequence[RegisteredModel], prices: PriceList, egress: Mapping[str, Egress]) -> None:
        """Take the models that are not retired, prices of those that say none, and dimensions' egress by slug."""
        self._models = {model.name.slug: model.spec for model in models}
        self._prices = prices
        self._egress = egress
        self._groups: dict[BudgetKey, dict[str, _Group]] = {}

    def of(self, key: BudgetKey, currency: str) -> Fit:
        """How they fit a budget in this currency."""
        if key.scope is BudgetScope.INSERTION and key.model:
            # All others judge for it, whichever it is: no model stands for those that are none of the project's.
            others = self._group(BudgetKey(key.project, key.scope, key.dimension, _NOBODY), currency)
            own = self._reckon(key, currency, [key.model] if key.model in self._models else [])
            return _fit(others, own)
        return _fit(self._group(key, currency))

    def _group(self, key: BudgetKey, currency: str) -> _Group:
        known = self._groups.setdefault(key, {})
        if currency not in known:
            known[currency] = self._reckon(key, currency, list(self._models))
        return known[currency]

    def _reckon(self, key: BudgetKey, currency: str, slugs: Sequence[str]) -> _Group:
        priced: dict[str, bool] = {}
        misfits: list[str] = []
        for slug in slugs:
            spec = self._models[slug]
            if purposes := purposes_of(key, slug, spec, self._egress.get(key.dimension, OPEN)):
                priced[slug] = self._prices.of_spec(spec) is not None or self._prices.has_lost(spec)
                misfits += (one.problem for one in misfits_of(slug, spec, self._prices, currency, purposes))
        return _Group(priced, tuple(misfits))


_NOBODY: Final = "*"
"""No model's slug."""


def _fit(one: _Group, other: _Group | None = None) -> Fit:
    groups = (one, *([other] if other else ()))
    more = {slug: is_priced for slug, is_priced in (other.priced if other else {}).items() if slug not in one.priced}
    return Fit(
        tuple(dict.fromkeys(problem for group in groups for problem in group.misfits)),
        len(one.priced) + len(more),
        sum(not is_priced for priced in (one.priced, more) for is_priced in priced.values()),
    )
