"""Prices of models, as a file tells them; every fault in it is told with its line and column. Pure.

prices:
  - upstream_model: kappa-large
    host: models.example.org      # only there; left out: wherever it is served
    provider: hosted              # only of models registered with this provider; left out: of any
    currency: USD
    per_million_input_tokens: 0.15
    per_million_output_tokens: 0.60
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from dearena.faults import FieldViolation, InvalidField
from dearena.yaml_places import Place, YamlPlaces
from services.gateway.models import Endpoint, ModelSpec
from services.gateway.pricing import Money, Price

NANO: Final = 1_000_000_000

_INPUT, _OUTPUT = "per_million_input_tokens", "per_million_output_tokens"
_WORDS: Final = ("upstream_model", "host", "provider", "currency", _INPUT, _OUTPUT)
_AMOUNT: Final = re.compile(r"[0-9]{1,7}(\.[0-9]{1,9})?", re.ASCII)


class BrokenPriceFile(ValueError):
    """What is wrong, and where: one sentence each."""


@dataclass(frozen=True, slots=True)
class _Whose:
    """Which models a price is of; empty: whatever it is."""

    upstream_model: str
    host: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by upstream model, and more closely by host or provider."""

    prices: Mapping[_Whose, Price] = field(default_factory=dict)
    gone: Mapping[_Whose, Price] = field(default_factory=dict)
    """Of which the file said a price before, and says none now."""

    def after(self, before: "PriceList") -> "PriceList":
        """These, which knows what was said before them."""
        gone = {whose: price for whose, price in {**before.gone, **before.prices}.items() if whose not in self.prices}
        return replace(self, gone=gone)

    def has_lost(self, spec: ModelSpec) -> bool:
        """Whether a model cost something by the file, and has no price any more: nobody said that it costs nothing."""
        if self.of_spec(spec) is not None:
            return False
        before = PriceList(self.gone).of(spec.endpoint, spec.provider)
        return before is not None and not before.is_zero()

    @property
    def names_lost(self) -> list[str]:
        """Upstream models of which prices are gone."""
        return sorted({whose.upstream_model for whose, price in self.gone.items() if not price.is_zero()})

    def of(self, endpoint: Endpoint, provider: str) -> Price | None:
        """The price of a model: that of its host before that of its provider before that of its name alone."""
        name, host = endpoint.upstream_model, host_of(endpoint.base_url)
        for whose in (_Whose(name, host, provider), _Whose(name, host), _Whose(name, "", provider), _Whose(name)):
            if (price := self.prices.get(whose)) is not None:
                return price
        return None

    def of_spec(self, spec: ModelSpec) -> Price | None:
        """What calls are charged at: what the model's owner says, or else what stands here."""
        return spec.price if spec.price is not None else self.of(spec.endpoint, spec.provider)


def host_of(base_url: str) -> str:
    """Where an endpoint is, without its port; empty where the URL says nothing."""
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""


def read_prices(content: bytes, name: str) -> PriceList:
    """The prices that a file tells.

    Args:
        content: of the file.
        name: of the file, before each line and column.

    Raises:
        BrokenPriceFile: with everything that is wrong.
    """
    try:
        places = YamlPlaces(name, content)
    except InvalidField as fault:
        raise _broken(fault.violations) from fault
    problems: list[FieldViolation] = []
    prices: dict[_Whose, Price] = {}
    for at, entry in enumerate(_entries(places, problems)):
        place = ("prices", at)
        if (said := _said(places, place, entry, problems)) is None:
            continue
        if (read := _price(places, place, said, problems)) is None:
            continue
        whose, price = read
        if whose in prices:
            problems.append(places.violation(place, f"the price of {whose.upstream_model} is said twice"))
        prices[whose] = price
    if problems:
        raise _broken(problems)
    return PriceList(prices)


def _broken(problems: Iterable[FieldViolation]) -> BrokenPriceFile:
    return BrokenPriceFile("; ".join(f"{one.field}: {one.description}" for one in problems))


def _entries(places: YamlPlaces, problems: list[FieldViolation]) -> list[Any]:
    match places.data:
        case None:  # editors and `cp` empty a file before they write it
            problems.append(places.violation((), "the file is empty; one without prices says `prices: []`"))
        case {"prices": list(entries), **others} if not others:
            return entries
        case {"prices": _, **others} if not others:
            problems.append(places.violation(("prices",), "must be a list"))
        case _:
            problems.append(places.violation((), "the file must hold `prices`, and nothing else"))
    return []


def _said(places: YamlPlaces, place: Place, entry: Any, problems: list[FieldViolation]) -> dict[str, str] | None:
    """Words and values of an entry as they are written; None where it is none."""
    if not isinstance(entry, dict):
        problems.append(places.violation(place, f"must say {', '.join(_WORDS)}"))
        return None
    said: dict[str, str] = {}
    for word in map(str, entry):
        if word not in _WORDS:
            problems.append(places.key((*place, word), f"is not known here; known are {', '.join(_WORDS)}"))
        elif (text := places.text((*place, word))) is None:
            problems.append(places.violation((*place, word), "must be one value"))
        else:
            said[word] = text
    return said if len(said) == len(entry) else None


def _price(
    places: YamlPlaces, place: Place, said: Mapping[str, str], problems: list[FieldViolation]
) -> tuple[_Whose, Price] | None:
    found = [
        places.violation(place, f"{word} is required") for word in ("upstream_model", "currency") if not said.get(word)
    ]
    amounts: dict[str, Money] = {}
    for name in (_INPUT, _OUTPUT):
        if (text := said.get(name)) is None:
            continue
        if _AMOUNT.fullmatch(text):
            amounts[name] = Money(said.get("currency", ""), int(Decimal(text) * NANO))
        else:
            wanted = "must be a number from 0 with at most nine decimals"
            found.append(places.violation((*place, name), f"{wanted}, not {text!r}"))
    if not amounts and not found:
        found.append(places.violation(place, f"{_INPUT} or {_OUTPUT} is required"))
    price = Price(amounts.get(_INPUT), amounts.get(_OUTPUT))
    if not found and (problem := price.problem()):
        found.append(places.violation(place, problem))
    problems.extend(found)
    if found:
        return None
    return _Whose(said["upstream_model"], said.get("host", "").lower(), said.get("provider", "")), price
